#include "cli/registry.h"

#include "base/clock.h"
#include "base/file.h"
#include "statement/base64.h"
#include "statement/dsse.h"
#include "statement/intoto.h"

#include <stdio.h>

#define HISTORY_LIMIT (256u << 20)

static struct community_policy *read_policy_file(const char *path, GError **error)
{
    g_autoptr(GBytes) bytes = file_read(path, COMMUNITY_POLICY_LIMIT, error);

    return bytes ? community_policy_parse(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes),
                                          path, error)
                 : NULL;
}

/* The policy in entry 0, which the hash vouches for. It is read before anything is trusted. */
static struct community_policy *read_first_entry(const char *folder, const char *hash,
                                                 GError **error)
{
    g_autofree char *full = g_build_filename(folder, "tile/entries/000", NULL);
    g_autofree char *partial = g_build_filename(folder, "tile/entries/000.p", NULL);
    g_autoptr(GDir) widths = g_dir_open(partial, 0, NULL);
    const char *width = widths ? g_dir_read_name(widths) : NULL;
    g_autofree char *path = g_file_test(full, G_FILE_TEST_EXISTS) || !width
                                ? g_strdup(full)
                                : g_build_filename(partial, width, NULL);
    g_autoptr(GBytes) bundle = file_read(path, BUNDLE_LIMIT, error);
    g_autoptr(dsse_t) envelope = NULL;
    g_autoptr(json_t) statement = NULL;
    g_autoptr(community_policy_t) policy = NULL;
    g_autofree char *own = NULL;
    const guint8 *bytes;
    gsize length, first;

    if (!bundle)
        return NULL;
    bytes = g_bytes_get_data(bundle, &length);
    first = length > 2 ? (gsize)bytes[0] << 8 | bytes[1] : 0;
    if (!first || first > length - 2) {
        input_error(error, "%s: holds no entry", path);
        return NULL;
    }
    envelope = dsse_parse(bytes + 2, first, path, error);
    statement = envelope ? intoto_read(envelope->payload, error) : NULL;
    policy = statement ? community_policy_read(intoto_predicate(statement), error) : NULL;
    if (!policy)
        return NULL;
    own = hex_encode(policy->hash, sizeof policy->hash);
    if (g_ascii_strcasecmp(own, hash) != 0) {
        policy_error(error,
                     "%s: the log's first policy has the hash %s, not the one that was given",
                     folder, own);
        return NULL;
    }
    return g_steal_pointer(&policy);
}

static struct community_policy *genesis_of(const struct context *context,
                                           const struct registry_options *options, GError **error)
{
    g_autofree char *data = NULL, *path = NULL;

    if (options->policy)
        return read_policy_file(options->policy, error);
    if (options->policy_hash)
        return read_first_entry(options->log, options->policy_hash, error);
    data = cli_data_folder(context, error);
    if (!data)
        return NULL;
    path = g_build_filename(data, "community", "policy.json", NULL);
    if (community_exists(data))
        return read_policy_file(path, error);
    input_error(error,
                "%s: by which policy? give --policy FILE or --policy-hash HEX, as the "
                "community handed it out",
                options->log);
    return NULL;
}

/* The log's own signature is demanded; cosignatures decide only whether it is unwitnessed. */
static gboolean judge_checkpoint(struct registry *registry, const struct community_policy *policy,
                                 const struct note *note, const char *folder,
                                 struct checkpoint **checkpoint, GError **error)
{
    struct quorum_verdict verdict = { 0 };
    enum quorum_reason reason;

    *checkpoint = quorum_judge(policy->witnesses, note, 0, &verdict);
    reason = verdict.reason;
    registry->unwitnessed = reason != QUORUM_GOOD || policy->witnesses->none;
    quorum_verdict_clear(&verdict);
    if (*checkpoint && (reason == QUORUM_GOOD || reason == QUORUM_MISSING))
        return TRUE;
    return found_error(error, "%s: the checkpoint is not to be believed: %s", folder,
                       reason == QUORUM_GOOD ? "malformed" : quorum_reason_name(reason));
}

static gboolean open_folder(struct registry *registry, const struct context *context,
                            const struct registry_options *options, GError **error)
{
    g_autoptr(community_policy_t) genesis = genesis_of(context, options, error);
    g_autofree char *history_path = g_build_filename(options->log, "history", NULL);
    g_autoptr(log_reader_t) reader = NULL;
    g_autoptr(note_t) note = NULL;
    g_autoptr(checkpoint_t) checkpoint = NULL;
    g_autoptr(checkpoint_t) again = NULL;
    g_autoptr(GBytes) history = NULL;

    if (!genesis)
        return FALSE;
    reader = log_reader_new(log_source_folder(options->log));
    note = log_reader_checkpoint(reader, error);
    if (!note || !judge_checkpoint(registry, genesis, note, options->log, &checkpoint, error) ||
        !log_reader_trust(reader, checkpoint->size, &checkpoint->root, error))
        return FALSE;
    if (g_file_test(history_path, G_FILE_TEST_EXISTS)) {
        history = file_read(history_path, HISTORY_LIMIT, error);
        if (!history)
            return FALSE;
    }
    if (!replay_log(genesis, reader, checkpoint->size, history, &registry->replay, error))
        return FALSE;
    registry->reg = registry->replay.reg;
    /* What witnesses say is judged by the policy in force for this size. */
    return judge_checkpoint(registry, register_policy_at(registry->reg, checkpoint->size), note,
                            options->log, &again, error);
}

/* The newest that can be had: a log that lies here costs nothing; a node is asked when `http` is
 * given, and what is remembered does when it does not answer. */
static gboolean bring_up(struct registry *registry, const struct http_options *http,
                         struct community_state *state, GError **error)
{
    static const struct http_options none = { 0 };
    g_autoptr(GError) problem = NULL;

    if (!http && !community_is_local(registry->community))
        return community_recall(registry->community, state, error);
    if (community_update(registry->community, http ? http : &none, FRESHNESS_WAIVED, state,
                         &problem))
        return TRUE;
    if (!g_error_matches(problem, ENTENTE_ERROR, ENTENTE_ERROR_SYSTEM)) {
        g_propagate_error(error, g_steal_pointer(&problem));
        return FALSE;
    }
    community_state_clear(state);
    return community_recall(registry->community, state, error);
}

static gboolean open_community(struct registry *registry, const struct context *context,
                               const struct http_options *http, GError **error)
{
    g_autofree char *data = cli_data_folder(context, error);
    g_auto(community_state_t) state = { 0 };

    if (!data)
        return FALSE;
    registry->community = community_open(data, error);
    if (!registry->community || !bring_up(registry, http, &state, error))
        return FALSE;
    registry->unwitnessed = state.unwitnessed;
    registry->reg = community_register(registry->community, error);
    return registry->reg != NULL;
}

struct registry *registry_open(const struct context *context,
                               const struct registry_options *options, GError **error)
{
    g_autoptr(registry_t) registry = g_new0(struct registry, 1);

    registry->now_us = clock_now_us();
    if (!options->log && (options->policy || options->policy_hash)) {
        input_error(error, "--policy and --policy-hash go with --log DIR");
        return NULL;
    }
    if (!(options->log ? open_folder(registry, context, options, error)
                       : open_community(registry, context, NULL, error)))
        return NULL;
    return g_steal_pointer(&registry);
}

struct registry *registry_open_newest(const struct context *context,
                                      const struct http_options *http, GError **error)
{
    g_autoptr(registry_t) registry = g_new0(struct registry, 1);

    registry->now_us = clock_now_us();
    return open_community(registry, context, http, error) ? g_steal_pointer(&registry) : NULL;
}

void registry_close(struct registry *registry)
{
    if (!registry)
        return;
    replay_clear(&registry->replay);
    community_close(registry->community);
    g_free(registry);
}

void registry_warn(const struct registry *registry, const struct context *context)
{
    if (registry->unwitnessed && !context->quiet)
        fputs("unwitnessed: no quorum has cosigned this log; this is its operator's word alone\n",
              stderr);
}
