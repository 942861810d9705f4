/* Reads the document of an assessment, which may come from anybody. */
#include "assess/assessment_json.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "profile/profile.h"

#include <sodium.h>
#include <string.h>

#define NAME_MAX_BYTES 4096  /* of ids, names, versions */
#define TEXT_MAX_BYTES 65536 /* of why and fix */
#define LIST_MAX 1000        /* references and needs of a measure */

/* Where we are, for messages: "FILE: findings[12]: ...". */
struct place {
    const char *file, *list;
    guint index;
};

static gboolean refuse(const struct place *place, const char *key, const char *why, GError **error)
{
    if (!place->list)
        return input_error(error, "%s: %s %s", place->file, key, why);
    return input_error(error, "%s: %s[%u]: %s %s", place->file, place->list, place->index, key,
                       why);
}

/* A bounded text; `*text` is NULL when it is absent and may be. Borrowed. */
static gboolean get_text(const struct place *place, const json_t *object, const char *key,
                         gboolean must, gsize limit, const char **text, GError **error)
{
    const json_t *value = json_object_get(object, key);

    *text = json_string_value(value);
    if (!value && !must)
        return TRUE;
    if (!*text)
        return refuse(place, key, value ? "is not a text" : "is missing", error);
    if (json_string_length(value) > limit)
        return refuse(place, key, "is too long", error);
    return TRUE;
}

static gboolean copy_text(const struct place *place, const json_t *object, const char *key,
                          gboolean must, char **copy, GError **error)
{
    const char *text;

    if (!get_text(place, object, key, must, NAME_MAX_BYTES, &text, error))
        return FALSE;
    *copy = g_strdup(text);
    return TRUE;
}

static gboolean get_number(const struct place *place, const json_t *object, const char *key,
                           gint64 low, gint64 high, gint64 *number, GError **error)
{
    const json_t *value = json_object_get(object, key);

    *number = json_integer_value(value);
    if (!json_is_integer(value) || *number < low || *number > high)
        return refuse(place, key, "is not a number in its range", error);
    return TRUE;
}

static gboolean get_time(const struct place *place, const json_t *object, const char *key,
                         gboolean must, gint64 *time_us, GError **error)
{
    const char *text;

    if (!get_text(place, object, key, must, NAME_MAX_BYTES, &text, error))
        return FALSE;
    if (text && !clock_parse(text, time_us, NULL))
        return refuse(place, key, "is not a time (RFC 3339)", error);
    return TRUE;
}

static gboolean get_array(const struct place *place, const json_t *object, const char *key,
                          gsize limit, const json_t **array, GError **error)
{
    *array = json_object_get(object, key);
    if (!json_is_array(*array))
        return refuse(place, key, "is not a list", error);
    if (json_array_size(*array) > limit)
        return refuse(place, key, "has too many elements", error);
    return TRUE;
}

/* One of `count` names; `name_of` gives each. */
#define FIND_NAME(text, name_of, first, last, found)                                               \
    for (found = (first); found <= (last) && !g_str_equal(text, name_of(found)); found++) {        \
    }

static gboolean read_head(const struct place *place, const json_t *document,
                          struct assessment *assessment, GError **error)
{
    struct assessment_signatory *who = &assessment->signatory;
    struct assessment_run *run = &assessment->run;
    const json_t *signatory = json_object_get(document, "signatory");
    const json_t *made = json_object_get(document, "run");
    const char *schema, *nonce;
    size_t length;

    if (!get_text(place, document, "schema", TRUE, NAME_MAX_BYTES, &schema, error))
        return FALSE;
    if (!g_str_equal(schema, ASSESSMENT_SCHEMA))
        return refuse(place, "schema", "is not \"" ASSESSMENT_SCHEMA "\"", error);
    if (!json_is_object(signatory) || !json_is_object(made))
        return refuse(place, json_is_object(made) ? "signatory" : "run", "is not an object", error);
    if (!copy_text(place, signatory, "id", FALSE, &who->id, error) ||
        !copy_text(place, signatory, "name", FALSE, &who->name, error) ||
        !copy_text(place, signatory, "group", FALSE, &who->group, error) ||
        !copy_text(place, signatory, "country", FALSE, &who->country, error) ||
        !copy_text(place, signatory, "domain", FALSE, &who->domain, error) ||
        !copy_text(place, made, "id", TRUE, &run->id, error) ||
        !get_time(place, made, "started", TRUE, &run->started_us, error) ||
        !get_time(place, made, "ended", TRUE, &run->ended_us, error) ||
        !copy_text(place, made, "version", TRUE, &run->version, error) ||
        !copy_text(place, made, "catalogue", TRUE, &run->catalogue, error) ||
        !copy_text(place, made, "catalogue_version", TRUE, &run->catalogue_version, error) ||
        !copy_text(place, made, "profile_sha256", FALSE, &run->profile_sha256, error) ||
        !copy_text(place, made, "root", FALSE, &run->root, error) ||
        !copy_text(place, made, "signer", FALSE, &run->signer, error) ||
        !get_text(place, made, "nonce", TRUE, NAME_MAX_BYTES, &nonce, error))
        return FALSE;
    if (sodium_hex2bin(run->nonce, sizeof run->nonce, nonce, strlen(nonce), NULL, &length, NULL) ||
        length != sizeof run->nonce || strlen(nonce) != 2 * sizeof run->nonce)
        return refuse(place, "nonce", "is not 32 bytes in hex", error);
    return TRUE;
}

static gboolean read_both(const struct place *place, const json_t *object, const char *key,
                          GStringChunk *texts, struct text *text, GError **error)
{
    const json_t *both = json_object_get(object, key);
    const char *en, *fr;

    if (!json_is_object(both))
        return refuse(place, key, "is not a text in two languages", error);
    if (!get_text(place, both, "en", TRUE, TEXT_MAX_BYTES, &en, error) ||
        !get_text(place, both, "fr", TRUE, TEXT_MAX_BYTES, &fr, error))
        return FALSE;
    text->en = g_string_chunk_insert(texts, en);
    text->fr = g_string_chunk_insert(texts, fr);
    return TRUE;
}

static void measure_free(gpointer data)
{
    struct measure *measure = data;

    g_free((gpointer)measure->references);
    g_free(measure);
}

static gboolean read_references(const struct place *place, const json_t *row, GStringChunk *texts,
                                struct measure *measure, GError **error)
{
    const json_t *names;
    const char **list;

    if (!get_array(place, row, "references", LIST_MAX, &names, error))
        return FALSE;
    list = g_new0(const char *, json_array_size(names) + 1);
    measure->references = list;
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));

        if (!name)
            return refuse(place, "references", "holds what is no text", error);
        list[i] = g_string_chunk_insert_const(texts, name);
    }
    return TRUE;
}

static gboolean read_needs(const struct place *place, const json_t *row, struct measure *measure,
                           GError **error)
{
    const json_t *names, *value;
    size_t i;

    if (!get_array(place, row, "needs", LIST_MAX, &names, error))
        return FALSE;
    json_array_foreach(names, i, value) for (guint bit = NEEDS_LIVE; bit <= NEEDS_BUS;
                                             bit <<= 1) if (g_strcmp0(json_string_value(value),
                                                                      needs_name(bit)) == 0)
        measure->needs |= bit;
    return TRUE;
}

static gboolean read_measure(const struct place *place, const char *id, const json_t *row,
                             struct assessment *assessment, GError **error)
{
    struct measure *measure = g_new0(struct measure, 1);
    GStringChunk *texts = assessment->texts;
    const char *catalogue_id, *severity, *function;
    gint64 principle, version;
    guint found;

    g_ptr_array_add(assessment->own_measures, measure);
    if (!json_is_object(row) || strlen(id) > NAME_MAX_BYTES)
        return refuse(place, "measure", "is not an object with a short name", error);
    if (!get_text(place, row, "catalogue_id", FALSE, NAME_MAX_BYTES, &catalogue_id, error) ||
        !get_number(place, row, "version", 0, G_MAXUINT16, &version, error) ||
        !get_number(place, row, "principle", 1, PRINCIPLES, &principle, error) ||
        !get_text(place, row, "severity", TRUE, NAME_MAX_BYTES, &severity, error) ||
        !severity_parse(severity, &measure->severity, error) ||
        !get_text(place, row, "function", TRUE, NAME_MAX_BYTES, &function, error) ||
        !read_both(place, row, "title", texts, &measure->title, error) ||
        !read_both(place, row, "why", texts, &measure->why, error) ||
        !read_both(place, row, "fix", texts, &measure->fix, error) ||
        !read_references(place, row, texts, measure, error) ||
        !read_needs(place, row, measure, error))
        return FALSE;
    FIND_NAME(function, function_name, FUNCTION_GOVERN, FUNCTION_RECOVER, found);
    if (found > FUNCTION_RECOVER)
        return refuse(place, "function", "is not known", error);
    measure->id = g_string_chunk_insert_const(texts, id);
    measure->catalogue_id = catalogue_id ? g_string_chunk_insert_const(texts, catalogue_id) : NULL;
    measure->principle = principle;
    measure->version = version;
    measure->function = found;
    measure->n_actions = json_is_true(json_object_get(row, "fixable"));
    measure->asset_kind = "";
    g_ptr_array_add(assessment->measures, measure);
    return TRUE;
}

static gint compare_ids(gconstpointer a, gconstpointer b)
{
    return strcmp((*(const struct measure *const *)a)->id, (*(const struct measure *const *)b)->id);
}

static gboolean read_measures(struct place *place, const json_t *document,
                              struct assessment *assessment, GError **error)
{
    const json_t *rows = json_object_get(document, "measures");
    json_t *row;
    const char *id;

    if (!json_is_object(rows) || json_object_size(rows) > ASSESSMENT_MEASURES_MAX)
        return refuse(place, "measures", "is not an object of a bounded size", error);
    assessment->texts = g_string_chunk_new(4096);
    assessment->own_measures = g_ptr_array_new_with_free_func(measure_free);
    *place = (struct place){ place->file, "measures", 0 };
    json_object_foreach((json_t *)rows, id, row)
    {
        if (!read_measure(place, id, row, assessment, error))
            return FALSE;
        place->index++;
    }
    g_ptr_array_sort(assessment->measures, compare_ids);
    return TRUE;
}

static gboolean read_assets(struct place *place, const json_t *document,
                            struct assessment *assessment, GError **error)
{
    const json_t *list, *row;
    size_t i;

    *place = (struct place){ place->file, NULL, 0 };
    if (!get_array(place, document, "assets", ASSESSMENT_ASSETS_MAX, &list, error))
        return FALSE;
    json_array_foreach(list, i, row)
    {
        const char *kind, *name, *criticality;
        guint found;

        *place = (struct place){ place->file, "assets", i };
        if (!get_text(place, row, "kind", TRUE, NAME_MAX_BYTES, &kind, error) ||
            !get_text(place, row, "name", TRUE, NAME_MAX_BYTES, &name, error) ||
            !get_text(place, row, "criticality", TRUE, NAME_MAX_BYTES, &criticality, error))
            return FALSE;
        FIND_NAME(criticality, criticality_name, CRITICALITY_LOW, CRITICALITY_HIGH, found);
        if (found > CRITICALITY_HIGH)
            return refuse(place, "criticality", "is not low, normal or high", error);
        assessment_add_asset(assessment, kind, name, found);
    }
    return TRUE;
}

static gboolean read_evidence(const struct place *place, const json_t *row, struct finding *finding,
                              GError **error)
{
    const json_t *lines, *line;
    size_t i;

    if (!get_array(place, row, "evidence", EVIDENCE_MAX, &lines, error))
        return FALSE;
    json_array_foreach(lines, i, line)
    {
        struct evidence *evidence = g_new0(struct evidence, 1);
        const char *type, *outcome;
        gint64 number = 0;
        guint kind;

        g_ptr_array_add(finding->evidence, evidence);
        if (!get_text(place, line, "type", TRUE, NAME_MAX_BYTES, &type, error) ||
            !get_text(place, line, "outcome", TRUE, NAME_MAX_BYTES, &outcome, error) ||
            !copy_text(place, line, "path", FALSE, &evidence->path, error) ||
            !copy_text(place, line, "key", FALSE, &evidence->key, error) ||
            !copy_text(place, line, "found", FALSE, &evidence->found, error) ||
            !copy_text(place, line, "wanted", FALSE, &evidence->wanted, error) ||
            (json_object_get(line, "line") &&
             !get_number(place, line, "line", 0, G_MAXUINT, &number, error)))
            return FALSE;
        FIND_NAME(type, evidence_kind_name, EVIDENCE_SETTING, EVIDENCE_REDACTED, kind);
        if (kind > EVIDENCE_REDACTED || !outcome_parse(outcome, &evidence->outcome) ||
            evidence->outcome < OUTCOME_PASS || evidence->outcome > OUTCOME_FAIL)
            return refuse(place, "evidence", "has an unknown type or outcome", error);
        evidence->kind = kind;
        evidence->line = number;
    }
    return TRUE;
}

static gboolean read_waiver(const struct place *place, const json_t *row,
                            struct assessed_finding *assessed, GError **error)
{
    const json_t *value = json_object_get(row, "waiver");

    if (!value)
        return TRUE;
    assessed->waiver = g_new0(struct waiver, 1);
    assessed->waiver->expired = json_is_true(json_object_get(value, "expired"));
    return copy_text(place, value, "by", FALSE, &assessed->waiver->by, error) &&
           copy_text(place, value, "reason", TRUE, &assessed->waiver->reason, error) &&
           get_time(place, value, "until", TRUE, &assessed->waiver->until_us, error);
}

static gboolean read_finding(const struct place *place, const json_t *row,
                             struct assessment *assessment, GError **error)
{
    const char *id, *outcome, *reason;
    const struct measure *measure;
    struct assessed_finding *assessed;
    struct finding *finding;
    gint64 asset, omitted = 0;
    guint found = REASON_NONE;

    if (!get_text(place, row, "measure", TRUE, NAME_MAX_BYTES, &id, error) ||
        !get_number(place, row, "asset", 0, (gint64)assessment->assets->len - 1, &asset, error))
        return FALSE;
    measure = assessment_measure(assessment, id);
    if (!measure)
        return refuse(place, "measure", "is not among the measures", error);
    finding = finding_new(measure->id, asset);
    assessed = assessment_add_finding(assessment, measure, finding);
    if (!get_text(place, row, "outcome", TRUE, NAME_MAX_BYTES, &outcome, error) ||
        !get_text(place, row, "reason", FALSE, NAME_MAX_BYTES, &reason, error) ||
        !copy_text(place, row, "detail", FALSE, &finding->detail, error) ||
        !copy_text(place, row, "source", FALSE, &finding->source, error) ||
        !read_evidence(place, row, finding, error) ||
        (json_object_get(row, "omitted") &&
         !get_number(place, row, "omitted", 0, G_MAXUINT, &omitted, error)) ||
        !read_waiver(place, row, assessed, error) ||
        !get_time(place, row, "first_seen", FALSE, &assessed->first_seen_us, error) ||
        !get_time(place, row, "last_changed", FALSE, &assessed->last_changed_us, error))
        return FALSE;
    if (!outcome_parse(outcome, &finding->outcome))
        return refuse(place, "outcome", "is not known", error);
    if (reason)
        FIND_NAME(reason, reason_name, REASON_NEEDS_ROOT, REASON_SILENT, found);
    if (found > REASON_SILENT)
        return refuse(place, "reason", "is not known", error);
    finding->reason = found;
    finding->omitted = omitted;
    return TRUE;
}

static gboolean read_findings(struct place *place, const json_t *document,
                              struct assessment *assessment, GError **error)
{
    const json_t *list, *row;
    size_t i;

    *place = (struct place){ place->file, NULL, 0 };
    if (!get_array(place, document, "findings", ASSESSMENT_FINDINGS_MAX, &list, error))
        return FALSE;
    json_array_foreach(list, i, row)
    {
        *place = (struct place){ place->file, "findings", i };
        if (!read_finding(place, row, assessment, error))
            return FALSE;
    }
    return TRUE;
}

/* Nine numbers in 0..`most`, or null where that is allowed. */
static gboolean read_nine(const struct place *place, const json_t *row, const char *key,
                          gint64 most, int *numbers, GError **error)
{
    const json_t *list, *value;
    size_t i;

    if (!get_array(place, row, key, PRINCIPLES, &list, error))
        return FALSE;
    if (json_array_size(list) != PRINCIPLES)
        return refuse(place, key, "has not nine elements", error);
    json_array_foreach(list, i, value)
    {
        gint64 number = json_integer_value(value);

        if (!json_is_null(value) && (!json_is_integer(value) || number < 0 || number > most))
            return refuse(place, key, "holds a number out of its range", error);
        numbers[i] = json_is_null(value) ? SCORE_NONE : (int)number;
    }
    return TRUE;
}

static gboolean read_trend(struct place *place, const json_t *document,
                           struct assessment *assessment, GError **error)
{
    const json_t *list, *row;
    size_t i;

    *place = (struct place){ place->file, NULL, 0 };
    if (!get_array(place, document, "trend", ASSESSMENT_TREND_MAX, &list, error))
        return FALSE;
    json_array_foreach(list, i, row)
    {
        struct trend_point point = { 0 };
        int failing[PRINCIPLES];

        *place = (struct place){ place->file, "trend", i };
        if (!get_time(place, row, "time", TRUE, &point.time_us, error) ||
            !read_nine(place, row, "scores", 100, point.score, error) ||
            !read_nine(place, row, "coverage", 100, point.coverage, error) ||
            !read_nine(place, row, "failing", G_MAXINT, failing, error))
            return FALSE;
        for (guint n = 0; n < PRINCIPLES; n++)
            point.failing[n] = MAX(failing[n], 0);
        g_array_append_val(assessment->trend, point);
    }
    return TRUE;
}

static struct assessment *read_document(const json_t *document, const char *name, GError **error)
{
    g_autoptr(assessment_t) assessment = assessment_new();
    struct place place = { .file = name };

    if (!read_head(&place, document, assessment, error) ||
        !read_measures(&place, document, assessment, error) ||
        !read_assets(&place, document, assessment, error) ||
        !read_findings(&place, document, assessment, error) ||
        !read_trend(&place, document, assessment, error))
        return NULL;
    if (json_is_object(json_object_get(document, "hunts"))) /* shown as it is, never judged */
        assessment->hunts = json_incref(json_object_get(document, "hunts"));
    assessment_score(assessment);
    return g_steal_pointer(&assessment);
}

struct assessment *assessment_parse_json(const void *data, gsize length, const char *name,
                                         GError **error)
{
    g_autoptr(json_t) document = json_parse(data, length, ASSESSMENT_DOCUMENT_MAX, name, error);

    return document ? read_document(document, name, error) : NULL;
}

struct assessment *assessment_read_file(const char *path, GError **error)
{
    g_autoptr(json_t) document = json_read_file(path, ASSESSMENT_DOCUMENT_MAX, error);

    return document ? read_document(document, path, error) : NULL;
}
