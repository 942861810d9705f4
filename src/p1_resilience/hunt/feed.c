/* feed.c: the parent of the workers that parse feeds; see feed.h. */
#include "p1_resilience/hunt/feed.h"

#include "base/error.h"
#include "base/file.h"
#include "p1_resilience/hunt/feed_input.h"
#include "p1_resilience/hunt/feed_private.h"

#include <string.h>
#include <unistd.h>

#define STREAM_LIMIT (1u << 30) /* bytes of standard input */
#define BATCH_FILES 256         /* files that one worker reads */
#define BATCH_BYTES (1ull << 30)
#define WORKER_MEMORY (4ull << 30) /* beyond what this process has already */
#define WORKER_CPU_S 3600
#define WORKER_LIMIT_US (60 * G_USEC_PER_SEC) /* and: */
#define BYTES_A_SECOND (1u << 20)             /* the slowest that a worker may be */
#define LINGER_US 0

static const char *const format_names[FEED_FORMATS] = {
    [FEED_PLAIN] = "plain",       [FEED_HOSTS] = "hosts", [FEED_CSV] = "csv",
    [FEED_MISP] = "misp",         [FEED_STIX] = "stix",   [FEED_ZEEK] = "zeek",
    [FEED_SURICATA] = "suricata", [FEED_TEXT] = "text",
};

static const struct {
    const char *name, *text;
} skips[FEED_SKIPS - FEED_SKIP_NOT_TO_IDS] = {
#define SKIP(NAME) [FEED_SKIP_##NAME - FEED_SKIP_NOT_TO_IDS]
    SKIP(NOT_TO_IDS) = { "not-to-ids", "context, not meant for detection: --include-non-ids" },
    SKIP(DELETED) = { "deleted", "deleted by its source" },
    SKIP(TYPE) = { "type", "of a type that logs are not searched for" },
    SKIP(OLD_VERSION) = { "old-version", "a newer version of the object is there" },
    SKIP(NOT_INDICATOR) = { "not-an-indicator", "objects that name nothing to look for" },
    SKIP(PATTERN_TYPE) = { "pattern-type", "a rule in another language than STIX patterns" },
    SKIP(PATTERN) = { "pattern", "no STIX pattern" },
    SKIP(UNHUNTABLE) = { "not-huntable", "a STIX pattern that asks for more than single values" },
    SKIP(MALFORMED) = { "malformed", "without what its format demands" },
    SKIP(NOT_DEFANGED) = { "not-defanged", "in running text, written to be clicked: --all-text" },
    SKIP(MISSING) = { "missing", "events that the manifest lists and the folder lacks" },
    SKIP(MORE) = { "more", "pages of an envelope that follow and are not here" },
    SKIP(UNREAD) = { "unread", "files of a folder that could not be read" },
#undef SKIP
};

const char *feed_format_name(enum feed_format format)
{
    return format_names[format];
}

const char *feed_skip_name(enum feed_skip skip)
{
    return skip < FEED_SKIP_NOT_TO_IDS ? indicator_why_name((enum indicator_why)skip)
                                       : skips[skip - FEED_SKIP_NOT_TO_IDS].name;
}

const char *feed_skip_text(enum feed_skip skip)
{
    return skip < FEED_SKIP_NOT_TO_IDS ? indicator_why_text((enum indicator_why)skip)
                                       : skips[skip - FEED_SKIP_NOT_TO_IDS].text;
}

static void free_source(gpointer source)
{
    feed_source_free(source);
}

struct feed_report *feed_report_new(void)
{
    struct feed_report *report = g_new0(struct feed_report, 1);

    report->sources = g_ptr_array_new_with_free_func(free_source);
    return report;
}

void feed_report_free(struct feed_report *report)
{
    if (!report)
        return;
    g_ptr_array_unref(report->sources);
    for (guint i = 0; i < FEED_SKIPS; i++)
        feed_skipped_clear(&report->skipped[i]);
    g_free(report);
}

void feed_report_skip(struct feed_report *report, enum feed_skip skip, const char *place,
                      const char *detail)
{
    struct feed_skipped *skipped = &report->skipped[skip];

    if (skipped->count < FEED_EXAMPLES) {
        skipped->place[skipped->count] = g_strdup(place);
        skipped->detail[skipped->count] = g_utf8_make_valid(detail, -1);
    }
    skipped->count++;
}

/* ---- one batch of files */

struct batch {
    struct feed_input *const *inputs;
    guint count;
    guint at;          /* the file that the worker is in */
    gboolean may_fail; /* files of a folder: what one is not is counted, not an error */
    const struct feed_options *options;
    const struct public_suffixes *suffixes;
    struct feed_report *report;
    feed_take take;
    gpointer data;
    struct feed_survey *survey; /* that is made; NULL: the files are read */
    guint64 done, total;        /* bytes of all batches of this call */
};

static gboolean send_to_parent(gpointer out, guint8 kind, gconstpointer body, gsize length)
{
    return worker_send(out, kind, body, length);
}

static void parse_job(struct worker_pipe *out, gpointer data)
{
    const struct batch *batch = data;
    g_autoptr(feed_parser_t) parser = feed_parser_new(
        batch->options, batch->suffixes, send_to_parent, out, batch->report->sources->len);

    parser->surveys = batch->survey != NULL;
    for (guint32 i = batch->at; i < batch->count && !parser->parent_gone; i++) {
        g_autoptr(GError) error = NULL;

        parser->path = batch->inputs[i]->path;
        parser->done = 0;
        if (!worker_send(out, FEED_MESSAGE_FILE, &i, sizeof i))
            return;
        if (!feed_parse(parser, batch->inputs[i]->bytes, &error) &&
            !worker_send(out, FEED_MESSAGE_ERROR, error->message,
                         MIN(strlen(error->message), WORKER_MESSAGE_MAX)))
            return;
        feed_parser_finish_file(parser);
    }
}

static gboolean still_wanted(const struct batch *batch, guint64 done, GError **error)
{
    const struct feed_options *options = batch->options;
    const struct feed_input *input = batch->inputs[batch->at];

    return !options->progress ||
           options->progress(batch->done + MIN(done, input->length), batch->total, input->path,
                             options->progress_data) ||
           system_error(error, "%s: stopped before its end", input->path);
}

static gboolean take_records(struct batch *batch, const guint8 *body, gsize length, gboolean *sound,
                             GError **error)
{
    const guint8 *at = body + sizeof(guint64), *end = body + length;
    guint warnings = batch->options->warnings ? warning_lists_count(batch->options->warnings) : 0;
    struct feed_report *report = batch->report;
    struct assertion assertion;
    gboolean broken;
    guint64 done;

    *sound = length >= sizeof done;
    if (!*sound)
        return FALSE;
    memcpy(&done, body, sizeof done);
    while (feed_wire_record(&at, end, report->sources->len, warnings, &assertion, &broken)) {
        struct feed_source *source = report->sources->pdata[assertion.source];

        source->assertions++;
        report->assertions++;
        report->kinds[assertion.indicator.kind]++;
        report->warned += assertion.warning > 0;
        if (!batch->take(&assertion, batch->data, error))
            return FALSE;
    }
    *sound = !broken;
    return *sound && still_wanted(batch, done, error);
}

static gboolean take_begin(struct batch *batch, const guint8 *body, gsize length)
{
    guint32 index;

    if (length != sizeof index)
        return FALSE;
    memcpy(&index, body, sizeof index);
    if (index >= batch->count || (index != batch->at && index != batch->at + 1))
        return FALSE;
    if (index != batch->at)
        batch->done += batch->inputs[batch->at]->length;
    batch->at = index;
    batch->report->files++;
    batch->report->bytes += batch->inputs[index]->length;
    return TRUE;
}

/* The file is not what it should be. */
static gboolean take_failure(struct batch *batch, const guint8 *body, gsize length, GError **error)
{
    g_autofree char *raw = g_strndup((const char *)body, length);
    g_autofree char *text = g_utf8_make_valid(raw, -1);

    if (!batch->may_fail)
        return input_error(error, "%s", text);
    feed_report_skip(batch->report, FEED_SKIP_UNREAD, batch->inputs[batch->at]->path, text);
    return TRUE;
}

/* FALSE: `error` is set, or the message was none of ours (`sound`). */
static gboolean take_message(struct batch *batch, guint8 kind, const guint8 *body, gsize length,
                             gboolean *sound, GError **error)
{
    struct feed_source *source;

    *sound = TRUE;
    switch (kind) {
    case FEED_MESSAGE_RECORDS:
        return take_records(batch, body, length, sound, error);
    case FEED_MESSAGE_ERROR:
        return take_failure(batch, body, length, error);
    case FEED_MESSAGE_FILE:
        return *sound = take_begin(batch, body, length);
    case FEED_MESSAGE_SKIPS:
        return *sound = feed_wire_skips(body, length, batch->report);
    case FEED_MESSAGE_SOURCE:
        *sound = feed_wire_source(body, length, &source);
        if (*sound)
            g_ptr_array_add(batch->report->sources, source);
        return *sound;
    case FEED_MESSAGE_VERSIONS:
        *sound = batch->survey != NULL;
        return *sound && feed_survey_take_versions(batch->survey, body, length, sound, error) &&
               still_wanted(batch, 0, error);
    case FEED_MESSAGE_NAME:
        return *sound = batch->survey && feed_survey_take_name(batch->survey, body, length);
    case FEED_MESSAGE_MARKING:
        return *sound = batch->survey && feed_survey_take_marking(batch->survey, body, length);
    default:
        return *sound = FALSE;
    }
}

/* Address space of this process, which a worker inherits. */
static guint64 own_memory(void)
{
    g_autofree char *text = NULL;

    if (!g_file_get_contents("/proc/self/statm", &text, NULL, NULL))
        return 0;
    return g_ascii_strtoull(text, NULL, 10) * (guint64)sysconf(_SC_PAGESIZE);
}

/* Runs one worker over the batch from batch->at. `ended` says how, unless an error did. */
static gboolean run_worker(struct batch *batch, const struct confinement *confinement, char **ended,
                           GError **error)
{
    struct confine_limits limits = { own_memory() + WORKER_MEMORY, WORKER_CPU_S };
    g_autoptr(worker_t) worker = NULL;
    const guint8 *body;
    gboolean sound;
    gsize length;
    guint8 kind;

    worker = worker_start(confinement, -1, &limits,
                          g_get_monotonic_time() + WORKER_LIMIT_US +
                              (gint64)(batch->total / BYTES_A_SECOND) * G_USEC_PER_SEC,
                          parse_job, batch, error);
    if (!worker)
        return FALSE;
    while (worker_end(worker) == WORKER_RUNS && worker_wait(&worker, 1, LINGER_US) == 0) {
        while ((body = worker_next(worker, &kind, &length))) {
            if (take_message(batch, kind, body, length, &sound, error))
                continue;
            if (!sound)
                system_error(error, "%s: its parser says what cannot be",
                             batch->inputs[batch->at]->path);
            return FALSE;
        }
    }
    *ended = g_strdup(worker_end_text(worker));
    return TRUE;
}

/* All files of a batch; a file of a folder that kills its worker is left out, and named. */
static gboolean run_batch(struct batch *batch, const struct confinement *confinement,
                          GError **error)
{
    batch->at = 0;
    while (batch->at < batch->count) {
        g_autofree char *ended = NULL;

        if (!run_worker(batch, confinement, &ended, error))
            return FALSE;
        if (!ended) {
            batch->done += batch->inputs[batch->at]->length;
            return TRUE;
        }
        if (!batch->may_fail)
            return system_error(error, "%s: its parser ended: %s", batch->inputs[batch->at]->path,
                                ended);
        feed_report_skip(batch->report, FEED_SKIP_UNREAD, batch->inputs[batch->at]->path, ended);
        batch->done += batch->inputs[batch->at++]->length;
    }
    return TRUE;
}

/* Opens the files of the next batch, from `first` on; a folder's file that cannot be is named. */
static gboolean open_batch(GPtrArray *inputs, guint first, struct batch *batch, GError **error)
{
    guint64 bytes = 0;

    batch->inputs = NULL;
    batch->count = 0;
    while (first + batch->count < inputs->len && batch->count < BATCH_FILES &&
           bytes < BATCH_BYTES) {
        struct feed_input *input = inputs->pdata[first + batch->count];
        g_autoptr(GError) problem = NULL;

        if (feed_input_open(input, &problem)) {
            bytes += input->length;
            batch->count++;
            continue;
        }
        if (!batch->may_fail) {
            g_propagate_error(error, g_steal_pointer(&problem));
            return FALSE;
        }
        feed_report_skip(batch->report, FEED_SKIP_UNREAD, input->path, problem->message);
        g_ptr_array_remove_index(inputs, first + batch->count);
    }
    batch->inputs = (struct feed_input *const *)inputs->pdata + first;
    return TRUE;
}

static gboolean read_inputs(GPtrArray *inputs, struct batch *batch, GError **error)
{
    g_autoptr(confinement_t) confinement = confinement_new(0, error);
    g_autoptr(public_suffixes_t) suffixes = NULL;

    if (!confinement || !(suffixes = public_suffixes_new(error)))
        return FALSE;
    batch->suffixes = suffixes;
    for (guint i = 0; i < inputs->len; i++)
        batch->total += ((const struct feed_input *)inputs->pdata[i])->length;
    for (guint first = 0; first < inputs->len; first += batch->count) {
        if (!open_batch(inputs, first, batch, error) || !run_batch(batch, confinement, error))
            return FALSE;
        for (guint i = 0; i < batch->count; i++)
            feed_input_close(batch->inputs[i]);
    }
    return TRUE;
}

gboolean feed_survey_inputs(GPtrArray *inputs, const struct feed_options *options,
                            struct feed_survey *survey, GError **error)
{
    g_autoptr(feed_report_t) unsaid = feed_report_new();
    struct batch batch = {
        .options = options, .report = unsaid, .may_fail = TRUE, .survey = survey
    };

    return read_inputs(inputs, &batch, error);
}

gboolean feed_read_bytes(GBytes *bytes, const char *name, const struct feed_options *options,
                         struct feed_report *report, feed_take take, gpointer data, GError **error)
{
    g_autoptr(GPtrArray) inputs = feed_inputs_new();
    struct batch batch = { .options = options, .report = report, .take = take, .data = data };

    feed_inputs_add(inputs, name, bytes);
    return read_inputs(inputs, &batch, error);
}

gboolean feed_read(const char *path, const struct feed_options *options, struct feed_report *report,
                   feed_take take, gpointer data, GError **error)
{
    g_autoptr(GPtrArray) inputs = feed_inputs_new();
    struct batch batch = { .options = options, .report = report, .take = take, .data = data };

    if (g_str_equal(path, "-")) {
        g_autoptr(GBytes) bytes = file_read("-", STREAM_LIMIT, error);

        return bytes && feed_read_bytes(bytes, "-", options, report, take, data, error);
    }
    batch.may_fail = g_file_test(path, G_FILE_TEST_IS_DIR);
    return feed_inputs_list(inputs, path, report, error) && read_inputs(inputs, &batch, error);
}
