#include "cli/public_alarms.h"

#include "base/terminal.h"
#include "p2_internet/routes/watch_alarm.h"

#include <string.h>

/* --- a case of our own --- */

json_t *public_alarms_report(const json_t *view)
{
    const json_t *entry;
    json_t *report = NULL;
    size_t i;

    json_array_foreach(json_object_get(view, "entries"), i, entry)
    {
        const char *text = json_text(json_object_get(entry, "fields"), "evidence");
        json_t *later = text ? route_alarm_json_of(text) : NULL;

        if (later) {
            json_decref(report);
            report = later;
        }
    }
    return report;
}

static gboolean is_of(const json_t *alarm, const struct watch_report *report)
{
    char prefix[IP_PREFIX_TEXT];

    ip_prefix_format(&report->prefix, prefix);
    return g_strcmp0(json_text(alarm, "alarm"), watch_rows[report->alarm].id) == 0 &&
           g_strcmp0(json_text(alarm, "prefix"), prefix) == 0 &&
           json_number(alarm, "as", -1) == report->as;
}

void public_alarms_add(struct casework *work, json_t *view)
{
    g_autoptr(json_t) line = public_alarms_report(view), list = NULL, found = json_array();
    const struct reg *reg = line ? casework_register(work) : NULL;
    g_auto(read_report_t) read = { 0 };
    const json_t *alarm;
    size_t i;

    if (!reg || !watch_report_read(line, &read, NULL) || !read.report.has_prefix ||
        !read.report.has_as)
        return;
    list = public_alarms_of(reg, work->self, work->now_us, NULL);
    json_array_foreach(list, i, alarm)
    {
        if (is_of(alarm, &read.report))
            json_array_append(found, (json_t *)alarm);
    }
    if (json_array_size(found))
        json_object_set(view, "published", found);
}

/* --- for people --- */

/* "1 of 3": how many of those who answered see it, too. */
static char *seen_text(const json_t *alarm)
{
    const json_t *answers = json_object_get(alarm, "sightings"), *answer;
    guint seen = 0;
    size_t i;

    json_array_foreach(answers, i, answer)
    {
        seen += g_strcmp0(json_text(answer, "seen"), "seen") == 0 &&
                !json_is_true(json_object_get(answer, "disputed"));
    }
    return g_strdup_printf("%u of %zu", seen, json_array_size(answers));
}

char *public_alarms_text(const struct context *context, const json_t *list)
{
    static const char *const headings[] = { "ENTRY", "PUBLISHER",  "ALARM",  "PREFIX",
                                            "AS",    "FIRST SEEN", "SEE IT", NULL };
    g_autoptr(text_table_t) table = text_table_new(headings);
    const json_t *alarm;
    size_t i;

    json_array_foreach(list, i, alarm)
    {
        g_autofree char *index =
            g_strdup_printf("%" G_GINT64_FORMAT, json_number(alarm, "index", 0));
        g_autofree char *as = g_strdup_printf("AS%" G_GINT64_FORMAT, json_number(alarm, "as", 0));
        g_autofree char *seen = seen_text(alarm);
        const char *const cells[] = { index,
                                      json_text(alarm, "publisher_domain"),
                                      json_text(alarm, "alarm"),
                                      json_text(alarm, "prefix"),
                                      as,
                                      json_text(alarm, "first"),
                                      seen };

        text_table_row(table, cells, NULL);
    }
    return cli_table(context, table);
}

char *public_alarms_answers_text(const struct context *context, const json_t *alarm)
{
    static const char *const headings[] = { "ENTRY", "SIGNATORY",  "ANSWER",
                                            "PEERS", "FIRST SEEN", "LAST SEEN",
                                            "SAID",  "VANTAGE",    NULL };
    g_autoptr(text_table_t) table = text_table_new(headings);
    const json_t *answer;
    size_t i;

    json_array_foreach(json_object_get(alarm, "sightings"), i, answer)
    {
        g_autofree char *index =
            g_strdup_printf("%" G_GINT64_FORMAT, json_number(answer, "index", 0));
        g_autofree char *peers =
            g_strdup_printf("%" G_GINT64_FORMAT " of %" G_GINT64_FORMAT,
                            json_number(answer, "peers", 0), json_number(answer, "of", 0));
        const char *first = json_text(answer, "first"), *last = json_text(answer, "last");
        const char *source =
            json_string_value(json_array_get(json_object_get(answer, "sources"), 0));
        const gboolean disputed = json_is_true(json_object_get(answer, "disputed"));
        const char *const cells[] = { index,
                                      json_text(answer, "by_domain"),
                                      disputed ? "disputed" : json_text(answer, "seen"),
                                      peers,
                                      first ? first : "",
                                      last ? last : "",
                                      json_text(answer, "said_at"),
                                      source ? source : "" };

        text_table_row(table, cells, NULL);
    }
    return cli_table(context, table);
}
