/*
 * routes_watch_bench PROFILE VRPS MRT [SECONDS]: updates through detection, in one thread, beside
 * the bare parse of them: the limit. Prints a line each: name, updates per CPU second, what came.
 */
#include "base/clock.h"
#include "p2_internet/routes/mrt.h"
#include "p2_internet/routes/watch_profile.h"
#include "rpki/payload.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double cpu(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void fail(const GError *error)
{
    fprintf(stderr, "routes_watch_bench: %s\n", error->message);
    exit(1);
}

static void count(const struct route_element *element, gpointer data)
{
    (void)element;
    (*(guint64 *)data)++;
}

static void watch(const struct route_element *element, gpointer data)
{
    watch_take(data, "bench", element);
}

static void told(const struct watch_report *report, gpointer data)
{
    *(guint64 *)data += report->step == WATCH_OPENED;
}

/* Records of the file; every one is an UPDATE. */
static guint64 pass(const char *bytes, gsize length, route_sink sink, gpointer data)
{
    g_autoptr(mrt_reader_t) reader = mrt_reader_new(NULL);
    const guint8 *at = (const guint8 *)bytes;
    struct mrt_record record;
    const char *problem;
    guint64 records = 0;
    gsize size;

    for (gsize done = 0; mrt_record_at(at + done, length - done, &record, &size) == MRT_RECORD;
         done += size) {
        mrt_elements(reader, &record, NULL, sink, data, &problem);
        records++;
    }
    return records;
}

int main(int argc, char **argv)
{
    g_autoptr(payload_t) payload = payload_new(clock_now_us());
    g_autoptr(GPtrArray) prefixes = NULL, systems = NULL;
    g_autoptr(profile_t) profile = NULL;
    g_autoptr(GError) error = NULL;
    guint64 elements = 0, alarms = 0, updates;
    struct watch_counts counts = { 0 };
    double start, spent, least;
    g_autofree char *bytes = NULL;
    gsize length;

    if (argc < 4 || !(profile = profile_load(argv[1], &error)) ||
        !watch_of_profile(profile, &prefixes, &systems, &error) ||
        !payload_read(payload, argv[2], &error) ||
        !g_file_get_contents(argv[3], &bytes, &length, &error))
        fail(error ? error : g_error_new_literal(G_FILE_ERROR, 0, "PROFILE VRPS MRT [SECONDS]"));
    payload_finish(payload);
    least = argc > 4 ? g_ascii_strtod(argv[4], NULL) : 1;
    start = cpu();
    updates = 0;
    do
        updates += pass(bytes, length, count, &elements);
    while ((spent = cpu() - start) < least);
    printf("parse %.0f %" G_GUINT64_FORMAT "\n", (double)updates / spent, elements);
    start = cpu();
    updates = 0;
    do {
        const struct watch_options options = { .prefixes = prefixes,
                                               .systems = systems,
                                               .vrps = payload_vrps(payload) };
        g_autoptr(watch_t) watching = watch_new(&options, told, &alarms);

        updates += pass(bytes, length, watch, watching);
        watch_count(watching, &counts);
    } while ((spent = cpu() - start) < least);
    printf("watch %.0f %" G_GUINT64_FORMAT "\n", (double)updates / spent, counts.concerning);
    return 0;
}
