/* drill_restore.c: files drawn by the dice come back, and are what the manifest says. */
#include "base/sha256.h"
#include "p1_resilience/recover/drill_private.h"

#include <string.h>

#define TIME_SLACK_US 2       /* borg rounds, restic cuts off */
#define RATE_BYTES (1u << 20) /* so much must have come back to speak of a rate */
#define NS_A_US 1000
#define SECOND_US G_USEC_PER_SEC

struct restoring {
    struct drilling *drilling;
    gint64 quickest_us; /* of one run of the tool: what opening it costs */
    guint runs;
};

struct stream {
    struct sha256 *sha256;
    guint64 bytes, limit;
};

/* More than the manifest's size is another file: the rest need not be read. */
static gboolean take(const void *bytes, gsize length, gpointer data, GError **error)
{
    struct stream *stream = data;

    (void)error;
    stream->bytes += length;
    sha256_update(stream->sha256, bytes, length);
    return stream->bytes <= stream->limit;
}

static gboolean is_below(const char *path, const char *root)
{
    gsize length = strlen(root);

    while (length > 1 && root[length - 1] == '/')
        length--;
    return strncmp(path, root, length) == 0 &&
           (path[length] == '/' || path[length] == '\0' || length == 1);
}

/* `path` as it was stored; its bytes are kept. NULL: its root is not in the snapshot. */
static char *stored_path(const struct drilling *drilling, const char *path)
{
    const char *at = path + strspn(path, "/");
    gint stripped = 0;

    for (guint i = 0; drilling->asset->paths && drilling->asset->paths[i]; i++)
        if (is_below(path, drilling->asset->paths[i]))
            stripped = drill_stripped(drilling, drilling->asset->paths[i]);
    if (stripped < 0)
        return NULL;
    for (; stripped > 0; stripped--) {
        const char *slash = strchr(at, '/');

        if (!slash)
            return NULL;
        at = slash + 1;
    }
    return g_strdup(at);
}

/* Whether the file in the snapshot is another state of it than the manifest saw. */
static gboolean was_changed(const struct listed *listed, const struct manifest_record *record)
{
    const gint64 apart_us = listed->mtime_us - record->mtime_ns / NS_A_US;

    if (listed->ambiguous || !listed->mtime_us)
        return FALSE;
    return ABS(apart_us) > TIME_SLACK_US ||
           (listed->size >= 0 && (guint64)listed->size != record->size);
}

static enum drill_outcome restore_one(struct restoring *restoring,
                                      const struct manifest_record *record, guint64 *bytes)
{
    struct drilling *drilling = restoring->drilling;
    const struct repository *repository = drilling->repository;
    g_autofree char *path = stored_path(drilling, record->path);
    g_autofree char *key = path ? listing_key(path, repository->tool->lost) : NULL;
    const struct listed *listed = key ? listing_find(drilling->listing, key) : NULL;
    g_autoptr(sha256_t) sha256 = NULL;
    const char *alias;
    struct stream stream = { .limit = record->size };
    guint8 digest[SHA256_SIZE];
    g_auto(trouble_t) trouble = { 0 };
    gint64 elapsed_us = 0;
    gboolean good;

    if (!listed || listed->damaged)
        return DRILL_LOST;
    alias = listing_alias_of(drilling->listing, key);
    /* A name that is no UTF-8 was lost on the way: under which the bytes lie is not known. */
    if (was_changed(listed, record) || (alias && strstr(alias, repository->tool->lost)))
        return DRILL_CHANGED;
    sha256 = sha256_new(record->size);
    stream.sha256 = sha256;
    good = repository->tool->restore(repository, drilling->snapshot, alias ? alias : path, take,
                                     &stream, &elapsed_us, &trouble);
    drilling->drill->restore_us += elapsed_us;
    restoring->quickest_us =
        restoring->runs++ ? MIN(restoring->quickest_us, elapsed_us) : elapsed_us;
    *bytes = stream.bytes;
    if (!good)
        return stream.bytes > stream.limit ? DRILL_DIFFERENT : DRILL_LOST;
    sha256_finish(sha256, digest);
    return memcmp(digest, record->sha256, sizeof digest) == 0 ? DRILL_INTACT : DRILL_DIFFERENT;
}

/* The records that are files: those are drawn from. */
static GArray *files_of(const struct manifest *manifest)
{
    GArray *files = g_array_new(FALSE, FALSE, sizeof(guint64));

    for (guint64 i = 0; i < manifest->records->len; i++)
        if (g_array_index(manifest->records, struct manifest_record, i).type == '-')
            g_array_append_val(files, i);
    return files;
}

static void restore_sample(struct restoring *restoring, const GArray *files)
{
    struct drilling *drilling = restoring->drilling;
    struct drill *drill = drilling->drill;
    g_autoptr(sample_t) sample = sample_new(drilling->options->seed, files->len);
    guint64 drawn;

    while (drill->intact + drill->bad < drill->wanted && sample_next(sample, &drawn)) {
        struct drill_file file = { .index = g_array_index(files, guint64, drawn) };

        drill_say(drilling, "Restoring files", drill->intact + drill->bad, drill->wanted);
        file.outcome = restore_one(restoring,
                                   &g_array_index(drilling->options->manifest->records,
                                                  struct manifest_record, file.index),
                                   &file.bytes);
        drill->intact += file.outcome == DRILL_INTACT;
        drill->skipped += file.outcome == DRILL_CHANGED;
        drill->bad += file.outcome == DRILL_DIFFERENT || file.outcome == DRILL_LOST;
        drill->bytes += file.bytes;
        g_array_append_val(drill->files, file);
    }
}

static void judge_restore(struct drilling *drilling)
{
    const struct drill *drill = drilling->drill;

    if (drill->bad)
        drill_set(drilling, DRILL_RESTORE, DRILL_FAILED, "files-damaged",
                  "%" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " files did not come back as they "
                  "were",
                  drill->bad, drill->bad + drill->intact);
    else if (drill->intact < drill->wanted || drill->wanted == 0)
        drill_set(drilling, DRILL_RESTORE, DRILL_NOT_PROVEN, "too-few",
                  "%" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " wanted files could be compared: "
                  "the others changed since the manifest",
                  drill->intact, drill->wanted);
    else
        drill_set(drilling, DRILL_RESTORE, DRILL_PROVEN, NULL, NULL);
}

/*
 * How long everything would take: what came back beyond the quickest run gives the rate. Where all
 * files were restored, no rate is needed: that is how long it took.
 */
static void judge_time(struct restoring *restoring)
{
    struct drilling *drilling = restoring->drilling;
    struct drill *drill = drilling->drill;
    const gint64 moving_us = drill->restore_us - restoring->quickest_us * restoring->runs;
    const gint64 rto_us = drilling->asset->rto_us;

    if (drill->intact && drill->bytes >= drill->total_bytes)
        drill->projected_us = drill->restore_us;
    else if (drill->bytes >= RATE_BYTES)
        drill->projected_us =
            restoring->quickest_us +
            (gint64)((double)drill->total_bytes / (double)drill->bytes * (double)MAX(moving_us, 1));
    if (!drill->projected_us)
        drill_set(drilling, DRILL_TIME, DRILL_NOT_PROVEN, "too-little",
                  "%" G_GUINT64_FORMAT " bytes came back: too few to speak of a rate",
                  drill->bytes);
    else if (!rto_us)
        drill_set(drilling, DRILL_TIME, DRILL_NOT_PROVEN, "no-rto", "the profile gives no rto");
    else if (drill->projected_us > rto_us)
        drill_set(drilling, DRILL_TIME, DRILL_FAILED, "too-slow",
                  "a full restore would take %" G_GINT64_FORMAT " s",
                  drill->projected_us / SECOND_US);
    else
        drill_set(drilling, DRILL_TIME, DRILL_PROVEN, NULL, NULL);
}

void drill_restore(struct drilling *drilling)
{
    const struct drill_options *options = drilling->options;
    struct restoring restoring = { .drilling = drilling };
    g_autoptr(GArray) files = NULL;

    if (!options->manifest) {
        drill_set(drilling, DRILL_RESTORE, DRILL_NOT_PROVEN, "no-manifest", NULL);
        return;
    }
    files = files_of(options->manifest);
    drilling->drill->wanted = options->files
                                  ? MIN(options->files, files->len)
                                  : sample_size(options->confidence, options->fraction, files->len);
    restore_sample(&restoring, files);
    judge_restore(drilling);
    judge_time(&restoring);
}
