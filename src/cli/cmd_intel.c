/* cmd_intel.c: exchanging what is known about attacks with those who need it. */
#include "base/error.h"
#include "base/uuid.h"
#include "cli/commands.h"
#include "cli/intel_command.h"
#include "cli/registry.h"

#include <stdio.h>

static const struct subcommand *const subcommands[] = {
    /* clang-format off */
    &intel_commit,
    &intel_open,
    &intel_pull,
    &intel_push,
    &intel_sightings,
    &intel_token,
    NULL,
    /* clang-format on */
};

char *intel_identity(const struct profile *profile)
{
    g_autofree char *seed = NULL, *uuid = NULL;

    if (!profile->signatory.name)
        return NULL;
    seed = g_strdup_printf("stix identity\n%s", profile->signatory.name);
    uuid = uuid_from_name(seed);
    return g_strconcat("identity--", uuid, NULL);
}

gboolean intel_knows(const struct context *context, const char *who, GError **error)
{
    static const struct registry_options community = { 0 };
    g_autofree char *data = cli_data_folder(context, error), *id = NULL;
    g_autoptr(registry_t) registry = NULL;

    if (!data)
        return FALSE;
    if (g_str_equal(who, INTEL_PUBLIC) || !community_exists(data))
        return TRUE;
    registry = registry_open(context, &community, error);
    if (!registry)
        return FALSE;
    id = register_id(registry->reg, who, NULL);
    return id || input_error(error,
                             "--to \"%s\": is no source of these indicators and no signatory of "
                             "the community (see: entente signatory list)",
                             who);
}

gboolean intel_level(const char *text, enum tlp fallback, enum tlp *level, GError **error)
{
    *level = fallback;
    return !text || tlp_parse(text, level) ||
           input_error(error, "\"%s\" is no level: clear, green, amber, amber+strict or red", text);
}

gboolean intel_refusals(const struct egress *egress, const char *what)
{
    gboolean refused = FALSE;

    for (guint i = EGRESS_PASS + 1; i < EGRESS_VERDICTS; i++) {
        const guint64 count = egress_count(egress, i);

        refused |= count > 0;
        if (count)
            fprintf(stderr, "%" G_GUINT64_FORMAT " %s: %s (%s)\n", count, what,
                    egress_verdict_text(i), egress_verdict_name(i));
    }
    return refused;
}

#define MEMBER(NAME) offsetof(struct intel_arguments, NAME)

static const struct command_option options[] = {
    { "table", 't', G_OPTION_ARG_FILENAME_ARRAY, MEMBER(tables),
      "sightings: a table that the hunt was made with; several answer as one", "FILE" },
    { "to", 0, G_OPTION_ARG_STRING, MEMBER(to),
      "sightings, push, open: who gets them: a source, a signatory, or \"public\"", "WHO" },
    { "named", 0, G_OPTION_ARG_STRING_ARRAY, MEMBER(named),
      "sightings, push, open: who may have AMBER+STRICT and RED, by name; may be repeated", "WHO" },
    { "ceiling", 0, G_OPTION_ARG_STRING, MEMBER(ceiling),
      "sightings, push, open: nothing stricter goes to the recipient (default: red)", "LEVEL" },
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
    { "database", 0, G_OPTION_ARG_STRING, MEMBER(database),
      "pull, push: with --store: the node's database (serve --database), without a password",
      "URL" },
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
      "pull, push: sign requests with this key instead (nodes of Entente); commit: sign with it",
      "FILE" },
    { "passphrase-file", 0, G_OPTION_ARG_FILENAME, MEMBER(passphrase_file),
      "commit: holds the passphrase of the key", "FILE" },
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
                 "token | commit FILE... -o STATEMENT | open STATEMENT ID... --to WHO",
    .details =
        "pull       fetch what is new at a TAXII 2.1 server or in a feed of MISP (--misp).\n"
        "push       send STIX objects to a TAXII 2.1 server, or write MISP events as a feed.\n"
        "token      make a token for a reader of this node (serve --intel).\n"
        "sightings  tell who shared an indicator that it was seen: how often, when, by whom, and\n"
        "           nothing about the log. HITS are what entente hunt scan --format json wrote.\n"
        "commit     sign how many STIX objects of which types you hold, each by its salted digest\n"
        "           only, for the public log (entente publish).\n"
        "open       show single objects of such a statement to who may see them.\n\n"
        "What TLP does not allow to leave is refused, said, and kept in the journal (exit 4).\n\n"
        "Example: entente hunt scan --table intel.table --format json /var/log > hits.jsonl\n"
        "         entente intel sightings --table intel.table --to cert.example hits.jsonl",
    .options = options,
    .state_size = sizeof(struct intel_arguments),
    .subcommands = subcommands,
};
