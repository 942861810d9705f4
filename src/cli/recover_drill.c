/* recover_drill.c: entente recover drill: would this backup come back? */
#include "base/clock.h"
#include "base/terminal.h"
#include "cli/keys.h"
#include "cli/recover_command.h"
#include "p1_resilience/recover/drill_held.h"
#include "p1_resilience/recover/drill_record.h"

#include <stdio.h>
#include <string.h>

/* What all drills of a run have in common. */
struct drilling {
    const struct context *context;
    const struct recover_arguments *given;
    struct drill_setting setting;
    struct drill_options options;
};

/* The progress of one. */
struct shown {
    const struct context *context;
    const struct asset *asset;
    struct progress *progress;
    const char *what; /* it is about */
};

/* --- what was asked for --- */

static gboolean read_share(const char *text, const char *option, double *share, GError **error)
{
    char *end;

    if (!text)
        return TRUE;
    *share = g_ascii_strtod(text, &end);
    return (end != text && !*end && *share > 0 && *share <= 1) ||
           input_error(error, "--%s: \"%s\" is no number above 0 and up to 1", option, text);
}

/* "all", "none", "2/7". */
static gboolean read_check(const char *text, struct store_check *check, GError **error)
{
    char rest;

    *check = (struct store_check){ .read = STORE_READ_ALL };
    if (!text || g_str_equal(text, "all"))
        return TRUE;
    if (g_str_equal(text, "none")) {
        check->read = STORE_READ_NOTHING;
        return TRUE;
    }
    check->read = STORE_READ_SHARE;
    return (sscanf(text, "%u/%u%c", &check->share, &check->shares, &rest) == 2 && check->share &&
            check->share <= check->shares && check->shares <= STORE_SHARES_MAX) ||
           input_error(error, "--read: \"%s\" is not all, none or a share (2/7, of %u at the most)",
                       text, STORE_SHARES_MAX);
}

static gboolean read_options(const struct recover_arguments *given, struct drill_options *options,
                             GError **error)
{
    *options = drill_default_options();
    options->files = (guint64)MAX(given->files, 0);
    options->canary = given->canary;
    if (given->files < 0 || given->limit_s < 0)
        return input_error(error, "--files and --limit are numbers above 0");
    return read_share(given->confidence, "confidence", &options->confidence, error) &&
           read_share(given->fraction, "fraction", &options->fraction, error) &&
           read_check(given->read, &options->check, error);
}

/* --- showing --- */

static void show_progress(const char *what, guint64 done, guint64 total, gpointer data)
{
    struct shown *shown = data;

    if (shown->context->quiet)
        return;
    if (shown->what != what) {
        g_clear_pointer(&shown->progress, progress_end);
        shown->progress = progress_begin(what, total);
        shown->what = what;
    }
    progress_at(shown->progress, done, shown->asset->name);
}

static char *as_text(const struct context *context, const struct drill_held *held)
{
    static const char *const headings[] = { "aspect", "verdict", "reason", "detail", NULL };
    static const enum style styles[] = { STYLE_WARN, STYLE_GOOD, STYLE_BAD };
    const struct drill *drill = held->drill;
    g_autoptr(text_table_t) table = text_table_new(headings);
    g_autofree char *rows = NULL, *name = terminal_escape(held->asset->name);

    for (guint i = 0; i < DRILL_ASPECTS; i++) {
        const struct drill_finding *finding = &drill->findings[i];
        const char *cells[] = { drill_aspect_name(i), drill_verdict_name(finding->verdict),
                                finding->reason ? finding->reason : "",
                                finding->detail ? finding->detail : "" };
        const enum style row[] = { STYLE_PLAIN, styles[finding->verdict], STYLE_PLAIN,
                                   STYLE_PLAIN };

        text_table_row(table, cells, row);
    }
    rows = cli_table(context, table);
    return g_strdup_printf("%s: %s\n%s%" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT
                           " files came back as they were, %" G_GUINT64_FORMAT
                           " did not; %" G_GUINT64_FORMAT " changed since the manifest\n",
                           name, drill_verdict_name(drill_verdict(drill)), rows, drill->intact,
                           drill->wanted, drill->bad, drill->skipped);
}

static json_t *as_json(const struct drill_held *held)
{
    json_t *value = drill_record(held->drill, held->asset, held->id);

    json_object_set_new(value, "schema", json_string("entente/recovery-drill/1"));
    json_object_set_new(value, "backup", json_safe_string(held->asset->name));
    json_object_set_new(value, "aspects", drill_findings_json(held->drill, TRUE));
    json_object_set_new(value, "dice", drill_held_dice(held));
    json_object_set_new(value, "packs", json_integer(held->drill->packs));
    if (held->root)
        json_object_set_new(value, "manifest", json_string(held->root));
    return value;
}

/* --- one backup after the other --- */

static gboolean drill_one(const struct drilling *drilling, const struct asset *asset, json_t *list,
                          GString *text, enum drill_verdict *verdict, GError **error)
{
    struct shown shown = { .context = drilling->context, .asset = asset };
    struct drill_options options = drilling->options;
    g_auto(drill_held_t) held = { 0 };
    g_autofree char *table = NULL;
    gboolean good;

    options.progress = show_progress;
    options.progress_data = &shown;
    options.now_us = clock_now_us();
    good = drill_hold(&drilling->setting, asset, &options, &held, error);
    g_clear_pointer(&shown.progress, progress_end);
    if (!good || !recover_publish(drilling->context, drilling->setting.log, drilling->given,
                                  held.envelope, "recovery-drill", error))
        return FALSE;
    *verdict = drill_verdict(held.drill);
    table = as_text(drilling->context, &held);
    g_string_append(text, table);
    json_array_append_new(list, as_json(&held));
    return TRUE;
}

/* Each in turn. FALSE: one could not be held. */
static gboolean drill_all(const struct drilling *drilling, const struct recover_scene *scene,
                          json_t *list, GString *text, gboolean found[], GError **error)
{
    for (guint i = 0; i < scene->backups->len; i++) {
        const struct asset *asset = scene->backups->pdata[i];
        enum drill_verdict verdict;
        gboolean due = TRUE;

        if (drilling->given->due && !drill_is_due(scene->data, asset, clock_now_us(), &due, error))
            return FALSE;
        if (!due)
            continue;
        if (!drill_one(drilling, asset, list, text, &verdict, error))
            return FALSE;
        found[verdict] = TRUE;
    }
    return TRUE;
}

static int run(const struct context *context, gconstpointer shared, char **arguments,
               GError **error)
{
    const struct recover_arguments *given = shared;
    struct drilling drilling = { .context = context, .given = given };
    g_auto(recover_scene_t) scene = { 0 };
    g_auto(recover_log_t) log = { 0 };
    g_autoptr(signing_key_t) key = NULL;
    g_autoptr(json_t) list = json_array();
    g_autoptr(GString) text = g_string_new(NULL);
    gboolean found[DRILL_FAILED + 1] = { FALSE };

    if (arguments[0])
        return input_error(error, "drill takes no argument: name the backup with --backup");
    if (!read_options(given, &drilling.options, error) ||
        !recover_scene_open(&scene, context, given, error))
        return EXIT_INPUT;
    if (!recover_scene_log(&scene, given, &log, error))
        return EXIT_SYSTEM;
    key = cli_default_key(context, error);
    if (!key)
        return EXIT_SYSTEM;
    drilling.setting = (struct drill_setting){ scene.data, scene.profile, &log, key,
                                               given->limit_s * G_USEC_PER_SEC };
    if (!drill_all(&drilling, &scene, list, text, found, error))
        return EXIT_SYSTEM;
    if (cli_format_is(context, "json", FALSE)) {
        g_autoptr(json_t) value =
            json_pack("{s:s, s:O}", "schema", "entente/recovery-drills/1", "drills", list);
        g_autofree char *pretty = json_pretty(value);

        g_string_assign(text, pretty);
    }
    if (!cli_output(context, text->str, text->len, error))
        return EXIT_SYSTEM;
    return found[DRILL_FAILED] ? EXIT_FOUND : found[DRILL_NOT_PROVEN] ? EXIT_SYSTEM : EXIT_DONE;
}

const struct subcommand recover_subcommand_drill = { "drill", run };
