/* zone_check.c: entente zone check: zones as a whole, by name or those of the profile. */
#include "p2_internet/zone/zone_check.h"

#include "base/clock.h"
#include "base/terminal.h"
#include "cli/routes_command.h"
#include "cli/zone_command.h"
#include "journal/journal.h"
#include "p2_internet/zone/zone_record.h"
#include "profile/profile.h"
#include "rpki/payload.h"

#include <string.h>

static const char *text_in(const struct context *context, const json_t *texts)
{
    return json_text(texts, cli_language(context));
}

static void add_verdicts(const struct context *context, GString *out, const json_t *document)
{
    const json_t *row;
    size_t index;

    (void)context;
    json_array_foreach(json_object_get(document, "verdicts"), index, row)
    {
        g_autofree char *name = terminal_escape(json_text(row, "name"));
        const char *why = json_text(row, "why");
        g_autofree char *reason = why ? terminal_escape(why) : NULL;

        g_string_append_printf(out, "  %s (%s %s): %s%s%s\n", json_text(row, "what"), name,
                               json_text(row, "type"), json_text(row, "security"),
                               reason ? ": " : "", reason ? reason : "");
    }
}

static void add_servers(const struct context *context, GString *out, const json_t *document)
{
    static const char *const headings[] = { "SERVER", "ADDRESS", "UDP",      "TCP",
                                            "MS",     "SERIAL",  "INSTANCE", NULL };
    g_autoptr(text_table_t) table = text_table_new(headings);
    g_autofree char *text = NULL;
    const json_t *row;
    size_t index;

    json_array_foreach(json_object_get(document, "servers"), index, row)
    {
        const char *host = json_text(row, "host"), *identity = json_text(row, "identity");
        const char *udp = json_text(row, "udp"), *tcp = json_text(row, "tcp");
        g_autofree char *took =
            g_strdup_printf("%" G_GINT64_FORMAT, json_number(row, "took_ms", 0));
        g_autofree char *serial =
            g_strdup_printf("%" G_GINT64_FORMAT, json_number(row, "serial", 0));

        if (json_is_true(json_object_get(row, "of_parent")))
            continue;
        text_table_row(table,
                       (const char *const[]){ host ? host : "", json_text(row, "address"),
                                              udp ? udp : "-", tcp ? tcp : "-",
                                              json_object_get(row, "took_ms") ? took : "-",
                                              json_object_get(row, "serial") ? serial : "-",
                                              identity ? identity : "" },
                       NULL);
    }
    text = cli_table(context, table);
    g_string_append(out, text);
}

static enum style style_of(enum severity level)
{
    return level >= SEVERITY_HIGH ? STYLE_BAD : level >= SEVERITY_MEDIUM ? STYLE_WARN : STYLE_PLAIN;
}

static void add_problem_rows(const struct context *context, struct text_table *table,
                             const json_t *check)
{
    const json_t *problem;
    size_t index;

    json_array_foreach(json_object_get(check, "problems"), index, problem)
    {
        const char *host = json_text(problem, "host"), *address = json_text(problem, "address");
        enum severity level = SEVERITY_HIGH;
        g_autofree char *found = NULL;
        enum style styles[] = { STYLE_PLAIN, STYLE_PLAIN, STYLE_PLAIN };

        severity_parse(json_text(problem, "level"), &level, NULL);
        styles[0] = style_of(level);
        found = address ? g_strdup_printf("%s (%s): %s", host ? host : "", address,
                                          json_text(problem, "text"))
                        : g_strdup(json_text(problem, "text"));
        text_table_row(table,
                       (const char *const[]){ severity_word(level, cli_is_french(context)),
                                              json_text(check, "id"), found },
                       styles);
    }
}

static void add_checks(const struct context *context, GString *out, const json_t *document,
                       gboolean all)
{
    static const char *const headings[] = { "SEVERITY", "CHECK", "FOUND", NULL };
    const gboolean french = cli_is_french(context);
    g_autoptr(text_table_t) table = text_table_new(headings);
    g_autoptr(GString) fixes = g_string_new(NULL);
    const json_t *check;
    gboolean any = FALSE;
    size_t index;

    json_array_foreach(json_object_get(document, "checks"), index, check)
    {
        const char *outcome = json_text(check, "outcome");
        const gboolean is_problem = g_strcmp0(outcome, "problem") == 0;

        if (is_problem) {
            add_problem_rows(context, table, check);
            g_string_append_printf(
                fixes, "%s (%s)\n  %s\n  %s: %s\n", json_text(check, "id"),
                json_text(check, "source"), text_in(context, json_object_get(check, "title")),
                french ? "À faire" : "Fix", text_in(context, json_object_get(check, "fix")));
        } else if (all) {
            text_table_row(
                table,
                (const char *const[]){ outcome, json_text(check, "id"),
                                       text_in(context, json_object_get(check, "title")) },
                NULL);
        }
        any |= is_problem || all;
    }
    if (any) {
        g_autofree char *text = cli_table(context, table);

        g_string_append_printf(out, "\n%s", text);
    }
    if (fixes->len)
        g_string_append_printf(out, "\n%s", fixes->str);
}

static char *make_text(const struct context *context, const json_t *document, gboolean all)
{
    const json_t *counts = json_object_get(document, "counts"), *address;
    g_autofree char *name = terminal_escape(json_text(document, "zone"));
    GString *out = g_string_new(NULL);
    size_t index;

    g_string_append_printf(out, "%s: %s\n", name, json_text(document, "verdict"));
    add_verdicts(context, out, document);
    g_string_append_c(out, '\n');
    add_servers(context, out, document);
    json_array_foreach(json_object_get(document, "not_asked"), index, address)
    {
        g_string_append_printf(out, "%s: %s\n",
                               cli_is_french(context) ? "adresse non publique, non interrogée"
                                                      : "not a public address, not asked",
                               json_string_value(address));
    }
    add_checks(context, out, document, all);
    g_string_append_printf(
        out,
        cli_is_french(context) ? "\n%d contrôles réussis, %d en défaut, %d sans objet, %d non vus\n"
                               : "\n%d checks pass, %d find something, %d do not apply, %d could "
                                 "not be seen\n",
        (int)json_number(counts, "pass", 0), (int)json_number(counts, "problem", 0),
        (int)json_number(counts, "not-applicable", 0), (int)json_number(counts, "not-seen", 0));
    return g_string_free(out, FALSE);
}

/* The domains that the profile has, or NULL with an error. */
static GPtrArray *names_of(const struct profile *profile, GError **error)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    for (guint i = 0; i < profile->assets->len; i++) {
        const struct asset *asset = profile->assets->pdata[i];

        if (asset->kind == ASSET_DOMAIN)
            g_ptr_array_add(names, asset->name);
    }
    if (names->len)
        return g_steal_pointer(&names);
    input_error(error, "which zone: name it, or list domains in the profile");
    return NULL;
}

static struct profile *load_profile(const struct context *context, gboolean needed, GError **error)
{
    g_autofree char *path = cli_profile_path(context);

    if (path)
        return profile_load(path, error);
    if (needed)
        input_error(error, "which zone: name it, or list domains in the profile");
    return NULL;
}

/* What was found the last time, of a domain of the profile; NULL without an error: nothing. */
static json_t *read_before(const struct context *context, const struct profile *profile,
                           const char *name, GError **error)
{
    const struct asset *asset = profile ? profile_asset(profile, ASSET_DOMAIN, name) : NULL;
    g_autofree char *folder = asset ? cli_data_folder(context, error) : NULL;
    g_autoptr(journal_t) journal = folder ? journal_open_existing(folder, error) : NULL;

    return journal ? zone_record_last(journal, asset->name, error) : NULL;
}

/* Whether anything was seen: a run without a network must not hide what was found before. */
static gboolean was_seen(const json_t *document)
{
    const json_t *row;
    size_t index;

    json_array_foreach(json_object_get(document, "servers"), index, row)
    {
        if (!json_is_true(json_object_get(row, "of_parent")) &&
            (g_strcmp0(json_text(row, "udp"), "answers") == 0 ||
             g_strcmp0(json_text(row, "tcp"), "answers") == 0))
            return TRUE;
    }
    return g_strcmp0(json_text(document, "verdict"), "indeterminate") != 0;
}

static gboolean record(const struct context *context, const struct profile *profile,
                       const char *name, const json_t *document, GError **error)
{
    const struct asset *asset =
        profile && was_seen(document) ? profile_asset(profile, ASSET_DOMAIN, name) : NULL;
    g_autofree char *folder = asset ? cli_data_folder(context, error) : NULL;
    g_autoptr(journal_t) journal = folder ? journal_open(folder, error) : NULL;

    if (!asset)
        return TRUE;
    return journal && zone_record_keep(journal, asset->name, document, error);
}

static int status_of(const json_t *document, enum severity fail_on)
{
    enum severity worst;
    const char *text = json_text(document, "worst");

    if (g_strcmp0(json_text(document, "verdict"), "indeterminate") == 0)
        return EXIT_SYSTEM;
    return text && severity_parse(text, &worst, NULL) && worst >= fail_on ? EXIT_FOUND : EXIT_DONE;
}

/* Routes and payloads, where they are given; `payload` owns what the settings borrow. */
static gboolean read_networks(const struct context *context, const struct zone_arguments *given,
                              struct payload **payload, struct zone_settings *settings,
                              GError **error)
{
    const struct routes_arguments wanted = { .vrps = given->vrps, .rtr = given->rtr };

    if (!given->vrps && !given->rtr && !given->routes)
        return TRUE;
    settings->networks =
        (struct zone_network_source){ .routes = given->routes, .problem = routes_problem };
    settings->options.networks = &settings->networks;
    if (!given->vrps && !given->rtr)
        return TRUE;
    *payload = payload_new(clock_now_us());
    if (!routes_payloads(context, &wanted, *payload, error))
        return FALSE;
    settings->networks.vrps = payload_vrps(*payload);
    return TRUE;
}

static int run(const struct context *context, gconstpointer shared, char **arguments,
               GError **error)
{
    const struct zone_arguments *given = shared;
    g_auto(zone_settings_t) settings = { 0 };
    g_autoptr(profile_t) profile = NULL;
    g_autoptr(GPtrArray) names = NULL;
    g_autoptr(GString) out = g_string_new(NULL);
    g_autoptr(payload_t) payload = NULL;
    GError *failure = NULL;
    int status = EXIT_DONE;

    if (!zone_settings_read(given, &settings, error))
        return EXIT_INPUT;
    profile = load_profile(context, !arguments[0], &failure);
    if (failure) {
        g_propagate_error(error, failure);
        return EXIT_INPUT;
    }
    if (arguments[0]) {
        names = g_ptr_array_new();
        for (guint i = 0; arguments[i]; i++)
            g_ptr_array_add(names, arguments[i]);
    } else {
        names = names_of(profile, error);
        if (!names)
            return EXIT_INPUT;
    }
    if (!read_networks(context, given, &payload, &settings, error))
        return error_exit_status(*error);
    for (guint i = 0; i < names->len; i++) {
        /* Who keeps nothing may be somebody who cannot read what is kept. */
        g_autoptr(json_t) before =
            read_before(context, profile, names->pdata[i], given->no_save ? NULL : &failure);
        g_autoptr(json_t) document = NULL;

        if (failure) {
            g_propagate_error(error, failure);
            return error_exit_status(*error);
        }
        settings.options.before = before;
        document = zone_check_run(names->pdata[i], &settings.options, error);
        if (!document ||
            (!given->no_save && !record(context, profile, names->pdata[i], document, error)))
            return error_exit_status(*error);
        if (i && !cli_format_is(context, "json", FALSE))
            g_string_append_c(out, '\n');
        zone_output(context, out, document, given->all, make_text);
        status = MAX(status, status_of(document, settings.fail_on));
    }
    return cli_output(context, out->str, out->len, error) ? status : EXIT_SYSTEM;
}

const struct subcommand zone_subcommand_check = { "check", run };
