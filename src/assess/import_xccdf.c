/*
 * import_xccdf.c: results in XCCDF 1.1 and 1.2 (NIST IR 7275 section 6.6), alone, in their
 * Benchmark, or in an ARF 1.1 collection (NIST IR 7694). Read as a stream by expat, which fetches
 * nothing; a document type is refused, so there is no entity to expand. Elements are known by
 * their namespace; of the texts no more is kept than an imported text may have.
 */
#include "assess/import.h"
#include "base/clock.h"
#include "base/error.h"

#include <expat.h>
#include <string.h>

#define XCCDF "http://checklists.nist.gov/xccdf/1."
#define NAME_SEPARATOR '|' /* "namespace|name"; no character of a namespace */
#define DEPTH_MAX 256
#define CAPTURE_MAX (2 * IMPORT_TEXT_MAX)

typedef struct XML_ParserStruct parser_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(parser_t, XML_ParserFree)

struct rule {
    char *title, *reference;
};

struct reading {
    parser_t *parser;
    struct imported *imported;
    const char *refused; /* why reading was stopped, or NULL */
    int depth;
    const char **attributes; /* of the element that opens: name, value, ..., NULL */
    GHashTable *rules;       /* id -> struct rule */
    struct rule *rule;       /* open, or NULL */
    int rule_depth;
    gboolean in_result;               /* inside TestResult */
    char *idref, *severity, *message; /* of the open rule-result */
    char *result;
    GString *text;                                         /* of the element that is captured */
    void (*captured)(struct reading *reading, char *text); /* NULL: none is; takes the text */
    int captured_depth;
};

static void rule_free(gpointer pointer)
{
    struct rule *rule = pointer;

    g_free(rule->title);
    g_free(rule->reference);
    g_free(rule);
}

/* Borrowed until the element is open; NULL when it has none. */
static const char *attribute(const struct reading *reading, const char *name)
{
    for (const char **pair = reading->attributes; *pair; pair += 2)
        if (g_str_equal(pair[0], name))
            return pair[1];
    return NULL;
}

/* Collects all text within the element that opens, for `captured`. */
static void capture(struct reading *reading, void (*captured)(struct reading *, char *))
{
    g_string_truncate(reading->text, 0);
    reading->captured = captured;
    reading->captured_depth = reading->depth;
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
    const char *start = attribute(reading, "start-time");
    const char *time = start ? start : attribute(reading, "end-time");

    reading->in_result = TRUE;
    if (!reading->imported->tool)
        reading->imported->tool = tool_name(attribute(reading, "test-system"));
    if (time && !reading->imported->time_us)
        clock_parse(time, &reading->imported->time_us, NULL);
}

static void open_rule(struct reading *reading)
{
    const char *id = attribute(reading, "id");

    if (!id || g_hash_table_size(reading->rules) >= IMPORT_RULES_MAX)
        return;
    reading->rule = g_new0(struct rule, 1);
    reading->rule_depth = reading->depth;
    g_hash_table_replace(reading->rules, g_strdup(id), reading->rule);
}

static void take_title(struct reading *reading, char *text)
{
    reading->rule->title = text;
}

static void open_title(struct reading *reading)
{
    if (reading->rule && !reading->rule->title)
        capture(reading, take_title);
}

static void take_reference(struct reading *reading, char *text)
{
    if (text && text[0] == 'R' && g_ascii_isdigit(text[1]))
        reading->rule->reference = g_strconcat("anssi-bp-028:", text, NULL);
    g_free(text);
}

/* References to the guide of the ANSSI are the ones that our catalogue shares by number. */
static void open_reference(struct reading *reading)
{
    const char *href = attribute(reading, "href");

    if (reading->rule && !reading->rule->reference && href &&
        (strstr(href, "ssi.gouv.fr") || strstr(href, "cyber.gouv.fr")))
        capture(reading, take_reference);
}

static void take_target(struct reading *reading, char *text)
{
    reading->imported->asset = text;
}

static void open_target(struct reading *reading)
{
    if (reading->in_result && !reading->imported->asset)
        capture(reading, take_target);
}

static void open_rule_result(struct reading *reading)
{
    if (!reading->in_result)
        return;
    g_free(reading->idref);
    g_free(reading->severity);
    g_clear_pointer(&reading->message, g_free);
    g_clear_pointer(&reading->result, g_free);
    reading->idref = g_strdup(attribute(reading, "idref"));
    reading->severity = g_strdup(attribute(reading, "severity"));
}

static void take_result(struct reading *reading, char *text)
{
    reading->result = text;
}

static void open_result(struct reading *reading)
{
    if (reading->idref && !reading->result)
        capture(reading, take_result);
}

static void take_message(struct reading *reading, char *text)
{
    reading->message = text;
}

static void open_message(struct reading *reading)
{
    if (reading->idref && !reading->message)
        capture(reading, take_message);
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

struct element {
    const char *name;
    void (*open)(struct reading *reading);
    void (*close)(struct reading *reading);
};

static const struct element elements[] = {
    { "TestResult", open_test_result, close_test_result },
    { "Rule", open_rule, NULL },
    { "title", open_title, NULL },
    { "reference", open_reference, NULL },
    { "target", open_target, NULL },
    { "rule-result", open_rule_result, close_rule_result },
    { "result", open_result, NULL },
    { "message", open_message, NULL },
};

/* The row of an element of XCCDF that is looked at, by its whole name. */
static const struct element *find_element(const char *whole)
{
    const char *separator = strrchr(whole, NAME_SEPARATOR);

    if (!separator || !g_str_has_prefix(whole, XCCDF))
        return NULL;
    for (guint i = 0; i < G_N_ELEMENTS(elements); i++)
        if (g_str_equal(elements[i].name, separator + 1))
            return &elements[i];
    return NULL;
}

static void refuse(struct reading *reading, const char *why)
{
    reading->refused = why;
    XML_StopParser(reading->parser, XML_FALSE);
}

static void XMLCALL on_start(void *data, const char *name, const char **attributes)
{
    struct reading *reading = data;
    const struct element *element = find_element(name);

    if (++reading->depth > DEPTH_MAX) {
        refuse(reading, "nested too deeply");
        return;
    }
    reading->attributes = attributes;
    if (element && !reading->captured)
        element->open(reading);
}

static void XMLCALL on_end(void *data, const char *name)
{
    struct reading *reading = data;
    const struct element *element = find_element(name);

    if (reading->captured && reading->depth == reading->captured_depth) {
        reading->captured(reading, imported_text(reading->text->str));
        reading->captured = NULL;
    }
    if (reading->rule && reading->depth == reading->rule_depth)
        reading->rule = NULL;
    if (element && element->close && !reading->captured)
        element->close(reading);
    reading->depth--;
}

static void XMLCALL on_text(void *data, const char *text, int length)
{
    struct reading *reading = data;
    GString *all = reading->text;

    if (!reading->captured)
        return;
    for (; !all->len && length && g_ascii_isspace(*text); text++)
        length--;
    g_string_append_len(all, text, MIN((gsize)length, CAPTURE_MAX - all->len));
}

static void XMLCALL on_document_type(void *data, const char *name, const char *system,
                                     const char *public, int has_subset)
{
    refuse(data, "a document type; such XML is not read");
}

static gboolean read_all(struct reading *reading, const char *data, gsize length, const char *name,
                         GError **error)
{
    if (XML_Parse(reading->parser, data, (int)length, XML_TRUE) != XML_STATUS_OK)
        return input_error(error, "%s:%lu: %s", name, XML_GetCurrentLineNumber(reading->parser),
                           reading->refused ? reading->refused : "this is no well-formed XML");
    if (!reading->imported->tool)
        return input_error(error, "%s: no TestResult of XCCDF in it", name);
    return TRUE;
}

struct imported *import_xccdf(const char *data, gsize length, const char *name, GError **error)
{
    g_autoptr(imported_t) imported = imported_new();
    g_autoptr(parser_t) parser = NULL;
    struct reading reading = { .imported = imported };
    gboolean good;

    if (length > IMPORT_FILE_MAX) {
        input_error(error, "%s: longer than %u bytes", name, IMPORT_FILE_MAX);
        return NULL;
    }
    parser = XML_ParserCreateNS(NULL, NAME_SEPARATOR);
    if (!parser) {
        system_error(error, "%s: no memory to read XML", name);
        return NULL;
    }
    XML_SetUserData(parser, &reading);
    XML_SetElementHandler(parser, on_start, on_end);
    XML_SetCharacterDataHandler(parser, on_text);
    XML_SetStartDoctypeDeclHandler(parser, on_document_type);
    reading.parser = parser;
    reading.text = g_string_new(NULL);
    reading.rules = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, rule_free);
    good = read_all(&reading, data, length, name, error);
    g_hash_table_unref(reading.rules);
    g_string_free(reading.text, TRUE);
    g_free(reading.idref);
    g_free(reading.severity);
    g_free(reading.message);
    g_free(reading.result);
    return good ? g_steal_pointer(&imported) : NULL;
}
