/*
 * import_sarif.c: SARIF 2.1.0 (OASIS, sections 3.27 result, 3.49 reportingDescriptor). The first
 * run names the tool; results of later runs are taken with it.
 *
 * The document is streamed twice, one rule or result in memory at a time: first for the tool, the
 * rules and the time of each run, then for the results, since a run may name its rules behind them.
 */
#include "assess/import.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json_stream.h"

#include <string.h>

#define VALUE_MAX (4u << 20) /* bytes of one rule or result */

/* The rules of one run, in their order and by id. */
struct rules {
    GPtrArray *list;   /* of json_t, owned */
    GHashTable *by_id; /* id -> json_t *, borrowed from the list */
};

struct reading {
    struct imported *imported;
    GHashTable *runs; /* index of the run, as text -> struct rules */
    char *name;       /* of the tool */
    char *tool_version, *semantic_version;
    char *version; /* of SARIF */
};

static const char *message_text(const json_t *owner, const char *key)
{
    const json_t *message = json_object_get(owner, key);

    return json_is_object(message) ? json_text(message, "text") : NULL;
}

/* Section 3.27.10: absent means the rule's default, and that is "warning" when absent. */
static const char *level_of(const json_t *result, const json_t *rule)
{
    const char *level = json_text(result, "level");
    const json_t *defaults = rule ? json_object_get(rule, "defaultConfiguration") : NULL;

    if (!level && json_is_object(defaults))
        level = json_text(defaults, "level");
    return level ? level : "warning";
}

/* "security-severity" as dashboards read it (0.0 to 10.0, as CVSS). FALSE: not there. */
static gboolean read_severity(const json_t *rule, enum severity *severity)
{
    static const struct {
        double least;
        enum severity severity;
    } steps[] = { { 9.0, SEVERITY_CRITICAL },
                  { 7.0, SEVERITY_HIGH },
                  { 4.0, SEVERITY_MEDIUM },
                  { 0.1, SEVERITY_LOW },
                  { 0.0, SEVERITY_INFO } };
    const json_t *properties = rule ? json_object_get(rule, "properties") : NULL;
    const char *text =
        json_is_object(properties) ? json_text(properties, "security-severity") : NULL;
    char *end;
    double number;

    if (!text)
        return FALSE;
    number = g_ascii_strtod(text, &end);
    for (guint i = 0; end != text && i < G_N_ELEMENTS(steps); i++)
        if (number >= steps[i].least) {
            *severity = steps[i].severity;
            return TRUE;
        }
    return FALSE;
}

static void judge(const json_t *result, const json_t *rule, enum outcome *outcome,
                  enum severity *severity)
{
    static const struct {
        const char *kind;
        enum outcome outcome;
    } kinds[] = { { "pass", OUTCOME_PASS },
                  { "notApplicable", OUTCOME_NOT_APPLICABLE },
                  { "open", OUTCOME_NOT_MEASURED },
                  { "review", OUTCOME_WARN },
                  { "informational", OUTCOME_NOT_APPLICABLE } };
    static const struct {
        const char *level;
        enum outcome outcome;
        enum severity severity;
    } levels[] = { { "error", OUTCOME_FAIL, SEVERITY_HIGH },
                   { "warning", OUTCOME_FAIL, SEVERITY_MEDIUM },
                   { "note", OUTCOME_WARN, SEVERITY_LOW },
                   { "none", OUTCOME_WARN, SEVERITY_INFO } };
    const char *kind = json_text(result, "kind");
    const char *level = level_of(result, rule);

    *outcome = OUTCOME_FAIL;
    *severity = SEVERITY_MEDIUM;
    for (guint i = 0; i < G_N_ELEMENTS(levels); i++)
        if (g_str_equal(levels[i].level, level)) {
            *outcome = levels[i].outcome;
            *severity = levels[i].severity;
        }
    for (guint i = 0; kind && i < G_N_ELEMENTS(kinds); i++)
        if (g_str_equal(kinds[i].kind, kind))
            *outcome = kinds[i].outcome;
    read_severity(rule, severity);
}

/* Section 3.52.3: by ruleId, by rule.id, or by ruleIndex. */
static const char *rule_id(const json_t *result, const struct rules *rules)
{
    const json_t *reference = json_object_get(result, "rule");
    const char *id = json_text(result, "ruleId");
    gint64 index = json_number(result, "ruleIndex", -1);

    if (!id && json_is_object(reference)) {
        id = json_text(reference, "id");
        index = json_number(reference, "index", index);
    }
    if (!id && index >= 0 && index < rules->list->len)
        id = json_text(rules->list->pdata[index], "id");
    return id;
}

static void read_place(const json_t *result, struct imported_finding *finding)
{
    const json_t *location = json_array_get(json_object_get(result, "locations"), 0);
    const json_t *physical = json_object_get(location, "physicalLocation");
    const json_t *artifact = json_object_get(physical, "artifactLocation");
    const json_t *region = json_object_get(physical, "region");
    const char *uri = json_is_object(artifact) ? json_text(artifact, "uri") : NULL;
    g_autofree char *path = uri ? g_uri_unescape_string(uri, NULL) : NULL;
    gboolean rooted = uri && g_strcmp0(json_text(artifact, "uriBaseId"), "ROOT") == 0;
    g_autofree char *full = rooted && path ? g_strconcat("/", path, NULL) : NULL;

    finding->path = imported_text(full ? full : path ? path : uri);
    if (json_is_object(region))
        finding->line = (guint)CLAMP(json_number(region, "startLine", 0), 0, G_MAXINT32);
}

/* A suppression counts unless it is under review or rejected (section 3.35.3). */
static const char *suppression(const json_t *result)
{
    const json_t *list = json_object_get(result, "suppressions"), *one;
    size_t i;

    json_array_foreach(list, i, one)
    {
        const char *status = json_text(one, "status");
        const char *why = json_text(one, "justification");

        if (!status || g_str_equal(status, "accepted"))
            return why ? why : "no reason given";
    }
    return NULL;
}

/* A tag that looks like a reference of our catalogue: "cis-debian12:5.1.20". */
static char *reference_of(const json_t *rule)
{
    const json_t *tags = json_object_get(json_object_get(rule, "properties"), "tags"), *tag;
    size_t i;

    json_array_foreach(tags, i, tag)
    {
        const char *text = json_string_value(tag);

        if (text && strchr(text, ':') && !strchr(text, ' '))
            return imported_text(text);
    }
    return NULL;
}

static void read_result(const json_t *result, const struct rules *rules, struct imported *imported)
{
    const char *id = rule_id(result, rules), *why = suppression(result);
    const json_t *rule = id ? g_hash_table_lookup(rules->by_id, id) : NULL;
    struct imported_finding *finding;
    enum outcome outcome;
    enum severity severity;

    judge(result, rule, &outcome, &severity);
    finding = imported_add(imported, id ? id : "result", outcome, severity);
    if (!finding)
        return;
    finding->title = imported_text(rule ? message_text(rule, "shortDescription") : NULL);
    finding->fix = imported_text(rule ? message_text(rule, "help") : NULL);
    finding->text = imported_text(message_text(result, "message"));
    finding->reference = rule ? reference_of(rule) : NULL;
    if (why) {
        g_autofree char *text =
            g_strdup_printf("[suppressed: %s] %s", why, finding->text ? finding->text : "");

        g_free(finding->text);
        finding->text = imported_text(text);
    }
    read_place(result, finding);
}

static void rules_free(struct rules *rules)
{
    g_ptr_array_unref(rules->list);
    g_hash_table_unref(rules->by_id);
    g_free(rules);
}

/* The rules of the run that a path ("runs", index, ...) lies in; made when it is new. */
static struct rules *rules_at(struct reading *reading, const char *const *path)
{
    struct rules *rules = g_hash_table_lookup(reading->runs, path[1]);

    if (!rules) {
        rules = g_new0(struct rules, 1);
        rules->list = g_ptr_array_new_with_free_func((GDestroyNotify)json_decref);
        rules->by_id = g_hash_table_new(g_str_hash, g_str_equal);
        g_hash_table_insert(reading->runs, g_strdup(path[1]), rules);
    }
    return rules;
}

static gboolean take_rule(const char *const *path, const json_t *value, gpointer data,
                          GError **error)
{
    struct rules *rules = rules_at(data, path);
    const char *id = json_is_object(value) ? json_text(value, "id") : NULL;

    if (rules->list->len >= IMPORT_RULES_MAX)
        return TRUE;
    g_ptr_array_add(rules->list, json_incref((json_t *)value));
    if (id)
        g_hash_table_insert(rules->by_id, (gpointer)id, (gpointer)value);
    return TRUE;
}

static gboolean take_invocation(const char *const *path, const json_t *value, gpointer data,
                                GError **error)
{
    struct reading *reading = data;
    const char *time = json_is_object(value) ? json_text(value, "startTimeUtc") : NULL;

    if (time && !reading->imported->time_us)
        clock_parse(time, &reading->imported->time_us, NULL);
    return TRUE;
}

/* Members of the first driver that are texts, and the version of the format. */
static gboolean take_text(const char *const *path, const json_t *value, gpointer data,
                          GError **error)
{
    struct reading *reading = data;
    const char *member = path[g_strv_length((char **)path) - 1];
    const struct {
        const char *member;
        char **target;
        gboolean of_driver;
    } targets[] = {
        { "name", &reading->name, TRUE },
        { "version", &reading->tool_version, TRUE },
        { "semanticVersion", &reading->semantic_version, TRUE },
        { "version", &reading->version, FALSE },
    };

    for (guint i = 0; i < G_N_ELEMENTS(targets) && json_is_string(value); i++)
        if (g_str_equal(targets[i].member, member) && targets[i].of_driver == (path[1] != NULL) &&
            !*targets[i].target)
            *targets[i].target = imported_text(json_string_value(value));
    return TRUE;
}

static gboolean take_result(const char *const *path, const json_t *value, gpointer data,
                            GError **error)
{
    struct reading *reading = data;

    if (json_is_object(value))
        read_result(value, rules_at(reading, path), reading->imported);
    return TRUE;
}

static gboolean stream(const char *data, gsize length, const char *name,
                       const struct json_want *wants, struct reading *reading, GError **error)
{
    g_autoptr(json_stream_t) parser = json_stream_new(name, wants, VALUE_MAX, reading);

    return json_stream_feed(parser, data, length, error) && json_stream_end(parser, error);
}

static gboolean read_document(const char *data, gsize length, const char *name,
                              struct reading *reading, GError **error)
{
    static const struct json_want about[] = {
        { "version", take_text },
        { "runs/*/tool/driver/name", take_text },
        { "runs/*/tool/driver/version", take_text },
        { "runs/*/tool/driver/semanticVersion", take_text },
        { "runs/*/tool/driver/rules/*", take_rule },
        { "runs/*/invocations/0", take_invocation },
        { NULL },
    };
    static const struct json_want results[] = { { "runs/*/results/*", take_result }, { NULL } };
    const char *version;
    g_autofree char *tool = NULL;

    if (!stream(data, length, name, about, reading, error))
        return FALSE;
    if (g_strcmp0(reading->version, "2.1.0") != 0)
        return input_error(error, "%s: not SARIF 2.1.0 (its version is %s)", name,
                           reading->version ? reading->version : "not said");
    if (!reading->name)
        return input_error(error, "%s: no run names its tool (runs[].tool.driver.name)", name);
    version = reading->tool_version ? reading->tool_version : reading->semantic_version;
    tool = g_strjoin(version ? " " : "", reading->name, version, NULL);
    reading->imported->tool = imported_text(tool);
    return stream(data, length, name, results, reading, error);
}

struct imported *import_sarif(const char *data, gsize length, const char *name, GError **error)
{
    g_autoptr(imported_t) imported = imported_new();
    struct reading reading = { .imported = imported };
    gboolean done;

    if (length > IMPORT_FILE_MAX) {
        input_error(error, "%s: larger than the limit of %u bytes", name, IMPORT_FILE_MAX);
        return NULL;
    }
    reading.runs =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)rules_free);
    done = read_document(data, length, name, &reading, error);
    g_hash_table_unref(reading.runs);
    g_free(reading.name);
    g_free(reading.tool_version);
    g_free(reading.semantic_version);
    g_free(reading.version);
    return done ? g_steal_pointer(&imported) : NULL;
}
