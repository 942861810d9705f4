/*
 * import_sarif.c: SARIF 2.1.0 (OASIS, sections 3.27 result, 3.49 reportingDescriptor). The first
 * run names the tool; results of later runs are taken with it.
 */
#include "assess/import.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"

#include <string.h>

struct rules {
    const json_t *list;
    GHashTable *by_id; /* id -> const json_t * */
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
    } steps[] = {
        {9.0,  SEVERITY_CRITICAL},
        { 7.0, SEVERITY_HIGH    },
        { 4.0, SEVERITY_MEDIUM  },
        { 0.1, SEVERITY_LOW     },
        { 0.0, SEVERITY_INFO    }
    };
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
    } kinds[] = {
        {"pass",           OUTCOME_PASS          },
        { "notApplicable", OUTCOME_NOT_APPLICABLE},
        { "open",          OUTCOME_NOT_MEASURED  },
        { "review",        OUTCOME_WARN          },
        { "informational", OUTCOME_NOT_APPLICABLE}
    };
    static const struct {
        const char *level;
        enum outcome outcome;
        enum severity severity;
    } levels[] = {
        {"error",    OUTCOME_FAIL, SEVERITY_HIGH  },
        { "warning", OUTCOME_FAIL, SEVERITY_MEDIUM},
        { "note",    OUTCOME_WARN, SEVERITY_LOW   },
        { "none",    OUTCOME_WARN, SEVERITY_INFO  }
    };
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
    if (!id && index >= 0) {
        const json_t *rule = json_array_get(rules->list, (size_t)index);

        id = json_is_object(rule) ? json_text(rule, "id") : NULL;
    }
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

static void read_run(const json_t *run, struct imported *imported)
{
    const json_t *driver = json_object_get(json_object_get(run, "tool"), "driver");
    const json_t *invocation = json_array_get(json_object_get(run, "invocations"), 0);
    const char *time = json_is_object(invocation) ? json_text(invocation, "startTimeUtc") : NULL;
    struct rules rules = { json_object_get(driver, "rules"),
                           g_hash_table_new(g_str_hash, g_str_equal) };
    const json_t *one;
    size_t i;

    if (!imported->tool && json_is_object(driver) && json_text(driver, "name")) {
        const char *version = json_text(driver, "version");
        g_autofree char *tool = NULL;

        if (!version)
            version = json_text(driver, "semanticVersion");
        tool = g_strjoin(version ? " " : "", json_text(driver, "name"), version, NULL);
        imported->tool = imported_text(tool);
    }
    if (time && !imported->time_us)
        clock_parse(time, &imported->time_us, NULL);
    json_array_foreach(rules.list, i, one)
    {
        const char *id = json_is_object(one) ? json_text(one, "id") : NULL;

        if (id && i < IMPORT_RULES_MAX)
            g_hash_table_insert(rules.by_id, (gpointer)id, (gpointer)one);
    }
    json_array_foreach(json_object_get(run, "results"), i, one)
    {
        if (json_is_object(one))
            read_result(one, &rules, imported);
    }
    g_hash_table_unref(rules.by_id);
}

struct imported *import_sarif(const char *data, gsize length, const char *name, GError **error)
{
    g_autoptr(json_t) top = json_parse(data, length, IMPORT_FILE_MAX, name, error);
    g_autoptr(imported_t) imported = imported_new();
    const char *version;
    const json_t *runs, *run;
    size_t i;

    if (!top)
        return NULL;
    version = json_is_object(top) ? json_text(top, "version") : NULL;
    runs = json_object_get(top, "runs");
    if (g_strcmp0(version, "2.1.0") != 0 || !json_is_array(runs)) {
        input_error(error, "%s: not SARIF 2.1.0 (its version is %s)", name,
                    version ? version : "not said");
        return NULL;
    }
    json_array_foreach(runs, i, run)
    {
        if (json_is_object(run))
            read_run(run, imported);
    }
    if (imported->tool)
        return g_steal_pointer(&imported);
    input_error(error, "%s: no run names its tool (runs[].tool.driver.name)", name);
    return NULL;
}
