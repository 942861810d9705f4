#include "p7_hygiene/host/bus.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ORDER (G_BYTE_ORDER == G_LITTLE_ENDIAN ? 'l' : 'B')
#define VERSION 1
#define HEADER_SIZE 16 /* the fixed part, with the length of the fields */
#define ALIGN_MAX 8
#define LINE_MAX_BYTES 512 /* of the authentication */
#define MESSAGES_MAX 64    /* that are not the answer, before it */
#define PATIENCE_S 5       /* for each read or write */

enum message_type { METHOD_CALL = 1, METHOD_RETURN = 2, METHOD_ERROR = 3 };
enum field_code {
    PATH = 1,
    INTERFACE = 2,
    MEMBER = 3,
    REPLY_SERIAL = 5,
    DESTINATION = 6,
    SIGNATURE = 8
};

/* --- writing ---------------------------------------------------------------------------------- */

static void put_padding(GByteArray *out, guint alignment)
{
    static const guint8 zeros[ALIGN_MAX];

    g_byte_array_append(out, zeros, (alignment - out->len % alignment) % alignment);
}

static void put_byte(GByteArray *out, guint8 byte)
{
    g_byte_array_append(out, &byte, 1);
}

static void put_number(GByteArray *out, guint32 number)
{
    put_padding(out, sizeof number);
    g_byte_array_append(out, (const guint8 *)&number, sizeof number);
}

static void put_string(GByteArray *out, const char *text)
{
    put_number(out, strlen(text));
    g_byte_array_append(out, (const guint8 *)text, strlen(text) + 1);
}

static void put_signature(GByteArray *out, const char *signature)
{
    put_byte(out, strlen(signature));
    g_byte_array_append(out, (const guint8 *)signature, strlen(signature) + 1);
}

/* A structure of the field's code and a variant. */
static void put_field(GByteArray *out, enum field_code code, const char *type, const char *value)
{
    put_padding(out, ALIGN_MAX);
    put_byte(out, code);
    put_signature(out, type);
    if (code == SIGNATURE)
        put_signature(out, value);
    else
        put_string(out, value);
}

struct call {
    const char *destination, *path, *interface, *member;
    const char *states; /* the one argument, an array of one text; NULL: none */
};

static GByteArray *make_call(const struct call *call, guint32 serial)
{
    GByteArray *out = g_byte_array_new();
    g_autoptr(GByteArray) body = g_byte_array_new();
    guint32 length;

    if (call->states) {
        put_number(body, sizeof length + strlen(call->states) + 1);
        put_string(body, call->states);
    }
    put_byte(out, ORDER);
    put_byte(out, METHOD_CALL);
    put_byte(out, 0);
    put_byte(out, VERSION);
    put_number(out, body->len);
    put_number(out, serial);
    put_number(out, 0); /* the fields' length, below */
    put_field(out, PATH, "o", call->path);
    put_field(out, INTERFACE, "s", call->interface);
    put_field(out, MEMBER, "s", call->member);
    put_field(out, DESTINATION, "s", call->destination);
    if (call->states)
        put_field(out, SIGNATURE, "g", "as");
    length = out->len - HEADER_SIZE;
    memcpy(out->data + HEADER_SIZE - sizeof length, &length, sizeof length);
    put_padding(out, ALIGN_MAX);
    g_byte_array_append(out, body->data, body->len);
    return out;
}

/* --- reading ---------------------------------------------------------------------------------- */

/* A message's bytes; `bad` once something was not there, and then nothing is given any more. */
struct reader {
    const guint8 *data;
    gsize length, at;
    gboolean bad;
};

static const guint8 *take(struct reader *in, gsize alignment, gsize length)
{
    gsize start = (in->at + alignment - 1) / alignment * alignment;

    if (in->bad || start > in->length || in->length - start < length) {
        in->bad = TRUE;
        return NULL;
    }
    in->at = start + length;
    return in->data + start;
}

static guint8 take_byte(struct reader *in)
{
    const guint8 *byte = take(in, 1, 1);

    return byte ? *byte : 0;
}

static guint32 take_number(struct reader *in)
{
    guint32 number = 0;
    const guint8 *bytes = take(in, sizeof number, sizeof number);

    if (bytes)
        memcpy(&number, bytes, sizeof number);
    return number;
}

/* `length` bytes and their NUL; "" when they are not there. */
static const char *take_text(struct reader *in, gsize length)
{
    const guint8 *text = in->bad ? NULL : take(in, 1, length + 1);

    if (text && (text[length] || memchr(text, 0, length)))
        in->bad = TRUE;
    return in->bad ? "" : (const char *)text;
}

static const char *take_string(struct reader *in)
{
    guint32 length = take_number(in);

    return take_text(in, length);
}

static const char *take_signature(struct reader *in)
{
    guint8 length = take_byte(in);

    return take_text(in, length);
}

/* Which call the message answers; 0: none. */
static guint32 find_reply_serial(const guint8 *fields, gsize length)
{
    /* The fields begin behind 16 bytes, which changes no alignment. */
    struct reader in = { fields, length, 0, FALSE };
    guint32 serial = 0;

    while (!in.bad && in.at < in.length) {
        const char *type;
        guint8 code;

        take(&in, ALIGN_MAX, 0);
        code = take_byte(&in);
        type = take_signature(&in);
        if (g_str_equal(type, "u")) {
            guint32 number = take_number(&in);

            serial = code == REPLY_SERIAL ? number : serial;
        } else if (g_str_equal(type, "s") || g_str_equal(type, "o")) {
            take_string(&in);
        } else if (g_str_equal(type, "g")) {
            take_signature(&in);
        } else {
            in.bad = TRUE;
        }
    }
    return in.bad ? 0 : serial;
}

static void unit_free(gpointer data)
{
    struct bus_unit *unit = data;

    g_free(unit->name);
    g_free(unit->active);
    g_free(unit);
}

GPtrArray *bus_read_units(const guint8 *body, gsize length)
{
    /* name, description, load, active, sub, followed, path, job, job type, job path */
    static const char members[] = "ssssssouso";
    g_autoptr(GPtrArray) units = g_ptr_array_new_with_free_func(unit_free);
    struct reader in = { body, length, 0, FALSE };
    guint32 size = take_number(&in);

    take(&in, ALIGN_MAX, 0);
    if (in.bad || size != in.length - in.at)
        return NULL;
    while (!in.bad && in.at < in.length) {
        const char *texts[G_N_ELEMENTS(members)] = { NULL };
        struct bus_unit *unit;

        take(&in, ALIGN_MAX, 0);
        for (guint i = 0; members[i]; i++) {
            if (members[i] == 'u')
                take_number(&in);
            else
                texts[i] = take_string(&in);
        }
        if (in.bad)
            break;
        unit = g_new0(struct bus_unit, 1);
        unit->name = g_strdup(texts[0]);
        unit->active = g_strdup(texts[3]);
        g_ptr_array_add(units, unit);
    }
    return in.bad ? NULL : g_steal_pointer(&units);
}

/* --- the connection --------------------------------------------------------------------------- */

static gboolean write_all(int fd, gconstpointer data, gsize length)
{
    const guint8 *from = data;

    while (length) {
        ssize_t put = send(fd, from, length, MSG_NOSIGNAL);

        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return FALSE;
        from += put;
        length -= put;
    }
    return TRUE;
}

static gboolean read_all(int fd, gpointer data, gsize length)
{
    guint8 *to = data;

    while (length) {
        ssize_t got = recv(fd, to, length, 0);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return FALSE;
        to += got;
        length -= got;
    }
    return TRUE;
}

static int connect_to(const char *path)
{
    const struct timeval patience = { .tv_sec = PATIENCE_S };
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    g_strlcpy(address.sun_path, path, sizeof address.sun_path);
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0 &&
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) == 0 &&
        connect(fd, (const struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    close(fd);
    return -1;
}

/* EXTERNAL: the kernel tells the bus who we are; the name is the user id in hexadecimal. */
static gboolean authenticate(int fd)
{
    g_autofree char *id = g_strdup_printf("%u", (guint)geteuid());
    g_autoptr(GString) line = g_string_new("AUTH EXTERNAL ");
    char answer[LINE_MAX_BYTES];
    gsize length = 0;

    for (const char *digit = id; *digit; digit++)
        g_string_append_printf(line, "%02x", (guint)*digit);
    g_string_append(line, "\r\n");
    if (!write_all(fd, "", 1) || !write_all(fd, line->str, line->len))
        return FALSE;
    do
        if (length == sizeof answer || !read_all(fd, answer + length, 1))
            return FALSE;
    while (answer[length++] != '\n');
    return length > 3 && memcmp(answer, "OK ", 3) == 0 && write_all(fd, "BEGIN\r\n", 7);
}

/* One message: its type, whom it answers, its body. */
static GByteArray *read_message(int fd, guint8 *type, guint32 *answers)
{
    guint8 header[HEADER_SIZE];
    struct reader in = { header, sizeof header, 0, FALSE };
    g_autoptr(GByteArray) rest = g_byte_array_new();
    guint32 body, fields, padded;

    if (!read_all(fd, header, sizeof header) || take_byte(&in) != ORDER)
        return NULL;
    *type = take_byte(&in);
    take_byte(&in); /* flags */
    if (take_byte(&in) != VERSION)
        return NULL;
    body = take_number(&in);
    take_number(&in); /* its own serial */
    fields = take_number(&in);
    if (body > BUS_MESSAGE_MAX || fields > BUS_MESSAGE_MAX)
        return NULL;
    padded = (fields + ALIGN_MAX - 1) / ALIGN_MAX * ALIGN_MAX;
    g_byte_array_set_size(rest, padded + body);
    if (!read_all(fd, rest->data, rest->len))
        return NULL;
    *answers = find_reply_serial(rest->data, fields);
    g_byte_array_remove_range(rest, 0, padded);
    return g_steal_pointer(&rest);
}

static GByteArray *ask(int fd, const struct call *call, guint32 serial)
{
    g_autoptr(GByteArray) message = make_call(call, serial);

    if (!write_all(fd, message->data, message->len))
        return NULL;
    for (guint i = 0; i < MESSAGES_MAX; i++) {
        guint8 type = 0;
        guint32 answers = 0;
        g_autoptr(GByteArray) body = read_message(fd, &type, &answers);

        if (!body || (type == METHOD_ERROR && answers == serial))
            return NULL;
        if (type == METHOD_RETURN && answers == serial)
            return g_steal_pointer(&body);
    }
    return NULL;
}

GPtrArray *bus_failed_units(const char *socket)
{
    static const struct call hello = { "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                       "org.freedesktop.DBus", "Hello", NULL };
    static const struct call list = { "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
                                      "org.freedesktop.systemd1.Manager", "ListUnitsFiltered",
                                      "failed" };
    g_autoptr(GByteArray) welcome = NULL, answer = NULL;
    int fd = connect_to(socket);

    if (fd < 0)
        return NULL;
    if (authenticate(fd) && (welcome = ask(fd, &hello, 1)))
        answer = ask(fd, &list, 2);
    close(fd);
    return answer ? bus_read_units(answer->data, answer->len) : NULL;
}
