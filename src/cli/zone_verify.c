/* zone_verify.c: entente zone verify: a whole zone against its digest (ZONEMD). */
#include "base/terminal.h"
#include "cli/zone_command.h"
#include "p2_internet/zone/zone_copy.h"

#define SCHEMA "entente/zone-verify/1"

static char *make_text(const struct context *context, const json_t *document, gboolean all)
{
    const gboolean french = cli_is_french(context);
    g_autofree char *zone = terminal_escape(json_text(document, "zone"));
    const char *why = json_text(document, "why"), *why_not = json_text(document, "why_not");

    (void)all;
    return g_strdup_printf(
        french ? "%s série %" G_GINT64_FORMAT ", %" G_GINT64_FORMAT
                 " enregistrements\nempreinte (ZONEMD) : %s%s%s\nauthentique : %s%s%s\n"
               : "%s serial %" G_GINT64_FORMAT ", %" G_GINT64_FORMAT
                 " records\ndigest (ZONEMD): %s%s%s\nauthentic: %s%s%s\n",
        zone, json_number(document, "serial", 0), json_number(document, "records", 0),
        json_text(document, "zonemd"), why ? ": " : "", why ? why : "",
        json_text(document, "authentic"), why_not ? ": " : "", why_not ? why_not : "");
}

static json_t *verify(const struct zone_arguments *given, const struct zone_settings *settings,
                      const char *argument, GError **error)
{
    const struct zone_copy_options options = { given->anchor, settings->options.now_s, NULL };
    struct sockaddr_storage address;

    if (!given->transfer)
        return zone_copy_file(argument, &options, error);
    return zone_address_parse(given->transfer, DNS_PORT, &address, error)
               ? zone_copy_transfer(&address, argument, &options, error)
               : NULL;
}

static int run(const struct context *context, gconstpointer shared, char **arguments,
               GError **error)
{
    const struct zone_arguments *given = shared;
    g_auto(zone_settings_t) settings = { 0 };
    g_autoptr(json_t) document = NULL;
    g_autoptr(GString) out = g_string_new(NULL);

    if (!arguments[0] || arguments[1]) {
        input_error(error, "which zone: one FILE, or one NAME with --transfer-from");
        return EXIT_INPUT;
    }
    if (!zone_settings_read(given, &settings, error))
        return EXIT_INPUT;
    document = verify(given, &settings, arguments[0], error);
    if (!document)
        return error_exit_status(*error);
    json_object_set_new(document, "schema", json_string(SCHEMA));
    zone_output(context, out, document, FALSE, make_text);
    if (!cli_output(context, out->str, out->len, error))
        return EXIT_SYSTEM;
    if (g_strcmp0(json_text(document, "zonemd"), "verified") != 0 ||
        g_strcmp0(json_text(document, "authentic"), "no") == 0)
        return EXIT_FOUND;
    return EXIT_DONE;
}

const struct subcommand zone_subcommand_verify = { "verify", run };
