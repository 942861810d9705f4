/* drill_judge.c: whether snapshots are recent and whole. */
#include "base/clock.h"
#include "p1_resilience/recover/drill_private.h"

#include <string.h>

#define SKEW_US (G_GINT64_CONSTANT(5) * 60 * G_USEC_PER_SEC)       /* between two clocks */
#define PERIOD_US (G_GINT64_CONSTANT(30) * 86400 * G_USEC_PER_SEC) /* looked through for gaps */
#define MASS_CHANGE 0.5 /* of the files of the snapshot before: gone or changed */
#define MASS_FILES 20   /* fewer may all change on a day */
#define MINUTE_US (60 * G_USEC_PER_SEC)

static gboolean lies_in(const char *path, const char *folder)
{
    const gsize length = strlen(folder);

    return g_str_has_prefix(path, folder) &&
           (path[length] == '\0' || path[length] == '/' || folder[length - 1] == '/');
}

/* Of a snapshot whose paths are known: whether it was asked to cover what the profile lists. */
static gboolean is_of_ours(const struct snapshot *snapshot, char *const *wanted)
{
    for (guint i = 0; snapshot->paths && wanted && wanted[i]; i++) {
        gboolean covered = FALSE;

        for (guint j = 0; snapshot->paths[j] && !covered; j++)
            covered = lies_in(wanted[i], snapshot->paths[j]);
        if (!covered)
            return FALSE;
    }
    return TRUE;
}

/* Leaves out other people's snapshots, and those that claim to be of tomorrow. Gives their number.
 */
static guint choose(struct drilling *drilling)
{
    guint future = 0;

    for (guint i = drilling->snapshots->len; i-- > 0;) {
        const struct snapshot *snapshot = drilling->snapshots->pdata[i];
        gboolean early = snapshot->time_us > drilling->options->now_us + SKEW_US;

        future += early;
        if (early || !is_of_ours(snapshot, drilling->asset->paths))
            g_ptr_array_remove_index(drilling->snapshots, i);
    }
    return future;
}

/* The longest time between two snapshots of the last month. */
static gint64 longest_gap(const struct drilling *drilling)
{
    gint64 longest = 0;

    for (guint i = 0; i + 1 < drilling->snapshots->len; i++) {
        const struct snapshot *newer = drilling->snapshots->pdata[i];
        const struct snapshot *older = drilling->snapshots->pdata[i + 1];

        if (newer->time_us < drilling->options->now_us - PERIOD_US)
            break;
        longest = MAX(longest, newer->time_us - older->time_us);
    }
    return longest;
}

void drill_judge_freshness(struct drilling *drilling)
{
    const gint64 rpo_us = drilling->asset->rpo_us;
    guint future = choose(drilling);
    gint64 age_us, gap_us;

    if (drilling->snapshots->len == 0) {
        drill_set(drilling, DRILL_FRESHNESS, DRILL_FAILED,
                  future ? "future-snapshot" : "no-snapshot",
                  "no snapshot covers what the profile lists");
        return;
    }
    drilling->snapshot = drilling->snapshots->pdata[0];
    age_us = drilling->options->now_us - drilling->snapshot->time_us;
    gap_us = longest_gap(drilling);
    if (!rpo_us)
        drill_set(drilling, DRILL_FRESHNESS, DRILL_NOT_PROVEN, "no-rpo",
                  "the profile gives no rpo");
    else if (age_us > rpo_us)
        drill_set(drilling, DRILL_FRESHNESS, DRILL_FAILED, "too-old",
                  "the newest snapshot is %" G_GINT64_FORMAT " minutes old", age_us / MINUTE_US);
    else if (gap_us > rpo_us)
        drill_set(drilling, DRILL_FRESHNESS, DRILL_FAILED, "gap",
                  "%" G_GINT64_FORMAT " minutes lie between two snapshots of the last month",
                  gap_us / MINUTE_US);
    else if (future)
        drill_set(drilling, DRILL_FRESHNESS, DRILL_NOT_PROVEN, "future-snapshot",
                  "%u snapshots are of a later time than now: a clock is wrong", future);
    else
        drill_set(drilling, DRILL_FRESHNESS, DRILL_PROVEN, NULL, NULL);
}

/* "/srv/data" as "srv/data", "data" and "." are tried, in this order. */
gint drill_stripped(const struct drilling *drilling, const char *root)
{
    g_autofree char *key = listing_key(root, drilling->repository->tool->lost);
    const char *at = key;
    gint stripped = 0;

    g_strchomp(key);
    while (g_str_has_suffix(key, "/"))
        key[strlen(key) - 1] = '\0';
    if (!*key) /* the root of the file system */
        return 0;
    for (;; stripped++) {
        const char *slash = strchr(at, '/');

        if (listing_find(drilling->listing, at))
            return stripped;
        if (!slash)
            break;
        at = slash + 1;
    }
    return listing_find(drilling->listing, ".") ? stripped + 1 : -1;
}

static const char *missing_path(const struct drilling *drilling)
{
    for (guint i = 0; drilling->asset->paths && drilling->asset->paths[i]; i++)
        if (drill_stripped(drilling, drilling->asset->paths[i]) < 0)
            return drilling->asset->paths[i];
    return NULL;
}

static gboolean is_mass_change(const struct listing_change *change)
{
    return change->before >= MASS_FILES &&
           (double)(change->gone + change->changed) > MASS_CHANGE * (double)change->before;
}

void drill_judge_completeness(struct drilling *drilling)
{
    struct drill *drill = drilling->drill;
    const char *missing = missing_path(drilling);

    if (drilling->before) {
        drill->compared = TRUE;
        drill->change = listing_compare(drilling->before, drilling->listing);
    }
    if (missing)
        drill_set(drilling, DRILL_COMPLETENESS, DRILL_FAILED, "path-missing",
                  "%s is not in the snapshot", missing);
    else if (drilling->listing->damaged)
        drill_set(drilling, DRILL_COMPLETENESS, DRILL_FAILED, "damaged",
                  "%" G_GUINT64_FORMAT " files lost bytes in a repair", drilling->listing->damaged);
    else if (drill->compared && is_mass_change(&drill->change))
        drill_set(drilling, DRILL_COMPLETENESS, DRILL_FAILED, "mass-change",
                  "of %" G_GUINT64_FORMAT " files, %" G_GUINT64_FORMAT " changed and "
                  "%" G_GUINT64_FORMAT " are gone since the snapshot before",
                  drill->change.before, drill->change.changed, drill->change.gone);
    else if (!drilling->asset->paths)
        drill_set(drilling, DRILL_COMPLETENESS, DRILL_NOT_PROVEN, "no-paths",
                  "the profile does not say what must be covered");
    else
        drill_set(drilling, DRILL_COMPLETENESS, DRILL_PROVEN, NULL, NULL);
}
