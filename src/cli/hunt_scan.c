/* hunt_scan.c: entente hunt scan: indicators in logs. */
#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "base/terminal.h"
#include "cli/hunt_command.h"
#include "cli/hunt_sign.h"
#include "cli/hunt_timeline.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROWS_AT_A_TIME 200 /* hits that a table shows; then another one begins */
#define UNREAD_SHOWN 20
#define TEXT_SHOWN 512 /* bytes of a line in a table */

struct scanning {
    const struct context *context;
    const struct hunt_arguments *given;
    const struct hunt_table *table;
    FILE *out;
    gboolean json;
    gboolean at_once; /* rows as they are found: who feeds standard input waits for them */
    struct text_table *rows;
    guint row_count;
    GPtrArray *unread; /* char *: "FILE: why" */
    GHashTable *lists; /* what suppressed hits: name -> count */
    guint64 total;     /* bytes of the inputs */
    struct progress *progress;
    struct hunt_claim *claim;       /* or NULL: it is not signed */
    struct hunt_timeline *timeline; /* of --format html; or NULL */
    gint64 started_us;
};

static void flush_rows(struct scanning *scanning)
{
    g_autofree char *text = NULL;

    if (!scanning->rows)
        return;
    text = cli_table(scanning->context, scanning->rows);
    if (scanning->progress)
        progress_clear(scanning->progress);
    fputs(text, scanning->out);
    fflush(scanning->out);
    g_clear_pointer(&scanning->rows, text_table_free);
    scanning->row_count = 0;
}

static char *joined(const GPtrArray *names)
{
    GString *out = g_string_new(NULL);

    for (guint i = 0; i < names->len; i++)
        g_string_append_printf(out, i ? ", %s" : "%s", (const char *)names->pdata[i]);
    return g_string_free(out, FALSE);
}

/* Columns of hits; and how wide they are where rows are told one by one. */
static const char *const headings[] = { "PLACE", "KIND", "INDICATOR", "TOKEN", "SOURCE",
                                        "CONF",  "TLP",  "",          NULL };
static const guint widths[] = { 10, 6, 24, 24, 16, 4, 12, 0 };
G_STATIC_ASSERT(G_N_ELEMENTS(headings) == G_N_ELEMENTS(widths) + 1);

static void print_cells(FILE *out, const char *const *cells)
{
    g_autoptr(GString) line = g_string_new(NULL);

    for (guint i = 0; cells[i]; i++) {
        g_autofree char *escaped = terminal_escape(cells[i]);

        g_string_append_printf(line, "%s%-*s", i ? "  " : "", (int)widths[i], escaped);
    }
    fprintf(out, "%s\n", g_strchomp(line->str));
    fflush(out);
}

static void add_cells(struct scanning *scanning, const char *const *cells)
{
    if (scanning->at_once) {
        if (scanning->row_count++ == 0)
            print_cells(scanning->out, headings);
        print_cells(scanning->out, cells);
        return;
    }
    if (!scanning->rows)
        scanning->rows = text_table_new(headings);
    text_table_row(scanning->rows, cells, NULL);
    if (++scanning->row_count == ROWS_AT_A_TIME)
        flush_rows(scanning);
}

static void add_row(struct scanning *scanning, const struct hunt_hit *hit)
{
    g_autofree char *place = g_strdup_printf("%s:%" G_GUINT64_FORMAT, hit->file, hit->line);
    g_autofree char *token = hunt_hit_token(hit), *sources = joined(hit->sources);
    g_autofree char *confidence = hit->confidence == ASSERTION_NO_CONFIDENCE
                                      ? g_strdup("-")
                                      : g_strdup_printf("%u", hit->confidence);
    g_autofree char *note = NULL;

    if (hit->text)
        note = g_strndup((const char *)hit->text, MIN(hit->text_length, TEXT_SHOWN));
    else
        note = hit->suppressed_by ? g_strdup_printf("suppressed: %s", hit->suppressed_by)
                                  : g_strdup(hit->partial ? "partial" : "");
    add_cells(scanning,
              (const char *const[]){ place, indicator_kind_name(hit->kind), hit->indicator,
                                     strcmp(token, hit->indicator) ? token : "", sources,
                                     confidence, tlp_name(hit->tlp), note, NULL });
}

static void take_hit(const struct hunt_hit *hit, gpointer data)
{
    struct scanning *scanning = data;

    if (scanning->claim)
        hunt_claim_hit(scanning->claim, hit);
    if (hit->suppressed_by) {
        gpointer count = g_hash_table_lookup(scanning->lists, hit->suppressed_by);

        g_hash_table_replace(scanning->lists, g_strdup(hit->suppressed_by),
                             GSIZE_TO_POINTER(GPOINTER_TO_SIZE(count) + 1));
        if (!scanning->given->show_suppressed)
            return;
    }
    if (scanning->timeline) {
        hunt_timeline_add(scanning->timeline, hit);
    } else if (scanning->json) {
        g_autofree char *line = hunt_hit_json(hit);

        fprintf(scanning->out, "%s\n", line);
    } else {
        add_row(scanning, hit);
    }
}

static void take_end(const struct hunt_scanned *input, gpointer data)
{
    struct scanning *scanning = data;

    if (scanning->claim)
        hunt_claim_scanned(scanning->claim, input);
    if (input->problem)
        g_ptr_array_add(scanning->unread, g_strdup_printf("%s: %s", input->name, input->problem));
    if (scanning->json)
        fflush(scanning->out);
}

static gboolean show_progress(guint64 done, const char *name, gpointer data)
{
    struct scanning *scanning = data;
    double seconds = (double)(g_get_monotonic_time() - scanning->started_us) / G_USEC_PER_SEC;
    double rate = seconds > 0 ? (double)done / seconds : 0;
    g_autofree char *base = g_path_get_basename(name), *detail = NULL;

    if (!scanning->progress)
        return TRUE;
    detail = g_strdup_printf(
        "MB, %.0f MB/s, %.0f s left, %s", rate / 1e6,
        rate > 0 && scanning->total > done ? (double)(scanning->total - done) / rate : 0.0, base);
    progress_at(scanning->progress, done / 1000000, detail);
    return TRUE;
}

/* ---- the summary */

static double rate_of(const struct hunt_scan_summary *summary)
{
    return summary->elapsed_us ? (double)summary->bytes / (double)summary->elapsed_us : 0;
}

static void print_text(const struct scanning *scanning, const struct hunt_scan_summary *summary)
{
    GHashTableIter lists;
    gpointer list, count;
    const char *name, *text;
    guint64 skipped;

    fprintf(scanning->out,
            "%" G_GUINT64_FORMAT " %s in %" G_GUINT64_FORMAT " lines, %.1f MB of %" G_GUINT64_FORMAT
            " %s; %.2f s, %.0f MB/s\n",
            summary->hits, summary->hits == 1 ? "hit" : "hits", summary->lines,
            (double)summary->bytes / 1e6, summary->files, summary->files == 1 ? "file" : "files",
            (double)summary->elapsed_us / G_USEC_PER_SEC, rate_of(summary));
    g_hash_table_iter_init(&lists, scanning->lists);
    while (g_hash_table_iter_next(&lists, &list, &count)) {
        g_autofree char *escaped = terminal_escape(list);

        fprintf(scanning->out, "suppressed: %" G_GSIZE_FORMAT " (%s)\n", GPOINTER_TO_SIZE(count),
                escaped);
    }
    if (summary->out_of_time)
        fprintf(scanning->out, "not valid at the time asked for: %" G_GUINT64_FORMAT "\n",
                summary->out_of_time);
    for (guint i = 0; hunt_table_skipped(scanning->table, i, &name, &text, &skipped); i++) {
        g_autofree char *escaped = terminal_escape(text);

        fprintf(scanning->out, "not hunted, of the feeds: %" G_GUINT64_FORMAT " (%s)\n", skipped,
                escaped);
    }
    for (guint i = 0; i < MIN(scanning->unread->len, UNREAD_SHOWN); i++) {
        g_autofree char *escaped = terminal_escape(scanning->unread->pdata[i]);

        fprintf(scanning->out, "not read to its end: %s\n", escaped);
    }
    if (scanning->unread->len > UNREAD_SHOWN)
        fprintf(scanning->out, "and %u more\n", scanning->unread->len - UNREAD_SHOWN);
}

static json_t *suppressed_json(const struct scanning *scanning)
{
    json_t *object = json_object();
    GHashTableIter lists;
    gpointer list, count;

    g_hash_table_iter_init(&lists, scanning->lists);
    while (g_hash_table_iter_next(&lists, &list, &count))
        json_object_set_new(object, list, json_integer((json_int_t)GPOINTER_TO_SIZE(count)));
    return object;
}

static void print_json(const struct scanning *scanning, const struct hunt_scan_summary *summary)
{
    json_t *unread = json_array(), *not_hunted = json_object();
    g_autoptr(json_t) line = NULL;
    g_autofree char *text = NULL;
    const char *name, *meaning;
    guint64 skipped;

    for (guint i = 0; i < scanning->unread->len; i++)
        json_array_append_new(unread, json_safe_string(scanning->unread->pdata[i]));
    for (guint i = 0; hunt_table_skipped(scanning->table, i, &name, &meaning, &skipped); i++)
        json_object_set_new(not_hunted, name, json_integer((json_int_t)skipped));
    line = json_pack(
        "{s:{s:s, s:I, s:I, s:I, s:I, s:I, s:o, s:I, s:I, s:I, s:f, s:f, s:o, s:o}}", "summary",
        "schema", "entente/hunt-scan/1", "files", (json_int_t)summary->files, "bytes_read",
        (json_int_t)summary->read, "bytes", (json_int_t)summary->bytes, "lines",
        (json_int_t)summary->lines, "hits", (json_int_t)summary->hits, "suppressed",
        suppressed_json(scanning), "out_of_time", (json_int_t)summary->out_of_time, "candidates",
        (json_int_t)summary->candidates, "filter_passes", (json_int_t)summary->filter_passes,
        "seconds", (double)summary->elapsed_us / G_USEC_PER_SEC, "mb_per_s", rate_of(summary),
        "unread", unread, "not_hunted", not_hunted);
    text = json_dumps(line, JSON_COMPACT);
    fprintf(scanning->out, "%s\n", text);
}

static gboolean print_timeline(const struct scanning *scanning,
                               const struct hunt_scan_summary *summary, GError **error)
{
    g_autofree char *page =
        hunt_timeline_html(scanning->timeline, summary, cli_is_french(scanning->context));

    return cli_output(scanning->context, page, strlen(page), error);
}

/* ---- the command */

gboolean hunt_read_rule(const struct hunt_arguments *given, struct hit_rule *rule, GError **error)
{
    if (!given->at)
        return TRUE;
    rule->validity = HIT_VALID_LINE;
    if (g_str_equal(given->at, "line"))
        return TRUE;
    rule->validity = HIT_VALID_AT;
    return clock_parse(given->at, &rule->at_us, error);
}

static gboolean reads_standard_input(char **arguments)
{
    return g_strv_contains((const char *const *)arguments, "-");
}

/* Whether standard input is read and may pause: no file. */
static gboolean may_pause(char **arguments)
{
    struct stat status;

    return reads_standard_input(arguments) && fstat(STDIN_FILENO, &status) == 0 &&
           !S_ISREG(status.st_mode);
}

static int run(const struct context *context, gconstpointer shared, char **arguments,
               GError **error)
{
    const struct hunt_arguments *given = shared;
    struct scanning scanning = { .context = context, .given = given };
    struct hunt_scan_options options = { .with_text = given->context, .defanged = given->defanged };
    struct hunt_scan_calls calls = { take_hit, take_end, show_progress, &scanning };
    g_autoptr(hunt_table_t) table = NULL;
    g_autoptr(GPtrArray) inputs = NULL, unread = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GHashTable) lists = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(hunt_claim_t) claim = NULL;
    g_autoptr(hunt_timeline_t) timeline = NULL;
    g_autoptr(signing_key_t) key = NULL;
    g_auto(GStrv) columns = given->fields ? g_strsplit(given->fields, ",", -1) : NULL;
    struct hunt_scan_summary summary = { 0 };
    struct cli_stream stream = { 0 };
    gint64 began_us;
    gboolean done;

    if (!given->tables)
        return input_error(error,
                           "--table says which table to look for: entente hunt build makes one");
    if (!arguments[0])
        return input_error(error, "what to hunt through: files, folders, or - for standard input");
    if (given->threads < 0)
        return input_error(error, "--threads: %d is not a number of threads", given->threads);
    if (given->sign && (given->fields || given->utf16))
        return input_error(error, "--sign claims of whole files: not with --fields or --utf16");
    if (columns && (!*columns || g_strv_contains((const char *const *)columns, "")))
        return input_error(error, "--fields: names with commas between, none of them empty");
    if (!hunt_read_rule(given, &options.rule, error) ||
        !(table = hunt_table_open_all((const char *const *)given->tables, error)))
        return EXIT_INPUT;
    if (given->sign && !(key = hunt_sign_key(context, given, arguments, error)))
        return EXIT_INPUT;
    options.threads = (guint)given->threads;
    options.source = (struct scan_source_options){ columns, given->utf16 };
    options.with_digest = given->sign != NULL;
    if (given->sign)
        claim = hunt_claim_new(table, &options);
    scanning.claim = claim;
    if (cli_format_is(context, "html", FALSE))
        scanning.timeline = timeline = hunt_timeline_new();
    else if (!(scanning.out = cli_stream_open(&stream, context, error)))
        return EXIT_SYSTEM;
    began_us = clock_now_us();
    inputs = inputs_list(arguments);
    scanning.table = table;
    scanning.json = cli_format_is(context, "json", FALSE);
    scanning.at_once = may_pause(arguments);
    scanning.unread = unread;
    scanning.lists = lists;
    scanning.total = inputs_size(inputs);
    scanning.started_us = g_get_monotonic_time();
    if (reads_standard_input(arguments) && scanning.json)
        setvbuf(scanning.out, NULL, _IOLBF,
                0); /* who waits at the other end sees each hit at once */
    if (!context->quiet && !reads_standard_input(arguments))
        scanning.progress = progress_begin("Hunting,", scanning.total / 1000000);
    done = hunt_scan_files(table, inputs, &options, &calls, &summary, error);
    g_clear_pointer(&scanning.progress, progress_end);
    flush_rows(&scanning);
    if (!done) {
        cli_stream_discard(&stream);
        return EXIT_SYSTEM;
    }
    if (scanning.json)
        print_json(&scanning, &summary);
    else if (!timeline)
        print_text(&scanning, &summary);
    if (timeline ? !print_timeline(&scanning, &summary, error) : !cli_stream_end(&stream, error))
        return EXIT_SYSTEM;
    if (claim && !hunt_sign(context, claim, &summary, given->sign, began_us, key, error))
        return EXIT_SYSTEM;
    if (summary.hits)
        return EXIT_FOUND;
    return summary.unread ? EXIT_SYSTEM : EXIT_DONE;
}

const struct subcommand hunt_subcommand_scan = { "scan", run };
