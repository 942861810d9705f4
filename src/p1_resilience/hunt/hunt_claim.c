#include "p1_resilience/hunt/hunt_claim.h"

#include "base/clock.h"
#include "base/error.h"
#include "config.h"
#include "statement/base64.h"
#include "statement/claim.h"

#include <string.h>

#define TYPE_FILE "file"
#define TYPE_HIT "hit"

struct hunt_claim {
    const struct hunt_table *table;
    const struct hunt_scan_options *options;
    GHashTable *hits; /* input's name (by address) -> json_t array of its hits */
    GPtrArray *files; /* json_t *: entries, without "hits" and "first" */
    GPtrArray *names; /* of the files: the inputs' own, in the same order */
    json_t *entries;  /* NULL: to be made */
};

static void unref_json(gpointer value)
{
    json_decref(value);
}

struct hunt_claim *hunt_claim_new(const struct hunt_table *table,
                                  const struct hunt_scan_options *options)
{
    struct hunt_claim *claim = g_new0(struct hunt_claim, 1);

    claim->table = table;
    claim->options = options;
    claim->hits = g_hash_table_new_full(NULL, NULL, NULL, unref_json);
    claim->files = g_ptr_array_new_with_free_func(unref_json);
    claim->names = g_ptr_array_new();
    return claim;
}

void hunt_claim_free(struct hunt_claim *claim)
{
    if (!claim)
        return;
    g_hash_table_unref(claim->hits);
    g_ptr_array_unref(claim->files);
    g_ptr_array_unref(claim->names);
    json_decref(claim->entries);
    g_free(claim);
}

/*
 * The line itself is never kept, even where it was asked for to be shown. Nor is which objects ask
 * for more: what was signed before hits said so is checked by the same bytes.
 */
void hunt_claim_hit(struct hunt_claim *claim, const struct hunt_hit *hit)
{
    json_t *list = g_hash_table_lookup(claim->hits, hit->file), *object = hunt_hit_object(hit);

    if (!list) {
        list = json_array();
        g_hash_table_insert(claim->hits, (gpointer)hit->file, list);
    }
    json_object_del(object, "file");
    json_object_del(object, "text");
    json_object_del(object, "in_part");
    json_object_set_new(object, "type", json_string(TYPE_HIT));
    json_array_append_new(list, object);
}

void hunt_claim_scanned(struct hunt_claim *claim, const struct hunt_scanned *input)
{
    g_autofree char *hex = input->sha256 ? hex_encode(input->sha256, MERKLE_HASH_SIZE) : NULL;
    json_t *file =
        json_pack("{s:s, s:o, s:s?, s:I, s:I, s:I}", "type", TYPE_FILE, "file",
                  json_safe_string(input->name), "sha256", hex, "size", (json_int_t)input->read,
                  "bytes", (json_int_t)input->bytes, "lines", (json_int_t)input->lines);

    if (input->problem)
        json_object_set_new(file, "problem", json_safe_string(input->problem));
    g_ptr_array_add(claim->files, file);
    g_ptr_array_add(claim->names, (gpointer)input->name);
}

const json_t *hunt_claim_entries(struct hunt_claim *claim)
{
    size_t first = claim->files->len;

    if (claim->entries)
        return claim->entries;
    claim->entries = json_array();
    for (guint i = 0; i < claim->files->len; i++) {
        json_t *file = claim->files->pdata[i];
        size_t count = json_array_size(g_hash_table_lookup(claim->hits, claim->names->pdata[i]));

        json_object_set_new(file, "hits", json_integer((json_int_t)count));
        json_object_set_new(file, "first", json_integer((json_int_t)first));
        json_array_append(claim->entries, file);
        first += count;
    }
    for (guint i = 0; i < claim->files->len; i++) {
        json_t *hits = g_hash_table_lookup(claim->hits, claim->names->pdata[i]), *hit;
        size_t index;

        json_array_foreach(hits, index, hit)
        {
            json_object_set_new(hit, "of", json_integer(i));
            json_array_append(claim->entries, hit);
        }
    }
    return claim->entries;
}

/* ---- signing */

static json_t *tables_json(const struct hunt_table *table)
{
    json_t *list = json_array();

    for (gsize i = 0; i < hunt_table_parts(table); i++) {
        const struct table_info *info = table_info(hunt_table_part(table, i));
        g_autofree char *hex = hex_encode(info->digest, sizeof info->digest);
        g_autofree char *built = clock_format(info->built_us);

        json_array_append_new(list, json_pack("{s:s, s:I, s:s, s:I}", "sha256", hex, "serial",
                                              (json_int_t)info->serial, "built", built, "values",
                                              (json_int_t)info->values));
    }
    return list;
}

static char *validity_text(const struct hit_rule *rule)
{
    if (rule->validity == HIT_VALID_AT)
        return clock_format(rule->at_us);
    return g_strdup(rule->validity == HIT_VALID_LINE ? "line" : "any");
}

static json_t *predicate_json(const struct hunt_claim *claim,
                              const struct hunt_scan_summary *summary, gint64 started_us,
                              gint64 ended_us)
{
    g_autofree char *started = clock_format(started_us), *ended = clock_format(ended_us);
    g_autofree char *valid = validity_text(&claim->options->rule);

    return json_pack("{s:s, s:s, s:s, s:o, s:{s:s, s:b}, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
                     "engine", "entente " ENTENTE_VERSION, "started", started, "ended", ended,
                     "tables", tables_json(claim->table), "rules", "valid", valid, "defanged",
                     claim->options->defanged, "files", (json_int_t)summary->files, "unread",
                     (json_int_t)summary->unread, "size", (json_int_t)summary->read, "bytes",
                     (json_int_t)summary->bytes, "lines", (json_int_t)summary->lines, "hits",
                     (json_int_t)summary->hits, "suppressed", (json_int_t)summary->suppressed);
}

gboolean hunt_claim_sign(struct hunt_claim *claim, const struct hunt_scan_summary *summary,
                         const char *log, gint64 started_us, gint64 ended_us,
                         const struct signing_key *key, GBytes **envelope, GBytes **openings,
                         GError **error)
{
    const json_t *entries = hunt_claim_entries(claim);
    g_autoptr(commitment_t) commitment = commitment_new();
    g_autoptr(json_t) predicate = NULL;
    json_t *entry;
    size_t index;

    if (!json_array_size(entries))
        return input_error(error, "no file was hunted: there is nothing to sign");
    if (json_array_size(entries) > COMMITMENT_COUNT_LIMIT)
        return input_error(error, "more files and hits than a statement commits to (%d)",
                           COMMITMENT_COUNT_LIMIT);
    json_array_foreach((json_t *)entries, index, entry)
    {
        if (!commitment_add(commitment, entry, error))
            return FALSE;
    }
    predicate = predicate_json(claim, summary, started_us, ended_us);
    if (log)
        json_object_set_new(predicate, "log", json_safe_string(log));
    return claim_sign("hunt", predicate, commitment, key, envelope, openings, error);
}

/* ---- repeating */

gboolean hunt_claim_same_tables(const struct hunt_table *table, const json_t *predicate,
                                GError **error)
{
    g_autoptr(json_t) ours = tables_json(table);
    const json_t *theirs = json_object_get(predicate, "tables");

    for (size_t i = 0; i < MAX(json_array_size(ours), json_array_size(theirs)); i++) {
        const char *own = json_text(json_array_get(ours, i), "sha256");
        const char *named = json_text(json_array_get(theirs, i), "sha256");

        if (g_strcmp0(own, named) != 0)
            return found_error(error, "the hunt used the table %s, and this is %s",
                               named ? named : "of no further part", own ? own : "none");
    }
    return TRUE;
}

gboolean hunt_claim_rule(const json_t *predicate, struct hunt_scan_options *options, GError **error)
{
    const json_t *rules = json_object_get(predicate, "rules");
    const char *valid = json_text(rules, "valid");

    options->defanged = json_is_true(json_object_get(rules, "defanged"));
    options->rule = (struct hit_rule){ 0 };
    if (g_strcmp0(valid, "any") == 0)
        return TRUE;
    options->rule.validity = HIT_VALID_LINE;
    if (g_strcmp0(valid, "line") == 0)
        return TRUE;
    options->rule.validity = HIT_VALID_AT;
    return clock_parse(valid ? valid : "", &options->rule.at_us, error);
}

static gboolean same_hit(const json_t *committed, const json_t *again)
{
    g_autoptr(json_t) a = json_deep_copy(committed), b = json_deep_copy(again);

    json_object_del(a, "of");
    json_object_del(b, "of");
    return json_equal(a, b);
}

static char *place_of(const json_t *hit)
{
    return g_strdup_printf("line %" G_GINT64_FORMAT ", %s %s", json_number(hit, "line", 0),
                           json_text(hit, "kind"), json_text(hit, "indicator"));
}

char *hunt_claim_file_differs(const json_t *entries, guint64 index, struct hunt_claim *again)
{
    static const char *const numbers[] = { "size", "bytes", "lines", "hits", NULL };
    const json_t *file = json_array_get(entries, index), *repeated = hunt_claim_entries(again);
    const json_t *own = json_array_get(repeated, 0);
    const gint64 first = json_number(file, "first", -1), count = json_number(file, "hits", -1);

    if (g_strcmp0(json_text(file, "type"), TYPE_FILE) != 0 || first < 0 || count < 0)
        return g_strdup("the entry is not of a file");
    if (g_strcmp0(json_text(file, "sha256"), json_text(own, "sha256")) != 0)
        return g_strdup("these are not the bytes that were hunted");
    for (const char *const *name = numbers; *name; name++)
        if (json_number(file, *name, -1) != json_number(own, *name, -1))
            return g_strdup_printf("%s: claimed %" G_GINT64_FORMAT ", found %" G_GINT64_FORMAT,
                                   *name, json_number(file, *name, -1),
                                   json_number(own, *name, -1));
    for (gint64 i = 0; i < count; i++) {
        const json_t *hit = json_array_get(entries, (size_t)(first + i));
        const json_t *found = json_array_get(repeated, (size_t)(1 + i));

        if (!json_is_object(hit))
            return g_strdup_printf("the hit in entry %" G_GINT64_FORMAT " was not opened",
                                   first + i);
        if (json_number(hit, "of", -1) != (gint64)index || !same_hit(hit, found)) {
            g_autofree char *claimed = place_of(hit), *place = place_of(found);

            return g_strdup_printf("claimed %s, found %s", claimed, place);
        }
    }
    return NULL;
}
