/* cmd_zone.c: the health of zones: own ones, and the root. */
#include "base/clock.h"
#include "cli/commands.h"
#include "cli/zone_command.h"

#include <netdb.h>
#include <string.h>

static const struct subcommand *const subcommands[] = {
    /* clang-format off */
    &zone_subcommand_check,
    &zone_subcommand_root,
    &zone_subcommand_verify,
    NULL,
    /* clang-format on */
};

#define MEMBER(NAME) offsetof(struct zone_arguments, NAME)
#define HOUR_S 3600
#define TIMEOUT_MAX_S 25 /* three tries fit into the time for all servers (ask.c) */

static const struct command_option options[] = {
    { "all", 0, G_OPTION_ARG_NONE, MEMBER(all), "check: also the checks that pass", NULL },
    { "fail-on", 0, G_OPTION_ARG_STRING, MEMBER(fail_on),
      "check, root: exit 1 when a problem is at least this severe: info, low, medium (default), "
      "high, critical",
      "SEVERITY" },
    { "horizon", 0, G_OPTION_ARG_INT, MEMBER(horizon_h),
      "check: signatures are to be good for so long (default: 72)", "HOURS" },
    { "name", 0, G_OPTION_ARG_STRING_ARRAY, MEMBER(names),
      "check: see where this name leads, too, as www (may be repeated)", "NAME" },
    { "routes", 0, G_OPTION_ARG_FILENAME_ARRAY, MEMBER(routes),
      "check: routes (MRT), to see in whose networks the servers stand; may be given several times",
      "FILE" },
    { "vrp", 0, G_OPTION_ARG_FILENAME_ARRAY, MEMBER(vrps),
      "check: payloads of RPKI, as validators write them; may be given several times", "FILE" },
    { "rtr", 0, G_OPTION_ARG_STRING, MEMBER(rtr),
      "check: ask this cache for the payloads (port 323 unless given)", "HOST:PORT" },
    { "no-save", 0, G_OPTION_ARG_NONE, MEMBER(no_save),
      "check: record nothing in the journal, for assess", NULL },
    { "file", 0, G_OPTION_ARG_FILENAME, MEMBER(file),
      "root: verify this copy of the zone instead of a transfer", "FILE" },
    { "transfer-from", 0, G_OPTION_ARG_STRING, MEMBER(transfer),
      "root, verify: take the zone from this server (AXFR)", "ADDRESS[:PORT]" },
    { "server", 0, G_OPTION_ARG_STRING, MEMBER(server),
      "check, root: ask this resolver instead of the system's", "ADDRESS[:PORT]" },
    { "timeout", 0, G_OPTION_ARG_INT, MEMBER(timeout_s),
      "check, root: wait so long for each answer of a name server (default: 2)", "SECONDS" },
    { "trust-anchor", 0, G_OPTION_ARG_FILENAME, MEMBER(anchor),
      "DS or DNSKEY records to trust (default: Debian's dns-root-data)", "FILE" },
    { "at", 0, G_OPTION_ARG_STRING, MEMBER(at), "judge signatures at this time instead of now",
      "TIME" },
    { "delegate", 0, G_OPTION_ARG_STRING_ARRAY, MEMBER(delegations),
      "check, root: of a laboratory: where the servers of ZONE are (may be repeated)",
      "ZONE@ADDRESS[:PORT]" },
    { "port", 0, G_OPTION_ARG_INT, MEMBER(port),
      "check, root: of a laboratory: port of the name servers that are asked, and of those of "
      "--delegate (default: 53); the resolver follows other delegations to port 53",
      "PORT" },
    { "allow-private", 0, G_OPTION_ARG_NONE, MEMBER(allow_private),
      "check, root: of a laboratory: also ask servers at addresses that are not public", NULL },
    { NULL },
};

/* "ADDRESS[:PORT]" as libunbound writes it: "ADDRESS@PORT". Owned by the caller. */
static char *unbound_address(const char *text, guint16 port, GError **error)
{
    struct sockaddr_storage address;
    char host[NI_MAXHOST], service[NI_MAXSERV];

    if (!zone_address_parse(text, port, &address, error))
        return NULL;
    if (getnameinfo((const struct sockaddr *)&address, zone_address_size(&address), host,
                    sizeof host, service, sizeof service, NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
        input_error(error, "\"%s\" is no address", text);
        return NULL;
    }
    return g_strdup_printf("%s@%s", host, service);
}

static gboolean read_delegations(const struct zone_arguments *given, struct zone_settings *settings,
                                 GError **error)
{
    if (!given->delegations)
        return TRUE;
    settings->delegations = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; given->delegations[i]; i++) {
        const char *at = strchr(given->delegations[i], '@');
        g_autofree char *address =
            at ? unbound_address(at + 1, given->port ? (guint16)given->port : DNS_PORT, error)
               : NULL;

        if (!at)
            return input_error(error, "--delegate %s: not ZONE@ADDRESS", given->delegations[i]);
        if (!address)
            return FALSE;
        g_ptr_array_add(settings->delegations,
                        g_strdup_printf("%.*s@%s", (int)(at - given->delegations[i]),
                                        given->delegations[i], address));
    }
    g_ptr_array_add(settings->delegations, NULL);
    settings->options.dns.delegations = (const char *const *)settings->delegations->pdata;
    return TRUE;
}

static gboolean read_time(const struct zone_arguments *given, struct zone_settings *settings,
                          GError **error)
{
    gint64 time_us = clock_now_us();
    g_autoptr(GDateTime) date = NULL;

    if (given->at && !clock_parse(given->at, &time_us, error))
        return FALSE;
    settings->options.now_s = time_us / G_USEC_PER_SEC;
    if (!given->at)
        return TRUE;
    date = g_date_time_new_from_unix_utc(settings->options.now_s);
    settings->date = g_date_time_format(date, "%Y%m%d%H%M%S");
    settings->options.dns.date = settings->date;
    return TRUE;
}

gboolean zone_settings_read(const struct zone_arguments *given, struct zone_settings *settings,
                            GError **error)
{
    *settings = (struct zone_settings){ .fail_on = SEVERITY_MEDIUM };
    if (given->port < 0 || given->port > G_MAXUINT16)
        return input_error(error, "--port %d: not a port", given->port);
    if (given->horizon_h < 0)
        return input_error(error, "--horizon %d: not a number of hours", given->horizon_h);
    if (given->timeout_s < 0 || given->timeout_s > TIMEOUT_MAX_S)
        return input_error(error, "--timeout %d: not a number of seconds up to %d",
                           given->timeout_s, TIMEOUT_MAX_S);
    if (given->fail_on && !severity_parse(given->fail_on, &settings->fail_on, error))
        return FALSE;
    settings->options.port = (guint16)given->port;
    settings->options.horizon_s = (gint64)given->horizon_h * HOUR_S;
    settings->options.try_us = given->timeout_s * (gint64)G_USEC_PER_SEC;
    settings->options.names = given->names;
    settings->options.allow_private = given->allow_private;
    settings->options.dns.trust_anchor = given->anchor;
    if (given->server) {
        settings->server = unbound_address(given->server, DNS_PORT, error);
        if (!settings->server)
            return FALSE;
        settings->options.dns.server = settings->server;
    }
    return read_delegations(given, settings, error) && read_time(given, settings, error);
}

void zone_settings_clear(struct zone_settings *settings)
{
    g_free(settings->server);
    g_free(settings->date);
    g_clear_pointer(&settings->delegations, g_ptr_array_unref);
}

gboolean zone_output(const struct context *context, GString *out, const json_t *document,
                     gboolean all, zone_text_fn text)
{
    g_autofree char *made = cli_format_is(context, "json", FALSE)
                                ? json_dumps(document, JSON_COMPACT)
                                : text(context, document, all);

    g_string_append(out, made);
    if (cli_format_is(context, "json", FALSE))
        g_string_append_c(out, '\n');
    return TRUE;
}

const struct command command_zone = {
    .name = "zone",
    .summary = "Check the health of DNS zones, their DNSSEC, and the root",
    .arguments = "check [NAME...] | root | verify FILE | verify --transfer-from ADDRESS NAME",
    .formats = "text, json",
    .details =
        "check   delegation, every server, SOA and data, DNSSEC of the zones named, or of all\n"
        "        domains of the profile; each check with its RFC, and what to do\n"
        "root    chain of the root zone, what serial its servers have, and a copy of it verified\n"
        "        by digest (ZONEMD) and signature\n"
        "verify  a whole zone, from a file or by transfer, against its digest (ZONEMD)\n\n"
        "Example: entente zone check example.org\n"
        "         entente zone root --file root.zone",
    .options = options,
    .state_size = sizeof(struct zone_arguments),
    .subcommands = subcommands,
};
