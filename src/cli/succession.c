#include "cli/succession.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "community/community.h"
#include "log/checkpoint.h"
#include "statement/base64.h"
#include "statement/dsse.h"
#include "statement/intoto.h"

#include <string.h>

static json_t *build(const char *origin, const struct checkpoint *old, GBytes *note,
                     const char *reason)
{
    g_autofree char *now = clock_format(clock_now_us());
    g_autofree char *root = hex_encode(old->root.bytes, sizeof old->root.bytes);
    g_autofree char *base64 = g_base64_encode(g_bytes_get_data(note, NULL), g_bytes_get_size(note));

    return json_pack("{s:s, s:s, s:{s:s, s:I, s:s, s:s}, s:s}", "log", origin, "time", now, "old",
                     "origin", old->origin, "size", (json_int_t)old->size, "root", root, "note",
                     base64, "reason", reason);
}

static struct checkpoint *read_checkpoint(GBytes *bytes, const char *path, GError **error)
{
    g_autoptr(note_t) note =
        note_parse(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), path, error);
    struct checkpoint *checkpoint = note ? checkpoint_parse(g_bytes_get_data(note->text, NULL),
                                                            g_bytes_get_size(note->text), error)
                                         : NULL;

    if (note && !checkpoint)
        g_prefix_error(error, "%s: ", path);
    return checkpoint;
}

GBytes *succession_entry(const struct signing_key *key, const char *note_path, const char *reason,
                         GError **error)
{
    g_autoptr(GBytes) bytes = file_read(note_path, NOTE_LIMIT, error), payload = NULL;
    g_autoptr(checkpoint_t) old = bytes ? read_checkpoint(bytes, note_path, error) : NULL;
    g_autoptr(json_t) predicate = NULL;
    g_autoptr(dsse_t) envelope = NULL;
    g_autofree char *hash = NULL;

    if (!old)
        return NULL;
    if (g_str_equal(old->origin, key->public->name)) {
        input_error(error, "%s: is of the log \"%s\" itself; a log continues under a new origin",
                    note_path, old->origin);
        return NULL;
    }
    predicate = build(key->public->name, old, bytes, reason);
    hash = g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, bytes);
    payload = intoto_build(old->origin, hash, PREDICATE_SUCCESSION, predicate, error);
    if (!payload)
        return NULL;
    envelope = dsse_new(INTOTO_PAYLOAD_TYPE, payload);
    dsse_sign(envelope, key);
    return community_entry(envelope, error);
}
