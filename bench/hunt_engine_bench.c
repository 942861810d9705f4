/*
 * hunt_engine_bench TABLE LOG [SECONDS]: the hunt's engine over bytes in memory, one thread, beside
 * a bare pass that makes the class masks only: the limit. Prints one line each: name, MB/s,
 * matches.
 */
#include "p1_resilience/hunt/class.h"
#include "p1_resilience/hunt/hunt_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define PIECE ((gsize)1 << 20)

static double cpu(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6 +
           (double)usage.ru_stime.tv_sec + (double)usage.ru_stime.tv_usec / 1e6;
}

static void count(const struct hunt_match *match, gpointer data)
{
    (*(guint64 *)data)++;
}

static void scan(const struct hunt_needles *needles, const guint8 *bytes, gsize length,
                 double seconds)
{
    g_autoptr(hunt_scanner_t) scanner = hunt_scanner_new(needles);
    const struct hunt_scan_counts *counts = hunt_scanner_counts(scanner);
    double start = cpu(), spent;
    guint64 matches = 0;

    do {
        for (gsize at = 0, cut; at < length; at += cut) {
            gsize size = MIN(length - at, PIECE);

            cut = at + size == length ? size : hunt_scan_cut(bytes + at, size);
            hunt_scan_lines(scanner, bytes + at, cut, at, 1, count, &matches);
        }
        spent = cpu() - start;
    } while (spent < seconds);
    printf("engine %.0f MB/s, %" G_GUINT64_FORMAT " candidates, %" G_GUINT64_FORMAT
           " passed the filter, %" G_GUINT64_FORMAT " matches per pass\n",
           (double)counts->bytes / spent / 1e6, counts->candidates * length / counts->bytes,
           counts->filter_passes * length / counts->bytes, matches * length / counts->bytes);
}

static void limit(const guint8 *bytes, gsize length, double seconds)
{
    static hunt_masks masks[256];
    guint count_of;
    const struct hunt_classifier *all = hunt_classifiers(&count_of);

    for (guint i = 0; i < count_of; i++) {
        double start = cpu(), spent;
        guint64 passed = 0, sum = 0;

        do {
            for (gsize at = 0; at + sizeof masks / sizeof *masks * CLASS_BYTES <= length;
                 at += 256 * CLASS_BYTES)
                sum += all[i].classify(bytes + at, 256, masks) + masks[7][CLASS_DOT];
            passed += length;
            spent = cpu() - start;
        } while (spent < seconds / 2);
        printf("limit %s %.0f MB/s (%" G_GUINT64_FORMAT ")\n", all[i].name,
               (double)passed / spent / 1e6, sum & 1);
    }
}

int main(int argc, char **argv)
{
    g_autoptr(hunt_table_t) table = NULL;
    g_autoptr(GError) error = NULL;
    g_autofree char *bytes = NULL;
    double seconds = argc > 3 ? atof(argv[3]) : 2;
    struct hunt_needles needles;
    gsize length;

    if (argc < 3 || !(table = hunt_table_open(argv[1], &error)) ||
        !g_file_get_contents(argv[2], &bytes, &length, &error)) {
        fprintf(stderr, "%s\n",
                error ? error->message : "usage: hunt_engine_bench TABLE LOG [SECONDS]");
        return 2;
    }
    bytes = g_realloc(bytes, length + HUNT_SCAN_PADDING);
    memset(bytes + length, 0, HUNT_SCAN_PADDING);
    needles = hunt_table_needles(table);
    scan(&needles, (guint8 *)bytes, length, seconds);
    limit((guint8 *)bytes, length, seconds);
    return 0;
}
