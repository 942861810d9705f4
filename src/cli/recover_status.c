/* recover_status.c: entente recover status: what is known of each backup since its last drill. */
#include "base/clock.h"
#include "base/terminal.h"
#include "cli/recover_command.h"
#include "p1_resilience/recover/drill_record.h"

#include <string.h>

#define NEVER "never"

static const char *const headings[] = { "backup", "drilled", "verdict", "snapshot",
                                        "failed", "restore", NULL };

static char *failed_aspects(const json_t *record, const char *wanted)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < DRILL_ASPECTS; i++)
        if (g_strcmp0(drill_record_verdict(record, i, NULL), wanted) == 0)
            g_string_append_printf(text, "%s%s", text->len ? " " : "", drill_aspect_name(i));
    return g_string_free(text, FALSE);
}

static void add_row(struct text_table *table, const struct asset *asset, const json_t *record)
{
    g_autofree char *failed = failed_aspects(record, "failed");
    g_autofree char *seconds =
        json_object_get(record, "projected_s")
            ? g_strdup_printf("%" G_GINT64_FORMAT " s", json_number(record, "projected_s", 0))
            : NULL;
    const char *verdict = json_text(record, "verdict"), *time = json_text(record, "time");
    const char *snapshot = json_text(record, "snapshot_time");
    const char *cells[] = {
        asset->name, time ? time : NEVER,   verdict ? verdict : "", snapshot ? snapshot : "",
        failed,      seconds ? seconds : ""
    };
    const enum style style = g_strcmp0(verdict, "proven") == 0   ? STYLE_GOOD
                             : g_strcmp0(verdict, "failed") == 0 ? STYLE_BAD
                                                                 : STYLE_WARN;
    const enum style styles[] = { STYLE_PLAIN, STYLE_PLAIN, style,
                                  STYLE_PLAIN, STYLE_BAD,   STYLE_PLAIN };

    text_table_row(table, cells, styles);
}

static int run(const struct context *context, gconstpointer shared, char **arguments,
               GError **error)
{
    const struct recover_arguments *given = shared;
    static const char *const kinds[] = { DRILL_EVENT, NULL };
    g_auto(recover_scene_t) scene = { 0 };
    g_autoptr(journal_t) journal = NULL;
    g_autoptr(records_t) records = NULL;
    g_autoptr(text_table_t) table = text_table_new(headings);
    g_autoptr(json_t) list = json_array();
    g_autoptr(GError) problem = NULL;
    g_autofree char *text = NULL;

    if (arguments[0])
        return input_error(error, "status takes no argument");
    if (!recover_scene_open(&scene, context, given, error))
        return EXIT_INPUT;
    journal = journal_open_existing(scene.data, &problem);
    if (problem) {
        g_propagate_error(error, g_steal_pointer(&problem));
        return EXIT_SYSTEM;
    }
    records = records_load(journal, kinds, error);
    if (!records)
        return EXIT_SYSTEM;
    for (guint i = 0; i < scene.backups->len; i++) {
        const struct asset *asset = scene.backups->pdata[i];
        g_autoptr(json_t) record = drill_record_latest(records, asset->name);

        add_row(table, asset, record);
        json_array_append_new(list, json_pack("{s:o, s:O}", "backup", json_safe_string(asset->name),
                                              "drill", record ? record : json_null()));
    }
    if (cli_format_is(context, "json", FALSE)) {
        g_autoptr(json_t) value =
            json_pack("{s:s, s:O}", "schema", "entente/recover-status/1", "backups", list);

        text = json_pretty(value);
    } else
        text = cli_table(context, table);
    return cli_output(context, text, strlen(text), error) ? EXIT_DONE : EXIT_SYSTEM;
}

const struct subcommand recover_subcommand_status = { "status", run };
