/*
 * import_lynis.c: the report file of Lynis (lynis-report.dat): one "key=value" a line; findings are
 * `warning[]=ID|text|details|solution|` and `suggestion[]=` alike, "-" where there is none.
 */
#include "assess/import.h"
#include "base/error.h"

#include <string.h>

enum { FIELD_ID, FIELD_TEXT, FIELD_DETAILS, FIELD_SOLUTION, FIELDS };

static const struct {
    const char *key;
    enum outcome outcome;
    enum severity severity;
} kinds[] = {
    { "warning[]", OUTCOME_FAIL, SEVERITY_MEDIUM },
    { "suggestion[]", OUTCOME_WARN, SEVERITY_LOW },
};

static char *field(char *const *fields, guint count, guint index)
{
    if (index >= count || g_str_equal(fields[index], "-"))
        return NULL;
    return imported_text(fields[index]);
}

static void read_finding(struct imported *imported, const char *value, guint kind)
{
    g_auto(GStrv) fields = g_strsplit(value, "|", FIELDS + 1);
    guint count = g_strv_length(fields);
    struct imported_finding *finding;

    if (count <= FIELD_TEXT)
        return;
    finding = imported_add(imported, fields[FIELD_ID], kinds[kind].outcome, kinds[kind].severity);
    if (!finding)
        return;
    finding->title = field(fields, count, FIELD_TEXT);
    finding->text = field(fields, count, FIELD_DETAILS);
    finding->fix = field(fields, count, FIELD_SOLUTION);
    if (!finding->text)
        finding->text = g_strdup(finding->title);
    finding->reference = g_strconcat("lynis:", finding->rule, NULL);
}

/* "2026-11-22 04:43:19", in the local time of the machine that Lynis ran on: taken as ours. */
static gint64 read_time(const char *value)
{
    g_autoptr(GTimeZone) zone = g_time_zone_new_local();
    g_autofree char *text = g_strdelimit(g_strdup(value), " ", 'T');
    g_autoptr(GDateTime) time = g_date_time_new_from_iso8601(text, zone);

    return time ? g_date_time_to_unix(time) * G_USEC_PER_SEC : 0;
}

static void read_line(struct imported *imported, const char *key, const char *value)
{
    for (guint i = 0; i < G_N_ELEMENTS(kinds); i++)
        if (g_str_equal(kinds[i].key, key))
            read_finding(imported, value, i);
    if (g_str_equal(key, "lynis_version") && !imported->tool && *value) {
        g_autofree char *tool = g_strconcat("lynis ", value, NULL);

        imported->tool = imported_text(tool);
    } else if (g_str_equal(key, "hostname") && !imported->asset) {
        imported->asset = imported_text(value);
    } else if (g_str_equal(key, "report_datetime_start")) {
        imported->time_us = read_time(value);
    }
}

struct imported *import_lynis(const char *data, gsize length, const char *name, GError **error)
{
    g_autoptr(imported_t) imported = imported_new();
    const char *end = data + length;

    for (const char *line = data; line < end;) {
        const char *feed = memchr(line, '\n', (gsize)(end - line));
        const char *stop = feed ? feed : end;
        const char *equals = memchr(line, '=', (gsize)(stop - line));

        if (equals && *line != '#') {
            g_autofree char *key = g_strndup(line, (gsize)(equals - line));
            g_autofree char *value = g_strndup(equals + 1, (gsize)(stop - equals - 1));

            read_line(imported, key, g_strchomp(value));
        }
        line = stop + 1;
    }
    if (imported->tool)
        return g_steal_pointer(&imported);
    input_error(error, "%s: no lynis_version=; this is no report of Lynis", name);
    return NULL;
}
