/* cmd_intel.c: exchanging what is known about attacks with those who need it. */
#include "cli/commands.h"
#include "cli/intel_command.h"

static const struct subcommand *const subcommands[] = {
    /* clang-format off */
    &intel_pull,
    &intel_push,
    &intel_sightings,
    &intel_token,
    NULL,
    /* clang-format on */
};

#define MEMBER(NAME) offsetof(struct intel_arguments, NAME)

static const struct command_option options[] = {
    { "table", 't', G_OPTION_ARG_FILENAME_ARRAY, MEMBER(tables),
      "sightings: a table that the hunt was made with; several answer as one", "FILE" },
    { "to", 0, G_OPTION_ARG_STRING, MEMBER(to),
      "sightings: who gets them: a source, a signatory, or \"public\" (default: own use)", "WHO" },
    { "named", 0, G_OPTION_ARG_STRING_ARRAY, MEMBER(named),
      "sightings: who may have AMBER+STRICT and RED, by name; may be given several times", "WHO" },
    { "ceiling", 0, G_OPTION_ARG_STRING, MEMBER(ceiling),
      "sightings: nothing stricter goes to the recipient (default: red)", "LEVEL" },
    { "tlp", 0, G_OPTION_ARG_STRING, MEMBER(tlp),
      "sightings: their level, at least (default: amber)", "LEVEL" },
    { "anonymous", 0, G_OPTION_ARG_NONE, MEMBER(anonymous),
      "sightings: say only which kind of organisation saw it", NULL },
    { "misp", 0, G_OPTION_ARG_NONE, MEMBER(misp),
      "sightings: of MISP attributes, as MISP takes them; pull: URL is a feed of MISP", NULL },
    { "false-positives", 0, G_OPTION_ARG_NONE, MEMBER(false_positives),
      "sightings: report the hits that warning lists suppressed, as false positives", NULL },
    { "observed", 0, G_OPTION_ARG_NONE, MEMBER(observed),
      "sightings: also which values of an indicator were seen, as observed data", NULL },
    { "partial", 0, G_OPTION_ARG_NONE, MEMBER(partial),
      "sightings: also of patterns that ask for more than the value that was seen", NULL },
    { "url", 0, G_OPTION_ARG_STRING, MEMBER(url),
      "push: the API root of a TAXII server, or a collection there", "URL" },
    { "collection", 0, G_OPTION_ARG_STRING, MEMBER(collection),
      "pull, push: id or alias of the collection below the API root", "NAME" },
    { "store", 0, G_OPTION_ARG_STRING, MEMBER(store),
      "pull, push: a collection of this node instead: its alias or UUID", "NAME" },
    { "misp-feed", 0, G_OPTION_ARG_FILENAME, MEMBER(misp_feed),
      "push: write events into this folder, as a feed of MISP", "DIR" },
    { "match", 0, G_OPTION_ARG_STRING_ARRAY, MEMBER(match),
      "pull: only objects of this id, type, version or spec_version (type=indicator,malware)",
      "FIELD=VALUES" },
    { "added-after", 0, G_OPTION_ARG_STRING, MEMBER(added_after),
      "pull: begin behind this moment instead of where the last pull ended", "TIME" },
    { "page", 0, G_OPTION_ARG_STRING, MEMBER(page),
      "pull: objects of one page at most (default: as the server likes)", "N" },
    { "user", 0, G_OPTION_ARG_STRING, MEMBER(user),
      "pull, push: who asks, by HTTP Basic (without it, the token is sent as Bearer)", "NAME" },
    { "token-file", 0, G_OPTION_ARG_FILENAME, MEMBER(token_file),
      "pull, push: holds the password or token", "FILE" },
    { "key", 0, G_OPTION_ARG_FILENAME, MEMBER(key),
      "pull, push: sign requests with this key instead (nodes of Entente)", "FILE" },
    { "ca-file", 0, G_OPTION_ARG_FILENAME, MEMBER(ca),
      "pull, push: trust these certificate authorities (PEM)", "FILE" },
    { "allow-private", 0, G_OPTION_ARG_NONE, MEMBER(allow_private),
      "pull, push: also http:// and addresses that are not public", NULL },
    { NULL },
};

const struct command command_intel = {
    .name = "intel",
    .summary = "Exchange indicators and sightings, as far as TLP allows",
    .arguments = "pull URL -o FOLDER | push FILE... --url URL | sightings --table TABLE HITS... | "
                 "token",
    .details =
        "pull       fetch what is new at a TAXII 2.1 server or in a feed of MISP (--misp).\n"
        "push       send STIX objects to a TAXII 2.1 server, or write MISP events as a feed.\n"
        "token      make a token for a reader of this node (serve --intel).\n"
        "sightings  tell who shared an indicator that it was seen: how often, when, by whom, and\n"
        "           nothing about the log. HITS are what entente hunt scan --format json wrote.\n\n"
        "What TLP does not allow to leave is refused, said, and kept in the journal (exit 4).\n\n"
        "Example: entente hunt scan --table intel.table --format json /var/log > hits.jsonl\n"
        "         entente intel sightings --table intel.table --to cert.example hits.jsonl",
    .options = options,
    .state_size = sizeof(struct intel_arguments),
    .subcommands = subcommands,
};
