/*
 * hunt_retro.c: entente hunt retro: the profile's logs, for what is new in them and what is newly
 * known.
 */
#include "p1_resilience/hunt/retro.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "base/terminal.h"
#include "cli/casework.h"
#include "cli/hunt_command.h"
#include "cli/keys.h"

#include <stdio.h>

#define UNREAD_SHOWN 20
#define SOURCE "hunt"

struct retro {
    const struct context *context;
    struct casework *work; /* opened with the first alarm */
    struct signing_key *key;
    GPtrArray *unread; /* char * */
    struct text_table *rows;
    FILE *out;
    gboolean json;
};

static gboolean alarm_raised(const char *topic, const char *severity, const char *text,
                             gint64 now_us, gpointer data, GError **error)
{
    static const struct casework_options none = { 0 };
    struct retro *retro = data;

    if (!retro->key) /* before cases are opened, which know our keys as they are then */
        retro->key = cli_default_key(retro->context, error);
    if (retro->key && !retro->work)
        retro->work = casework_open(retro->context, &none, error);
    return retro->work && cases_alarm(retro->work->cases, retro->key, SOURCE, topic, severity, text,
                                      now_us, NULL, error);
}

static char *time_text(gint64 time_us)
{
    return time_us == HIT_TIME_NONE ? NULL : clock_format(time_us);
}

static void take_group(const struct retro_group *group, gpointer data)
{
    static const char *const headings[] = { "LOG",   "KIND", "INDICATOR", "HITS", "PLACE",
                                            "FIRST", "LAST", "SOURCE",    "TLP",  NULL };
    struct retro *retro = data;
    g_autofree char *first = time_text(group->first_us), *last = time_text(group->last_us);
    g_autofree char *count = g_strdup_printf("%" G_GUINT64_FORMAT, group->count);
    g_autofree char *place = g_strdup_printf("%s:%" G_GUINT64_FORMAT, group->file, group->line);

    if (retro->json) {
        g_autoptr(json_t) line = json_pack(
            "{s:s, s:s, s:s, s:I, s:s, s:I, s:s?, s:s?, s:s, s:s}", "log", group->log, "kind",
            group->kind, "indicator", group->indicator, "hits", (json_int_t)group->count, "file",
            group->file, "line", (json_int_t)group->line, "first", first, "last", last, "sources",
            group->sources, "tlp", group->tlp);
        g_autofree char *text = json_dumps(line, JSON_COMPACT);

        fprintf(retro->out, "%s\n", text);
        return;
    }
    if (!retro->rows)
        retro->rows = text_table_new(headings);
    text_table_row(retro->rows,
                   (const char *const[]){ group->log, group->kind, group->indicator, count, place,
                                          first ? first : "-", last ? last : "-", group->sources,
                                          group->tlp },
                   NULL);
}

static void take_unread(const char *name, const char *problem, gpointer data)
{
    struct retro *retro = data;

    g_ptr_array_add(retro->unread, g_strdup_printf("%s: %s", name, problem));
}

static void print_json(const struct retro *retro, const struct hunt_retro_summary *summary)
{
    json_t *unread = json_array();
    g_autoptr(json_t) line = NULL;
    g_autofree char *text = NULL;

    for (guint i = 0; i < retro->unread->len; i++)
        json_array_append_new(unread, json_safe_string(retro->unread->pdata[i]));
    line = json_pack("{s:{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:o}}", "summary", "schema",
                     "entente/hunt-retro/1", "logs", (json_int_t)summary->logs, "files",
                     (json_int_t)summary->files, "searched", (json_int_t)summary->searched, "bytes",
                     (json_int_t)summary->bytes, "lines", (json_int_t)summary->lines, "hits",
                     (json_int_t)summary->hits, "unread", unread);
    text = json_dumps(line, JSON_COMPACT);
    fprintf(retro->out, "%s\n", text);
}

static void print_text(const struct retro *retro, const struct hunt_retro_summary *summary)
{
    if (retro->rows) {
        g_autofree char *text = cli_table(retro->context, retro->rows);

        fputs(text, retro->out);
    }
    fprintf(retro->out,
            "%" G_GUINT64_FORMAT " new %s; %" G_GUINT64_FORMAT " %s, %" G_GUINT64_FORMAT
            " of %" G_GUINT64_FORMAT " files had something to search: %" G_GUINT64_FORMAT
            " lines, %.1f MB\n",
            summary->hits, summary->hits == 1 ? "hit" : "hits", summary->logs,
            summary->logs == 1 ? "log" : "logs", summary->searched, summary->files, summary->lines,
            (double)summary->bytes / 1e6);
    for (guint i = 0; i < MIN(retro->unread->len, UNREAD_SHOWN); i++) {
        g_autofree char *escaped = terminal_escape(retro->unread->pdata[i]);

        fprintf(retro->out, "not read to its end: %s\n", escaped);
    }
    if (retro->unread->len > UNREAD_SHOWN)
        fprintf(retro->out, "and %u more\n", retro->unread->len - UNREAD_SHOWN);
}

static gboolean has_logs(const struct profile *profile)
{
    for (guint i = 0; i < profile->assets->len; i++)
        if (((const struct asset *)profile->assets->pdata[i])->kind == ASSET_LOG)
            return TRUE;
    return FALSE;
}

static struct hunt_table *open_tables(const struct hunt_arguments *given, const char *data,
                                      GError **error)
{
    g_auto(GStrv) installed = given->tables ? NULL : hunt_retro_tables(data);
    char **paths = given->tables ? given->tables : installed;

    if (paths[0])
        return hunt_table_open_all((const char *const *)paths, error);
    input_error(error, "no table is installed: entente hunt install TABLE, or name one by --table");
    return NULL;
}

static int search(struct retro *retro, const struct hunt_retro *what, GError **error)
{
    struct hunt_retro_summary summary;
    struct cli_stream stream;

    retro->out = cli_stream_open(&stream, retro->context, error);
    if (!retro->out)
        return EXIT_SYSTEM;
    if (!hunt_retro_run(what, &summary, error)) {
        cli_stream_discard(&stream);
        return EXIT_SYSTEM;
    }
    if (retro->json)
        print_json(retro, &summary);
    else
        print_text(retro, &summary);
    if (!cli_stream_end(&stream, error))
        return EXIT_SYSTEM;
    if (summary.hits)
        return EXIT_FOUND;
    return summary.unread ? EXIT_SYSTEM : EXIT_DONE;
}

static int run(const struct context *context, gconstpointer shared, char **arguments,
               GError **error)
{
    const struct hunt_arguments *given = shared;
    struct retro retro = { .context = context, .json = cli_format_is(context, "json", FALSE) };
    struct hunt_retro what = { .alarm = alarm_raised,
                               .found = take_group,
                               .unread = take_unread,
                               .threads = (guint)MAX(given->threads, 0),
                               .data = &retro };
    g_autofree char *path = cli_profile_path(context), *data = cli_data_folder(context, error);
    g_autoptr(profile_t) profile = NULL;
    g_autoptr(hunt_table_t) table = NULL;
    g_autoptr(GPtrArray) unread = g_ptr_array_new_with_free_func(g_free);
    int status;

    if (!data)
        return EXIT_SYSTEM;
    if (arguments[0])
        return input_error(error, "\"%s\": retro takes the logs that the profile names",
                           arguments[0]);
    if (!path)
        return input_error(error, "there is no profile that names logs: entente init");
    profile = profile_load(path, error);
    if (!profile)
        return EXIT_INPUT;
    if (!has_logs(profile))
        return input_error(error, "%s: names no logs (assets: logs:)", path);
    table = open_tables(given, data, error);
    if (!table)
        return EXIT_INPUT;
    retro.unread = unread;
    what.data_folder = data;
    what.profile = profile;
    what.table = table;
    status = search(&retro, &what, error);
    g_clear_pointer(&retro.rows, text_table_free);
    signing_key_free(retro.key);
    casework_close(retro.work);
    return status;
}

const struct subcommand hunt_subcommand_retro = { "retro", run };
