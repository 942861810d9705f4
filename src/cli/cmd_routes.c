/* cmd_routes.c: the routes of the Internet, and what is wrong with them. */
#include "cli/commands.h"
#include "cli/routes_command.h"

#include "base/terminal.h"
#include "p2_internet/routes/mrt_scan.h"
#include "p2_internet/routes/route.h"

#include <stdio.h>

static const struct subcommand *const subcommands[] = {
    /* clang-format off */
    &routes_subcommand_check,
    &routes_subcommand_corroborate,
    &routes_subcommand_dump,
    &routes_subcommand_replay,
    NULL,
    /* clang-format on */
};

#define MEMBER(NAME) offsetof(struct routes_arguments, NAME)

static const struct command_option options[] = {
    { "vrp", 0, G_OPTION_ARG_FILENAME_ARRAY, MEMBER(vrps),
      "check, replay: payloads of RPKI, as validators write them; may be given several times",
      "FILE" },
    { "rtr", 0, G_OPTION_ARG_STRING, MEMBER(rtr),
      "check, replay: ask this cache for the payloads (port 323 unless given)", "HOST:PORT" },
    { "aspa", 0, G_OPTION_ARG_FILENAME_ARRAY, MEMBER(aspas),
      "check, replay: a file with ASPAs, where those of --vrp have none", "FILE" },
    { "slurm", 0, G_OPTION_ARG_FILENAME_ARRAY, MEMBER(slurms),
      "check, replay: local exceptions to the payloads (RFC 8416)", "FILE" },
    { "own", 0, G_OPTION_ARG_NONE, MEMBER(own),
      "check: only the profile's prefixes, and how well their ROAs fit; kept for assess", NULL },
    { "bgpdump", 'm', G_OPTION_ARG_NONE, MEMBER(bgpdump),
      "dump: one line a route, as bgpdump -m writes it (this is the default)", NULL },
    { "large", 'l', G_OPTION_ARG_NONE, MEMBER(large),
      "dump: large communities too, in a column behind the others", NULL },
    { "originated", 0, G_OPTION_ARG_NONE, MEMBER(originated),
      "dump: of tables, the time of each entry instead of the dump's", NULL },
    { "by-time", 0, G_OPTION_ARG_NONE, MEMBER(by_time),
      "dump: recordings of any form (MRT, BMP, RIS Live), all together in order of time; with "
      "--format json",
      NULL },
    { "prefix", 0, G_OPTION_ARG_STRING_ARRAY, MEMBER(prefixes),
      "check, dump: only routes to PREFIX, to what lies in it and to what contains it; may be "
      "given "
      "several times",
      "PREFIX" },
    { "min-peers", 0, G_OPTION_ARG_INT, MEMBER(min_peers),
      "replay: every alarm needs so many peers at least (default: what each alarm says)",
      "NUMBER" },
    { "ignore-peer", 0, G_OPTION_ARG_STRING_ARRAY, MEMBER(ignored),
      "replay: do not listen to peers of this AS; may be given several times", "AS" },
    { "relationships", 0, G_OPTION_ARG_FILENAME_ARRAY, MEMBER(relationships),
      "replay: who is whose provider and peer (CAIDA as-rel), to tell leaks by; may be given "
      "several "
      "times",
      "FILE" },
    { "name-servers", 0, G_OPTION_ARG_FILENAME, MEMBER(name_servers),
      "replay: your name servers (lines of NAME ADDRESS), whose prefixes are watched, too",
      "FILE" },
    { "rfc", 0, G_OPTION_ARG_NONE, MEMBER(by_rfc),
      "dump: what the bytes mean by the RFCs where bgpdump errs", NULL },
    { "alarm", 0, G_OPTION_ARG_STRING_ARRAY, MEMBER(alarms),
      "corroborate: this alarm, by its index or hash in the log; may be given several times",
      "ENTRY" },
    { "all", 0, G_OPTION_ARG_NONE, MEMBER(all),
      "corroborate: all that others published within 30 days, 32 at most", NULL },
    { "publish", 0, G_OPTION_ARG_NONE, MEMBER(publish),
      "corroborate: say in the log what was found", NULL },
    { "yes", 'y', G_OPTION_ARG_NONE, MEMBER(ceremony.yes), "corroborate: sign without asking",
      NULL },
    { "key", 0, G_OPTION_ARG_FILENAME_ARRAY, MEMBER(ceremony.keys),
      "corroborate: sign with this private key", "FILE" },
    { "passphrase-file", 0, G_OPTION_ARG_FILENAME, MEMBER(ceremony.passphrase_file),
      "corroborate: take the passphrase from the first line of FILE (or ENTENTE_PASSPHRASE_FILE)",
      "FILE" },
    { "allow-private", 0, G_OPTION_ARG_NONE, MEMBER(ceremony.allow_private),
      "corroborate: the node may have a private address, and plain http", NULL },
    { "threads", 0, G_OPTION_ARG_INT, MEMBER(threads),
      "check, dump: threads that parse (default: as many as processors)", "NUMBER" },
    { NULL },
};

struct route_filter *routes_filter(const struct routes_arguments *given, GError **error)
{
    g_autoptr(route_filter_t) filter = route_filter_new();

    for (char **text = given->prefixes; text && *text; text++) {
        struct ip_prefix prefix;

        if (!ip_prefix_parse(*text, &prefix, error)) {
            g_prefix_error(error, "--prefix: ");
            return NULL;
        }
        route_filter_add(filter, &prefix);
    }
    route_filter_ready(filter);
    return g_steal_pointer(&filter);
}

void routes_problem(const char *file, gboolean has_offset, guint64 offset, const char *problem,
                    gpointer unused)
{
    g_autofree char *name = terminal_escape(file), *text = terminal_escape(problem);

    (void)unused;
    if (has_offset)
        fprintf(stderr, "entente: %s: byte %" G_GUINT64_FORMAT ": %s\n", name, offset, text);
    else
        fprintf(stderr, "entente: %s: %s\n", name, text);
}

int routes_read_status(const struct mrt_scan_summary *summary)
{
    if (summary->unopened)
        return EXIT_SYSTEM;
    return summary->problems ? EXIT_INPUT : EXIT_DONE;
}

const struct command command_routes = {
    .name = "routes",
    .summary = "Read and check what BGP says of the Internet's routes",
    .arguments =
        "check --vrp FILE|--rtr HOST:PORT MRT... | corroborate --all|--alarm ENTRY FILE... | "
        "dump [-m] [-l] FILE... | replay FILE...",
    .formats = "text, json",
    .details =
        "check    whether RPKI authorises the origins of routes, whether paths leak (ASPA, "
        "OTC), and\n"
        "         what is nobody's: special prefixes, reserved AS numbers\n"
        "corroborate  whether these files show the routes that others published alarms about: "
        "I see it, too\n"
        "dump     MRT files (also gz, zst, bz2, xz; - for standard input) as text or JSON "
        "Lines: tables\n"
        "         and updates of collectors\n"
        "replay   the alarms that these files would have raised for the profile's prefixes and "
        "AS\n"
        "         numbers: hijacks, leaks, RPKI, loss of visibility, silence\n\n"
        "Example: entente routes dump rib.20240914.gz\n"
        "         entente routes dump --format json --prefix 192.0.2.0/24 updates.gz\n"
        "         entente routes check --vrp vrps.json rib.20240914.gz\n"
        "         entente routes corroborate --all --publish updates.gz\n"
        "         entente routes replay --profile entente.yaml --vrp vrps.json rib.gz updates.gz",
    .options = options,
    .state_size = sizeof(struct routes_arguments),
    .subcommands = subcommands,
};
