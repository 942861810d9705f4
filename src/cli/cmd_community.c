/* cmd_community.c: makes a community (its log and genesis policy), shows the one this machine is
 * in. */
#include "base/clock.h"
#include "base/file.h"
#include "base/terminal.h"
#include "base/yaml.h"
#include "cli/commands.h"
#include "cli/database.h"
#include "cli/network.h"
#include "cli/succession.h"
#include "log/commit_database.h"
#include "log/log_database.h"
#include "log/writer.h"
#include "statement/base64.h"
#include "statement/dsse.h"
#include "statement/intoto.h"
#include "statement/key_file.h"
#include "statement/key_import.h"
#include "statement/key_store.h"

#include <stdio.h>
#include <string.h>

#define LOG_KEY "log"
#define KEYS_MODE 0700
#define INIT_LEASE_US (30 * G_USEC_PER_SEC)

struct state {
    char *database;
    char *origin, *policy, *succeeds, *reason, *passphrase_file, *ca;
    gboolean update, allow_stale, allow_private;
};

/* --- init --- */

/* The key that is there, or a new one, which keep_log_key() writes when all else is right. */
static struct signing_key *log_key(const struct state *state, const char *data, GError **error)
{
    const struct passphrase_source source = { state->passphrase_file, TRUE };
    g_autofree char *path = key_store_path(data, LOG_KEY);
    g_autoptr(signing_key_t) key = NULL;

    if (g_file_test(path, G_FILE_TEST_EXISTS)) {
        key = key_import_private_file(path, state->origin, &source, error);
        if (key && !g_str_equal(key->public->name, state->origin)) {
            policy_error(error, "%s: is the key of the log \"%s\"; a new origin takes a new key",
                         path, key->public->name);
            return NULL;
        }
        return g_steal_pointer(&key);
    }
    return signing_key_generate(state->origin, error);
}

static gboolean keep_log_key(const char *data, const struct signing_key *key, GError **error)
{
    g_autofree char *path = key_store_path(data, LOG_KEY);
    g_autofree char *folder = g_path_get_dirname(path);

    return g_file_test(path, G_FILE_TEST_EXISTS) ||
           (file_make_folder(folder, KEYS_MODE, error) && key_file_create(path, key, NULL, error));
}

/* Puts into the policy what goes without saying: the origin, and the log's key. */
static struct community_policy *read_policy(const struct state *state,
                                            const struct signing_key *key, GError **error)
{
    g_autoptr(GBytes) bytes = file_read(state->policy, COMMUNITY_POLICY_LIMIT, error);
    g_autoptr(json_t) value = NULL;
    g_autofree char *vkey = public_key_text(key->public), *text = NULL;
    const char *log;

    if (!bytes)
        return NULL;
    value = yaml_parse(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes),
                       COMMUNITY_POLICY_LIMIT, state->policy, error);
    if (!value)
        return NULL;
    log = json_text(value, "log");
    if (!json_is_object(value) || (log && !g_str_equal(log, state->origin))) {
        input_error(error, "%s: it is not a policy of the log \"%s\"", state->policy,
                    state->origin);
        return NULL;
    }
    json_object_set_new(value, "log", json_string(state->origin));
    if (json_array_size(json_object_get(value, "log_keys")) == 0)
        json_object_set_new(value, "log_keys", json_pack("[s]", vkey));
    text = json_pretty(value);
    return community_policy_parse(text, strlen(text), state->policy, error);
}

static gboolean is_log_key(const struct community_policy *policy, const struct signing_key *key)
{
    for (guint i = 0; i < policy->log_keys->len; i++) {
        const struct note_key *listed = policy->log_keys->pdata[i];

        if (memcmp(listed->bytes, key->public->bytes, sizeof listed->bytes) == 0)
            return TRUE;
    }
    return FALSE;
}

static GBytes *genesis_entry(const struct community_policy *policy, const struct signing_key *key,
                             GError **error)
{
    g_autofree char *hash = hex_encode(policy->hash, sizeof policy->hash);
    g_autoptr(GBytes) payload =
        intoto_build(policy->origin, hash, PREDICATE_POLICY, policy->predicate, error);
    g_autoptr(dsse_t) envelope = payload ? dsse_new(INTOTO_PAYLOAD_TYPE, payload) : NULL;

    if (!envelope)
        return NULL;
    dsse_sign(envelope, key);
    return community_entry(envelope, error);
}

/* The row of the log in a database that nodes will share; this command sequences for a moment. */
static struct commit_log *open_database(const char *url, const char *folder, const char *origin,
                                        guint64 *epoch, GError **error)
{
    struct commit_database_options options = { .url = url, .folder = folder, .origin = origin };
    g_autofree char *begun = g_build_filename(folder, "applied", NULL);
    g_autoptr(store_t) store = log_database_open(url, error);

    if (!store ||
        (!g_file_test(begun, G_FILE_TEST_EXISTS) && !log_database_create(store, origin, error)) ||
        !log_lease_take(store, origin, "", INIT_LEASE_US, epoch, error))
        return NULL;
    if (!*epoch) {
        policy_error(error, "another process is making the log %s at this moment", origin);
        return NULL;
    }
    options.epoch = *epoch;
    return commit_database_open(&options, error);
}

static struct log_writer *open_log(const char *database, const char *folder,
                                   const struct signing_key *key, guint64 *epoch, GError **error)
{
    g_autofree char *checkpoint = g_build_filename(folder, "checkpoint", NULL);
    struct log_writer_options options = { .folder = folder, .key = key };

    if (database)
        options.commits = open_database(database, folder, key->public->name, epoch, error);
    else if (!g_file_test(checkpoint, G_FILE_TEST_EXISTS) && !log_create(&options, error))
        return NULL;
    return database && !options.commits ? NULL : log_writer_open(&options, error);
}

static void release_lease(const char *database, const char *origin, guint64 epoch)
{
    g_autoptr(store_t) store = database ? log_database_open(database, NULL) : NULL;

    if (store)
        log_lease_release(store, origin, epoch, NULL);
}

/* What is there of an interrupted run is gone on with. */
static gboolean fill_log(const char *database, const char *data, const struct signing_key *key,
                         GBytes *genesis, GBytes *succession, guint64 *epoch, GError **error)
{
    g_autofree char *folder = g_build_filename(data, "log", NULL);
    g_autoptr(log_writer_t) writer = open_log(database, folder, key, epoch, error);
    g_autoptr(GBytes) note = NULL;
    struct log_writer_numbers numbers;
    guint64 index;

    if (!writer || !log_writer_add(writer, genesis, &index, error))
        return FALSE;
    if (index != 0)
        return policy_error(error,
                            "%s: a log is there already, and it does not begin with this "
                            "policy",
                            folder);
    /* A run that was interrupted may have put it there. */
    log_writer_numbers(writer, &numbers);
    if (succession && numbers.size == 1 && !log_writer_add(writer, succession, &index, error))
        return FALSE;
    note = log_writer_checkpoint(writer);
    return note ? log_writer_publish(writer, note, FALSE, error)
                : system_error(error, "%s: the log has stopped", folder);
}

static gboolean make_log(const char *database, const char *data, const struct signing_key *key,
                         GBytes *genesis, GBytes *succession, GError **error)
{
    guint64 epoch = 0;
    const gboolean done = fill_log(database, data, key, genesis, succession, &epoch, error);

    if (epoch)
        release_lease(database, key->public->name, epoch);
    return done;
}

static gboolean show_made(const struct context *context, const char *data,
                          const struct community_policy *policy, const struct signing_key *key,
                          GError **error)
{
    g_autofree char *hash = hex_encode(policy->hash, sizeof policy->hash);
    g_autofree char *path = g_build_filename(data, "community", "policy.json", NULL);
    g_autofree char *vkey = public_key_text(key->public), *text = NULL;
    g_autofree char *shown_path = terminal_escape(path);

    if (cli_format_is(context, "json", FALSE)) {
        g_autoptr(json_t) value =
            json_pack("{s:s, s:s, s:s, s:s, s:b}", "origin", policy->origin, "policy_hash", hash,
                      "policy", path, "log_key", vkey, "unwitnessed", policy->witnesses->none);

        text = json_pretty(value);
    } else {
        text =
            g_strdup_printf("origin       %s\nlog key      %s\npolicy       %s\npolicy hash  %s\n",
                            policy->origin, vkey, shown_path, hash);
    }
    if (!cli_output(context, text, strlen(text), error))
        return FALSE;
    if (!context->quiet)
        fprintf(stderr,
                "Hand out the policy, or its hash, by a way that does not pass through the node.\n"
                "%sStart the node with: entente serve\n",
                policy->witnesses->none
                    ? "No group has witnesses: every verdict will say \"unwitnessed\".\n"
                    : "Each witness must be told of the log: entente witness add-log 'LOG KEY'\n");
    return TRUE;
}

static gboolean init(const struct context *context, const struct state *state, GError **error)
{
    g_autofree char *data = cli_data_folder(context, error);
    g_autoptr(signing_key_t) key = NULL;
    g_autoptr(community_policy_t) policy = NULL;
    g_autoptr(GBytes) genesis = NULL, succession = NULL;
    const char *database;

    if (!data || !cli_database(state->database, &database, error))
        return FALSE;
    if (!state->origin || !state->policy)
        return input_error(error, "community init takes --origin and --policy");
    if (!state->succeeds != !state->reason)
        return input_error(error, "--succeeds and --reason go together: say why the old log ended");
    if (!key_name_is_valid(state->origin) || strstr(state->origin, "://"))
        return input_error(error,
                           "\"%s\" is no origin: a domain and a path, without scheme, "
                           "space or '+'",
                           state->origin);
    if (community_exists(data))
        return input_error(error, "this machine is in a community already: \"entente community "
                                  "show\"");
    key = log_key(state, data, error);
    policy = key ? read_policy(state, key, error) : NULL;
    if (!policy)
        return FALSE;
    if (!is_log_key(policy, key))
        return input_error(error,
                           "%s: \"log_keys\" lacks this machine's log key; leave it out and "
                           "it is filled in",
                           state->policy);
    genesis = genesis_entry(policy, key, error);
    succession = genesis && state->succeeds
                     ? succession_entry(key, state->succeeds, state->reason, error)
                     : NULL;
    return genesis && (succession || !state->succeeds) && keep_log_key(data, key, error) &&
           make_log(database, data, key, genesis, succession, error) &&
           community_adopt(data, policy, NULL, NULL, error) &&
           show_made(context, data, policy, key, error);
}

/* --- show --- */

static char *show_text(const struct community *community, const struct community_state *state)
{
    const struct community_policy *genesis = community_genesis(community);
    g_autofree char *hash = hex_encode(genesis->hash, sizeof genesis->hash);
    g_autofree char *trust = cli_state_text(state);
    const char *url = community_url(community);
    g_autofree char *node = terminal_escape(url ? url : "none");
    g_autofree char *origin = terminal_escape(genesis->origin);
    g_autofree char *time = state->verdict.log_time_s
                                ? clock_format((gint64)state->verdict.log_time_s * G_USEC_PER_SEC)
                                : g_strdup("unknown");

    return g_strdup_printf("origin       %s\npolicy hash  %s\nnode         %s%s\n"
                           "entries      %" G_GUINT64_FORMAT "\nlog time     %s\ntrust        %s\n",
                           origin, hash, node,
                           community_is_local(community) ? " (the log is on this machine)" : "",
                           state->size, time, trust);
}

static int show(const struct context *context, const struct state *state, GError **error)
{
    const struct http_options http = cli_http(state->allow_private, state->ca);
    g_autoptr(community_t) community = cli_community(context, error);
    g_auto(community_state_t) now = { 0 };
    g_autofree char *text = NULL;

    if (!community)
        return EXIT_INPUT;
    if (state->update ? !community_update(
                            community, &http,
                            state->allow_stale ? FRESHNESS_WAIVED : FRESHNESS_DEMANDED, &now, error)
                      : !community_recall(community, &now, error))
        return EXIT_SYSTEM;
    if (cli_format_is(context, "json", FALSE)) {
        g_autoptr(json_t) value = cli_state_json(community, &now);

        text = json_pretty(value);
    } else {
        text = show_text(community, &now);
    }
    if (!cli_output(context, text, strlen(text), error))
        return EXIT_SYSTEM;
    if (now.broken_receipts)
        fprintf(stderr,
                "The log promised to include what it had accepted, and did not in time; the "
                "evidence is in community/evidence of the data folder.\n");
    return now.broken_receipts ? EXIT_FOUND : EXIT_DONE;
}

static int run(const struct context *context, void *data, char **arguments, GError **error)
{
    const struct state *state = data;

    if (!arguments[0] || arguments[1])
        return input_error(error, "community takes one of: init, show");
    if (g_str_equal(arguments[0], "show"))
        return show(context, state, error);
    if (!g_str_equal(arguments[0], "init"))
        return input_error(error, "community %s: there is init and show", arguments[0]);
    return init(context, state, error) ? EXIT_DONE : EXIT_SYSTEM;
}

static const struct command_option options[] = {
    { "origin", 0, G_OPTION_ARG_STRING, offsetof(struct state, origin),
      "init: the log's name for ever, like call.example/2026", "ORIGIN" },
    { "policy", 0, G_OPTION_ARG_FILENAME, offsetof(struct state, policy),
      "init: members, witnesses, thresholds (YAML or JSON)", "FILE" },
    { "database", 0, G_OPTION_ARG_STRING, offsetof(struct state, database),
      "init: keep the log in this PostgreSQL database, for several nodes", "URL" },
    { "succeeds", 0, G_OPTION_ARG_FILENAME, offsetof(struct state, succeeds),
      "init: go on where another log ended; its last trusted checkpoint", "CHECKPOINT" },
    { "reason", 0, G_OPTION_ARG_STRING, offsetof(struct state, reason), "init: why that log ended",
      "TEXT" },
    { "passphrase-file", 0, G_OPTION_ARG_FILENAME, offsetof(struct state, passphrase_file),
      "init: passphrase of a log key that is there (or ENTENTE_PASSPHRASE_FILE)", "FILE" },
    { "update", 0, G_OPTION_ARG_NONE, offsetof(struct state, update),
      "show: ask the node first, and judge what it says", NULL },
    { "allow-stale", 0, G_OPTION_ARG_NONE, offsetof(struct state, allow_stale),
      "show: believe a checkpoint whose cosignatures are older than the policy allows", NULL },
    { "allow-private", 0, G_OPTION_ARG_NONE, offsetof(struct state, allow_private),
      "Also ask by http:// and at addresses that are not public", NULL },
    { "ca", 0, G_OPTION_ARG_FILENAME, offsetof(struct state, ca),
      "Trust these certificates (PEM) instead of the system's", "FILE" },
    { NULL },
};

const struct command command_community = {
    .name = "community",
    .summary = "Make a community with its log and policy, or show the one this machine is in",
    .arguments = "init --origin ORIGIN --policy FILE | show",
    .formats = "text, json",
    .details =
        "init makes the log's key, the log, and its first entry: the genesis policy. The hash\n"
        "it prints is what members are given out of band. show says what this machine "
        "remembers.\n\n"
        "Example: entente community init --origin call.example/2026 --policy policy.yaml\n"
        "         entente community show --update",
    .options = options,
    .state_size = sizeof(struct state),
    .run = run,
};
