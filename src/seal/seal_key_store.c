#include "seal/seal_key_store.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "statement/base64.h"
#include "statement/key_form.h"
#include "statement/key_store.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PRESENT "seal"
#define OLD_PREFIX "seal-"
#define SUFFIX ".key"
#define FOLDER_MODE 0700
#define SECOND_NS G_GINT64_CONSTANT(1000000000)
#define US_NS 1000
#define VARIANT sodium_base64_VARIANT_ORIGINAL

G_STATIC_ASSERT(SEAL_KEY_SIZE == KEY_FORM_SECRET_SIZE);

char *seal_key_path(const char *data_folder)
{
    return key_store_path(data_folder, PRESENT);
}

struct secret *seal_key_format(const struct seal_secret *secret, const struct secret *passphrase)
{
    const gsize prefix = strlen(SEAL_PRIVATE_PREFIX);
    const gsize digits = sodium_base64_ENCODED_LEN(SEAL_KEY_SIZE, VARIANT);
    g_autofree char *public = seal_public_text(&secret->public);
    g_autoptr(secret_t) private = secret_new(prefix + digits - 1);
    const struct key_form form = { KEY_FORM_SEAL, public, private, secret->private->bytes };

    memcpy(private->bytes, SEAL_PRIVATE_PREFIX, prefix);
    sodium_bin2base64((char *)private->bytes + prefix, digits, secret->private->bytes,
                      SEAL_KEY_SIZE, VARIANT);
    return key_form_write(&form, passphrase);
}

/* The 32 bytes of a file, from the clear or from under its passphrase. */
static struct secret *private_bytes(struct key_form_lines *lines,
                                    const struct passphrase_source *source, GError **error)
{
    g_autofree char *what = g_strdup_printf("the key \"%s\"", lines->public);
    g_autoptr(secret_t) bytes = NULL;

    if (lines->kdf)
        return key_form_open(lines, what, source, error);
    bytes = secret_new(SEAL_KEY_SIZE);
    if (g_str_has_prefix(lines->private, SEAL_PRIVATE_PREFIX) &&
        base64_decode_into(lines->private + strlen(SEAL_PRIVATE_PREFIX), -1, bytes->bytes,
                           bytes->length))
        return g_steal_pointer(&bytes);
    input_error(error, "the private key is not " SEAL_PRIVATE_PREFIX " and 32 bytes in base64");
    return NULL;
}

struct seal_secret *seal_key_read(const char *text, const char *name,
                                  const struct passphrase_source *source, GError **error)
{
    g_auto(key_form_lines_t) lines = { 0 };
    g_autoptr(secret_t) bytes = NULL;
    g_autoptr(seal_secret_t) secret = NULL;
    struct seal_public public;

    if (!key_form_read(KEY_FORM_SEAL, text, name, &lines, error))
        return NULL;
    if (seal_public_parse(lines.public, &public, error))
        bytes = private_bytes(&lines, source, error);
    if (!bytes) {
        g_prefix_error(error, "%s: ", name);
        return NULL;
    }
    secret = seal_secret_new(bytes->bytes);
    if (memcmp(&secret->public, &public, sizeof public) != 0) {
        input_error(error, "%s: the private key does not belong to the public key", name);
        return NULL;
    }
    return g_steal_pointer(&secret);
}

/* The bytes of a key file; wiped by the caller. */
static GBytes *read_file(const char *path, GError **error)
{
    GBytes *bytes = file_read(path, KEY_FORM_LIMIT, error);

    if (bytes && memchr(g_bytes_get_data(bytes, NULL), 0, g_bytes_get_size(bytes))) {
        input_error(error, "%s: not a key file", path);
        g_clear_pointer(&bytes, secret_wipe_bytes);
    }
    return bytes;
}

gboolean seal_key_file_public(const char *path, struct seal_public *out, GError **error)
{
    g_auto(key_form_lines_t) lines = { 0 };
    GBytes *bytes = read_file(path, error);
    gboolean done;

    if (!bytes)
        return FALSE;
    done = key_form_read(KEY_FORM_SEAL, g_bytes_get_data(bytes, NULL), path, &lines, error);
    if (done && !seal_public_parse(lines.public, out, error)) {
        g_prefix_error(error, "%s: ", path);
        done = FALSE;
    }
    secret_wipe_bytes(bytes);
    return done;
}

/* Gives the present key its second name, as an old one; one that has it already is fine. */
static gboolean keep_old(const char *data_folder, const char *path, GError **error)
{
    g_autoptr(GDateTime) now = g_date_time_new_now_utc();
    g_autofree char *day = g_date_time_format(now, "%Y-%m-%d");
    g_autofree char *id = NULL, *name = NULL, *old = NULL;
    struct seal_public public;

    if (access(path, F_OK) < 0 && errno == ENOENT)
        return TRUE;
    if (!seal_key_file_public(path, &public, error))
        return FALSE;
    id = seal_public_id_text(&public);
    name = g_strconcat(OLD_PREFIX, day, "-", id, NULL);
    old = key_store_path(data_folder, name);
    if (link(path, old) < 0 && errno != EEXIST)
        return errno_error(error, errno, "%s: the old key cannot be kept as %s", path, old);
    return file_sync_folder_of(old, error);
}

gboolean seal_key_keep(const char *data_folder, const struct seal_secret *secret,
                       const struct secret *passphrase, GError **error)
{
    g_autofree char *path = seal_key_path(data_folder);
    g_autofree char *folder = g_path_get_dirname(path);
    g_autoptr(secret_t) text = NULL;

    if (!file_make_folder(folder, FOLDER_MODE, error) || !keep_old(data_folder, path, error))
        return FALSE;
    text = seal_key_format(secret, passphrase);
    return file_write(path, text->bytes, text->length, KEY_FORM_MODE, error);
}

/* Newest first, behind the present key: "seal.key" sorts above "seal-...". */
static int compare_backwards(const void *left, const void *right)
{
    return strcmp(*(const char *const *)right, *(const char *const *)left);
}

/* The paths of the key files; an issuer's key may be called "seal-..." too. */
static GPtrArray *paths_of(const char *data_folder, GError **error)
{
    g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *folder = g_build_filename(data_folder, "keys", NULL);
    g_autoptr(GDir) entries = g_dir_open(folder, 0, NULL);
    const char *entry;

    while (entries && (entry = g_dir_read_name(entries))) {
        g_autofree char *path = g_build_filename(folder, entry, NULL);
        GBytes *bytes;

        if (!g_str_equal(entry, PRESENT SUFFIX) &&
            !(g_str_has_prefix(entry, OLD_PREFIX) && g_str_has_suffix(entry, SUFFIX)))
            continue;
        bytes = read_file(path, error);
        if (!bytes)
            return NULL;
        if (g_str_has_prefix(g_bytes_get_data(bytes, NULL), KEY_FORM_SEAL))
            g_ptr_array_add(paths, g_steal_pointer(&path));
        secret_wipe_bytes(bytes);
    }
    g_ptr_array_sort(paths, compare_backwards);
    return g_steal_pointer(&paths);
}

GPtrArray *seal_keys_public(const char *data_folder, GError **error)
{
    g_autoptr(GPtrArray) paths = paths_of(data_folder, error);
    g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; paths && i < paths->len; i++) {
        struct seal_public *public = g_new0(struct seal_public, 1);

        g_ptr_array_add(keys, public);
        if (!seal_key_file_public(paths->pdata[i], public, error))
            return NULL;
    }
    return paths ? g_steal_pointer(&keys) : NULL;
}

GPtrArray *seal_keys_load(const char *data_folder, const struct passphrase_source *source,
                          GError **error)
{
    g_autoptr(GPtrArray) paths = paths_of(data_folder, error);
    g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func((GDestroyNotify)seal_secret_free);

    for (guint i = 0; paths && i < paths->len; i++) {
        const char *path = paths->pdata[i];
        struct seal_secret *secret;
        GBytes *bytes;

        if (!key_form_is_kept(path, error))
            return NULL;
        bytes = read_file(path, error);
        if (!bytes)
            return NULL;
        secret = seal_key_read(g_bytes_get_data(bytes, NULL), path, source, error);
        secret_wipe_bytes(bytes);
        if (!secret)
            return NULL;
        g_ptr_array_add(keys, secret);
    }
    return paths ? g_steal_pointer(&keys) : NULL;
}

static gint64 nanoseconds(const struct timespec *time)
{
    return time->tv_sec * SECOND_NS + time->tv_nsec;
}

gboolean seal_keys_changed(const char *data_folder, struct seal_keys_seen *seen)
{
    g_autofree char *path = seal_key_path(data_folder), *folder = g_path_get_dirname(path);
    struct seal_keys_seen now = { .read_us = clock_now_us() };
    struct stat status;
    gboolean changed;

    if (stat(folder, &status) == 0)
        now.folder_ns = nanoseconds(&status.st_mtim);
    if (stat(path, &status) == 0) {
        now.present_ns = nanoseconds(&status.st_ctim);
        now.inode = status.st_ino;
    }
    changed = !seen->read_us || now.folder_ns != seen->folder_ns ||
              now.present_ns != seen->present_ns || now.inode != seen->inode ||
              MAX(seen->folder_ns, seen->present_ns) > seen->read_us * US_NS - SECOND_NS;
    if (changed)
        *seen = now;
    return changed;
}
