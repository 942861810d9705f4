#include "base/file.h"
#include "cli/commands.h"
#include "cli/database.h"
#include "delivery/mailbox_request.h"
#include "net/dns.h"
#include "net/http.h"
#include "node/node.h"
#include "p2_internet/routes/ris_client.h"

#include <string.h>

#define PEM_LIMIT (1u << 20)
#define DEFAULT_ADDRESS "127.0.0.1:8080"
#define MEBIBYTE_SHIFT 20
#define NUMBER_MAX 1000000u
#define HUNT_EVERY_S 300
#define ANSWER_EVERY_S 600
#define CT_EVERY_S 600 /* certificates stand in logs a day after their issue, at the latest */
#define DRILL_EVERY_S 3600
#define ROUTES_SILENCE_S 120
#define RIPE "ripe" /* in place of the URL of its service */
#define ANY_IPV4 "0.0.0.0:"
#define ANY_IPV6 "[::]:"
#define BURST_SECONDS 4 /* of the rate may be spent at once */

struct state {
    char **listen, **trusted_proxies, **relay_for, **public_urls;
    char *database, *advertise, *lease, *intel;
    char *certificate, *key, *log, *lock, *dns, *trust_anchor, *ca;
    gboolean behind_proxy, open_metrics, allow_private, unconfined;
    char *rate, *connections, *peer_connections, *cache, *threads, *mailbox_work, *mailbox_size;
    char *hunt_every, *drill_every, *ct_every;
    gboolean publish_drills;
    char *ris_live, *bmp, **bmp_routers, *rtr, **relationships, *name_servers, *routes_silence;
    char **recordings, *answer_every;
};

static const struct command_option options[] = {
    { "listen", 0, G_OPTION_ARG_STRING_ARRAY, offsetof(struct state, listen),
      "Listen there (default: " DEFAULT_ADDRESS "); may be given several times", "ADDRESS:PORT" },
    { "certificate", 0, G_OPTION_ARG_FILENAME, offsetof(struct state, certificate),
      "Serve TLS with this certificate and its chain (PEM)", "FILE" },
    { "key", 0, G_OPTION_ARG_FILENAME, offsetof(struct state, key),
      "The certificate's private key (PEM)", "FILE" },
    { "behind-proxy", 0, G_OPTION_ARG_NONE, offsetof(struct state, behind_proxy),
      "Plain HTTP on an address that is not loopback: a proxy does TLS", NULL },
    { "trusted-proxy", 0, G_OPTION_ARG_STRING_ARRAY, offsetof(struct state, trusted_proxies),
      "Believe X-Forwarded-For of this proxy; may be given several times", "ADDRESS" },
    { "log", 0, G_OPTION_ARG_FILENAME, offsetof(struct state, log),
      "Folder of the log (default: log in the data folder, else the mirror there)", "DIR" },
    { "lock-file", 0, G_OPTION_ARG_FILENAME, offsetof(struct state, lock),
      "Database of the log's lock row, better on another volume", "FILE" },
    { "database", 0, G_OPTION_ARG_STRING, offsetof(struct state, database),
      "Share the log with other nodes: its PostgreSQL database, without a password", "URL" },
    { "advertise", 0, G_OPTION_ARG_STRING, offsetof(struct state, advertise),
      "Where the database's other nodes reach this one (default: as it listens)", "URL" },
    { "lease", 0, G_OPTION_ARG_STRING, offsetof(struct state, lease),
      "A sequencer that is silent for so long is taken over (default: 6)", "SECONDS" },
    { "intel", 0, G_OPTION_ARG_FILENAME, offsetof(struct state, intel),
      "Share indicators by TAXII 2.1, as this file says (YAML)", "FILE" },
    { "hunt-every", 0, G_OPTION_ARG_STRING, offsetof(struct state, hunt_every),
      "Search the logs that the profile names so often (default: 300), or none", "SECONDS" },
    { "ct-every", 0, G_OPTION_ARG_STRING, offsetof(struct state, ct_every),
      "Read the logs of certificates that the profile names so often (default: 600), or none",
      "SECONDS" },
    { "drill-every", 0, G_OPTION_ARG_STRING, offsetof(struct state, drill_every),
      "Look so often which recovery drills of the profile are due (default: 3600), or none",
      "SECONDS" },
    { "publish-drills", 0, G_OPTION_ARG_NONE, offsetof(struct state, publish_drills),
      "Put the signed records of these drills into the community's log", NULL },
    { "ris-live", 0, G_OPTION_ARG_STRING, offsetof(struct state, ris_live),
      "Watch the profile's prefixes and ASes in RIS Live: \"ripe\", or the URL of another",
      "ripe|URL" },
    { "bmp", 0, G_OPTION_ARG_STRING, offsetof(struct state, bmp),
      "Watch them in what routers tell by BMP, which connect there", "ADDRESS:PORT" },
    { "bmp-router", 0, G_OPTION_ARG_STRING_ARRAY, offsetof(struct state, bmp_routers),
      "A router that may; may be given several times (default: all, on loopback)", "ADDRESS" },
    { "rtr", 0, G_OPTION_ARG_STRING, offsetof(struct state, rtr),
      "Judge these routes by what this RPKI cache holds (RTR)", "HOST[:PORT]" },
    { "relationships", 0, G_OPTION_ARG_FILENAME_ARRAY, offsetof(struct state, relationships),
      "Who buys from whom (CAIDA), to tell leaks; may be given several times", "FILE" },
    { "name-servers", 0, G_OPTION_ARG_FILENAME, offsetof(struct state, name_servers),
      "Watch the prefixes of our name servers, too: lines of a name and an address", "FILE" },
    { "routes-silence", 0, G_OPTION_ARG_STRING, offsetof(struct state, routes_silence),
      "A source of routes that says nothing for so long is an alarm (default: 120)", "SECONDS" },
    { "answer-alarms", 0, G_OPTION_ARG_FILENAME_ARRAY, offsetof(struct state, recordings),
      "Say in the log whether others' public alarms on routes are seen in the recordings that a "
      "collector writes into DIR; may be given several times",
      "DIR" },
    { "answer-every", 0, G_OPTION_ARG_STRING, offsetof(struct state, answer_every),
      "Look so often for such alarms (default: 600)", "SECONDS" },
    { "rate", 0, G_OPTION_ARG_STRING, offsetof(struct state, rate),
      "Tokens that come back to a peer each second (default: 1000), or none", "N" },
    { "connections", 0, G_OPTION_ARG_STRING, offsetof(struct state, connections),
      "Connections at most (default: 2048)", "N" },
    { "peer-connections", 0, G_OPTION_ARG_STRING, offsetof(struct state, peer_connections),
      "Connections of one peer at most (default: 128), or none", "N" },
    { "cache", 0, G_OPTION_ARG_STRING, offsetof(struct state, cache),
      "Memory for hot tiles, in MiB (default: 64)", "N" },
    { "threads", 0, G_OPTION_ARG_STRING, offsetof(struct state, threads),
      "Threads for connections (default: one a core)", "N" },
    { "relay-for", 0, G_OPTION_ARG_STRING_ARRAY, offsetof(struct state, relay_for),
      "Keep sealed messages for this signatory, too, or for all; may be given several times",
      "DOMAIN" },
    { "mailbox-work", 0, G_OPTION_ARG_STRING, offsetof(struct state, mailbox_work),
      "Bits of work that a message costs who posts it (default: 16)", "N" },
    { "mailbox-size", 0, G_OPTION_ARG_STRING, offsetof(struct state, mailbox_size),
      "MiB of messages kept of one mailbox (default: 1024), 16 times as much in all", "N" },
    { "public-url", 0, G_OPTION_ARG_STRING_ARRAY, offsetof(struct state, public_urls),
      "Where others reach this node: signed requests for other names are refused; may be given "
      "several times",
      "URL" },
    { "dns-server", 0, G_OPTION_ARG_STRING, offsetof(struct state, dns),
      "Ask this server for names instead of the system's", "ADDRESS@PORT" },
    { "trust-anchor", 0, G_OPTION_ARG_FILENAME, offsetof(struct state, trust_anchor),
      "DNSSEC trust anchor instead of the system's; \"none\", with --dns-server: no DNSSEC",
      "FILE" },
    { "ca-file", 0, G_OPTION_ARG_FILENAME, offsetof(struct state, ca),
      "Trust these certificate authorities of other nodes (PEM)", "FILE" },
    { "allow-private", 0, G_OPTION_ARG_NONE, offsetof(struct state, allow_private),
      "Talk to witnesses and members at loopback and private addresses", NULL },
    { "open-metrics", 0, G_OPTION_ARG_NONE, offsetof(struct state, open_metrics),
      "Give /metrics to everybody, not only to this machine", NULL },
    { "unconfined", 0, G_OPTION_ARG_NONE, offsetof(struct state, unconfined),
      "Keep all rights of the user: for debuggers only", NULL },
    { NULL },
};

/* PEM with a NUL behind it, as file_read() leaves it. */
static gboolean read_tls(const struct state *state, struct face_options *face, GError **error)
{
    if (!state->certificate != !state->key)
        return input_error(error, "--certificate and --key belong together");
    if (!state->certificate)
        return TRUE;
    face->certificates = file_read(state->certificate, PEM_LIMIT, error);
    face->key = face->certificates ? file_read(state->key, PEM_LIMIT, error) : NULL;
    return face->key != NULL;
}

static gboolean open_listeners(const struct state *state, struct face_options *face, GError **error)
{
    static const char *const standard[] = { DEFAULT_ADDRESS, NULL };
    const char *const *texts = state->listen ? (const char *const *)state->listen : standard;

    for (; *texts; texts++) {
        struct listener *listener = listener_open(*texts, error);

        if (!listener)
            return FALSE;
        g_ptr_array_add(face->listeners, listener);
        if (!listener->loopback && !face->certificates && !state->behind_proxy)
            return policy_error(error,
                                "%s: plain HTTP would be open to the network; give --certificate "
                                "and --key, or --behind-proxy when a proxy does TLS",
                                *texts);
    }
    return TRUE;
}

/* `text` NULL leaves the number as it is; "none" is 0 where that means no limit. */
static gboolean take_number(const char *option, const char *text, gboolean may_be_none,
                            guint *number, GError **error)
{
    guint64 given;

    if (!text)
        return TRUE;
    if (may_be_none && g_str_equal(text, "none")) {
        *number = 0;
        return TRUE;
    }
    if (!g_ascii_string_to_unsigned(text, 10, 1, NUMBER_MAX, &given, NULL))
        return input_error(error, "--%s: \"%s\" is not a number from 1 to %u%s", option, text,
                           NUMBER_MAX, may_be_none ? ", nor \"none\"" : "");
    *number = given;
    return TRUE;
}

static gboolean take_numbers(const struct state *state, struct node_options *node, GError **error)
{
    struct face_limits *limits = &node->face.limits;
    guint cache = 0, mailbox_size = 0;

    if (!take_number("rate", state->rate, TRUE, &limits->rate, error) ||
        !take_number("connections", state->connections, FALSE, &limits->connections, error) ||
        !take_number("peer-connections", state->peer_connections, TRUE, &limits->peer_connections,
                     error) ||
        !take_number("cache", state->cache, FALSE, &cache, error) ||
        !take_number("threads", state->threads, FALSE, &node->face.threads, error))
        return FALSE;
    limits->burst = MAX(limits->rate, 1) * BURST_SECONDS;
    if (!take_number("mailbox-work", state->mailbox_work, FALSE, &node->mailbox_work, error))
        return FALSE;
    if (node->mailbox_work > MAILBOX_WORK_BITS_MAX)
        return input_error(error, "--mailbox-work: nobody works for more than %d bits",
                           MAILBOX_WORK_BITS_MAX);
    if (!take_number("mailbox-size", state->mailbox_size, FALSE, &mailbox_size, error))
        return FALSE;
    node->mailbox_size = (guint64)mailbox_size << MEBIBYTE_SHIFT;
    node->cache = (guint64)cache << MEBIBYTE_SHIFT;
    return TRUE;
}

static gboolean check_urls(char **urls, GError **error)
{
    for (; urls && *urls; urls++)
        if (!http_url_check(*urls, TRUE, error))
            return FALSE;
    return TRUE;
}

/* The others hand entries on to where this node says it is. */
static gboolean take_database(const struct state *state, struct node_options *node, GError **error)
{
    const struct listener *first = node->face.listeners->pdata[0];
    guint lease_s = 0;

    if (!cli_database(state->database, &node->database, error) ||
        !take_number("lease", state->lease, FALSE, &lease_s, error))
        return FALSE;
    node->lease_us = (gint64)lease_s * G_USEC_PER_SEC;
    if (!node->database)
        return (!state->advertise && !state->lease) ||
               input_error(error, "--advertise and --lease go with --database");
    if (state->log || state->lock)
        return input_error(error, "--log and --lock-file do not go with --database: the copy of "
                                  "the log is in the data folder, the lock row in the database");
    node->advertise = state->advertise;
    if (state->advertise)
        return http_url_check(state->advertise, TRUE, error);
    return (!g_str_has_prefix(first->address, ANY_IPV4) &&
            !g_str_has_prefix(first->address, ANY_IPV6)) ||
           input_error(error,
                       "--database with --listen %s takes --advertise URL: where the other "
                       "nodes reach this one",
                       first->address);
}

static int serve(const struct context *context, const struct state *state,
                 struct node_options *wanted, GError **error)
{
    g_autofree char *folder = cli_data_folder(context, error), *profile = NULL;
    g_autoptr(node_t) node = NULL;

    wanted->hunt_every_s = HUNT_EVERY_S;
    wanted->drill_every_s = DRILL_EVERY_S;
    wanted->ct_every_s = CT_EVERY_S;
    wanted->answer_every_s = ANSWER_EVERY_S;
    if (!folder ||
        !take_number("hunt-every", state->hunt_every, TRUE, &wanted->hunt_every_s, error) ||
        !take_number("ct-every", state->ct_every, TRUE, &wanted->ct_every_s, error) ||
        !take_number("answer-every", state->answer_every, TRUE, &wanted->answer_every_s, error) ||
        !take_number("drill-every", state->drill_every, TRUE, &wanted->drill_every_s, error) ||
        !take_number("routes-silence", state->routes_silence, FALSE, &wanted->routes_silence_s,
                     error) ||
        !take_numbers(state, wanted, error) || !check_urls(state->public_urls, error) ||
        !read_tls(state, &wanted->face, error) || !open_listeners(state, &wanted->face, error) ||
        !take_database(state, wanted, error))
        return EXIT_SYSTEM;
    wanted->data_folder = folder;
    wanted->profile = profile = cli_profile_path(context);
    node = node_new(wanted, error);
    return node && node_run(node, error) ? EXIT_DONE : EXIT_SYSTEM;
}

static int run(const struct context *context, void *data, char **arguments, GError **error)
{
    const struct state *state = data;
    struct node_options node = {
        .log_folder = state->log,
        .lock_file = state->lock,
        .dns_server = state->dns,
        .trust_anchor = state->trust_anchor,
        .ca_file = state->ca,
        .intel = state->intel,
        .allow_private = state->allow_private,
        .publish_drills = state->publish_drills,
        .ris_live = g_strcmp0(state->ris_live, RIPE) == 0 ? RIS_LIVE_RIPE : state->ris_live,
        .bmp = state->bmp,
        .bmp_routers = state->bmp_routers,
        .rtr = state->rtr,
        .relationships = state->relationships,
        .name_servers = state->name_servers,
        .routes_silence_s = ROUTES_SILENCE_S,
        .recordings = state->recordings,
        .open_metrics = state->open_metrics,
        .unconfined = state->unconfined,
        .quiet = context->quiet,
        .relay_for = state->relay_for,
        .public_urls = state->public_urls,
        .face = { .trusted_proxies = state->trusted_proxies, .limits = face_default_limits },
    };
    int status;

    if (arguments[0])
        return input_error(error, "serve takes options only");
    if (!state->dns && g_strcmp0(state->trust_anchor, DNS_NO_ANCHOR) == 0)
        return input_error(error, "--trust-anchor " DNS_NO_ANCHOR " is for a trial's own names, "
                                  "with --dns-server");
    node.face.listeners = g_ptr_array_new_with_free_func((GDestroyNotify)listener_free);
    status = serve(context, state, &node, error);
    g_ptr_array_unref(node.face.listeners);
    g_clear_pointer(&node.face.certificates, g_bytes_unref);
    g_clear_pointer(&node.face.key, g_bytes_unref);
    return status;
}

const struct command command_serve = {
    .name = "serve",
    .summary = "Run the node: log, witness, register and API, for as long as it is not stopped",
    .arguments = "",
    .details =
        "Serves what the data folder holds: a log, a mirror of one, a witness' key. Confined to\n"
        "that folder before it reads a byte from the network. SIGTERM or Ctrl-C stops it in\n"
        "order: it accepts nothing new, ends what was begun, and publishes.\n\n"
        "Example: entente serve\n"
        "         entente serve --listen 0.0.0.0:443 --certificate chain.pem --key key.pem\n"
        "         entente serve --listen 127.0.0.1:8080 --trusted-proxy 127.0.0.1",
    .options = options,
    .state_size = sizeof(struct state),
    .run = run,
};
