/* hunt_build.c: entente hunt build: feeds in, one table out. */
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/terminal.h"
#include "cli/hunt_command.h"
#include "p1_resilience/hunt/feed_survey.h"
#include "p1_resilience/hunt/hunt_table.h"

#include <signal.h>
#include <string.h>

#define SOURCES_SHOWN 20
#define SORTS_SHOWN 8
#define STANDARD_INPUT "-"
#define INPUT_LIMIT (1u << 30)
#define MEGABYTE 1e6

/* Ctrl-C is held back while the table is built, so that what is half done is taken away first. */
struct interrupt {
    gboolean held;
    sigset_t before;
};

/* What whoever started the program ignores (a shell, of its jobs in the background) stays ignored:
 * held back, it would be pending. */
static void hold_unless_ignored(sigset_t *signals, int number)
{
    struct sigaction now;

    if (sigaction(number, NULL, &now) == 0 && now.sa_handler != SIG_IGN)
        sigaddset(signals, number);
}

static void interrupt_hold(struct interrupt *interrupt)
{
    sigset_t signals;

    sigemptyset(&signals);
    hold_unless_ignored(&signals, SIGINT);
    hold_unless_ignored(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, &interrupt->before);
    interrupt->held = TRUE;
}

/* A signal that came meanwhile ends the program here. */
static void interrupt_release(struct interrupt *interrupt)
{
    if (interrupt->held)
        pthread_sigmask(SIG_SETMASK, &interrupt->before, NULL);
}
typedef struct interrupt interrupt_t;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(interrupt_t, interrupt_release)

static gboolean interrupt_came(void)
{
    sigset_t pending;

    return sigpending(&pending) == 0 &&
           (sigismember(&pending, SIGINT) || sigismember(&pending, SIGTERM));
}

struct building {
    const struct context *context;
    const struct hunt_arguments *given;
    struct feed_options options;
    struct warning_lists *warnings;
    struct feed_report *report;
    struct progress *progress; /* of the feed being read */
    struct feed_survey *survey;
    GBytes *input; /* standard input, where it is a feed; else NULL */
    gint64 started_us;
};

static gboolean show_progress(guint64 done, guint64 total, const char *path, gpointer data)
{
    struct building *building = data;
    double seconds = (double)(g_get_monotonic_time() - building->started_us) / G_USEC_PER_SEC;
    double rate = seconds > 0 ? (double)done / seconds : 0;
    g_autofree char *name = g_path_get_basename(path), *detail = NULL;

    if (!building->context->quiet && !building->progress)
        building->progress = progress_begin("Reading, kB:", total / 1000);
    if (building->progress) {
        detail = g_strdup_printf("%.0f MB/s, %.0f s left, %s", rate / MEGABYTE,
                                 rate > 0 ? (double)(total - done) / rate : 0.0, name);
        progress_at(building->progress, done / 1000, detail);
    }
    return !interrupt_came();
}

/* What is there already must be a table, and not a newer one. */
static gboolean may_replace(const char *path, gint64 now_us, GError **error)
{
    g_autoptr(GError) problem = NULL;
    struct table *old;
    guint64 serial;

    if (!g_file_test(path, G_FILE_TEST_EXISTS))
        return TRUE;
    old = table_open(path, HUNT_TABLE_KIND, &problem);
    if (!old)
        return input_error(error, "%s: exists and is no table of indicators; remove it first (%s)",
                           path, problem->message);
    serial = table_info(old)->serial;
    table_free(old);
    return serial <= (guint64)now_us ||
           policy_error(error, "%s: is newer than the clock says it is now; not replaced", path);
}

static gboolean read_feed(struct building *building, const char *feed,
                          struct hunt_compiler *compiler, GError **error)
{
    gboolean read;

    building->started_us = g_get_monotonic_time();
    if (g_str_equal(feed, STANDARD_INPUT))
        read = feed_read_bytes(building->input, feed, &building->options, building->report,
                               hunt_compiler_take, compiler, error);
    else
        read = feed_read(feed, &building->options, building->report, hunt_compiler_take, compiler,
                         error);
    g_clear_pointer(&building->progress, progress_end);
    return read;
}

/* What the feeds say of one another's objects. */
static gboolean survey(struct building *building, char **feeds, GError **error)
{
    g_autofree char *folder = g_path_get_dirname(building->context->output);

    building->started_us = g_get_monotonic_time();
    building->survey = feed_survey_new((const char *const *)feeds, building->input, folder,
                                       &building->options, error);
    building->options.survey = building->survey;
    g_clear_pointer(&building->progress, progress_end);
    return building->survey != NULL;
}

/* What was in the feeds after all, and why none of it can be hunted. */
static gboolean nothing(const struct feed_report *report, const char *output, GError **error)
{
    g_autoptr(GString) why = g_string_new(NULL);

    for (guint i = 0; i < FEED_SKIPS; i++)
        if (report->skipped[i].count)
            g_string_append_printf(why, "; %" G_GUINT64_FORMAT " %s, as %s: %s",
                                   report->skipped[i].count, feed_skip_text(i),
                                   report->skipped[i].place[0], report->skipped[i].detail[0]);
    return input_error(error, "%s: nothing to look for in the feeds; no table is written%s", output,
                       why->str);
}

static gboolean compile(struct building *building, char **feeds, GError **error)
{
    const char *output = building->context->output;
    gint64 now_us = clock_now_us();
    g_autoptr(hunt_compiler_t) compiler = NULL;

    if (!may_replace(output, now_us, error) ||
        !(compiler = hunt_compiler_new(output, now_us, 0, error)) ||
        !survey(building, feeds, error))
        return FALSE;
    for (char **feed = feeds; *feed; feed++)
        if (!read_feed(building, *feed, compiler, error))
            return FALSE;
    if (!building->report->assertions)
        return nothing(building->report, output, error);
    return hunt_compiler_finish(compiler, building->report, building->warnings, error);
}

/* ---- what was done */

static void put_examples(struct json_writer *json, const struct feed_skipped *skipped)
{
    json_begin_array(json, "examples");
    for (guint i = 0; i < MIN(skipped->count, FEED_EXAMPLES); i++) {
        json_begin_object(json, NULL);
        json_put_string(json, "place", skipped->place[i]);
        json_put_string(json, "detail", skipped->detail[i]);
        json_end_object(json);
    }
    json_end_array(json);
}

static void put_source(struct json_writer *json, const struct feed_source *source)
{
    g_autofree char *time = source->time_us ? clock_format(source->time_us) : NULL;

    json_begin_object(json, NULL);
    json_put_string(json, "name", source->name);
    if (source->title)
        json_put_string(json, "title", source->title);
    if (source->id)
        json_put_string(json, "id", source->id);
    json_put_string(json, "path", source->path);
    json_put_string(json, "format", feed_format_name(source->format));
    json_put_string(json, "tlp", tlp_name(source->tlp));
    if (time)
        json_put_string(json, "time", time);
    json_put_integer(json, "assertions", (gint64)source->assertions);
    json_end_object(json);
}

static void put_counts(struct json_writer *json, const struct feed_report *report)
{
    json_put_integer(json, "files", (gint64)report->files);
    json_put_integer(json, "bytes", (gint64)report->bytes);
    json_put_integer(json, "assertions", (gint64)report->assertions);
    json_begin_object(json, "kinds");
    for (guint i = 0; i < INDICATOR_KINDS; i++)
        json_put_integer(json, indicator_kind_name(i), (gint64)report->kinds[i]);
    json_end_object(json);
    json_begin_object(json, "changed");
    for (guint i = INDICATOR_FINE + 1; i < INDICATOR_CHANGES; i++)
        json_put_integer(json, indicator_why_name(i), (gint64)report->changed[i]);
    json_end_object(json);
    json_begin_array(json, "skipped");
    for (guint i = 0; i < FEED_SKIPS; i++) {
        if (!report->skipped[i].count)
            continue;
        json_begin_object(json, NULL);
        json_put_string(json, "reason", feed_skip_name(i));
        json_put_string(json, "text", feed_skip_text(i));
        json_put_integer(json, "count", (gint64)report->skipped[i].count);
        if (report->skipped[i].sorts[0].name) {
            json_begin_object(json, "sorts");
            for (guint n = 0; n < FEED_SORTS && report->skipped[i].sorts[n].name; n++)
                json_put_integer(json, report->skipped[i].sorts[n].name,
                                 (gint64)report->skipped[i].sorts[n].count);
            json_end_object(json);
        }
        put_examples(json, &report->skipped[i]);
        json_end_object(json);
    }
    json_end_array(json);
}

static void put_warnings(struct json_writer *json, const struct building *building)
{
    guint count = building->warnings ? warning_lists_count(building->warnings) : 0;

    json_put_integer(json, "warned", (gint64)building->report->warned);
    json_begin_array(json, "warning_lists");
    for (guint i = 0; i < count; i++) {
        json_begin_object(json, NULL);
        json_put_string(json, "name", warning_list_name(building->warnings, i));
        json_put_integer(json, "entries", (gint64)warning_list_entries(building->warnings, i));
        json_put_integer(json, "skipped", (gint64)warning_list_skipped(building->warnings, i));
        json_end_object(json);
    }
    json_end_array(json);
}

static void print_json(const struct building *building, const struct table_info *info)
{
    struct json_writer *json = json_writer_new();
    g_autofree char *text = NULL, *built = clock_format(info->built_us);
    char digest[2 * sizeof info->digest + 1];

    for (guint i = 0; i < sizeof info->digest; i++)
        g_snprintf(digest + 2 * i, 3, "%02x", info->digest[i]);
    json_begin_object(json, NULL);
    json_put_string(json, "schema", "entente/hunt-build/1");
    json_put_string(json, "table", building->context->output);
    json_put_integer(json, "serial", (gint64)info->serial);
    json_put_string(json, "built", built);
    json_put_string(json, "sha256", digest);
    json_put_integer(json, "size", (gint64)info->size);
    json_put_integer(json, "values", (gint64)info->keys);
    put_counts(json, building->report);
    json_begin_array(json, "sources");
    for (guint i = 0; i < building->report->sources->len; i++)
        put_source(json, building->report->sources->pdata[i]);
    json_end_array(json);
    put_warnings(json, building);
    json_end_object(json);
    text = json_writer_finish(json, NULL);
    fputs(text, stdout);
}

static void print_table(struct text_table *table)
{
    g_autofree char *text =
        text_table_format(table, terminal_has_colour(stdout), terminal_width(stdout));

    fputs(text, stdout);
}

static void print_sources(const struct feed_report *report)
{
    static const char *const headings[] = { "ASSERTIONS", "FORMAT", "TLP", "SOURCE", NULL };
    g_autoptr(text_table_t) table = text_table_new(headings);

    text_table_align_right(table, 0);
    for (guint i = 0; i < MIN(report->sources->len, SOURCES_SHOWN); i++) {
        const struct feed_source *source = report->sources->pdata[i];
        g_autofree char *count = g_strdup_printf("%" G_GUINT64_FORMAT, source->assertions);
        g_autofree char *name = source->title
                                    ? g_strdup_printf("%s: %s", source->name, source->title)
                                    : g_strdup(source->name);

        text_table_row(table,
                       (const char *const[]){ count, feed_format_name(source->format),
                                              tlp_name(source->tlp), name },
                       NULL);
    }
    print_table(table);
    if (report->sources->len > SOURCES_SHOWN)
        printf("and %u more\n", report->sources->len - SOURCES_SHOWN);
}

/* "of a type that ...: text 12, regkey 3, others 4" */
static char *why_of(guint skip, const struct feed_skipped *skipped)
{
    g_autoptr(GString) why = g_string_new(feed_skip_text(skip));
    guint64 named = 0;
    guint i;

    for (i = 0; i < SORTS_SHOWN && skipped->sorts[i].name; i++) {
        g_string_append_printf(why, "%s%s %" G_GUINT64_FORMAT, i ? ", " : ": ",
                               skipped->sorts[i].name, skipped->sorts[i].count);
        named += skipped->sorts[i].count;
    }
    if (i && named < skipped->count)
        g_string_append_printf(why, ", others %" G_GUINT64_FORMAT, skipped->count - named);
    return g_string_free(g_steal_pointer(&why), FALSE);
}

static void print_skipped(const struct feed_report *report)
{
    static const char *const headings[] = { "COUNT", "NOT HUNTED", "WHY", "FOR EXAMPLE", NULL };
    g_autoptr(text_table_t) table = text_table_new(headings);
    gboolean any = FALSE;

    text_table_align_right(table, 0);
    for (guint i = 0; i < FEED_SKIPS; i++) {
        const struct feed_skipped *skipped = &report->skipped[i];
        g_autofree char *count = g_strdup_printf("%" G_GUINT64_FORMAT, skipped->count);
        g_autofree char *example = NULL, *why = NULL;

        if (!skipped->count)
            continue;
        any = TRUE;
        why = why_of(i, skipped);
        example = g_strdup_printf("%s: %s", skipped->place[0], skipped->detail[0]);
        text_table_row(table, (const char *const[]){ count, feed_skip_name(i), why, example },
                       NULL);
    }
    if (any) {
        putchar('\n');
        print_table(table);
    }
}

/* What of warning lists cannot be used, so that hits on it will not be suppressed. */
static void print_broken(const struct warning_lists *lists)
{
    for (guint i = 0; lists && i < warning_lists_count(lists); i++) {
        const gsize count = warning_list_skipped(lists, i);
        g_autofree char *name = count ? terminal_escape(warning_list_name(lists, i)) : NULL;

        if (count)
            printf("entries of the warning list \"%s\" that cannot be read: %" G_GSIZE_FORMAT "\n",
                   name, count);
    }
}

static void print_text(const struct building *building, const struct table_info *info,
                       double seconds)
{
    const struct feed_report *report = building->report;
    g_autofree char *path = terminal_escape(building->context->output);
    g_autoptr(GString) line = g_string_new(NULL);

    for (guint i = 0; i < INDICATOR_KINDS; i++)
        if (report->kinds[i])
            g_string_append_printf(line, "%s%" G_GUINT64_FORMAT " %s", line->len ? ", " : "",
                                   report->kinds[i], indicator_kind_name(i));
    printf("%s: %" G_GUINT64_FORMAT " values, asserted %" G_GUINT64_FORMAT " times (%s), %.2f s\n",
           path, info->keys, report->assertions, line->str, seconds);
    g_string_truncate(line, 0);
    for (guint i = INDICATOR_FINE + 1; i < INDICATOR_CHANGES; i++)
        if (report->changed[i])
            g_string_append_printf(line, "%s%" G_GUINT64_FORMAT " %s", line->len ? ", " : "",
                                   report->changed[i], indicator_why_name(i));
    if (line->len)
        printf("taken with a change: %s\n", line->str);
    if (report->warned)
        printf("on warning lists, hits are suppressed: %" G_GUINT64_FORMAT "\n", report->warned);
    print_broken(building->warnings);
    putchar('\n');
    print_sources(report);
    print_skipped(report);
}

static gboolean print_result(const struct building *building, double seconds, GError **error)
{
    struct table *table = table_open(building->context->output, HUNT_TABLE_KIND, error);

    if (!table)
        return FALSE;
    if (cli_format_is(building->context, "json", FALSE))
        print_json(building, table_info(table));
    else
        print_text(building, table_info(table), seconds);
    table_free(table);
    return TRUE;
}

static gboolean add_warnings(struct building *building, GError **error)
{
    building->warnings = warning_lists_new();
    building->options.warnings = building->warnings;
    if (!building->given->no_known_warnings)
        warning_lists_add_known(building->warnings);
    for (char **path = building->given->warning_lists; path && *path; path++)
        if (!warning_lists_add(building->warnings, *path, error))
            return FALSE;
    return TRUE;
}

static void building_clear(struct building *building)
{
    g_clear_pointer(&building->warnings, warning_lists_free);
    g_clear_pointer(&building->report, feed_report_free);
    g_clear_pointer(&building->survey, feed_survey_free);
    g_clear_pointer(&building->input, g_bytes_unref);
}
typedef struct building building_t;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(building_t, building_clear)

static gboolean check_arguments(const struct context *context, const struct hunt_arguments *given,
                                char **feeds, enum tlp *tlp, GError **error)
{
    if (!context->output)
        return input_error(error, "where to: entente hunt build -o TABLE FEED...");
    if (!feeds[0])
        return input_error(error, "no feed: entente hunt build -o TABLE FEED...");
    *tlp = TLP_AMBER;
    return !given->tlp || tlp_parse(given->tlp, tlp) ||
           input_error(error, "--tlp %s: is clear, green, amber, amber+strict or red", given->tlp);
}

static int run(const struct context *context, gconstpointer shared, char **feeds, GError **error)
{
    const struct hunt_arguments *given = shared;
    g_auto(interrupt_t) interrupt = { 0 };
    g_auto(building_t) building = { .context = context, .given = given };
    gint64 started_us = g_get_monotonic_time();
    enum tlp tlp;

    if (!check_arguments(context, given, feeds, &tlp, error))
        return EXIT_INPUT;
    /* Standard input may take long, and nothing is half done yet. */
    if (g_strv_contains((const char *const *)feeds, STANDARD_INPUT) &&
        !(building.input = file_read(STANDARD_INPUT, INPUT_LIMIT, error)))
        return EXIT_SYSTEM;
    interrupt_hold(&interrupt);
    building.report = feed_report_new();
    building.options = (struct feed_options){
        .tlp = tlp,
        .include_non_ids = given->include_non_ids,
        .force = given->force,
        .all_text = given->all_text,
        .source = given->source,
        .progress = show_progress,
        .progress_data = &building,
    };
    if (!add_warnings(&building, error) || !compile(&building, feeds, error) ||
        !print_result(&building, (double)(g_get_monotonic_time() - started_us) / G_USEC_PER_SEC,
                      error))
        return EXIT_SYSTEM;
    /* The table is good for what was read; that something was not is an exit status of its own. */
    return building.report->skipped[FEED_SKIP_UNREAD].count ||
                   building.report->skipped[FEED_SKIP_MISSING].count
               ? EXIT_SYSTEM
               : EXIT_DONE;
}

const struct subcommand hunt_subcommand_build = { "build", run };
