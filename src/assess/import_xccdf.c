/*
 * import_xccdf.c: results in XCCDF 1.1 and 1.2 (NIST IR 7275 section 6.6), alone, in their
 * Benchmark, or in an ARF 1.1 collection (NIST IR 7694). Read as a stream: libxml2's reader
 * without network, without loading or expanding anything; a document type is refused.
 */
#include "assess/import.h"
#include "base/clock.h"
#include "base/error.h"

#include <libxml/xmlreader.h>
#include <string.h>

#define XCCDF "http://checklists.nist.gov/xccdf/1."

typedef xmlTextReader reader_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(reader_t, xmlFreeTextReader)

struct rule {
    char *title, *reference;
};

struct reading {
    reader_t *reader;
    struct imported *imported;
    GHashTable *rules; /* id -> struct rule */
    struct rule *rule; /* open, or NULL */
    int rule_depth;
    gboolean in_result;               /* inside TestResult */
    char *idref, *severity, *message; /* of the open rule-result */
    char *result;
};

static void rule_free(gpointer pointer)
{
    struct rule *rule = pointer;

    g_free(rule->title);
    g_free(rule->reference);
    g_free(rule);
}

static char *attribute(const struct reading *reading, const char *name)
{
    xmlChar *value = xmlTextReaderGetAttribute(reading->reader, (const xmlChar *)name);
    char *text = g_strdup((const char *)value);

    xmlFree(value);
    return text;
}

/* The text of the open element, cut; the reader stays on the element. */
static char *content(const struct reading *reading)
{
    xmlChar *value = xmlTextReaderReadString(reading->reader);
    char *text = imported_text((const char *)value);

    xmlFree(value);
    return text;
}

/* "cpe:/a:redhat:openscap:1.3.7" names "openscap 1.3.7". */
static char *tool_name(const char *system)
{
    g_auto(GStrv) parts = g_strsplit(system ? system : "", ":", -1);
    guint count = g_strv_length(parts);
    g_autofree char *name = NULL;

    if (count >= 5 && g_str_equal(parts[0], "cpe"))
        name = g_strdup_printf("%s %s", parts[3], parts[4]);
    return imported_text(name ? name : system && *system ? system : "xccdf");
}

static void open_test_result(struct reading *reading)
{
    g_autofree char *system = attribute(reading, "test-system");
    g_autofree char *start = attribute(reading, "start-time");
    g_autofree char *end = attribute(reading, "end-time");
    const char *time = start ? start : end;

    reading->in_result = TRUE;
    if (!reading->imported->tool)
        reading->imported->tool = tool_name(system);
    if (time && !reading->imported->time_us)
        clock_parse(time, &reading->imported->time_us, NULL);
}

static void open_rule(struct reading *reading)
{
    g_autofree char *id = attribute(reading, "id");

    if (!id || g_hash_table_size(reading->rules) >= IMPORT_RULES_MAX)
        return;
    reading->rule = g_new0(struct rule, 1);
    reading->rule_depth = xmlTextReaderDepth(reading->reader);
    g_hash_table_replace(reading->rules, g_steal_pointer(&id), reading->rule);
}

static void read_title(struct reading *reading)
{
    if (reading->rule && !reading->rule->title)
        reading->rule->title = content(reading);
}

/* References to the guide of the ANSSI are the ones that our catalogue shares by number. */
static void read_reference(struct reading *reading)
{
    g_autofree char *href = NULL, *text = NULL;

    if (!reading->rule || reading->rule->reference)
        return;
    href = attribute(reading, "href");
    if (!href || (!strstr(href, "ssi.gouv.fr") && !strstr(href, "cyber.gouv.fr")))
        return;
    text = content(reading);
    if (text && text[0] == 'R' && g_ascii_isdigit(text[1]))
        reading->rule->reference = g_strconcat("anssi-bp-028:", text, NULL);
}

static void read_target(struct reading *reading)
{
    if (reading->in_result && !reading->imported->asset)
        reading->imported->asset = content(reading);
}

static void open_rule_result(struct reading *reading)
{
    if (!reading->in_result)
        return;
    g_free(reading->idref);
    g_free(reading->severity);
    g_clear_pointer(&reading->message, g_free);
    g_clear_pointer(&reading->result, g_free);
    reading->idref = attribute(reading, "idref");
    reading->severity = attribute(reading, "severity");
}

static void read_result(struct reading *reading)
{
    if (reading->idref && !reading->result)
        reading->result = content(reading);
}

static void read_message(struct reading *reading)
{
    if (reading->idref && !reading->message)
        reading->message = content(reading);
}

/* Section 6.6.4.2 of NIST IR 7275. What was not selected was not asked: it is no finding. */
static const struct {
    const char *result;
    enum outcome outcome;
} results[] = {
    { "pass", OUTCOME_PASS },
    { "fixed", OUTCOME_PASS },
    { "fail", OUTCOME_FAIL },
    { "error", OUTCOME_ERROR },
    { "unknown", OUTCOME_NOT_MEASURED },
    { "notchecked", OUTCOME_NOT_MEASURED },
    { "notapplicable", OUTCOME_NOT_APPLICABLE },
    { "informational", OUTCOME_NOT_APPLICABLE },
};

static enum severity severity_of(const char *text)
{
    enum severity severity;

    return text && severity_parse(text, &severity, NULL) ? severity : SEVERITY_INFO;
}

static void close_rule_result(struct reading *reading)
{
    const struct rule *rule =
        reading->idref ? g_hash_table_lookup(reading->rules, reading->idref) : NULL;
    const char *short_id = reading->idref ? strstr(reading->idref, "_rule_") : NULL;

    for (guint i = 0; reading->idref && reading->result && i < G_N_ELEMENTS(results); i++) {
        struct imported_finding *finding;

        if (!g_str_equal(results[i].result, reading->result))
            continue;
        finding =
            imported_add(reading->imported, short_id ? short_id + strlen("_rule_") : reading->idref,
                         results[i].outcome, severity_of(reading->severity));
        if (!finding)
            break;
        finding->title = g_strdup(rule ? rule->title : NULL);
        finding->reference = g_strdup(rule ? rule->reference : NULL);
        finding->text = g_strdup(reading->message ? reading->message : reading->result);
    }
    g_clear_pointer(&reading->idref, g_free);
}

static void close_test_result(struct reading *reading)
{
    reading->in_result = FALSE;
}

static const struct {
    const char *element;
    void (*open)(struct reading *reading);
    void (*close)(struct reading *reading);
} elements[] = {
    { "TestResult", open_test_result, close_test_result },
    { "Rule", open_rule, NULL },
    { "title", read_title, NULL },
    { "reference", read_reference, NULL },
    { "target", read_target, NULL },
    { "rule-result", open_rule_result, close_rule_result },
    { "result", read_result, NULL },
    { "message", read_message, NULL },
};

static void visit(struct reading *reading, int type)
{
    const char *name = (const char *)xmlTextReaderConstLocalName(reading->reader);
    const char *space = (const char *)xmlTextReaderConstNamespaceUri(reading->reader);
    gboolean closed = type == XML_READER_TYPE_END_ELEMENT;

    if (!space || !g_str_has_prefix(space, XCCDF))
        return;
    if (reading->rule && closed && xmlTextReaderDepth(reading->reader) == reading->rule_depth)
        reading->rule = NULL;
    for (guint i = 0; i < G_N_ELEMENTS(elements); i++) {
        if (!g_str_equal(elements[i].element, name))
            continue;
        if (!closed)
            elements[i].open(reading);
        /* <rule-result/> opens and closes at once. */
        if (elements[i].close && (closed || xmlTextReaderIsEmptyElement(reading->reader)))
            elements[i].close(reading);
        if (elements[i].open == open_rule && !closed &&
            xmlTextReaderIsEmptyElement(reading->reader))
            reading->rule = NULL;
    }
}

static gboolean read_all(struct reading *reading, const char *name, GError **error)
{
    int more;

    while ((more = xmlTextReaderRead(reading->reader)) == 1) {
        int type = xmlTextReaderNodeType(reading->reader);

        if (type == XML_READER_TYPE_DOCUMENT_TYPE || type == XML_READER_TYPE_ENTITY_REFERENCE)
            return input_error(error, "%s:%d: a document type or entity; such XML is not read",
                               name, xmlTextReaderGetParserLineNumber(reading->reader));
        if (type == XML_READER_TYPE_ELEMENT || type == XML_READER_TYPE_END_ELEMENT)
            visit(reading, type);
    }
    if (more < 0)
        return input_error(error, "%s:%d: this is no well-formed XML", name,
                           xmlTextReaderGetParserLineNumber(reading->reader));
    if (!reading->imported->tool)
        return input_error(error, "%s: no TestResult of XCCDF in it", name);
    return TRUE;
}

static void be_silent(void *data, const char *message, xmlParserSeverities severity,
                      xmlTextReaderLocatorPtr locator)
{
}

struct imported *import_xccdf(const char *data, gsize length, const char *name, GError **error)
{
    g_autoptr(imported_t) imported = imported_new();
    g_autoptr(reader_t) reader = NULL;
    struct reading reading = { .imported = imported };
    gboolean good;

    if (length > IMPORT_FILE_MAX) {
        input_error(error, "%s: longer than %u bytes", name, IMPORT_FILE_MAX);
        return NULL;
    }
    reader = xmlReaderForMemory(data, (int)length, NULL, NULL, XML_PARSE_NONET);
    if (!reader) {
        system_error(error, "%s: no memory to read XML", name);
        return NULL;
    }
    xmlTextReaderSetErrorHandler(reader, be_silent, NULL);
    reading.reader = reader;
    reading.rules = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, rule_free);
    good = read_all(&reading, name, error);
    g_hash_table_unref(reading.rules);
    g_free(reading.idref);
    g_free(reading.severity);
    g_free(reading.message);
    g_free(reading.result);
    return good ? g_steal_pointer(&imported) : NULL;
}
