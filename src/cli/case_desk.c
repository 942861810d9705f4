/* case_desk.c: `entente case desk` and `entente case recuse`: whose keys work on which cases. */
#include "base/terminal.h"
#include "cli/case_command.h"
#include "process/desk.h"
#include "statement/key_import.h"
#include "statement/key_store.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define KEY_SHOWN 16 /* hex digits */

/* A name in the data folder's keys, a file, or a vkey. */
static struct public_key *key_called(const struct casework *work, const char *name, GError **error)
{
    g_autofree char *path = key_store_path(work->data, name);

    return key_import_public_argument(!strchr(name, '/') && access(path, F_OK) == 0 ? path : name,
                                      error);
}

static int show(struct casework *work, GError **error)
{
    static const char *const headings[] = { "ROLE", "NAME", "KEY", NULL };
    g_autoptr(json_t) list = desk_list(work->cases, error);
    g_autoptr(text_table_t) table = text_table_new(headings);
    g_autofree char *text = NULL;
    const json_t *item;
    size_t index;

    if (!list)
        return EXIT_SYSTEM;
    json_array_foreach(list, index, item)
    {
        g_autofree char *key = g_strndup(json_text(item, "key"), KEY_SHOWN);
        const char *const cells[] = { json_text(item, "role"), json_text(item, "name"), key };

        text_table_row(table, cells, NULL);
    }
    text = cli_format_is(work->context, "json", FALSE) ? json_pretty(list)
                                                       : cli_table(work->context, table);
    if (!cli_output(work->context, text, strlen(text), error))
        return EXIT_SYSTEM;
    if (!json_array_size(list) && !work->context->quiet)
        fputs(work->french ? "Personne à l'accueil\u202f: toute clé du signataire peut agir.\n"
                           : "Nobody is at the desk: every key of the signatory may act.\n",
              stderr);
    return EXIT_DONE;
}

static int set(struct casework *work, const char *name, const char *role_name, GError **error)
{
    g_autoptr(public_key_t) key = key_called(work, name, error);
    enum desk_role role;

    if (!key || !desk_role_parse(role_name, &role, error))
        return EXIT_INPUT;
    return desk_set(work->cases, key, key->name, role, error) ? EXIT_DONE : EXIT_SYSTEM;
}

static int removed(struct casework *work, const char *name, GError **error)
{
    g_autoptr(public_key_t) key = key_called(work, name, error);

    return key && desk_remove(work->cases, key, error) ? EXIT_DONE : EXIT_INPUT;
}

static int run_desk(const struct context *context, gconstpointer shared, char **arguments,
                    GError **error)
{
    const struct case_arguments *given = shared;
    const guint count = g_strv_length(arguments);
    g_autoptr(casework_t) work = casework_open(context, &given->work, error);

    if (!work)
        return EXIT_SYSTEM;
    if (count == 0)
        return show(work, error);
    if (count == 3 && g_str_equal(arguments[0], "set"))
        return set(work, arguments[1], arguments[2], error);
    if (count == 2 && g_str_equal(arguments[0], "remove"))
        return removed(work, arguments[1], error);
    return input_error(error, "case desk [set KEY handler|coordinator|auditor | remove KEY]");
}

static int run_recuse(const struct context *context, gconstpointer shared, char **arguments,
                      GError **error)
{
    const struct case_arguments *given = shared;
    g_autoptr(casework_t) work = NULL;
    g_autoptr(public_key_t) key = NULL;

    if (g_strv_length(arguments) != 2)
        return input_error(error, "recuse takes a case and a key, and --reason TEXT");
    work = casework_open(context, &given->work, error);
    if (!work)
        return EXIT_SYSTEM;
    key = key_called(work, arguments[1], error);
    return key && desk_recuse(work->cases, arguments[0], key, given->reason, work->now_us, error)
               ? EXIT_DONE
               : EXIT_INPUT;
}

const struct subcommand case_subcommand_desk = { "desk", run_desk };
const struct subcommand case_subcommand_recuse = { "recuse", run_recuse };
