#include "log/tlog_proof.h"

#include "base/decimal.h"
#include "base/error.h"
#include "statement/base64.h"

#include <string.h>

#define VERSION "c2sp.org/tlog-proof@v1"
#define EXTRA "extra "
#define INDEX "index "

void tlog_proof_free(struct tlog_proof *proof)
{
    if (!proof)
        return;
    g_clear_pointer(&proof->extra, g_bytes_unref);
    note_free(proof->note);
    checkpoint_free(proof->checkpoint);
    g_free(proof);
}

/* The lines of the head, up to the blank line. */
struct lines {
    const char *at, *end;
    const char *name; /* of the file, and the line, for messages */
    guint number;
};

static gboolean fault(const struct lines *lines, const char *what, GError **error)
{
    return input_error(error, "%s:%u: not an offline proof (.tlog-proof): %s", lines->name,
                       lines->number, what);
}

/* Gives the next line without its LF; NULL when the bytes end without one. */
static const char *next_line(struct lines *lines, gsize *length)
{
    const char *line = lines->at;
    const char *end = line < lines->end ? memchr(line, '\n', lines->end - line) : NULL;

    lines->number++;
    if (!end)
        return NULL;
    *length = end - line;
    lines->at = end + 1;
    return line;
}

/* What stands behind `prefix`; NULL when the line does not begin so. */
static const char *behind(const char *line, gsize *length, const char *prefix)
{
    const gsize size = strlen(prefix);

    if (*length < size || memcmp(line, prefix, size) != 0)
        return NULL;
    *length -= size;
    return line + size;
}

static gboolean read_path(struct tlog_proof *proof, struct lines *lines, GError **error)
{
    const char *line;
    gsize length;

    while ((line = next_line(lines, &length)) && length) {
        if (proof->length == MERKLE_PATH_LIMIT)
            return fault(lines, "more than 63 hashes", error);
        if (!base64_decode_into(line, (gssize)length, proof->path[proof->length++].bytes,
                                MERKLE_HASH_SIZE))
            return fault(lines, "not a hash (32 bytes in base64)", error);
    }
    return line || fault(lines, "no blank line before the checkpoint", error);
}

static gboolean read_head(struct tlog_proof *proof, struct lines *lines, GError **error)
{
    gsize length, extra_length;
    const char *line = next_line(lines, &length), *extra, *number;

    if (!line || length != strlen(VERSION) || memcmp(line, VERSION, length) != 0)
        return fault(lines, "the first line is not \"" VERSION "\"", error);
    line = next_line(lines, &length);
    extra_length = length;
    extra = line ? behind(line, &extra_length, EXTRA) : NULL;
    if (extra) {
        proof->extra = extra_length ? base64_decode(extra, (gssize)extra_length) : NULL;
        if (!proof->extra)
            return fault(lines, "the extra data are not base64", error);
        line = next_line(lines, &length);
    }
    number = line ? behind(line, &length, INDEX) : NULL;
    if (!number || !decimal_parse(number, length, &proof->index))
        return fault(lines, "no \"index NUMBER\"", error);
    return read_path(proof, lines, error);
}

struct tlog_proof *tlog_proof_parse(const void *data, gsize length, const char *name,
                                    GError **error)
{
    g_autoptr(tlog_proof_t) proof = NULL;
    struct lines lines = { data, (const char *)data + length, name, 0 };
    gsize text_length;
    const void *text;

    if (length > TLOG_PROOF_LIMIT) {
        input_error(error, "%s: larger than an offline proof may be (%u bytes)", name,
                    TLOG_PROOF_LIMIT);
        return NULL;
    }
    proof = g_new0(struct tlog_proof, 1);
    if (!read_head(proof, &lines, error))
        return NULL;
    proof->note = note_parse(lines.at, lines.end - lines.at, name, error);
    if (!proof->note)
        return NULL;
    text = g_bytes_get_data(proof->note->text, &text_length);
    proof->checkpoint = checkpoint_parse(text, text_length, error);
    if (!proof->checkpoint) {
        g_prefix_error(error, "%s: ", name);
        return NULL;
    }
    if (proof->index >= proof->checkpoint->size) {
        input_error(error, "%s: the index is not below the size of the checkpoint", name);
        return NULL;
    }
    return g_steal_pointer(&proof);
}

char *tlog_proof_text(guint64 index, const struct merkle_hash *path, guint length, GBytes *note)
{
    GString *text = g_string_new(VERSION "\n" INDEX);
    gsize size;
    const char *bytes = g_bytes_get_data(note, &size);

    g_string_append_printf(text, "%" G_GUINT64_FORMAT "\n", index);
    for (guint i = 0; i < length; i++) {
        g_autofree char *base64 = g_base64_encode(path[i].bytes, MERKLE_HASH_SIZE);

        g_string_append_printf(text, "%s\n", base64);
    }
    g_string_append_c(text, '\n');
    g_string_append_len(text, bytes, (gssize)size);
    return g_string_free(text, FALSE);
}

gboolean tlog_proof_verify(const struct tlog_proof *proof, const void *entry, gsize length,
                           const struct quorum_policy *policy, struct quorum_verdict *verdict,
                           GError **error)
{
    g_autoptr(checkpoint_t) checkpoint = quorum_judge(policy, proof->note, 0, verdict);
    g_autoptr(merkle_t) merkle = merkle_new();
    const struct merkle_hash leaf = merkle_leaf(merkle, entry, length);

    if (verdict->reason == QUORUM_UNKNOWN_LOG)
        return found_error(error, "the proof is of the log \"%s\", which the policy does not name",
                           proof->checkpoint->origin);
    if (verdict->reason == QUORUM_SIGNATURE)
        return found_error(error,
                           "the checkpoint is not signed by the log \"%s\", or a signature on it "
                           "does not verify",
                           proof->checkpoint->origin);
    if (merkle_includes(merkle, &leaf, proof->index, proof->checkpoint->size, proof->path,
                        proof->length, &proof->checkpoint->root))
        return TRUE;
    verdict->reason = QUORUM_PROOF;
    return found_error(error,
                       "the entry is not at index %" G_GUINT64_FORMAT
                       " of the log: the path does not lead to its root",
                       proof->index);
}
