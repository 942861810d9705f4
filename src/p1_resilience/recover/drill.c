#include "p1_resilience/recover/drill.h"

#include "base/clock.h"
#include "finding/scrub.h"
#include "p1_resilience/recover/drill_private.h"

#include <string.h>

#define STALE_LOCK_US (G_GINT64_CONSTANT(30) * 60 * G_USEC_PER_SEC) /* restic's own measure */
#define DETAIL_LIMIT 500

static const char *const aspect_names[DRILL_ASPECTS] = {
    "access",       "freshness", "manifest",     "restore",   "time",
    "completeness", "integrity", "immutability", "isolation",
};
static const char *const verdict_names[] = { "not-proven", "proven", "failed" };
static const char *const outcome_names[] = { "intact", "different", "lost", "changed" };

const char *drill_aspect_name(enum drill_aspect aspect)
{
    return aspect_names[aspect];
}

const char *drill_verdict_name(enum drill_verdict verdict)
{
    return verdict_names[verdict];
}

const char *drill_outcome_name(enum drill_outcome outcome)
{
    return outcome_names[outcome];
}

void drill_set(struct drilling *drilling, enum drill_aspect aspect, enum drill_verdict verdict,
               const char *reason, const char *format, ...)
{
    struct drill_finding *finding = &drilling->drill->findings[aspect];
    g_autofree char *text = NULL, *scrubbed = NULL;
    va_list arguments;

    finding->verdict = verdict;
    finding->reason = reason;
    g_clear_pointer(&finding->detail, g_free);
    if (!format)
        return;
    va_start(arguments, format);
    text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    scrubbed = scrub_secrets(g_strstrip(text));
    if (strlen(scrubbed) > DETAIL_LIMIT)
        scrubbed[DETAIL_LIMIT] = '\0';
    finding->detail = g_utf8_make_valid(scrubbed, -1);
}

void drill_set_trouble(struct drilling *drilling, enum drill_aspect aspect,
                       const struct trouble *trouble)
{
    drill_set(drilling, aspect, trouble->kind == TROUBLE_DAMAGED ? DRILL_FAILED : DRILL_NOT_PROVEN,
              trouble_name(trouble->kind), "%s", trouble->detail ? trouble->detail : "");
}

void drill_say(const struct drilling *drilling, const char *what, guint64 done, guint64 total)
{
    if (drilling->options->progress)
        drilling->options->progress(what, done, total, drilling->options->progress_data);
}

/* --- the parts that are short --- */

/* What cannot be opened cannot be restored: a failure, and all that rests on it is not proven. */
static gboolean judge_access(struct drilling *drilling)
{
    const struct repository *repository = drilling->repository;
    g_auto(trouble_t) trouble = { 0 };
    gint64 locked_us = 0;

    drill_say(drilling, "Opening the repository", 0, 0);
    if (!repository->tool->snapshots(repository, drilling->snapshots, &trouble)) {
        drill_set_trouble(drilling, DRILL_ACCESS, &trouble);
        if (trouble.kind != TROUBLE_NOT_INSTALLED && trouble.kind != TROUBLE_LATE &&
            trouble.kind != TROUBLE_FULL && trouble.kind != TROUBLE_OTHER)
            drilling->drill->findings[DRILL_ACCESS].verdict = DRILL_FAILED;
        return FALSE;
    }
    snapshots_sort(drilling->snapshots);
    if (!repository->tool->locks(repository, &locked_us, &trouble))
        drill_set_trouble(drilling, DRILL_ACCESS, &trouble);
    else if (locked_us && drilling->options->now_us - locked_us > STALE_LOCK_US) {
        g_autofree char *since = clock_format(locked_us);

        drill_set(drilling, DRILL_ACCESS, DRILL_FAILED, "stale-lock", "locked since %s", since);
    } else
        drill_set(drilling, DRILL_ACCESS, DRILL_PROVEN, NULL, NULL);
    return TRUE;
}

static void judge_integrity(struct drilling *drilling)
{
    struct store_check check = drilling->options->check;
    g_auto(trouble_t) trouble = { 0 };

    drill_say(drilling, "Checking the store", 0, 0);
    check.packs = -1;
    if (!drilling->repository->tool->check(drilling->repository, &check, &trouble))
        drill_set_trouble(drilling, DRILL_INTEGRITY, &trouble);
    else if (check.packs == 0)
        drill_set(drilling, DRILL_INTEGRITY, DRILL_NOT_PROVEN, "nothing-read",
                  "the check read no data");
    else
        drill_set(drilling, DRILL_INTEGRITY, DRILL_PROVEN, NULL, NULL);
    drilling->drill->packs = check.packs;
}

static void judge_canary(struct drilling *drilling)
{
    const struct backup_tool *tool = drilling->repository->tool;
    g_auto(trouble_t) trouble = { 0 };
    gboolean deleted;

    drill_say(drilling, "Trying to delete a canary", 0, 0);
    if (!tool->canary(drilling->repository, &deleted, &trouble))
        drill_set_trouble(drilling, DRILL_IMMUTABILITY, &trouble);
    else if (deleted && drilling->asset->object_lock)
        drill_set(
            drilling, DRILL_IMMUTABILITY, DRILL_NOT_PROVEN, "hidden",
            "a snapshot was deleted: an object lock keeps a version of it that only the store's "
            "own console shows");
    else if (deleted)
        drill_set(drilling, DRILL_IMMUTABILITY, DRILL_FAILED, "deleted",
                  "a snapshot was deleted with the password of the backup");
    else
        drill_set(drilling, DRILL_IMMUTABILITY, DRILL_PROVEN, NULL, NULL);
}

static void judge_immutability(struct drilling *drilling)
{
    const struct asset *asset = drilling->asset;
    const struct repository *repository = drilling->repository;

    if (drilling->options->canary && repository->tool->canary) {
        judge_canary(drilling);
        return;
    }
    switch (repository->tool->append_only(repository)) {
    case APPEND_ONLY_ON:
        drill_set(drilling, DRILL_IMMUTABILITY, DRILL_PROVEN, NULL, NULL);
        return;
    case APPEND_ONLY_OFF:
        drill_set(drilling, DRILL_IMMUTABILITY, DRILL_FAILED, "not-append-only",
                  "the repository's configuration has append_only = 0");
        return;
    case APPEND_ONLY_UNKNOWN:
        break;
    }
    if (!repository->tool->canary)
        drill_set(
            drilling, DRILL_IMMUTABILITY, DRILL_NOT_PROVEN, "not-visible",
            "%s shows a deletion as done in append-only mode, too: the server's configuration "
            "and its log of transactions tell",
            repository->tool->name);
    else if (asset->append_only || asset->object_lock)
        drill_set(drilling, DRILL_IMMUTABILITY, DRILL_NOT_PROVEN, "not-tried",
                  "the profile says so; --canary tries it");
    else
        drill_set(drilling, DRILL_IMMUTABILITY, DRILL_NOT_PROVEN, "not-said",
                  "nothing says that what is stored cannot be deleted");
}

static void judge_isolation(struct drilling *drilling)
{
    if (!repository_is_folder(drilling->asset->repository) &&
        !repository_is_loopback(drilling->asset->repository))
        drill_set(drilling, DRILL_ISOLATION, DRILL_PROVEN, NULL, NULL);
    else if (!repository_is_folder(drilling->asset->repository))
        drill_set(drilling, DRILL_ISOLATION, DRILL_NOT_PROVEN, "loopback",
                  "the repository is reached over this machine's loopback");
    else if (drilling->asset->off_host)
        drill_set(drilling, DRILL_ISOLATION, DRILL_NOT_PROVEN, "said-only",
                  "a folder of this machine, which the profile says lies elsewhere");
    else
        drill_set(drilling, DRILL_ISOLATION, DRILL_FAILED, "on-this-host",
                  "the repository is a folder of this machine");
}

/* --- all of it --- */

static struct listing *list(struct drilling *drilling, const struct snapshot *snapshot,
                            struct trouble *trouble)
{
    g_autoptr(listing_t) listing = listing_new();

    drill_say(drilling, "Listing a snapshot", 0, 0);
    return drilling->repository->tool->list(drilling->repository, snapshot, listing, trouble)
               ? g_steal_pointer(&listing)
               : NULL;
}

static void look_inside(struct drilling *drilling)
{
    struct drill *drill = drilling->drill;
    g_auto(trouble_t) trouble = { 0 };

    drill->snapshot = g_strdup(drilling->snapshot->id);
    drill->snapshot_us = drilling->snapshot->time_us;
    drilling->listing = list(drilling, drilling->snapshot, &trouble);
    if (!drilling->listing) {
        drill_set_trouble(drilling, DRILL_COMPLETENESS, &trouble);
        drill_set_trouble(drilling, DRILL_RESTORE, &trouble);
        return;
    }
    drill->total_files = drilling->listing->files;
    drill->total_bytes = drilling->listing->bytes;
    if (drilling->snapshots->len > 1)
        drilling->before = list(drilling, drilling->snapshots->pdata[1], &trouble);
    drill_judge_completeness(drilling);
    drill_restore(drilling);
}

struct drill *drill_run(const struct asset *asset, const struct repository *repository,
                        const struct drill_options *options)
{
    g_autoptr(GPtrArray) snapshots = g_ptr_array_new_with_free_func((GDestroyNotify)snapshot_free);
    struct drill *drill = g_new0(struct drill, 1);
    struct drilling drilling = { asset, repository, options, drill, snapshots, NULL, NULL, NULL };

    drill->files = g_array_new(FALSE, TRUE, sizeof(struct drill_file));
    drill->started_us = options->now_us;
    drill->packs = -1;
    for (guint i = 0; i < DRILL_ASPECTS; i++)
        drill_set(&drilling, i, DRILL_NOT_PROVEN, "not-reached", NULL);
    drill_set(&drilling, DRILL_MANIFEST, options->manifest_finding.verdict,
              options->manifest_finding.reason, options->manifest_finding.detail ? "%s" : NULL,
              options->manifest_finding.detail);
    judge_isolation(&drilling);
    if (judge_access(&drilling)) {
        drill->snapshots = snapshots->len;
        drill_judge_freshness(&drilling);
        if (drilling.snapshot)
            look_inside(&drilling);
        judge_integrity(&drilling);
        judge_immutability(&drilling);
    }
    listing_free(drilling.listing);
    listing_free(drilling.before);
    drill->ended_us = clock_now_us();
    return drill;
}

void drill_free(struct drill *drill)
{
    if (!drill)
        return;
    for (guint i = 0; i < DRILL_ASPECTS; i++)
        g_free(drill->findings[i].detail);
    g_free(drill->snapshot);
    g_array_unref(drill->files);
    g_free(drill);
}

enum drill_verdict drill_verdict(const struct drill *drill)
{
    enum drill_verdict worst = DRILL_PROVEN;

    for (guint i = 0; i < DRILL_ASPECTS; i++) {
        if (drill->findings[i].verdict == DRILL_FAILED)
            return DRILL_FAILED;
        if (drill->findings[i].verdict == DRILL_NOT_PROVEN)
            worst = DRILL_NOT_PROVEN;
    }
    return worst;
}

json_t *drill_findings_json(const struct drill *drill, gboolean inside)
{
    json_t *list = json_array();

    for (guint i = 0; i < DRILL_ASPECTS; i++) {
        const struct drill_finding *finding = &drill->findings[i];
        json_t *value = json_pack("{s:s, s:s}", "aspect", drill_aspect_name(i), "verdict",
                                  drill_verdict_name(finding->verdict));

        if (finding->reason)
            json_object_set_new(value, "reason", json_string(finding->reason));
        if (finding->detail && *finding->detail && inside)
            json_object_set_new(value, "detail", json_safe_string(finding->detail));
        json_array_append_new(list, value);
    }
    return list;
}
