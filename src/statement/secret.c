#include "statement/secret.h"

#include "base/error.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>

#define PASSPHRASE_LIMIT 1024
#define PASSPHRASE_FILE_LIMIT 65536

/* A forked worker that reads foreign bytes finds zeros where its parent keeps a key. */
static void wipe_on_fork(const void *bytes, gsize length)
{
    guintptr page = (guintptr)sysconf(_SC_PAGESIZE);
    guintptr from = (guintptr)bytes & ~(page - 1);
    guintptr to = ((guintptr)bytes + length + page - 1) & ~(page - 1);

    madvise((void *)from, to - from, MADV_WIPEONFORK);
}

struct secret *secret_new(gsize length)
{
    struct secret *secret = g_new0(struct secret, 1);

    if (sodium_init() < 0)
        g_error("libsodium finds no source of randomness");
    secret->bytes = sodium_malloc(length + 1);
    if (!secret->bytes)
        g_error("no memory for %" G_GSIZE_FORMAT " secret bytes", length);
    wipe_on_fork(secret->bytes, length + 1);
    memset(secret->bytes, 0, length + 1);
    secret->length = length;
    return secret;
}

struct secret *secret_copy(const void *bytes, gsize length)
{
    struct secret *secret = secret_new(length);

    if (length)
        memcpy(secret->bytes, bytes, length);
    return secret;
}

void secret_free(struct secret *secret)
{
    if (!secret)
        return;
    sodium_free(secret->bytes);
    g_free(secret);
}

void secret_wipe_bytes(GBytes *bytes)
{
    gsize length;
    gpointer data;

    if (!bytes)
        return;
    data = (gpointer)g_bytes_get_data(bytes, &length);
    if (data)
        sodium_memzero(data, length);
    g_bytes_unref(bytes);
}

static struct secret *from_file(const char *path, GError **error)
{
    GBytes *bytes = file_read(path, PASSPHRASE_FILE_LIMIT, error);
    struct secret *secret = NULL;
    const char *text, *end;
    gsize length;

    if (!bytes)
        return NULL;
    text = g_bytes_get_data(bytes, &length);
    end = length ? memchr(text, '\n', length) : NULL;
    length = end ? (gsize)(end - text) : length;
    if (length && text[length - 1] == '\r')
        length--;
    if (length)
        secret = secret_copy(text, length);
    else
        input_error(error, "%s: the first line, the passphrase, is empty", path);
    secret_wipe_bytes(bytes);
    return secret;
}

/* Reads one line without echo; a line longer than the limit is refused, not cut. */
static struct secret *ask_once(int fd, const char *prompt, GError **error)
{
    g_autoptr(secret_t) line = secret_new(PASSPHRASE_LIMIT);
    struct termios before, quiet;
    gsize length = 0;
    ssize_t got;

    if (tcgetattr(fd, &before) < 0) {
        errno_error(error, errno, "the terminal cannot be asked for a passphrase");
        return NULL;
    }
    quiet = before;
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    quiet.c_lflag |= ICANON | ECHONL;
    tcsetattr(fd, TCSAFLUSH, &quiet);
    got = write(fd, prompt, strlen(prompt));
    do
        got = read(fd, line->bytes + length, line->length - length);
    while ((got > 0 && (length += (gsize)got) < line->length && line->bytes[length - 1] != '\n') ||
           (got < 0 && errno == EINTR));
    tcsetattr(fd, TCSAFLUSH, &before);
    if (length && line->bytes[length - 1] == '\n')
        length--;
    if (!length || length >= PASSPHRASE_LIMIT - 1) {
        input_error(error, "a passphrase has 1 to %d bytes", PASSPHRASE_LIMIT - 2);
        return NULL;
    }
    return secret_copy(line->bytes, length);
}

static struct secret *from_terminal(const char *what, gboolean confirm, GError **error)
{
    g_autofree char *prompt = g_strdup_printf("Passphrase for %s: ", what);
    g_autoptr(secret_t) secret = NULL;
    g_autoptr(secret_t) again = NULL;
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);

    if (fd < 0) {
        input_error(error,
                    "%s needs a passphrase and there is no terminal to ask: give "
                    "--passphrase-file or ENTENTE_PASSPHRASE_FILE",
                    what);
        return NULL;
    }
    secret = ask_once(fd, prompt, error);
    if (secret && confirm)
        again = ask_once(fd, "The same again: ", error);
    close(fd);
    if (!secret || (confirm && !again))
        return NULL;
    if (confirm && (secret->length != again->length ||
                    sodium_memcmp(secret->bytes, again->bytes, secret->length) != 0)) {
        input_error(error, "the two passphrases differ; nothing was changed");
        return NULL;
    }
    return g_steal_pointer(&secret);
}

struct secret *passphrase_get(const struct passphrase_source *source, const char *what,
                              gboolean confirm, GError **error)
{
    const char *file = source && source->file ? source->file : g_getenv("ENTENTE_PASSPHRASE_FILE");

    if (file)
        return from_file(file, error);
    if (source && source->may_ask)
        return from_terminal(what, confirm, error);
    input_error(error, "%s needs a passphrase: give --passphrase-file or ENTENTE_PASSPHRASE_FILE",
                what);
    return NULL;
}
