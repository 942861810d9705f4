/*
 * Feeds: each format is recognised, nothing is lost in silence, a broken file stops no other
 * (feed_csv, feed_lines, feed_manifest).
 */
#include "base/clock.h"
#include "base/error.h"
#include "feed_reading.h"
#include "p1_resilience/hunt/feed_json.h"

#include <glib/gstdio.h>
#include <unistd.h>

static void check(const char *text, enum feed_format format, const char *lines)
{
    g_auto(read_t) read = read_text(text);

    g_assert_cmpstr(feed_format_name(only_source(&read)->format), ==, feed_format_name(format));
    g_assert_cmpstr(read.lines->str, ==, lines);
}

static void test_lists(void)
{
    check("# comment\n\nevil.example\r\n  203.0.113.7:443 \n; other\n// other\n"
          "192.0.2.0/24 ; SBL1\nhxxp://bad[.]example/a # why\n||ads.example^\nsome.example text\n",
          FEED_PLAIN,
          "domain evil.example\nipv4 203.0.113.7\ncidr 192.0.2.0/24\nurl http://bad.example/a\n"
          "domain ads.example\ndomain some.example\n");
    check("\xef\xbb\xbf"
          "evil.example\nother.example",
          FEED_PLAIN, "domain evil.example\ndomain other.example\n");
    check("[.]evil[.]example\nb[.]example\n", FEED_PLAIN,
          "domain evil.example\ndomain b.example\n");
    check("", FEED_PLAIN, "");
}

static void test_what_is_said_behind_a_value_is_its_label(void)
{
    g_auto(read_t) read = read_text("one.example\ntwo.example  # Emotet, epoch 4\n");
    g_auto(read_t) words = read_text("one.example\ntwo.example\tEmotet # seen twice\n");

    g_assert_cmpstr(read.labels, ==, "Emotet, epoch 4");
    g_assert_cmpstr(read.lines->str, ==, "domain one.example\ndomain two.example\n");
    g_assert_cmpstr(words.labels, ==, "Emotet # seen twice");
}

static void test_a_list_in_utf16(void)
{
    static const char text[] = "\xff\xfe"
                               "e\0v\0i\0l\0.\0e\0x\0a\0m\0p\0l\0e\0\r\0\n\0";
    struct feed_options options = defaults();
    g_auto(read_t) read = read_with(text, sizeof text - 1, &options);

    g_assert_cmpstr(read.lines->str, ==, "domain evil.example\n");
}

static void test_hosts(void)
{
    check("127.0.0.1 localhost\n::1 localhost ip6-localhost\n# blocked\n0.0.0.0 evil.example\n"
          "0.0.0.0\tbad.example www.bad.example # ads\n",
          FEED_HOSTS, "domain evil.example\ndomain bad.example\ndomain www.bad.example\n");
}

static void test_csv(void)
{
    check("id;ioc;confidence;tlp;valid_until;tags\n"
          "7;evil[.]example;80;TLP:GREEN;2027-01-31;a b\n",
          FEED_CSV, "domain evil.example\n");
    /* As abuse.ch writes it: the header is a comment, cells are quoted. */
    check("################\n# ThreatFox, ip and domain\n################\n"
          "# \"first_seen_utc\",\"ioc_id\",\"ioc_value\",\"ioc_type\"\n"
          "\"2024-05-01 12:00:00\", \"1\", \"203.0.113.7:443\", \"ip:port\"\n"
          "\"2024-05-01 12:00:00\", \"2\", \"evil.example\", \"domain\"\n# end\n",
          FEED_CSV, "ipv4 203.0.113.7\ndomain evil.example\n");
    check("md5,sha256,name\r\nd41d8cd98f00b204e9800998ecf8427e,,\"a, \"\"b\"\"\nc\"\r\n"
          "098f6bcd4621d373cade4e832627b4f6,,x\r\n",
          FEED_CSV,
          "hash d41d8cd98f00b204e9800998ecf8427e\nhash 098f6bcd4621d373cade4e832627b4f6\n");
}

static void test_csv_without_a_header(void)
{
    check("2024-05-01,203.0.113.7,\"c2, active\"\n2024-05-02,evil.example:443,c2\n", FEED_CSV,
          "ipv4 203.0.113.7\ndomain evil.example\n");
    check("a.example,203.0.113.7\nb.example,203.0.113.8\n", FEED_CSV,
          "domain a.example\nipv4 203.0.113.7\ndomain b.example\nipv4 203.0.113.8\n");
    check("a;203.0.113.7\n", FEED_PLAIN, ""); /* one row shows nothing */
}

static void test_csv_cells_say_more(void)
{
    g_auto(read_t) read = read_text("id;ioc;confidence;tlp;first_seen;valid_until;tags\n"
                                    "7;evil[.]example;80;TLP:GREEN;2024-05-01 12:00:00;"
                                    "2027-01-31;apt\n");
    g_autofree char *from = clock_format(read.last.valid_from_us);
    g_autofree char *until = clock_format(read.last.valid_until_us);

    g_assert_cmpstr(read.object, ==, "7");
    g_assert_cmpstr(read.original, ==, "evil[.]example");
    g_assert_cmpstr(read.labels, ==, "apt");
    g_assert_cmpint(read.last.confidence, ==, 80);
    g_assert_cmpint(read.last.tlp, ==, TLP_GREEN);
    g_assert_cmpstr(from, ==, "2024-05-01T12:00:00Z");
    g_assert_cmpstr(until, ==, "2027-01-31T00:00:00Z");
}

static void test_zeek(void)
{
    g_auto(read_t) read =
        read_text("#fields\tindicator\tindicator_type\tmeta.source\tmeta.desc\n"
                  "203.0.113.7\tIntel::ADDR\tone\tc2\nevil.example\tIntel::DOMAIN\ttwo\t-\n"
                  "evil.example/a\tIntel::URL\tone\t-\nevil.example\tIntel::URL\tone\t-\n"
                  "192.0.2.0/24\tIntel::SUBNET\tone\t-\nroot\tIntel::USER_NAME\tone\t-\n"
                  "evil.example\tIntel::ADDR\tone\t-\n");

    g_assert_cmpstr(read.lines->str, ==,
                    "ipv4 203.0.113.7\ndomain evil.example\nurl evil.example/a\n"
                    "url evil.example/\ncidr 192.0.2.0/24\n");
    g_assert_cmpuint(read.report->sources->len, ==, 2);
    g_assert_cmpuint(skipped(&read, "type"), ==, 1);
    g_assert_cmpuint(skipped(&read, "other-kind"), ==, 1);
}

static void test_suricata(void)
{
    check("ZXZpbC5leGFtcGxl\nYmFkLmV4YW1wbGU=\n", FEED_SURICATA,
          "domain evil.example\ndomain bad.example\n");
    check("d41d8cd98f00b204e9800998ecf8427e,10\n098f6bcd4621d373cade4e832627b4f6,3\n",
          FEED_SURICATA,
          "hash d41d8cd98f00b204e9800998ecf8427e\nhash 098f6bcd4621d373cade4e832627b4f6\n");
    check("d41d8cd98f00b204e9800998ecf8427e\n", FEED_PLAIN,
          "hash d41d8cd98f00b204e9800998ecf8427e\n");
}

static void test_running_text(void)
{
    static const char report[] =
        "The actor used evil[.]example (203.0.113[.]7) and \"hxxps://bad[.]example/gate\".\n"
        "The file setup.exe, see https://vendor.example/blog, has the digest\n"
        "d41d8cd98f00b204e9800998ecf8427e. Mail came from eve[at]evil[.]example.\n";
    struct feed_options options = defaults();
    g_auto(read_t) read = read_with(report, -1, &options);

    g_assert_cmpstr(feed_format_name(only_source(&read)->format), ==, "text");
    g_assert_cmpstr(read.lines->str, ==,
                    "domain evil.example\nipv4 203.0.113.7\nurl https://bad.example/gate\n"
                    "hash d41d8cd98f00b204e9800998ecf8427e\nemail eve@evil.example\n");
    g_assert_cmpuint(skipped(&read, "not-defanged"), ==, 2);
    options.all_text = TRUE;
    {
        g_auto(read_t) all = read_with(report, -1, &options);

        g_assert_nonnull(strstr(all.lines->str, "url https://vendor.example/blog\n"));
    }
}

static void test_what_is_skipped_is_named(void)
{
    g_auto(read_t) read =
        read_text("/gate.php\n[a-z]{5}\\.evil\\.example\nevil.example\n10.0.0.0/7\n"
                  "good.example\nlocalhost\n/other.php\n");
    const struct feed_skipped *paths = &read.report->skipped[INDICATOR_PATH_ONLY];

    g_assert_cmpuint(skipped(&read, "path-only"), ==, 2);
    g_assert_cmpuint(skipped(&read, "expression"), ==, 1);
    g_assert_cmpuint(skipped(&read, "wide-prefix"), ==, 1);
    g_assert_cmpuint(skipped(&read, "single-label"), ==, 1);
    g_assert_cmpstr(paths->detail[0], ==, "/gate.php");
    g_assert_cmpstr(paths->place[1], ==, "feed:7");
    g_assert_cmpuint(read.report->assertions, ==, 2);
}

static void test_a_public_suffix_is_one_host(void)
{
    g_auto(read_t) read = read_text("evil.example\ngithub.io\n");

    g_assert_cmpstr(read.lines->str, ==, "domain evil.example\nhost github.io\n");
    g_assert_true(read.last.flags & ASSERTION_EXACT);
    g_assert_cmpuint(read.report->changed[INDICATOR_PUBLIC_SUFFIX], ==, 1);
}

/* The list of the data set, with its defanged part: every expected hit is an indicator of it. */
static void test_indicators_of_the_data_set(void)
{
    g_autofree char *path = shared("logs/indicators.txt"), *rows = shared("logs/expected.tsv");
    struct read read = { .report = feed_report_new(), .lines = g_string_new("\n") };
    struct feed_options options = defaults();
    g_autofree char *expected = NULL;
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) lines = NULL;

    if (!path) {
        g_test_skip("ENTENTE_SHARED is not set");
        read_clear(&read);
        return;
    }
    feed_read(path, &options, read.report, take, &read, &error);
    g_assert_no_error(error);
    g_assert_true(g_file_get_contents(rows, &expected, NULL, NULL));
    lines = g_strsplit(expected, "\n", -1);
    for (guint i = 1; lines[i] && *lines[i]; i++) {
        g_auto(GStrv) cells = g_strsplit(lines[i], "\t", -1);
        g_autofree char *line = g_strdup_printf("\n%s %s\n", cells[2], cells[3]);

        if (!strstr(read.lines->str, line))
            g_error("not an indicator: %s", line);
    }
    for (guint i = 0; i < FEED_SKIPS; i++)
        if (read.report->skipped[i].count)
            g_error("skipped as %s: %s", feed_skip_name(i), read.report->skipped[i].detail[0]);
    g_assert_cmpuint(read.report->assertions, ==, 8180);
    read_clear(&read);
}

/* ---- files and folders */

static void write_file(const char *folder, const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);

    g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void remove_folder(const char *folder)
{
    g_autoptr(GDir) entries = g_dir_open(folder, 0, NULL);
    const char *name;

    while ((name = g_dir_read_name(entries))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);

        g_remove(path);
    }
    g_rmdir(folder);
}

static struct read read_folder(const char *folder)
{
    struct read read = { .report = feed_report_new(), .lines = g_string_new(NULL) };
    struct feed_options options = defaults();
    g_autoptr(GError) error = NULL;

    feed_read(folder, &options, read.report, take, &read, &error);
    g_assert_no_error(error);
    return read;
}

#define UUID "5c6c7a64-ec9c-425a-a081-2c570a016219"
#define EVENT(NAME)                                                                                \
    "{\"Event\":{\"uuid\":\"" UUID "\",\"Attribute\":[{\"type\":\"domain\",\"value\":\"" NAME      \
    "\",\"to_ids\":true}]}}"

static void test_a_misp_feed_is_what_its_manifest_lists(void)
{
    g_autofree char *folder = g_dir_make_tmp("feed-XXXXXX", NULL);

    write_file(folder, "manifest.json",
               "{\"" UUID "\":{\"info\":\"a\"},\"a3bc1af1-e021-4685-9dd1-68013abef4d9\":{},"
               "\"../../etc/passwd\":{}}");
    write_file(folder, UUID ".json", EVENT("evil.example"));
    write_file(folder, "15ebb496-c51c-4f88-b60b-aba5f806db5f.json", EVENT("left.example"));
    write_file(folder, "hashes.csv", "d41d8cd98f00b204e9800998ecf8427e," UUID "\n");
    {
        g_auto(read_t) read = read_folder(folder);

        g_assert_cmpstr(read.lines->str, ==, "domain evil.example\n");
        g_assert_cmpuint(skipped(&read, "missing"), ==, 1);
    }
    remove_folder(folder);
}

static void test_a_folder_of_lists(void)
{
    g_autofree char *folder = g_dir_make_tmp("feed-XXXXXX", NULL);

    write_file(folder, "manifest.json", "{\"name\":\"of something else\"}");
    write_file(folder, "b.txt", "b.example\n");
    write_file(folder, "a.txt", "a.example\n");
    write_file(folder, "broken.json", "{\"Event\":{\"uuid\":");
    write_file(folder, ".hidden", "hidden.example\n");
    {
        g_auto(read_t) read = read_folder(folder);

        g_assert_cmpstr(read.lines->str, ==, "domain a.example\ndomain b.example\n");
        g_assert_cmpuint(skipped(&read, "unread"), ==, 2);
        g_assert_cmpuint(read.report->sources->len, ==, 2);
        g_assert_cmpstr(((struct feed_source *)read.report->sources->pdata[0])->name, ==, "a.txt");
    }
    remove_folder(folder);
}

/* Cuts the second file as soon as the first one gives something. */
static gboolean cut_second(const struct assertion *assertion, gpointer data, GError **error)
{
    struct read *read = data;

    if (read->report->assertions == 1) {
        g_autofree char *path =
            g_path_get_dirname(((struct feed_source *)read->report->sources->pdata[0])->path);
        g_autofree char *second = g_build_filename(path, "b.txt", NULL);

        g_assert_cmpint(truncate(second, 0), ==, 0);
    }
    if (strstr(assertion->indicator.text, "after"))
        g_string_append(read->lines, assertion->indicator.text);
    return TRUE;
}

static void test_a_file_that_shrinks_is_named_and_the_next_is_read(void)
{
    g_autofree char *folder = g_dir_make_tmp("feed-XXXXXX", NULL);
    g_autoptr(GString) many = g_string_new(NULL);
    struct read read = { .report = feed_report_new(), .lines = g_string_new(NULL) };
    struct feed_options options = defaults();
    g_autoptr(GError) error = NULL;

    /* Far more than a pipe holds: the worker is not through when its first record arrives. */
    for (guint i = 0; i < 50000; i++)
        g_string_append_printf(many, "h%u.example\n", i);
    write_file(folder, "a.txt", many->str);
    write_file(folder, "b.txt", many->str);
    write_file(folder, "c.txt", "after.example\n");
    feed_read(folder, &options, read.report, cut_second, &read, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(read.report->assertions, ==, 50001);
    g_assert_cmpstr(read.lines->str, ==, "after.example");
    g_assert_cmpuint(skipped(&read, "unread"), ==, 1);
    g_assert_nonnull(strstr(read.report->skipped[FEED_SKIP_UNREAD].place[0], "b.txt"));
    read_clear(&read);
    remove_folder(folder);
}

static void refuse(const char *text, gsize length, const char *expected)
{
    g_autoptr(GBytes) bytes = g_bytes_new(text, length);
    struct feed_options options = defaults();
    g_autoptr(feed_report_t) report = feed_report_new();
    g_autoptr(GError) error = NULL;

    g_assert_false(feed_read_bytes(bytes, "feed", &options, report, take, NULL, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
    if (!strstr(error->message, expected))
        g_error("\"%s\" does not say \"%s\"", error->message, expected);
}

static void test_what_is_no_feed_is_refused(void)
{
    refuse("\x7f"
           "ELF\0\0\0",
           7, "feed: is not text");
    refuse("{\"a\": 1}", 8, "no MISP event");
    refuse("{\"Event\": {", 11, "feed: ");
    refuse("<?xml version=\"1.0\"?><ioc>", 26, "OpenIOC");
    refuse("{\"name\":\"x\",\"type\":\"string\",\"list\":[\"a\"]}", 41, "--warning-list");
}

static gboolean stop(const struct assertion *assertion, gpointer data, GError **error)
{
    return system_error(error, "no space");
}

static void test_the_taker_may_stop(void)
{
    g_autoptr(GBytes) bytes = g_bytes_new_static("evil.example\n", 13);
    struct feed_options options = defaults();
    g_autoptr(feed_report_t) report = feed_report_new();
    g_autoptr(GError) error = NULL;

    g_assert_false(feed_read_bytes(bytes, "feed", &options, report, stop, NULL, &error));
    g_assert_cmpstr(error->message, ==, "no space");
}

static void test_a_lying_worker_is_caught(void)
{
    guint8 record[64 + 16] = { 0 };
    const guint8 *at = record;
    struct assertion assertion;
    gboolean broken;

    /* All zero: no size. Then every byte 0xff. Then cut short. */
    g_assert_false(feed_wire_record(&at, record + sizeof record, 1, 0, &assertion, &broken));
    g_assert_true(broken);
    memset(record, 0xff, sizeof record);
    at = record;
    g_assert_false(feed_wire_record(&at, record + sizeof record, 1, 0, &assertion, &broken));
    g_assert_true(broken);
    at = record;
    g_assert_false(feed_wire_record(&at, record + 3, 1, 0, &assertion, &broken));
    g_assert_true(broken);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/feed/lists", test_lists);
    g_test_add_func("/feed/labels", test_what_is_said_behind_a_value_is_its_label);
    g_test_add_func("/feed/utf16", test_a_list_in_utf16);
    g_test_add_func("/feed/hosts", test_hosts);
    g_test_add_func("/feed/csv", test_csv);
    g_test_add_func("/feed/csv-without-header", test_csv_without_a_header);
    g_test_add_func("/feed/csv-cells", test_csv_cells_say_more);
    g_test_add_func("/feed/zeek", test_zeek);
    g_test_add_func("/feed/suricata", test_suricata);
    g_test_add_func("/feed/running-text", test_running_text);
    g_test_add_func("/feed/skipped", test_what_is_skipped_is_named);
    g_test_add_func("/feed/public-suffix", test_a_public_suffix_is_one_host);
    g_test_add_func("/feed/data-set", test_indicators_of_the_data_set);
    g_test_add_func("/feed/misp-feed", test_a_misp_feed_is_what_its_manifest_lists);
    g_test_add_func("/feed/folder", test_a_folder_of_lists);
    g_test_add_func("/feed/shrinks", test_a_file_that_shrinks_is_named_and_the_next_is_read);
    g_test_add_func("/feed/no-feed", test_what_is_no_feed_is_refused);
    g_test_add_func("/feed/stop", test_the_taker_may_stop);
    g_test_add_func("/feed/lying-worker", test_a_lying_worker_is_caught);
    return g_test_run();
}
