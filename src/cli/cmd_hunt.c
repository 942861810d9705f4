/* cmd_hunt.c: looking for indicators of compromise in logs and captures. */
#include "cli/commands.h"
#include "cli/hunt_command.h"

static const struct subcommand *const subcommands[] = {
    /* clang-format off */
    &hunt_subcommand_build,
    &hunt_subcommand_explain,
    &hunt_subcommand_install,
    &hunt_subcommand_open,
    &hunt_subcommand_pcap,
    &hunt_subcommand_recheck,
    &hunt_subcommand_retro,
    &hunt_subcommand_scan,
    NULL,
    /* clang-format on */
};

#define MEMBER(NAME) offsetof(struct hunt_arguments, NAME)

static const struct command_option options[] = {
    { "table", 't', G_OPTION_ARG_FILENAME_ARRAY, MEMBER(tables),
      "explain, pcap, recheck, retro, scan: a table that entente hunt build made; several answer "
      "as one",
      "FILE" },
    { "source", 0, G_OPTION_ARG_STRING, MEMBER(source),
      "build: name of the source, instead of the author's or the file's", "NAME" },
    { "tlp", 0, G_OPTION_ARG_STRING, MEMBER(tlp),
      "build: level of what carries no marking (default: amber)", "LEVEL" },
    { "warning-list", 0, G_OPTION_ARG_FILENAME_ARRAY, MEMBER(warning_lists),
      "build: suppress hits on what this list (or folder of lists) has; may be given several times",
      "FILE" },
    { "no-known-warnings", 0, G_OPTION_ARG_NONE, MEMBER(no_known_warnings),
      "build: do not suppress private addresses and digests of the empty file", NULL },
    { "include-non-ids", 0, G_OPTION_ARG_NONE, MEMBER(include_non_ids),
      "build: also what its source does not mean for detection (MISP to_ids false)", NULL },
    { "all-text", 0, G_OPTION_ARG_NONE, MEMBER(all_text),
      "build: from running text, also names and addresses that are not defanged", NULL },
    { "force", 0, G_OPTION_ARG_NONE, MEMBER(force),
      "build: also networks wider than /8 (IPv4) or /16 (IPv6)", NULL },
    { "threads", 0, G_OPTION_ARG_INT, MEMBER(threads),
      "retro, scan: threads that scan (default: as many as processors)", "NUMBER" },
    { "at", 0, G_OPTION_ARG_STRING, MEMBER(at),
      "pcap, scan: only indicators valid at this time, or \"line\": when the packet was captured, "
      "or the line written",
      "TIME" },
    { "context", 0, G_OPTION_ARG_NONE, MEMBER(context),
      "scan: the whole log lines too, which may hold people's data", NULL },
    { "defanged", 0, G_OPTION_ARG_NONE, MEMBER(defanged),
      "scan: also what is written so that nobody clicks on it (evil[.]example)", NULL },
    { "fields", 0, G_OPTION_ARG_STRING, MEMBER(fields),
      "scan: only these columns of Zeek logs and CSV, and members of JSON lines: id.resp_h,query",
      "NAMES" },
    { "utf16", 0, G_OPTION_ARG_NONE, MEMBER(utf16),
      "scan: also UTF-16 without a byte order mark; with one it is known", NULL },
    { "sign", 0, G_OPTION_ARG_FILENAME, MEMBER(sign),
      "scan: sign where was looked, with what, and how much was found; what was, stays here",
      "FILE" },
    { "key", 0, G_OPTION_ARG_FILENAME, MEMBER(key),
      "scan: sign with this private key instead of the default one", "FILE" },
    { "passphrase-file", 0, G_OPTION_ARG_FILENAME, MEMBER(passphrase_file),
      "scan: take the key's passphrase from the first line of FILE (or ENTENTE_PASSPHRASE_FILE)",
      "FILE" },
    { "show-suppressed", 0, G_OPTION_ARG_NONE, MEMBER(show_suppressed),
      "pcap, scan: also hits that a warning list suppresses", NULL },
    { "values", 0, G_OPTION_ARG_NONE, MEMBER(values),
      "pcap: every distinct value that the captures hold, also without a table", NULL },
    { NULL },
};

const struct command command_hunt = {
    .name = "hunt",
    .summary = "Look for indicators of compromise in logs and captures",
    .arguments =
        "build -o TABLE FEED... | explain --table TABLE VALUE... | scan --table TABLE PATH... | "
        "pcap --table TABLE PATH... | open STATEMENT FILE... | recheck STATEMENT --table TABLE "
        "PATH... | retro",
    .formats = "text, json, html",
    .details =
        "build    compile feeds into a table: STIX bundles, MISP events and feeds, CSV, lists,\n"
        "         hosts files, Zeek and Suricata lists, reports with defanged indicators\n"
        "explain  who asserts a value, since when, how sure, and how far it may go\n"
        "install  check a table that was built elsewhere, and put it in place of an older one\n"
        "pcap     find what the table lists in captures (pcap, pcapng, also packed): addresses, "
        "DNS,\n"
        "         TLS and QUIC server names, HTTP hosts and URLs\n"
        "open     of a signed hunt, what was read and found in some of its files, for a reviewer\n"
        "recheck  repeat a signed hunt over some of its files, and compare\n"
        "retro    search the profile's logs for what is new in them, and all of them for "
        "indicators\n"
        "         that are new; a hit opens an alarm\n"
        "scan     find what the table lists in logs: files (also gz, zst, bz2, xz), folders, or - "
        "\n"
        "         for standard input\n\n"
        "Example: entente hunt build -o intel.table feeds/ report.txt\n"
        "         entente hunt explain --table intel.table 203.0.113.7\n"
        "         entente hunt scan --table intel.table /var/log",
    .options = options,
    .state_size = sizeof(struct hunt_arguments),
    .subcommands = subcommands,
};
