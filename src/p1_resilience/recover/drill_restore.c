/* drill_restore.c: files drawn by the dice come back, and are what the manifest says. */
#include "base/sha256.h"
#include "p1_resilience/recover/drill_private.h"

#include <string.h>

#define TIME_SLACK_US 2       /* borg rounds, restic cuts off */
#define RATE_BYTES (1u << 20) /* so much must have come back to speak of a rate */
#define NS_A_US 1000
#define PATHS_LIMIT (64u << 10) /* bytes of the paths of one run */
#define SECOND_US G_USEC_PER_SEC

/* A file that was drawn. */
struct drawn {
    struct drill_file file;
    const struct manifest_record *record;
    const struct listed *listed;
    char *path;     /* as stored */
    gboolean to_do; /* it is to be restored */
    gboolean alone; /* in a run of its own */
    struct sha256 *sha256;
    guint64 bytes; /* that came */
};

struct restoring {
    struct drilling *drilling;
    GArray *drawn;      /* struct drawn, in the order of the dice */
    gint64 quickest_us; /* of one run of the tool: what opening it costs */
    guint runs;
    struct trouble trouble; /* what keeps files from being restored, whole as they may be */
};

static void drawn_clear(gpointer pointer)
{
    struct drawn *drawn = pointer;

    g_free(drawn->path);
    sha256_free(drawn->sha256);
}

/* --- drawing --- */

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

/* The records that are files: those are drawn from. */
static GArray *files_of(const struct manifest *manifest)
{
    GArray *files = g_array_new(FALSE, FALSE, sizeof(guint64));

    for (guint64 i = 0; i < manifest->records->len; i++)
        if (g_array_index(manifest->records, struct manifest_record, i).type == '-')
            g_array_append_val(files, i);
    return files;
}

/* What can be said before anything is restored. */
static void look_up(struct restoring *restoring, struct drawn *drawn)
{
    const struct drilling *drilling = restoring->drilling;
    const char *lost = drilling->repository->tool->lost, *alias;
    g_autofree char *path = stored_path(drilling, drawn->record->path);
    g_autofree char *key = path ? listing_key(path, lost) : NULL;

    drawn->listed = key ? listing_find(drilling->listing, key) : NULL;
    drawn->file.outcome = DRILL_LOST;
    if (!drawn->listed || drawn->listed->damaged)
        return;
    alias = listing_alias_of(drilling->listing, key);
    /* A name that is no UTF-8 was lost on the way: under which the bytes lie is not known. */
    if (was_changed(drawn->listed, drawn->record) || (alias && strstr(alias, lost))) {
        drawn->file.outcome = DRILL_CHANGED;
        return;
    }
    drawn->to_do = TRUE;
    drawn->alone = alias || drawn->listed->ambiguous || drawn->listed->type != '-' ||
                   (guint64)drawn->listed->size != drawn->record->size;
    drawn->path = alias ? g_strdup(alias) : g_steal_pointer(&path);
}

/* Until so many files are drawn that say something. */
static void draw(struct restoring *restoring, const GArray *files)
{
    const struct drilling *drilling = restoring->drilling;
    g_autoptr(sample_t) sample = sample_new(drilling->options->seed, files->len);
    guint64 index, useful = 0;

    while (useful < drilling->drill->wanted && sample_next(sample, &index)) {
        struct drawn drawn = { .file.index = g_array_index(files, guint64, index) };

        drawn.record = &g_array_index(drilling->options->manifest->records, struct manifest_record,
                                      drawn.file.index);
        look_up(restoring, &drawn);
        useful += drawn.file.outcome != DRILL_CHANGED;
        g_array_append_val(restoring->drawn, drawn);
        /* cppcheck-suppress memleak ; the array has taken it */
    }
}

/* --- restoring --- */

/* The files of one run, whose bytes come one after the other. */
struct stream {
    GPtrArray *files; /* struct drawn */
    guint at;
};

static void stream_begin(struct stream *stream)
{
    for (guint i = 0; i < stream->files->len; i++) {
        struct drawn *drawn = stream->files->pdata[i];

        sha256_free(drawn->sha256);
        drawn->sha256 = sha256_new(drawn->record->size);
        drawn->bytes = 0;
    }
}

/* More than the manifest's sizes is something else: the rest need not be read. */
static gboolean take(const void *bytes, gsize length, gpointer data, GError **error)
{
    struct stream *stream = data;
    const guint8 *at = bytes;

    (void)error;
    while (length && stream->at < stream->files->len) {
        struct drawn *drawn = stream->files->pdata[stream->at];
        const gsize piece = (gsize)MIN(length, drawn->record->size - drawn->bytes);

        sha256_update(drawn->sha256, at, piece);
        drawn->bytes += piece;
        at += piece;
        length -= piece;
        stream->at += drawn->bytes == drawn->record->size;
    }
    return length == 0;
}

/* FALSE: not all came; `reached` of them did, or began to. */
static gboolean run(struct restoring *restoring, GPtrArray *files, guint *reached,
                    struct trouble *trouble)
{
    struct drilling *drilling = restoring->drilling;
    g_autoptr(GPtrArray) paths = g_ptr_array_new();
    struct stream stream = { files, 0 };
    gint64 elapsed_us = 0;
    gboolean good;

    for (guint i = 0; i < files->len; i++)
        g_ptr_array_add(paths, ((struct drawn *)files->pdata[i])->path);
    g_ptr_array_add(paths, NULL);
    stream_begin(&stream);
    good = drilling->repository->tool->restore(drilling->repository, drilling->snapshot,
                                               (const char *const *)paths->pdata, take, &stream,
                                               &elapsed_us, trouble);
    drilling->drill->restore_us += elapsed_us;
    restoring->quickest_us =
        restoring->runs++ ? MIN(restoring->quickest_us, elapsed_us) : elapsed_us;
    *reached = good ? files->len : MIN(stream.at + 1, files->len);
    return good;
}

static gboolean came_back(struct drawn *drawn)
{
    guint8 digest[SHA256_SIZE];

    if (drawn->bytes != drawn->record->size)
        return FALSE;
    sha256_finish(drawn->sha256, digest);
    return memcmp(digest, drawn->record->sha256, sizeof digest) == 0;
}

static void settle(struct restoring *restoring, struct drawn *drawn, enum drill_outcome outcome)
{
    struct drill *drill = restoring->drilling->drill;

    drawn->to_do = FALSE;
    drawn->file.outcome = outcome;
    drawn->file.bytes = drawn->bytes;
    drill->bytes += drawn->bytes;
    drill->intact += outcome == DRILL_INTACT;
}

/* What says nothing of the file: the tool did not get to it. */
static gboolean is_in_the_way(enum trouble_kind kind)
{
    static const enum trouble_kind kinds[] = { TROUBLE_NOT_INSTALLED, TROUBLE_PASSWORD,
                                               TROUBLE_LOCKED, TROUBLE_LATE, TROUBLE_FULL };

    for (guint i = 0; i < G_N_ELEMENTS(kinds); i++)
        if (kinds[i] == kind)
            return TRUE;
    return FALSE;
}

/* TRUE: the tool could not go on, and it says nothing of files. The trouble is taken over. */
static gboolean stopped(struct restoring *restoring, struct trouble *trouble)
{
    if (!is_in_the_way(trouble->kind))
        return FALSE;
    trouble_clear(&restoring->trouble);
    restoring->trouble = *trouble;
    *trouble = (struct trouble){ 0 };
    return TRUE;
}

/* What a run of its own says of a file counts. FALSE: nothing can be restored any more. */
static gboolean restore_one(struct restoring *restoring, struct drawn *drawn)
{
    g_autoptr(GPtrArray) files = g_ptr_array_new();
    g_auto(trouble_t) trouble = { 0 };
    gboolean good, differs;
    guint reached;

    g_ptr_array_add(files, drawn);
    good = run(restoring, files, &reached, &trouble);
    if (!good && stopped(restoring, &trouble))
        return FALSE;
    /* More than its bytes came: the tool was stopped, which counts as malformed. */
    differs = good || trouble.kind == TROUBLE_MALFORMED;
    settle(restoring, drawn,
           good && came_back(drawn) ? DRILL_INTACT
           : differs                ? DRILL_DIFFERENT
                                    : DRILL_LOST);
    return TRUE;
}

/*
 * Those of a run that are whole are settled: their digests say so. The others that it reached get
 * runs of their own: where one is damaged, what comes after it is cut off or out of step.
 */
static gboolean restore_many(struct restoring *restoring, GPtrArray *files)
{
    g_auto(trouble_t) trouble = { 0 };
    guint reached;
    const gboolean good = run(restoring, files, &reached, &trouble);

    if (!good && stopped(restoring, &trouble))
        return FALSE;
    for (guint i = 0; i < reached; i++) {
        struct drawn *drawn = files->pdata[i];

        /* That an empty file came is seen from the end alone. */
        if ((good || drawn->bytes) && came_back(drawn))
            settle(restoring, drawn, DRILL_INTACT);
        else
            drawn->alone = TRUE;
    }
    return TRUE;
}

static gint in_order(gconstpointer left, gconstpointer right)
{
    const struct drawn *a = *(struct drawn *const *)left, *b = *(struct drawn *const *)right;

    return a->listed->order < b->listed->order ? -1 : a->listed->order > b->listed->order;
}

/* As many of the rest as one run takes. */
static GPtrArray *gather_run(const struct restoring *restoring, guint from)
{
    const guint most = restoring->drilling->repository->tool->at_once;
    GPtrArray *files = g_ptr_array_new();
    gsize length = 0;

    for (guint i = from; i < restoring->drawn->len && files->len < most; i++) {
        struct drawn *drawn = &g_array_index(restoring->drawn, struct drawn, i);

        if (!drawn->to_do || drawn->alone)
            continue;
        length += strlen(drawn->path) + 1;
        if (length > PATHS_LIMIT && files->len)
            break;
        g_ptr_array_add(files, drawn);
    }
    g_ptr_array_sort(files, in_order);
    return files;
}

/* The first file has a run of its own: what that takes is mostly the opening of the repository. */
static void restore_drawn(struct restoring *restoring)
{
    const struct drilling *drilling = restoring->drilling;
    const gboolean many = drilling->repository->tool->at_once > 1;
    gboolean good = TRUE;

    for (guint i = 0; i < restoring->drawn->len && good; i++) {
        struct drawn *drawn = &g_array_index(restoring->drawn, struct drawn, i);

        drill_say(drilling, "Restoring files", i, restoring->drawn->len);
        /* Each run settles or singles out one file at least. */
        while (good && many && restoring->runs && drawn->to_do && !drawn->alone) {
            g_autoptr(GPtrArray) files = gather_run(restoring, i);

            good = restore_many(restoring, files);
        }
        if (good && drawn->to_do)
            good = restore_one(restoring, drawn);
    }
}

/* Those that say something, in the order of the dice. */
static void keep(struct restoring *restoring)
{
    struct drill *drill = restoring->drilling->drill;

    for (guint i = 0; i < restoring->drawn->len; i++) {
        const struct drawn *drawn = &g_array_index(restoring->drawn, struct drawn, i);

        if (drawn->to_do)
            continue; /* it was not reached */
        drill->skipped += drawn->file.outcome == DRILL_CHANGED;
        drill->bad += drawn->file.outcome == DRILL_DIFFERENT || drawn->file.outcome == DRILL_LOST;
        g_array_append_val(drill->files, drawn->file);
    }
}

/* --- judging --- */

static void judge_restore(const struct restoring *restoring)
{
    struct drilling *drilling = restoring->drilling;
    const struct drill *drill = drilling->drill;

    if (drill->bad)
        drill_set(drilling, DRILL_RESTORE, DRILL_FAILED, "files-damaged",
                  "%" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " files did not come back as they "
                  "were",
                  drill->bad, drill->bad + drill->intact);
    else if (restoring->trouble.kind != TROUBLE_NONE)
        drill_set_trouble(drilling, DRILL_RESTORE, &restoring->trouble);
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
    g_autoptr(GArray) drawn = g_array_new(FALSE, TRUE, sizeof(struct drawn));
    struct restoring restoring = { .drilling = drilling, .drawn = drawn };
    g_autoptr(GArray) files = NULL;

    if (!options->manifest) {
        drill_set(drilling, DRILL_RESTORE, DRILL_NOT_PROVEN, "no-manifest", NULL);
        return;
    }
    g_array_set_clear_func(drawn, drawn_clear);
    files = files_of(options->manifest);
    drilling->drill->wanted = options->files
                                  ? MIN(options->files, files->len)
                                  : sample_size(options->confidence, options->fraction, files->len);
    draw(&restoring, files);
    restore_drawn(&restoring);
    keep(&restoring);
    judge_restore(&restoring);
    judge_time(&restoring);
    trouble_clear(&restoring.trouble);
}
