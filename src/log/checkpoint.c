#include "log/checkpoint.h"

#include "base/decimal.h"
#include "base/error.h"
#include "statement/base64.h"

#include <string.h>

enum checkpoint_line { LINE_ORIGIN, LINE_SIZE, LINE_ROOT, LINES };

static const char *const line_faults[LINES] = {
    [LINE_ORIGIN] = "line 1 is no origin",
    [LINE_SIZE] = "line 2 is no size (decimal, no leading zero, below 2^63)",
    [LINE_ROOT] = "line 3 is no root (32 bytes in base64)",
};

/* Reads one line; FALSE when it is not what stands there. */
static gboolean read_line(struct checkpoint *checkpoint, guint line, const char *text, gsize length)
{
    switch (line) {
    case LINE_ORIGIN:
        if (length && g_utf8_validate_len(text, length, NULL))
            checkpoint->origin = g_strndup(text, length);
        return checkpoint->origin != NULL;
    case LINE_SIZE:
        return decimal_parse(text, length, &checkpoint->size);
    case LINE_ROOT:
        return base64_decode_into(text, (gssize)length, checkpoint->root.bytes, MERKLE_HASH_SIZE);
    default:
        return length > 0; /* an extension line */
    }
}

struct checkpoint *checkpoint_parse(const void *text, gsize length, GError **error)
{
    g_autoptr(checkpoint_t) checkpoint = g_new0(struct checkpoint, 1);
    const char *at = text, *const end = at + length;
    guint line;

    for (line = 0; at < end; line++) {
        const char *line_end = memchr(at, '\n', end - at);

        if (!line_end || !read_line(checkpoint, line, at, line_end - at)) {
            input_error(error, "not a checkpoint: %s",
                        line_end && line < LINES ? line_faults[line]
                                                 : "a line is empty or does not end");
            return NULL;
        }
        at = line_end + 1;
    }
    if (line < LINES) {
        input_error(error, "not a checkpoint: it has fewer than three lines");
        return NULL;
    }
    return g_steal_pointer(&checkpoint);
}

struct checkpoint *checkpoint_copy(const struct checkpoint *checkpoint)
{
    struct checkpoint *copy = g_memdup2(checkpoint, sizeof *checkpoint);

    copy->origin = g_strdup(checkpoint->origin);
    return copy;
}

void checkpoint_free(struct checkpoint *checkpoint)
{
    if (!checkpoint)
        return;
    g_free(checkpoint->origin);
    g_free(checkpoint);
}

char *checkpoint_text(const char *origin, guint64 size, const struct merkle_hash *root)
{
    g_autofree char *base64 = g_base64_encode(root->bytes, MERKLE_HASH_SIZE);

    return g_strdup_printf("%s\n%" G_GUINT64_FORMAT "\n%s\n", origin, size, base64);
}

GBytes *checkpoint_sign(const struct signing_key *log, guint64 size, const struct merkle_hash *root)
{
    g_autofree char *text = checkpoint_text(log->public->name, size, root);
    g_autofree char *line = note_sign_line(log, text, strlen(text));

    return note_assemble(text, strlen(text), line);
}
