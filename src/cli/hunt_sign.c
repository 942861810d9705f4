#include "cli/hunt_sign.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/terminal.h"
#include "cli/keys.h"
#include "community/community.h"
#include "statement/dsse.h"
#include "statement/intoto.h"
#include "statement/predicate.h"
#include "statement/verifier.h"

#include <stdio.h>
#include <string.h>

#define ENVELOPE_SUFFIX ".dsse.json"
#define OPENINGS_SUFFIX ".openings.json"
#define ENVELOPE_MODE 0644
#define OPENINGS_MODE 0600
#define OPENINGS_LIMIT (1u << 30)

struct signing_key *hunt_sign_key(const struct context *context, const struct hunt_arguments *given,
                                  char **arguments, GError **error)
{
    if (g_strv_contains((const char *const *)arguments, "-")) {
        input_error(error, "--sign: nobody else can look at what came by standard input");
        return NULL;
    }
    return cli_signing_key(context, given->key, NULL, given->passphrase_file, error);
}

char *hunt_openings_path(const char *statement)
{
    g_autofree char *stem = g_str_has_suffix(statement, ENVELOPE_SUFFIX)
                                ? g_strndup(statement, strlen(statement) - strlen(ENVELOPE_SUFFIX))
                                : g_strdup(statement);

    return g_strconcat(stem, OPENINGS_SUFFIX, NULL);
}

/* The log of the community that this machine belongs to: the statement counts in no other. */
static gboolean find_log(const struct context *context, char **log, GError **error)
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

gboolean hunt_sign(const struct context *context, struct hunt_claim *claim,
                   const struct hunt_scan_summary *summary, const char *path, gint64 started_us,
                   const struct signing_key *key, GError **error)
{
    g_autofree char *log = NULL, *beside = hunt_openings_path(path);
    g_autofree char *shown = terminal_escape(path), *private = terminal_escape(beside);
    g_autoptr(GBytes) envelope = NULL, openings = NULL;

    if (!find_log(context, &log, error) ||
        !hunt_claim_sign(claim, summary, log, started_us, clock_now_us(), key, &envelope, &openings,
                         error) ||
        !write_bytes(beside, openings, OPENINGS_MODE, error) ||
        !write_bytes(path, envelope, ENVELOPE_MODE, error))
        return FALSE;
    if (!context->quiet)
        fprintf(stderr,
                cli_is_french(context)
                    ? "Signé dans %s\u202f; ce qui a été lu et trouvé reste dans %s\n"
                      "À vérifier avec\u202f: entente verify %s\n"
                    : "Signed in %s; what was read and found stays in %s\n"
                      "Check it with: entente verify %s\n",
                shown, private, shown);
    return TRUE;
}

/* ---- reading back */

void signed_hunt_clear(struct signed_hunt *hunt)
{
    json_decref(hunt->envelope);
    json_decref(hunt->predicate);
    json_decref(hunt->entries);
    commitment_free(hunt->commitment);
}

static gboolean read_statement(const char *path, struct signed_hunt *hunt, GError **error)
{
    g_autoptr(dsse_t) dsse = dsse_from_json(hunt->envelope, path, error);
    g_autoptr(json_t) statement = dsse ? intoto_read(dsse->payload, error) : NULL;

    if (!statement)
        return FALSE;
    if (g_strcmp0(intoto_predicate_type(statement), PREDICATE_HUNT) != 0)
        return input_error(error, "%s: is not a signed hunt", path);
    if (!predicate_verify(predicate_find(PREDICATE_HUNT), statement, error))
        return FALSE;
    hunt->predicate = json_incref((json_t *)intoto_predicate(statement));
    return TRUE;
}

/* All entries, from the openings beside the statement. */
static gboolean read_openings(const char *path, const struct commitment_root *root,
                              struct signed_hunt *hunt, GError **error)
{
    g_autofree char *beside = hunt_openings_path(path);
    g_autoptr(json_t) openings = json_read_file(beside, OPENINGS_LIMIT, error);
    struct commitment_root opened;

    hunt->commitment = openings ? commitment_from_openings(openings, error) : NULL;
    if (!hunt->commitment)
        return FALSE;
    opened = commitment_root(hunt->commitment);
    if (opened.count != root->count ||
        memcmp(opened.hash.bytes, root->hash.bytes, MERKLE_HASH_SIZE) != 0)
        return found_error(error, "%s: these are the openings of another statement", beside);
    for (gsize i = 0; i < commitment_count(hunt->commitment); i++)
        json_array_append(hunt->entries, (json_t *)commitment_value(hunt->commitment, i));
    return TRUE;
}

static gboolean read_opened(const json_t *openings, const struct commitment_root *root,
                            struct signed_hunt *hunt, GError **error)
{
    const json_t *opening;
    size_t index;

    for (guint64 i = 0; i < root->count; i++)
        json_array_append_new(hunt->entries, json_null());
    json_array_foreach(openings, index, opening)
    {
        const gint64 at = json_number(opening, "index", -1);

        if (!commitment_verify(opening, root, error))
            return FALSE;
        if (at < 0 || json_array_set(hunt->entries, (size_t)at, json_object_get(opening, "value")))
            return input_error(error, "a disclosed entry has no place in the statement");
    }
    return TRUE;
}

gboolean signed_hunt_read(const char *path, struct signed_hunt *hunt, GError **error)
{
    g_autoptr(json_t) value = json_read_file(path, OPENINGS_LIMIT, error);
    const gboolean disclosed = g_strcmp0(json_text(value, "schema"), DISCLOSURE_SCHEMA) == 0;
    struct commitment_root root;

    if (!value)
        return FALSE;
    hunt->envelope = json_incref(disclosed ? json_object_get(value, "envelope") : (json_t *)value);
    hunt->entries = json_array();
    if (!hunt->envelope)
        return input_error(error, "%s: holds no statement", path);
    if (!read_statement(path, hunt, error) ||
        !commitment_root_read(json_object_get(hunt->predicate, "commitments"), &root, error))
        return FALSE;
    return disclosed ? read_opened(json_object_get(value, "entries"), &root, hunt, error)
                     : read_openings(path, &root, hunt, error);
}
