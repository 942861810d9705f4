/* import_apply.c: imported findings beside our own, with their source, without a score. */
#include "assess/catalogue.h"
#include "assess/import.h"
#include "profile/profile.h"

#include <string.h>

#define DEFAULT_PRINCIPLE 7 /* cyber hygiene, when no measure of ours shares the reference */
#define CHUNK 4096

static void measure_free(gpointer pointer)
{
    struct measure *measure = pointer;

    g_free((gpointer)measure->references);
    g_free(measure);
}

/* Our measure that has this reference, or is this rule itself; NULL when there is none. */
static const struct measure *kindred(const struct imported_finding *finding)
{
    const struct measure *same = catalogue_find(finding->rule), *rows;
    gsize count;

    if (same || !finding->reference)
        return same;
    rows = catalogue_measures(&count);
    for (gsize i = 0; i < count; i++)
        if (g_strv_contains(rows[i].references, finding->reference))
            return &rows[i];
    return NULL;
}

/* "lynis.SSH-7408": the tool's first word and the rule, in the letters of an id. */
static char *measure_id(const struct imported *imported, const struct imported_finding *finding)
{
    g_autofree char *tool = g_ascii_strdown(imported->tool, -1);
    char *id;

    tool[strcspn(tool, " ")] = '\0';
    id = g_strdup_printf("%s.%s", tool, finding->rule);
    for (char *c = id; *c; c++)
        if (!g_ascii_isalnum(*c) && !strchr("._-", *c))
            *c = '-';
    return id;
}

static const struct measure *add_measure(struct assessment *assessment, const char *id,
                                         const struct imported_finding *finding)
{
    const struct measure *ours = kindred(finding);
    struct measure *measure = g_new0(struct measure, 1);
    const char **references = g_new0(const char *, 2);
    const char *title = finding->title ? finding->title : finding->rule;
    GStringChunk *texts;

    if (!assessment->texts)
        assessment->texts = g_string_chunk_new(CHUNK);
    if (!assessment->own_measures)
        assessment->own_measures = g_ptr_array_new_with_free_func(measure_free);
    texts = assessment->texts;
    measure->id = g_string_chunk_insert_const(texts, id);
    measure->principle = ours ? ours->principle : DEFAULT_PRINCIPLE;
    measure->version = 1;
    measure->severity = finding->severity;
    measure->function = ours ? ours->function : FUNCTION_PROTECT;
    measure->asset_kind = "host";
    measure->title.en = measure->title.fr = g_string_chunk_insert_const(texts, title);
    measure->why.en = "Found by another tool, and shown as it said it.";
    measure->why.fr = "Constaté par un autre outil, et montré tel qu’il l’a dit.";
    measure->fix.en = measure->fix.fr =
        g_string_chunk_insert_const(texts, finding->fix ? finding->fix : title);
    if (finding->reference)
        references[0] = g_string_chunk_insert_const(texts, finding->reference);
    measure->references = references;
    g_ptr_array_add(assessment->own_measures, measure);
    g_ptr_array_add(assessment->measures, measure);
    return measure;
}

static guint find_asset(struct assessment *assessment, const char *name)
{
    const char *kind = asset_kind_name(ASSET_HOST);

    for (guint i = 0; i < assessment->assets->len; i++) {
        const struct assessed_asset *asset = assessment->assets->pdata[i];

        if (g_str_equal(asset->kind, kind) && (!name || g_str_equal(asset->name, name)))
            return i;
    }
    return assessment_add_asset(assessment, kind, name ? name : "unknown", CRITICALITY_NORMAL);
}

/* What a result says of its place; one rule may have several, which become one finding. */
static void add_evidence(struct finding *finding, const struct imported_finding *from)
{
    if (from->outcome == OUTCOME_PASS)
        finding_pass(finding, from->path, from->line, NULL, from->text, NULL);
    else if (from->outcome == OUTCOME_WARN)
        finding_warn(finding, from->path, from->line, NULL, from->text, NULL);
    else if (from->outcome == OUTCOME_FAIL)
        finding_fail(finding, from->path, from->line, NULL, from->text, NULL);
    else if (from->outcome == OUTCOME_NOT_APPLICABLE)
        finding_not_applicable(finding, REASON_NOT_USED, "%s", from->text ? from->text : "");
    else
        finding_not_measured(finding, REASON_UNREADABLE, "%s", from->text ? from->text : "");
}

static struct finding *add_finding(struct assessment *assessment, guint asset,
                                   const struct measure *measure, const char *source)
{
    struct finding *finding = finding_new(measure->id, asset);

    finding->source = g_strdup(source);
    assessment_add_finding(assessment, measure, finding);
    return finding;
}

static void apply_one(struct assessment *assessment, const struct imported *imported,
                      GHashTable *measures)
{
    guint asset = find_asset(assessment, imported->asset);
    g_autoptr(GHashTable) done = g_hash_table_new(NULL, NULL); /* measure -> finding */

    for (guint i = 0; i < imported->findings->len; i++) {
        const struct imported_finding *from = imported->findings->pdata[i];
        g_autofree char *id = measure_id(imported, from);
        const struct measure *measure = g_hash_table_lookup(measures, id);
        struct finding *finding;

        if (!measure) {
            measure = add_measure(assessment, id, from);
            g_hash_table_insert(measures, (gpointer)measure->id, (gpointer)measure);
        }
        finding = g_hash_table_lookup(done, measure);
        if (!finding) {
            finding = add_finding(assessment, asset, measure, imported->tool);
            g_hash_table_insert(done, (gpointer)measure, finding);
        }
        add_evidence(finding, from);
    }
}

static int by_id(gconstpointer a, gconstpointer b)
{
    const struct measure *one = *(const struct measure *const *)a;
    const struct measure *two = *(const struct measure *const *)b;

    return strcmp(one->id, two->id);
}

static int by_measure(gconstpointer a, gconstpointer b)
{
    const struct assessed_finding *one = *(struct assessed_finding *const *)a;
    const struct assessed_finding *two = *(struct assessed_finding *const *)b;
    int order = strcmp(one->measure->id, two->measure->id);

    if (order)
        return order;
    return one->finding->asset < two->finding->asset ? -1
                                                     : one->finding->asset > two->finding->asset;
}

void import_apply(struct assessment *assessment, const struct records *records)
{
    /* "tool LF asset": a tool without its version, so that an update replaces what came before */
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GHashTable) measures = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint i = records_count(records); i-- > 0;) {
        const struct event *event = records_at(records, i);
        g_autoptr(imported_t) imported = NULL;
        gsize length;
        const void *body;
        g_autofree char *tool = NULL;

        if (!g_str_equal(event->kind, IMPORT_EVENT))
            continue;
        body = g_bytes_get_data(event->body, &length);
        imported = imported_read(body, length, NULL);
        if (!imported)
            continue;
        tool = g_strndup(imported->tool, strcspn(imported->tool, " "));
        if (g_hash_table_add(seen, g_strconcat(tool, "\n", imported->asset, NULL)))
            apply_one(assessment, imported, measures);
    }
    g_ptr_array_sort(assessment->measures, by_id);
    g_ptr_array_sort(assessment->findings, by_measure);
}
