/*
 * walk_ours.c: the walk of the host audit alone, timed as walk_bare.c times the bare one.
 */
#include "p7_hygiene/host/walk.h"

#include <stdio.h>
#include <sys/resource.h>

int main(int argc, char **argv)
{
    g_autoptr(host_t) host = host_new(argc > 1 ? argv[1] : "/", NULL, NULL);
    gint64 begin = g_get_monotonic_time();
    const struct walk *walk;
    struct rusage usage;
    double cpu;

    if (!host)
        return 1;
    walk = walk_get(host);
    getrusage(RUSAGE_SELF, &usage);
    cpu = usage.ru_utime.tv_sec + usage.ru_stime.tv_sec +
          (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    printf("%" G_GUINT64_FORMAT " entries, wall %.3f s, CPU %.3f s, peak %ld KiB\n", walk->entries,
           (g_get_monotonic_time() - begin) / 1e6, cpu, usage.ru_maxrss);
    for (guint list = 0; list < WALK_LISTS; list++)
        printf("list %u: %" G_GUINT64_FORMAT "\n", list, walk->found[list].total);
    return 0;
}
