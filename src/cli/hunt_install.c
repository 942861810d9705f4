/* hunt_install.c: entente hunt install: a table that was built elsewhere, put in place. */
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/terminal.h"
#include "cli/hunt_command.h"
#include "p1_resilience/hunt/retro.h"

#define TABLE_SUFFIX ".table"
#define FOLDER_MODE 0700

/* That this program can read it is found out before it takes the place of one that it can. */
static gboolean is_readable(const char *path, GError **error)
{
    g_autoptr(hunt_table_t) table = hunt_table_open(path, error);

    return table != NULL;
}

static void print_json(const char *path, const struct table_info *info, const char *built)
{
    struct json_writer *json = json_writer_new();
    g_autofree char *text = NULL;

    json_begin_object(json, NULL);
    json_put_string(json, "schema", "entente/hunt-install/1");
    json_put_string(json, "table", path);
    json_put_integer(json, "serial", (gint64)info->serial);
    json_put_string(json, "built", built);
    json_put_integer(json, "values", (gint64)info->keys);
    json_end_object(json);
    text = json_writer_finish(json, NULL);
    fputs(text, stdout);
}

static gboolean print_installed(const struct context *context, const char *to, GError **error)
{
    g_autoptr(hunt_table_t) table = hunt_table_open(to, error);
    g_autofree char *path = NULL, *built = NULL;
    const struct table_info *info;

    if (!table)
        return FALSE;
    info = table_info(hunt_table_part(table, 0));
    built = clock_format(info->built_us);
    path = terminal_escape(to);
    if (cli_format_is(context, "json", FALSE))
        print_json(to, info, built);
    else
        printf("%s: %" G_GUINT64_FORMAT " values, built %s\n", path, info->keys, built);
    return TRUE;
}

/* Where `entente hunt retro` and measures look: DATA/hunt/NAME.table. */
static char *standard_place(const struct context *context, const char *file, GError **error)
{
    g_autofree char *data = cli_data_folder(context, error);
    g_autofree char *folder = data ? g_build_filename(data, RETRO_TABLES, NULL) : NULL;
    g_autofree char *base = g_path_get_basename(file);
    g_autofree char *name = g_str_has_suffix(base, TABLE_SUFFIX)
                                ? g_strdup(base)
                                : g_strconcat(base, TABLE_SUFFIX, NULL);

    if (!folder || !file_make_folder(folder, FOLDER_MODE, error))
        return NULL;
    return g_build_filename(folder, name, NULL);
}

static int run(const struct context *context, gconstpointer shared, char **tables, GError **error)
{
    g_autofree char *to = NULL;

    if (!tables[0] || tables[1])
        return input_error(error, "what to: entente hunt install [-o TABLE] FILE");
    to = context->output ? g_strdup(context->output) : standard_place(context, tables[0], error);
    if (!to || !is_readable(tables[0], error) ||
        !table_install(tables[0], to, HUNT_TABLE_KIND, error) ||
        !print_installed(context, to, error))
        return EXIT_SYSTEM;
    return EXIT_DONE;
}

const struct subcommand hunt_subcommand_install = { "install", run };
