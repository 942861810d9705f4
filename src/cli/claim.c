#include "cli/claim.h"

#include "base/file.h"
#include "community/community.h"
#include "statement/dsse.h"
#include "statement/intoto.h"
#include "statement/predicate.h"
#include "statement/verifier.h"

#include <string.h>

#define ENVELOPE_SUFFIX ".dsse.json"
#define OPENINGS_SUFFIX ".openings.json"
#define ENVELOPE_MODE 0644
#define OPENINGS_MODE 0600
#define OPENINGS_LIMIT (1u << 30)

char *claim_openings_path(const char *statement)
{
    g_autofree char *stem = g_str_has_suffix(statement, ENVELOPE_SUFFIX)
                                ? g_strndup(statement, strlen(statement) - strlen(ENVELOPE_SUFFIX))
                                : g_strdup(statement);

    return g_strconcat(stem, OPENINGS_SUFFIX, NULL);
}

gboolean claim_log(const struct context *context, char **log, GError **error)
{
    g_autofree char *data = cli_data_folder(context, error);
    g_autoptr(community_t) community = NULL;

    if (!data)
        return FALSE;
    if (!community_exists(data))
        return TRUE;
    community = community_open(data, error);
    if (!community)
        return FALSE;
    *log = g_strdup(community_genesis(community)->origin);
    return TRUE;
}

static gboolean write_bytes(const char *path, GBytes *bytes, int mode, GError **error)
{
    return file_write(path, g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), mode, error);
}

gboolean claim_write(const char *path, GBytes *envelope, GBytes *openings, GError **error)
{
    g_autofree char *beside = claim_openings_path(path);

    return write_bytes(beside, openings, OPENINGS_MODE, error) &&
           write_bytes(path, envelope, ENVELOPE_MODE, error);
}

/* ---- reading back */

void signed_claim_clear(struct signed_claim *claim)
{
    json_decref(claim->envelope);
    json_decref(claim->predicate);
    json_decref(claim->entries);
    commitment_free(claim->commitment);
}

static gboolean read_statement(const char *path, const char *type, struct signed_claim *claim,
                               GError **error)
{
    g_autoptr(dsse_t) dsse = dsse_from_json(claim->envelope, path, error);
    g_autoptr(json_t) statement = dsse ? intoto_read(dsse->payload, error) : NULL;

    if (!statement)
        return FALSE;
    if (g_strcmp0(intoto_predicate_type(statement), type) != 0)
        return input_error(error, "%s: is no statement of the type %s", path, type);
    if (!predicate_verify(predicate_find(type), statement, error))
        return FALSE;
    claim->predicate = json_incref((json_t *)intoto_predicate(statement));
    return TRUE;
}

/* All entries, from the openings beside the statement. */
static gboolean read_openings(const char *path, const struct commitment_root *root,
                              struct signed_claim *claim, GError **error)
{
    g_autofree char *beside = claim_openings_path(path);
    g_autoptr(json_t) openings = json_read_file(beside, OPENINGS_LIMIT, error);
    struct commitment_root opened;

    claim->commitment = openings ? commitment_from_openings(openings, error) : NULL;
    if (!claim->commitment)
        return FALSE;
    opened = commitment_root(claim->commitment);
    if (opened.count != root->count ||
        memcmp(opened.hash.bytes, root->hash.bytes, MERKLE_HASH_SIZE) != 0)
        return found_error(error, "%s: these are the openings of another statement", beside);
    for (gsize i = 0; i < commitment_count(claim->commitment); i++)
        json_array_append(claim->entries, (json_t *)commitment_value(claim->commitment, i));
    return TRUE;
}

static gboolean read_opened(const json_t *openings, const struct commitment_root *root,
                            struct signed_claim *claim, GError **error)
{
    const json_t *opening;
    size_t index;

    for (guint64 i = 0; i < root->count; i++)
        json_array_append_new(claim->entries, json_null());
    json_array_foreach(openings, index, opening)
    {
        const gint64 at = json_number(opening, "index", -1);

        if (!commitment_verify(opening, root, error))
            return FALSE;
        if (at < 0 || json_array_set(claim->entries, (size_t)at, json_object_get(opening, "value")))
            return input_error(error, "a disclosed entry has no place in the statement");
    }
    return TRUE;
}

gboolean signed_claim_read(const char *path, const char *type, struct signed_claim *claim,
                           GError **error)
{
    g_autoptr(json_t) value = json_read_file(path, OPENINGS_LIMIT, error);
    const gboolean disclosed = g_strcmp0(json_text(value, "schema"), DISCLOSURE_SCHEMA) == 0;
    struct commitment_root root;

    if (!value)
        return FALSE;
    claim->envelope = json_incref(disclosed ? json_object_get(value, "envelope") : (json_t *)value);
    claim->entries = json_array();
    if (!claim->envelope)
        return input_error(error, "%s: holds no statement", path);
    if (!read_statement(path, type, claim, error) ||
        !commitment_root_read(json_object_get(claim->predicate, "commitments"), &root, error))
        return FALSE;
    return disclosed ? read_opened(json_object_get(value, "entries"), &root, claim, error)
                     : read_openings(path, &root, claim, error);
}
