/* cmd_join.c: enters a community whose policy, or its hash, was given out of band. */
#include "base/clock.h"
#include "base/file.h"
#include "base/terminal.h"
#include "cli/commands.h"
#include "cli/network.h"
#include "community/endorsement.h"
#include "log/receipt.h"
#include "statement/base64.h"
#include "statement/intoto.h"
#include "statement/key_file.h"
#include "statement/key_import.h"
#include "statement/key_store.h"

#include <stdio.h>
#include <string.h>

#define ROOT_KEY "root"
#define KEYS_MODE 0700
#define ENVELOPE_MODE 0644
#define ENVELOPE_LIMIT 65535
#define ISSUER_DAYS 365
#define ALL_PRINCIPLES ((1u << PREDICATE_PRINCIPLES) - 1)

struct state {
    char *node, *policy, *hash, *principles, *passphrase_file, *ca;
    gboolean reviewer, dry_run, renew, allow_private;
};

/* Who joins, with what. */
struct entrant {
    char *data;
    struct profile *profile;
    struct signing_key *root, *issuer;
    struct root_keys root_keys;
    struct endorsement endorsement;
};

static void entrant_clear(struct entrant *entrant)
{
    g_free(entrant->data);
    g_clear_pointer(&entrant->profile, profile_free);
    g_clear_pointer(&entrant->root, signing_key_free);
    g_clear_pointer(&entrant->issuer, signing_key_free);
    root_keys_clear(&entrant->root_keys);
}
typedef struct entrant entrant_t;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(entrant_t, entrant_clear)

/* --- the policy --- */

static struct community_policy *policy_of_file(const char *path, GError **error)
{
    g_autoptr(GBytes) bytes = file_read(path, COMMUNITY_POLICY_LIMIT, error);

    return bytes ? community_policy_parse(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes),
                                          path, error)
                 : NULL;
}

static struct community_policy *policy_of_entry(GBytes *entry, const char *node, GError **error)
{
    g_autoptr(dsse_t) envelope =
        dsse_parse(g_bytes_get_data(entry, NULL), g_bytes_get_size(entry), "entry 0", error);
    g_autoptr(json_t) statement = envelope ? intoto_read(envelope->payload, error) : NULL;

    if (!statement)
        return NULL;
    if (g_strcmp0(intoto_predicate_type(statement), PREDICATE_POLICY) != 0) {
        policy_error(error, "%s: its log does not begin with a policy", node);
        return NULL;
    }
    return community_policy_read(intoto_predicate(statement), error);
}

/*
 * The first entry of the node's log is the genesis policy, if the node is what it should be.
 * Nothing that it says is believed: the caller compares the hash.
 */
static struct community_policy *policy_of_node(const char *node, const struct http_options *http,
                                               GError **error)
{
    g_autoptr(log_reader_t) reader = log_reader_new(log_source_http(node, http));
    g_autoptr(note_t) note = log_reader_checkpoint(reader, error);
    g_autoptr(checkpoint_t) checkpoint = NULL;
    g_autoptr(GBytes) entry = NULL;

    if (!note)
        return NULL;
    checkpoint =
        checkpoint_parse(g_bytes_get_data(note->text, NULL), g_bytes_get_size(note->text), error);
    if (!checkpoint)
        return NULL;
    if (checkpoint->size == 0) {
        system_error(error, "%s: its log is empty", node);
        return NULL;
    }
    if (!log_reader_trust(reader, checkpoint->size, &checkpoint->root, error))
        return NULL;
    entry = log_reader_entry(reader, 0, error);
    return entry ? policy_of_entry(entry, node, error) : NULL;
}

static struct community_policy *find_policy(const struct state *state,
                                            const struct http_options *http, GError **error)
{
    if (state->policy)
        return policy_of_file(state->policy, error);
    if (strlen(state->hash) != 2 * MERKLE_HASH_SIZE) {
        input_error(error, "--policy-hash: a hash has 64 hex digits");
        return NULL;
    }
    return policy_of_node(state->node, http, error);
}

/* --- who joins --- */

/* The key of the file, or a new one, named so. */
static struct signing_key *key_of(const struct context *context, const struct state *state,
                                  const char *data, const char *file, const char *name,
                                  GError **error)
{
    const struct passphrase_source source = { state->passphrase_file, TRUE };
    g_autofree char *path = key_store_path(data, file);
    g_autofree char *folder = g_path_get_dirname(path), *shown = terminal_escape(path);
    g_autoptr(signing_key_t) key = NULL;

    if (g_file_test(path, G_FILE_TEST_EXISTS))
        return key_import_private_file(path, name, &source, error);
    key = signing_key_generate(name, error);
    if (!key || !file_make_folder(folder, KEYS_MODE, error) ||
        !key_file_create(path, key, NULL, error))
        return NULL;
    if (!context->quiet)
        fprintf(stderr, "A key was made: %s (%s)\n", name, shown);
    return g_steal_pointer(&key);
}

static gboolean read_principles(const char *text, guint *principles, GError **error)
{
    g_auto(GStrv) words = NULL;

    *principles = text ? 0 : ALL_PRINCIPLES;
    words = g_strsplit(text ? text : "", ",", -1);
    for (char **word = words; *word; word++) {
        guint64 n;

        if (!g_ascii_string_to_unsigned(*word, 10, 1, PREDICATE_PRINCIPLES, &n, NULL))
            return input_error(error, "--principles takes numbers from 1 to %d, like 1,2,7",
                               PREDICATE_PRINCIPLES);
        *principles |= 1u << (n - 1);
    }
    return TRUE;
}

static char *issuer_name(const char *domain)
{
    g_autoptr(GDateTime) now = g_date_time_new_now_utc();
    g_autofree char *month = g_date_time_format(now, "%Y-%m");

    return g_strdup_printf("%s/issuer/%s", domain, month);
}

static gboolean read_entrant(const struct context *context, const struct state *state,
                             struct entrant *entrant, GError **error)
{
    g_autofree char *path = cli_profile_path(context);
    g_autofree char *root_name = NULL, *issuer = NULL;

    entrant->data = cli_data_folder(context, error);
    if (!entrant->data)
        return FALSE;
    if (!path)
        return input_error(error, "an endorsement needs a profile: \"entente init\" makes one");
    entrant->profile = profile_load(path, error);
    if (!entrant->profile || !endorsement_check(&entrant->profile->signatory, error))
        return FALSE;
    root_name = g_strconcat(entrant->profile->signatory.domain, "/root", NULL);
    issuer = issuer_name(entrant->profile->signatory.domain);
    entrant->root = key_of(context, state, entrant->data, ROOT_KEY, root_name, error);
    if (!entrant->root)
        return FALSE;
    entrant->issuer = key_of(context, state, entrant->data, KEY_STORE_DEFAULT, issuer, error);
    if (!entrant->issuer)
        return FALSE;
    entrant->root_keys.threshold = 1;
    entrant->root_keys.keys = g_ptr_array_new_with_free_func((GDestroyNotify)public_key_free);
    g_ptr_array_add(entrant->root_keys.keys, public_key_copy(entrant->root->public));
    entrant->endorsement = (struct endorsement){ .signatory = &entrant->profile->signatory,
                                                 .root = &entrant->root_keys,
                                                 .reviewer = state->reviewer };
    return read_principles(state->principles, &entrant->endorsement.principles, error);
}

/* --- what is signed --- */

static void show(const struct entrant *entrant, const struct community_policy *policy)
{
    const struct signatory *who = entrant->endorsement.signatory;
    g_autofree char *id = endorsement_id(&entrant->root_keys);
    g_autofree char *hash = hex_encode(policy->hash, sizeof policy->hash);
    g_autofree char *name = terminal_escape(who->name), *origin = terminal_escape(policy->origin);
    g_autofree char *root = public_key_text(entrant->root->public);
    g_autofree char *issuer = public_key_text(entrant->issuer->public);

    fprintf(stderr,
            "%s endorses the Paris Call for Trust and Security in Cyberspace:\n"
            "  signatory    %s (%s, %s)\n  group        %s, self-declared until others attest it\n"
            "  principles  ",
            name, name, who->domain, who->country, group_name(who->group));
    for (guint n = 1; n <= PREDICATE_PRINCIPLES; n++)
        if (entrant->endorsement.principles & 1u << (n - 1))
            fprintf(stderr, " %u", n);
    fprintf(stderr,
            "\n  log          %s, policy %s\n  id           %s\n  root key     %s\n"
            "and delegates for %d days:\n  issuer key   %s\n"
            "Show that %s is yours, by one of:\n"
            "  DNS          _entente.%s TXT \"entente=%s\"\n"
            "  web          https://%s/.well-known/entente.json  {\"entente\": \"%s\"}\n",
            origin, hash, id, root, ISSUER_DAYS, issuer, who->domain, who->domain, id, who->domain,
            id);
}

/* A statement made before is submitted again as it is: the log knows it by its bytes. */
static GBytes *kept_entry(const char *path, GError **error)
{
    g_autoptr(GBytes) bytes = file_read(path, ENVELOPE_LIMIT, error);
    g_autoptr(dsse_t) envelope =
        bytes ? dsse_parse(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), path, error)
              : NULL;

    return envelope ? community_entry(envelope, error) : NULL;
}

static GBytes *make_entry(const struct entrant *entrant, const char *path, struct dsse *taken,
                          GError **error)
{
    g_autoptr(dsse_t) envelope = taken;
    g_autoptr(GBytes) entry = NULL;

    if (!envelope)
        return NULL;
    dsse_sign(envelope, entrant->root);
    entry = community_entry(envelope, error);
    if (!entry || !file_write(path, g_bytes_get_data(entry, NULL), g_bytes_get_size(entry),
                              ENVELOPE_MODE, error))
        return NULL;
    return g_steal_pointer(&entry);
}

static GBytes *endorse(const struct state *state, const struct entrant *entrant, const char *origin,
                       GError **error)
{
    g_autofree char *path =
        g_build_filename(entrant->data, "community", "endorsement.dsse.json", NULL);

    if (!state->renew && g_file_test(path, G_FILE_TEST_EXISTS))
        return kept_entry(path, error);
    return make_entry(entrant, path,
                      endorsement_envelope(&entrant->endorsement, origin, clock_now_us(), error),
                      error);
}

static GBytes *delegate(const struct state *state, const struct entrant *entrant,
                        const char *origin, GError **error)
{
    g_autofree char *path =
        g_build_filename(entrant->data, "community", "delegation.dsse.json", NULL);
    g_autofree char *issuer = public_key_text(entrant->issuer->public);

    if (!state->renew && g_file_test(path, G_FILE_TEST_EXISTS))
        return kept_entry(path, error);
    return make_entry(entrant, path,
                      delegation_envelope(&entrant->endorsement, origin, issuer, "issuer",
                                          ISSUER_DAYS, clock_now_us(), error),
                      error);
}

static gboolean submit(const struct context *context, const struct state *state,
                       struct entrant *entrant, struct community *community,
                       const struct http_options *http, GError **error)
{
    const char *origin = community_genesis(community)->origin;
    g_autoptr(GBytes) endorsement = endorse(state, entrant, origin, error);
    g_autoptr(GBytes) delegation = endorsement ? delegate(state, entrant, origin, error) : NULL;
    g_auto(submitted_t) first = { 0 }, second = { 0 };

    return delegation &&
           cli_submit(context, community, http, "endorsement", endorsement, &first, error) &&
           cli_submit(context, community, http, "delegation", delegation, &second, error);
}

static int run(const struct context *context, void *data, char **arguments, GError **error)
{
    const struct state *state = data;
    const struct http_options http = cli_http(state->allow_private, state->ca);
    g_autoptr(community_policy_t) policy = NULL;
    g_autoptr(community_t) community = NULL;
    g_auto(entrant_t) entrant = { 0 };
    g_auto(community_state_t) now = { 0 };
    g_autofree char *hash = NULL;

    if (arguments[0])
        return input_error(error, "join takes no argument: give --node URL");
    if (!state->node || (!state->policy && !state->hash))
        return input_error(error, "join takes --node URL, and --policy FILE or --policy-hash HASH: "
                                  "as given out of band, never by the node itself");
    if (!http_url_check(state->node, http.allow_plain, error))
        return EXIT_INPUT;
    policy = find_policy(state, &http, error);
    if (!policy)
        return EXIT_SYSTEM;
    hash = hex_encode(policy->hash, sizeof policy->hash);
    if (state->hash && g_ascii_strcasecmp(state->hash, hash) != 0)
        return policy_error(error,
                            "the policy has the hash %s, not the %s that was given: nothing "
                            "was joined",
                            hash, state->hash);
    if (!read_entrant(context, state, &entrant, error))
        return EXIT_INPUT;
    if (!context->quiet || state->dry_run)
        show(&entrant, policy);
    if (state->dry_run)
        return EXIT_DONE;
    if (!community_adopt(entrant.data, policy, state->hash, state->node, error))
        return EXIT_POLICY;
    community = community_open(entrant.data, error);
    /* Whom we hand our endorsement is judged first. */
    if (!community || !community_update(community, &http, FRESHNESS_DEMANDED, &now, error) ||
        !submit(context, state, &entrant, community, &http, error))
        return EXIT_SYSTEM;
    return EXIT_DONE;
}

static const struct command_option options[] = {
    { "node", 0, G_OPTION_ARG_STRING, offsetof(struct state, node), "A node of the community",
      "URL" },
    { "policy", 0, G_OPTION_ARG_FILENAME, offsetof(struct state, policy),
      "The genesis policy, as given out of band", "FILE" },
    { "policy-hash", 0, G_OPTION_ARG_STRING, offsetof(struct state, hash),
      "Its hash, as given out of band: the node's policy must have it", "HASH" },
    { "principles", 0, G_OPTION_ARG_STRING, offsetof(struct state, principles),
      "Endorse these principles only (default: all nine)", "1,2,..." },
    { "reviewer", 0, G_OPTION_ARG_NONE, offsetof(struct state, reviewer),
      "Be willing to review others' assessments when drawn by lot", NULL },
    { "renew", 0, G_OPTION_ARG_NONE, offsetof(struct state, renew),
      "Make and sign the statements anew instead of submitting those made before", NULL },
    { "dry-run", 'n', G_OPTION_ARG_NONE, offsetof(struct state, dry_run),
      "Only show what would be signed (keys are made when missing)", NULL },
    { "passphrase-file", 0, G_OPTION_ARG_FILENAME, offsetof(struct state, passphrase_file),
      "Take the keys' passphrase from the first line of FILE (or ENTENTE_PASSPHRASE_FILE)",
      "FILE" },
    { "allow-private", 0, G_OPTION_ARG_NONE, offsetof(struct state, allow_private),
      "Also ask by http:// and at addresses that are not public", NULL },
    { "ca", 0, G_OPTION_ARG_FILENAME, offsetof(struct state, ca),
      "Trust these certificates (PEM) instead of the system's", "FILE" },
    { NULL },
};

const struct command command_join = {
    .name = "join",
    .summary = "Endorse the Call in a community, with the signatory's own keys",
    .arguments = "--node URL (--policy FILE | --policy-hash HASH)",
    .details =
        "Shows what is signed, and what to publish so that the node can see that the domain is\n"
        "yours. Needs the policy or its hash; nothing about it is learnt from the node. Run it\n"
        "again after the DNS record or the file is there: the same statements are submitted.\n\n"
        "Example: entente join --node https://node.example --policy-hash 3b9f...",
    .options = options,
    .state_size = sizeof(struct state),
    .run = run,
};
