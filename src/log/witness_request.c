#include "log/witness_request.h"

#include "base/decimal.h"
#include "base/error.h"
#include "log/witness.h"
#include "statement/base64.h"

#include <string.h>

#define OLD "old "

void witness_request_free(struct witness_request *request)
{
    if (!request)
        return;
    note_free(request->note);
    checkpoint_free(request->checkpoint);
    g_free(request);
}

/* Reads "old SIZE" and the proof; gives where the note begins, NULL when there is none. */
static const char *read_head(struct witness_request *request, const char *at, const char *end,
                             GError **error)
{
    for (guint line = 0;; line++) {
        const char *line_end = at < end ? memchr(at, '\n', end - at) : NULL;
        const gsize length = line_end ? (gsize)(line_end - at) : 0;

        if (!line_end) {
            input_error(error, "no blank line before the checkpoint");
            return NULL;
        }
        if (line == 0) {
            if (length < strlen(OLD) || memcmp(at, OLD, strlen(OLD)) != 0 ||
                !decimal_parse(at + strlen(OLD), length - strlen(OLD), &request->old_size)) {
                input_error(error, "the first line is not \"old SIZE\"");
                return NULL;
            }
        } else if (!length) {
            return line_end + 1;
        } else if (request->length == MERKLE_PATH_LIMIT ||
                   !base64_decode_into(at, (gssize)length, request->path[request->length++].bytes,
                                       MERKLE_HASH_SIZE)) {
            input_error(error, "line %u is no hash, or there are more than %d", line + 1,
                        MERKLE_PATH_LIMIT);
            return NULL;
        }
        at = line_end + 1;
    }
}

struct witness_request *witness_request_parse(const void *body, gsize length, GError **error)
{
    g_autoptr(witness_request_t) request = g_new0(struct witness_request, 1);
    const char *end = (const char *)body + length, *note, *text;
    gsize size;

    if (length > WITNESS_REQUEST_LIMIT) {
        input_error(error, "larger than %u bytes", WITNESS_REQUEST_LIMIT);
        return NULL;
    }
    note = read_head(request, body, end, error);
    if (!note)
        return NULL;
    request->note = note_parse(note, end - note, "checkpoint", error);
    if (!request->note)
        return NULL;
    text = g_bytes_get_data(request->note->text, &size);
    request->checkpoint = checkpoint_parse(text, size, error);
    return request->checkpoint ? g_steal_pointer(&request) : NULL;
}
