#include "assess/catalogue.h"
#include "assess/waivers.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "base/terminal.h"
#include "cli/commands.h"
#include "journal/records.h"
#include "profile/profile.h"

#include <string.h>

struct state {
    char *reason, *until, *asset, *by;
    gboolean list, remove;
};

static GPtrArray *load(const char *folder, GError **error)
{
    static const char *const kinds[] = { WAIVER_EVENT, NULL };
    g_autoptr(journal_t) journal = NULL;
    g_autoptr(records_t) records = NULL;
    GError *problem = NULL;

    journal = journal_open_existing(folder, &problem);
    if (problem) {
        g_propagate_error(error, problem);
        return NULL;
    }
    records = records_load(journal, kinds, error);
    return records ? waivers_list(records) : NULL;
}

static json_t *waiver_value(const struct waiver_record *record, const char *day, gboolean expired)
{
    json_t *value = json_object();

    json_object_set_new(value, "measure", json_safe_string(record->measure));
    if (record->asset)
        json_object_set_new(value, "asset", json_safe_string(record->asset));
    json_object_set_new(value, "until", json_string(day));
    json_object_set_new(value, "reason", json_safe_string(record->reason));
    if (record->by)
        json_object_set_new(value, "by", json_safe_string(record->by));
    json_object_set_new(value, "expired", json_boolean(expired));
    return value;
}

static int list(const struct context *context, const char *folder, GError **error)
{
    static const char *const headings[] = { "MEASURE", "ASSET", "UNTIL", "BY", "REASON", NULL };
    g_autoptr(GPtrArray) waivers = load(folder, error);
    g_autoptr(text_table_t) table = text_table_new(headings);
    g_autoptr(json_t) array = json_array();
    g_autofree char *text = NULL;
    gint64 now = clock_now_us();

    if (!waivers)
        return EXIT_SYSTEM;
    for (guint i = 0; i < waivers->len; i++) {
        const struct waiver_record *record = waivers->pdata[i];
        gboolean expired = record->until_us <= now;
        g_autofree char *time = clock_format(record->until_us - 1);
        g_autofree char *day = g_strndup(time, strlen("0000-00-00"));
        g_autofree char *shown = g_strconcat(day, expired ? " (expired)" : "", NULL);
        const char *const cells[] = { record->measure, record->asset ? record->asset : "(all)",
                                      shown, record->by ? record->by : "", record->reason };
        const enum style styles[] = { STYLE_PLAIN, STYLE_PLAIN, expired ? STYLE_WARN : STYLE_PLAIN,
                                      STYLE_PLAIN, STYLE_PLAIN };

        text_table_row(table, cells, styles);
        json_array_append_new(array, waiver_value(record, day, expired));
    }
    if (cli_format_is(context, "json", FALSE))
        text = json_pretty(array);
    else if (waivers->len == 0)
        text = g_strdup("No waiver stands.\n");
    else
        text = cli_table(context, table);
    return cli_output(context, text, strlen(text), error) ? EXIT_DONE : EXIT_SYSTEM;
}

/* An asset that nobody has would never be waived, and nobody would notice. */
static gboolean check_asset(const struct context *context, const char *name, GError **error)
{
    g_autofree char *path = cli_profile_path(context);
    g_autoptr(profile_t) profile = path ? profile_load(path, error) : profile_default();

    if (!profile)
        return FALSE;
    profile_this_host(profile);
    for (guint kind = 0; kind <= ASSET_SIGNATORY; kind++)
        if (profile_asset(profile, kind, name))
            return TRUE;
    return input_error(error, "there is no asset \"%s\" in %s", name,
                       path ? path : "the default profile");
}

static gboolean remove_waiver(const char *folder, const struct state *state,
                              const struct measure *measure, const char *by, GError **error)
{
    g_autoptr(GPtrArray) waivers = load(folder, error);
    g_autoptr(journal_t) journal = NULL;
    const struct waiver_record *record;

    if (!waivers)
        return FALSE;
    record = waivers_find(waivers, measure->id, state->asset);
    if (!record || g_strcmp0(record->asset, state->asset) != 0)
        return input_error(error, "%s is not waived%s%s", measure->id, state->asset ? " on " : "",
                           state->asset ? state->asset : "");
    journal = journal_open(folder, error);
    return journal && waiver_remove(journal, measure->id, state->asset, by, error);
}

static gboolean add_waiver(const struct context *context, const char *folder,
                           const struct state *state, const struct measure *measure, const char *by,
                           GError **error)
{
    struct waiver_record record = { .measure = (char *)measure->id,
                                    .asset = state->asset,
                                    .by = (char *)by,
                                    .reason = state->reason };
    g_autoptr(journal_t) journal = NULL;

    if (!state->reason || !*state->reason)
        return input_error(error, "why? --reason TEXT");
    if (!state->until)
        return input_error(error, "until when? --until DATE, at most %d days ahead",
                           WAIVER_MAX_DAYS);
    if (!waiver_parse_until(state->until, clock_now_us(), &record.until_us, error) ||
        (state->asset && !check_asset(context, state->asset, error)))
        return FALSE;
    journal = journal_open(folder, error);
    return journal && waiver_record_new(journal, &record, error);
}

static int run(const struct context *context, void *data, char **arguments, GError **error)
{
    const struct state *state = data;
    g_autofree char *folder = cli_data_folder(context, error);
    const char *by = state->by ? state->by : g_get_user_name();
    const struct measure *measure;

    if (!folder)
        return EXIT_SYSTEM;
    if (!arguments[0] && (state->remove || state->reason || state->until)) {
        input_error(error, "which measure? entente waive ID, as host.ssh.root-login");
        return EXIT_INPUT;
    }
    if (state->list || !arguments[0])
        return list(context, folder, error);
    measure = catalogue_find_or_refuse(arguments[0], error);
    if (!measure)
        return EXIT_INPUT;
    if (arguments[1]) {
        input_error(error, "one measure at a time");
        return EXIT_INPUT;
    }
    if (state->remove ? !remove_waiver(folder, state, measure, by, error)
                      : !add_waiver(context, folder, state, measure, by, error))
        return error_exit_status(*error);
    if (!context->quiet)
        printf(state->remove ? "%s is no longer waived.\n"
                             : "%s is waived until %s. The finding and "
                               "the score stay; the waiver is shown beside them.\n",
               measure->id, state->until);
    return EXIT_DONE;
}

static const struct command_option options[] = {
    { "reason", 0, G_OPTION_ARG_STRING, offsetof(struct state, reason), "Why (required)", "TEXT" },
    { "until", 0, G_OPTION_ARG_STRING, offsetof(struct state, until),
      "Last day it holds (required), at most 366 days ahead", "DATE" },
    { "asset", 0, G_OPTION_ARG_STRING, offsetof(struct state, asset),
      "Only on this asset (default: all)", "NAME" },
    { "by", 0, G_OPTION_ARG_STRING, offsetof(struct state, by),
      "Who answers for it (default: your user name)", "NAME" },
    { "list", 0, G_OPTION_ARG_NONE, offsetof(struct state, list),
      "Show what is waived, and what has expired", NULL },
    { "remove", 0, G_OPTION_ARG_NONE, offsetof(struct state, remove), "Take the waiver of ID back",
      NULL },
    { NULL },
};

const struct command command_waive = {
    .name = "waive",
    .summary = "Answer for a failing measure until a day, with a reason",
    .arguments = "ID --reason TEXT --until DATE | --list | --remove ID",
    .formats = "text, json",
    .details = "A waiver is shown beside the finding; it changes neither the outcome nor the\n"
               "score, and expires.\n\n"
               "Example: entente waive host.ssh.root-login --until 2027-01-31 \\\n"
               "           --reason \"vendor needs it until the migration\" --asset web1",
    .options = options,
    .state_size = sizeof(struct state),
    .run = run,
};
