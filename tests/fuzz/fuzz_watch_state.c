/*
 * The saved state of the watch over routes, its lines without the digest at their end (the target
 * adds the right one): whatever is read can go on, be told, and be written and read again.
 */
#include "p2_internet/routes/watch_alarm.h"
#include "p2_internet/routes/watch_profile.h"
#include "p2_internet/routes/watch_state.h"

#include <stdint.h>
#include <string.h>

#define NOW_US ((gint64)1790000000 * G_USEC_PER_SEC)
#define DAY_US ((gint64)86400 * G_USEC_PER_SEC)

static const char profile_text[] =
    "signatory: {name: A, group: state}\n"
    "assets:\n"
    "  prefixes:\n"
    "    - {prefix: 193.0.0.0/21, name: core, origins: [3333], neighbours: [1299]}\n"
    "    - {prefix: 84.205.64.0/24, name: dark, dormant: true}\n"
    "  as:\n"
    "    - {number: 3333, name: us, upstreams: [1299], downstreams: [12654]}\n";
static const char hosts_text[] = "ns1.example.org 192.0.2.53\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is told is for people, and for files: text, of which a line can be read back. */
static void take_report(const struct watch_report *report, gpointer data)
{
    g_autoptr(json_t) line = watch_report_json(report);
    g_auto(read_report_t) read = { 0 };

    g_assert_true(g_utf8_validate(report->text, -1, NULL));
    g_assert_true(watch_report_read(line, &read, NULL));
    ++*(guint *)data;
}

static gboolean keeps(const char *feed)
{
    return *feed != '!';
}

static GString *with_digest(const uint8_t *data, size_t size)
{
    g_autofree char *digest = g_compute_checksum_for_data(G_CHECKSUM_SHA256, data, size);
    GString *text = g_string_new_len((const char *)data, (gssize)size);

    g_string_append_printf(text, "sha256 %s\n", digest);
    return text;
}

static void read_and_go_on(const struct watch_options *options, const GString *text)
{
    guint told = 0, again = 0;
    g_autoptr(watch_t) watch = watch_new(options, take_report, &told);
    g_autoptr(watch_t) copy = watch_new(options, take_report, &again);
    g_autoptr(GPtrArray) untold = g_ptr_array_new_with_free_func(g_free);
    struct watch_counts before, after;
    GString *written;

    if (!watch_state_read(watch, text->str, text->len, NOW_US, untold, NULL))
        return;
    written = watch_state_text(watch, keeps, untold);
    g_ptr_array_set_size(untold, 0);
    g_assert_true(watch_state_read(copy, written->str, written->len, NOW_US, untold, NULL));
    g_string_free(written, TRUE);
    watch_count(watch, &before);
    watch_count(copy, &after);
    g_assert_cmpuint(before.open, ==, after.open);
    g_assert_cmpuint(before.incidents, ==, after.incidents);
    for (gint64 now_us = NOW_US; now_us < NOW_US + DAY_US; now_us += DAY_US / 8)
        watch_tick(watch, now_us);
    watch_each_open(watch, take_report, &told);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct profile *profile = profile_parse(profile_text, strlen(profile_text), "profile", NULL);
    g_autoptr(GPtrArray) prefixes = NULL, systems = NULL;
    g_autoptr(GPtrArray) hosts = watch_hosts_parse(hosts_text, "hosts", NULL);
    GString *text = with_digest(data, size);

    g_assert_true(profile && watch_of_profile(profile, &prefixes, &systems, NULL));
    read_and_go_on(
        &(struct watch_options){ .prefixes = prefixes, .systems = systems, .hosts = hosts }, text);
    g_string_free(text, TRUE);
    profile_free(profile);
    return 0;
}
