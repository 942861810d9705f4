/* Module watch_alarm: a report as a line and back, and as an alarm's text in two languages. */
#include "base/error.h"
#include "p2_internet/routes/watch_alarm.h"

#include <string.h>

#define START ((gint64)1790000000 * G_USEC_PER_SEC)

static const char *const seen[] = { "192.0.2.7 AS64500 2026-09-21T13:33:20Z 40010100", NULL };

static struct watch_report report_of(enum watch_alarm alarm)
{
    struct watch_report report = {
        .alarm = alarm,
        .key = "origin|ours|193.0.0.0/21|666",
        .ours = "ours",
        .has_prefix = TRUE,
        .has_as = TRUE,
        .as = 666,
        .peers = 2,
        .most_peers = 3,
        .at_us = START,
        .first_us = START,
        .last_us = START + 5,
        .has_rov = TRUE,
        .rov = ROV_INVALID_ASN,
        .serial = 7,
        .text = "ours: 193.0.0.0/21, AS666: a sentence",
        .path = "64500 666",
        .evidence = (char *const *)seen,
    };

    g_assert_true(ip_prefix_parse("193.0.0.0/21", &report.prefix, NULL));
    return report;
}

static void test_a_line_and_back(void)
{
    for (guint alarm = 0; alarm < WATCH_ALARMS; alarm++) {
        struct watch_report report = report_of((enum watch_alarm)alarm);
        g_autoptr(json_t) line = NULL, again = NULL;
        g_auto(read_report_t) read = { 0 };
        g_autoptr(GError) error = NULL;

        report.host = alarm % 2 ? "ns1.example.org" : NULL;
        report.is_hosted = alarm % 4 == 1;
        line = watch_report_json(&report);
        g_assert_true(watch_report_read(line, &read, &error));
        g_assert_cmpstr(read.report.host, ==, report.host);
        g_assert_cmpint(read.report.is_hosted, ==, report.is_hosted);
        again = watch_report_json(&read.report);
        g_assert_true(json_equal(line, again));
        g_assert_cmpuint(read.report.alarm, ==, alarm);
        g_assert_cmpint(read.report.last_us, ==, START + 5);
    }
}

/* A prefix that only holds our name server is not called ours, in either language. */
static void test_where_a_name_server_is(void)
{
    struct watch_report report = report_of(WATCH_ORIGIN);
    g_autofree char *text = NULL;

    report.host = "ns1.example.org";
    report.is_hosted = TRUE;
    text = route_alarm_text(&report);
    g_assert_nonnull(strstr(text, "le préfixe de notre serveur de noms est annoncé par un AS"));
    g_assert_nonnull(strstr(text, "notre serveur de noms ns1.example.org s'y trouve"));
    g_assert_null(strstr(text, "notre préfixe est"));
}

static void test_what_is_no_line(void)
{
    static const struct {
        const char *member, *value; /* NULL: without it */
    } wrong[] = {
        { "step", "\"begun\"" },
        { "alarm", "\"nothing\"" },
        { "key", "\"\"" },
        { "key", NULL },
        { "peers", "-1" },
        { "peers", "\"2\"" },
        { "time", "\"yesterday\"" },
        { "prefix", "\"193.0.0.1/21\"" },
        { "prefix", "7" },
        { "as", "4294967296" },
        { "rov", "\"good\"" },
        { "serial", "-1" },
        { "evidence", "[7]" },
        { "evidence", "{}" },
        { "evidence", NULL },
        { "text", NULL },
        { "path", "[]" },
        { "last", NULL },
    };

    for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
        const struct watch_report report = report_of(WATCH_ORIGIN);
        g_autoptr(json_t) line = watch_report_json(&report);
        g_auto(read_report_t) read = { 0 };
        g_autoptr(GError) error = NULL;

        if (wrong[i].value)
            json_object_set_new(line, wrong[i].member,
                                json_loads(wrong[i].value, JSON_DECODE_ANY, NULL));
        else
            json_object_del(line, wrong[i].member);
        g_assert_false(watch_report_read(line, &read, &error));
        g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
    }
}

static void test_text_for_people(void)
{
    for (guint alarm = 0; alarm < WATCH_ALARMS; alarm++) {
        struct watch_report report = report_of((enum watch_alarm)alarm);
        g_autofree char *text = route_alarm_text(&report);
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        g_autoptr(json_t) found = route_alarm_json_of(text);

        g_assert_cmpstr(lines[0], ==, report.text);
        g_assert_true(g_str_has_prefix(lines[1], "ours : 193.0.0.0/21, AS666 : "));
        g_assert_null(strstr(lines[1], "(null)"));
        g_assert_nonnull(strstr(lines[1], "RPKI : invalid-asn (numéro de série 7)"));
        g_assert_cmpstr(lines[3], ==, "Seen by 192.0.2.7 AS64500 2026-09-21T13:33:20Z");
        g_assert_cmpstr(json_text(found, "path"), ==, "64500 666");
    }
}

static void test_the_end_is_said(void)
{
    struct watch_report report = report_of(WATCH_ORIGIN);
    g_autofree char *text = NULL;

    report.step = WATCH_CLOSED;
    text = route_alarm_text(&report);
    g_assert_true(g_str_has_prefix(text, "Over: ours: "));
    g_assert_nonnull(strstr(text, "\nTerminé : ours : "));
}

/* A case holds 20000 bytes of a text, and 300 of a key. */
static void test_what_is_large_fits(void)
{
    struct watch_report report = report_of(WATCH_ORIGIN);
    g_autofree char *bytes = g_strnfill(9000, 'a'), *name = g_strnfill(400, 'n'), *topic = NULL,
                    *other = NULL, *text = NULL;
    g_autofree char *one = g_strconcat("192.0.2.7 AS64500 T ", bytes, NULL);
    char *const evidence[] = { one, one, one, NULL };
    g_autoptr(json_t) found = NULL;

    report.evidence = evidence;
    report.key = name;
    text = route_alarm_text(&report);
    g_assert_cmpuint(strlen(text), <=, 20000);
    found = route_alarm_json_of(text);
    g_assert_cmpuint(json_array_size(json_object_get(found, "evidence")), ==, 1);
    topic = route_alarm_topic(&report);
    g_assert_cmpuint(strlen(topic), <=, 300);
    name[399] = 'm';
    other = route_alarm_topic(&report);
    g_assert_cmpstr(topic, !=, other);
    g_assert_null(route_alarm_json_of("nothing\n{}\n{\"a\": 1}"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/watch-alarm/line", test_a_line_and_back);
    g_test_add_func("/watch-alarm/no-line", test_what_is_no_line);
    g_test_add_func("/watch-alarm/text", test_text_for_people);
    g_test_add_func("/watch-alarm/end", test_the_end_is_said);
    g_test_add_func("/watch-alarm/large", test_what_is_large_fits);
    g_test_add_func("/watch-alarm/name-server", test_where_a_name_server_is);
    return g_test_run();
}
