#include "assess/import.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "sandbox/worker.h"

#include <string.h>

#define SCHEMA "entente/import/1"
#define WORKER_MEMORY (1024u << 20)
#define WORKER_LIMIT_US (60 * G_USEC_PER_SEC)
#define SNIFFED 4096u /* bytes looked at to tell the format */

enum reply { REPLY_IMPORTED, REPLY_REFUSED };

static void finding_clear(gpointer pointer)
{
    struct imported_finding *finding = pointer;

    g_free(finding->rule);
    g_free(finding->title);
    g_free(finding->text);
    g_free(finding->fix);
    g_free(finding->path);
    g_free(finding->reference);
    g_free(finding);
}

struct imported *imported_new(void)
{
    struct imported *imported = g_new0(struct imported, 1);

    imported->findings = g_ptr_array_new_with_free_func(finding_clear);
    return imported;
}

void imported_free(struct imported *imported)
{
    if (!imported)
        return;
    g_free(imported->tool);
    g_free(imported->asset);
    g_ptr_array_unref(imported->findings);
    g_free(imported);
}

char *imported_text(const char *text)
{
    g_autofree char *valid = text && *text ? g_utf8_make_valid(text, -1) : NULL;
    gsize length;
    char *end;

    if (!valid || !*g_strchug(valid))
        return NULL;
    length = strlen(valid);
    if (length <= IMPORT_TEXT_MAX)
        return g_strdup(g_strstrip(valid));
    end = g_utf8_find_prev_char(valid, valid + IMPORT_TEXT_MAX + 1);
    *end = '\0';
    return g_strconcat(g_strstrip(valid), "…", NULL);
}

/* Drops what only passes to make room for what fails. */
static gboolean make_room(struct imported *imported)
{
    for (guint i = imported->findings->len; i-- > 0;) {
        const struct imported_finding *finding = imported->findings->pdata[i];

        if (finding->outcome == OUTCOME_FAIL || finding->outcome == OUTCOME_WARN)
            continue;
        g_ptr_array_remove_index_fast(imported->findings, i);
        return TRUE;
    }
    return FALSE;
}

struct imported_finding *imported_add(struct imported *imported, const char *rule,
                                      enum outcome outcome, enum severity severity)
{
    gboolean telling = outcome == OUTCOME_FAIL || outcome == OUTCOME_WARN;
    g_autofree char *name = imported_text(rule);
    struct imported_finding *finding;

    if (!name)
        return NULL;
    if (imported->findings->len >= IMPORT_FINDINGS_MAX) {
        imported->omitted++;
        /* Once nothing but failures is kept, looking again would cost much for nothing. */
        if (!telling || imported->omitted > 2 * IMPORT_FINDINGS_MAX || !make_room(imported))
            return NULL;
    }
    finding = g_new0(struct imported_finding, 1);
    finding->rule = g_steal_pointer(&name);
    finding->outcome = outcome;
    finding->severity = severity;
    g_ptr_array_add(imported->findings, finding);
    return finding;
}

static gboolean holds(const char *data, gsize length, const char *word)
{
    return memmem(data, MIN(length, SNIFFED), word, strlen(word)) != NULL;
}

struct imported *import_parse(const char *data, gsize length, const char *name, GError **error)
{
    gsize at = 0;

    while (at < length && g_ascii_isspace(data[at]))
        at++;
    if (at < length && data[at] == '{')
        return import_sarif(data, length, name, error);
    if (at < length && (data[at] == '<' || (guchar)data[at] == 0xef))
        return import_xccdf(data, length, name, error);
    if (holds(data, length, "lynis_version=") || holds(data, length, "report_version_major="))
        return import_lynis(data, length, name, error);
    input_error(error, "%s: neither SARIF, XCCDF or ARF, nor a Lynis report", name);
    return NULL;
}

static void put(json_t *object, const char *key, const char *text)
{
    if (text)
        json_object_set_new(object, key, json_safe_string(text));
}

char *imported_format(const struct imported *imported)
{
    g_autoptr(json_t) top = json_object();
    json_t *rows = json_array();

    json_object_set_new(top, "schema", json_string(SCHEMA));
    put(top, "tool", imported->tool);
    put(top, "asset", imported->asset);
    if (imported->time_us) {
        g_autofree char *time = clock_format(imported->time_us);

        put(top, "time", time);
    }
    if (imported->omitted)
        json_object_set_new(top, "omitted", json_integer(imported->omitted));
    json_object_set_new(top, "findings", rows);
    for (guint i = 0; i < imported->findings->len; i++) {
        const struct imported_finding *finding = imported->findings->pdata[i];
        json_t *row = json_object();

        put(row, "rule", finding->rule);
        put(row, "outcome", outcome_name(finding->outcome));
        put(row, "severity", severity_name(finding->severity));
        put(row, "title", finding->title);
        put(row, "text", finding->text);
        put(row, "fix", finding->fix);
        put(row, "path", finding->path);
        if (finding->line)
            json_object_set_new(row, "line", json_integer(finding->line));
        put(row, "reference", finding->reference);
        json_array_append_new(rows, row);
    }
    return json_dumps(top, JSON_COMPACT);
}

static gboolean read_finding(const json_t *row, struct imported *imported, GError **error)
{
    const char *outcome_text = json_text(row, "outcome"),
               *severity_text = json_text(row, "severity");
    struct imported_finding *finding;
    enum outcome outcome;
    enum severity severity;

    if (!outcome_text || !severity_text || !outcome_parse(outcome_text, &outcome) ||
        !severity_parse(severity_text, &severity, NULL))
        return input_error(error, "an import holds what is no finding");
    finding = imported_add(imported, json_text(row, "rule"), outcome, severity);
    if (!finding)
        return input_error(error, "an import holds too many findings, or one without a rule");
    finding->title = imported_text(json_text(row, "title"));
    finding->text = imported_text(json_text(row, "text"));
    finding->fix = imported_text(json_text(row, "fix"));
    finding->path = imported_text(json_text(row, "path"));
    finding->reference = imported_text(json_text(row, "reference"));
    finding->line = (guint)CLAMP(json_number(row, "line", 0), 0, G_MAXINT32);
    return TRUE;
}

struct imported *imported_read(const void *data, gsize length, GError **error)
{
    g_autoptr(json_t) top = json_parse(data, length, WORKER_MESSAGE_MAX, "import", error);
    g_autoptr(imported_t) imported = imported_new();
    const json_t *rows, *row;
    const char *time;
    size_t i;

    if (!top)
        return NULL;
    rows = json_object_get(top, "findings");
    imported->tool = imported_text(json_text(top, "tool"));
    if (g_strcmp0(json_text(top, "schema"), SCHEMA) != 0 || !imported->tool ||
        !json_is_array(rows)) {
        input_error(error, "this is no import");
        return NULL;
    }
    imported->asset = imported_text(json_text(top, "asset"));
    time = json_text(top, "time");
    if (time)
        clock_parse(time, &imported->time_us, NULL);
    json_array_foreach(rows, i, row)
    {
        if (!read_finding(row, imported, error))
            return NULL;
    }
    imported->omitted = (guint)CLAMP(json_number(top, "omitted", 0), 0, G_MAXINT32);
    return g_steal_pointer(&imported);
}

struct parsing {
    GBytes *document;
    const char *name;
};

static int failing_first(gconstpointer a, gconstpointer b)
{
    const struct imported_finding *one = *(struct imported_finding *const *)a;
    const struct imported_finding *two = *(struct imported_finding *const *)b;
    gboolean first = one->outcome == OUTCOME_FAIL, second = two->outcome == OUTCOME_FAIL;

    return first == second ? 0 : first ? -1 : 1;
}

/* Drops a quarter of the findings, the failing ones last: they must fit into one message. */
static void shrink(struct imported *imported)
{
    guint keep = imported->findings->len * 3 / 4;

    g_ptr_array_sort(imported->findings, failing_first);
    imported->omitted += imported->findings->len - keep;
    g_ptr_array_set_size(imported->findings, (gint)keep);
}

/* In the worker: the first byte says whether findings or a message follow. */
static void parse_job(struct worker_pipe *out, gpointer data)
{
    const struct parsing *parsing = data;
    g_autoptr(GError) error = NULL;
    gsize length;
    const char *bytes = g_bytes_get_data(parsing->document, &length);
    g_autoptr(imported_t) imported = import_parse(bytes, length, parsing->name, &error);
    g_autofree char *text = imported ? imported_format(imported) : NULL;
    g_autofree char *reply = NULL;

    while (text && strlen(text) >= WORKER_MESSAGE_MAX) {
        shrink(imported);
        g_free(text);
        text = imported_format(imported);
    }
    reply = g_strdup_printf("%d%s", text ? REPLY_IMPORTED : REPLY_REFUSED,
                            text ? text : error->message);
    worker_send(out, 0, reply, strlen(reply));
}

static struct imported *read_reply(GBytes *reply, const char *name, GError **error)
{
    gsize length;
    const char *bytes = g_bytes_get_data(reply, &length);

    if (length > 0 && bytes[0] == '0' + REPLY_IMPORTED)
        return imported_read(bytes + 1, length - 1, error);
    if (length > 0)
        input_error(error, "%.*s", (int)(length - 1), bytes + 1);
    else
        system_error(error, "%s: the worker said nothing", name);
    return NULL;
}

struct imported *import_parse_confined(GBytes *document, const char *name, GError **error)
{
    static const struct confine_limits limits = { .memory = WORKER_MEMORY, .cpu_s = 60 };
    struct parsing parsing = { document, name };
    g_autoptr(confinement_t) confinement = confinement_new(0, error);
    g_autoptr(GBytes) reply = NULL;

    if (confinement)
        reply = worker_call(confinement, -1, &limits, WORKER_LIMIT_US, parse_job, &parsing, error);
    if (!reply) {
        g_prefix_error(error, "%s: ", name);
        return NULL;
    }
    return read_reply(reply, name, error);
}
