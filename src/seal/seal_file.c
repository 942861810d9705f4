/* seal_file.c: sealing and opening from file to file. */
#include "base/error.h"
#include "base/file.h"
#include "seal/seal.h"
#include "seal/seal_stream.h"

#include <errno.h>
#include <unistd.h>

/* One end of a stream: a descriptor and what it is called. */
struct end {
    int fd;
    const char *name;
};

static gssize read_end(void *from, guint8 *buffer, gsize length, GError **error)
{
    const struct end *end = from;
    gsize filled = 0;

    while (filled < length) {
        ssize_t got = read(end->fd, buffer + filled, length - filled);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            errno_error(error, errno, "%s: cannot be read", end->name);
            return -1;
        }
        if (got == 0)
            break;
        filled += (gsize)got;
    }
    return (gssize)filled;
}

static gboolean write_end(void *to, const guint8 *bytes, gsize length, GError **error)
{
    const struct end *end = to;

    return file_write_all(end->fd, bytes, length) ||
           errno_error(error, errno, "%s, sealed: cannot be written", end->name);
}

static gboolean write_draft(void *to, const guint8 *bytes, gsize length, GError **error)
{
    return file_draft_write(to, bytes, length, error);
}

gboolean seal_file(int in, guint64 size, int out, const GPtrArray *recipients, const char *name,
                   GError **error)
{
    struct end from = { in, name }, to = { out, name };
    const struct seal_stream stream = { read_end, write_end, &from, &to, name };

    return seal_stream_seal(&stream, size, recipients, error);
}

gboolean seal_open_file(int in, const char *path, mode_t mode, const GPtrArray *secrets,
                        const char *name, GError **error)
{
    struct end from = { in, name };
    struct file_draft draft;
    const struct seal_stream stream = { read_end, write_draft, &from, &draft, name };

    if (!file_draft_open(&draft, path, TRUE, error))
        return FALSE;
    if (!seal_stream_open(&stream, secrets, error)) {
        file_draft_discard(&draft);
        return FALSE;
    }
    return file_draft_finish(&draft, mode, error);
}
