/* update.c: the newest checkpoint, judged and remembered. */
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "community/community_private.h"
#include "log/evidence.h"
#include "log/history_source.h"

#include <string.h>

#define SETTING_POLICY "policy" /* the one in force at the remembered size */
#define HISTORY_LIMIT (256u << 20)
#define MEMORY_FROM "memory of this machine"

/* One update. */
struct update {
    struct community *community;
    const struct http_options *http;
    enum freshness freshness;
    struct community_state *state;
    const char *where;         /* URL or folder */
    struct log_reader *reader; /* of `where` */
    struct remembered largest;
    const struct community_policy *policy; /* in force at the remembered size */
    struct note *note;
    gboolean policy_changes;
};

static void update_clear(struct update *update)
{
    g_clear_pointer(&update->reader, log_reader_free);
    g_clear_pointer(&update->note, note_free);
    remembered_clear(&update->largest);
}
typedef struct update update_t;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(update_t, update_clear)

const struct community_policy *community_policy_in_force(struct community *community,
                                                         GError **error)
{
    g_autoptr(GError) problem = NULL;
    g_autofree char *text = NULL;

    if (community->in_force)
        return community->in_force;
    text = memory_setting(community->memory, SETTING_POLICY, &problem);
    if (problem) {
        g_propagate_error(error, g_steal_pointer(&problem));
        return NULL;
    }
    community->in_force =
        text ? community_policy_parse(text, strlen(text), "the remembered policy", error)
             : community_policy_read(community->genesis->predicate, error);
    return community->in_force;
}

/* --- fetching --- */

static gboolean fetch(struct update *update, GError **error)
{
    struct community *community = update->community;
    g_autoptr(GError) problem = NULL;

    update->where = community->local ? community->log_folder : community->url;
    if (!update->where)
        return input_error(error, "no node is known of this community: name one with \"entente "
                                  "join --node URL\"");
    update->reader =
        log_reader_new(log_is_remote(update->where) ? log_source_http(update->where, update->http)
                                                    : log_source_folder(update->where));
    update->note = log_reader_checkpoint(update->reader, &problem);
    if (update->note)
        return TRUE;
    /* No log there says nothing about the log. */
    return system_error(error, "unknown: %s", problem->message);
}

/* Signed by the log, about the log. */
static gboolean read_checkpoint(struct update *update, GError **error)
{
    struct community_state *state = update->state;
    const char *origin = update->policy->origin;

    state->note = g_bytes_ref(update->note->bytes);
    state->checkpoint = checkpoint_parse(g_bytes_get_data(update->note->text, NULL),
                                         g_bytes_get_size(update->note->text), error);
    if (!state->checkpoint)
        return FALSE;
    state->size = state->checkpoint->size;
    if (!g_str_equal(state->checkpoint->origin, origin))
        return found_error(error, "unknown-log: %s shows the log \"%s\", not \"%s\"", update->where,
                           state->checkpoint->origin, origin);
    if (note_verify(update->note, update->policy->log_keys, NULL) != NOTE_GOOD)
        return found_error(error, "signature: the checkpoint of %s is not signed by the log's key",
                           update->where);
    return TRUE;
}

/* --- memory --- */

/* Writes the bundle and says where it lies. */
static gboolean accuse(struct update *update, json_t *taken, const char *message, GError **error)
{
    g_autoptr(json_t) bundle = taken;
    g_autofree char *path = evidence_write(update->community->evidence_folder, bundle, error);

    return path && found_error(error, "%s: %s; the evidence is in %s", json_text(bundle, "kind"),
                               message, path);
}

static gboolean split_view(struct update *update, const struct merkle_hash *prefix,
                           const struct merkle_hash *path, guint length, GError **error)
{
    const struct evidence_note notes[2] = { { update->largest.note, MEMORY_FROM },
                                            { update->state->note, update->where } };

    return accuse(update,
                  evidence_split_view(update->policy->origin, update->policy->log_keys, notes,
                                      prefix, path, length),
                  "the log signed a tree that contradicts the one this machine remembers", error);
}

static gboolean rolled_back(struct update *update, GError **error)
{
    const struct evidence_note notes[2] = { { update->largest.note, MEMORY_FROM },
                                            { update->state->note, update->where } };

    return accuse(update,
                  evidence_rolled_back(update->policy->origin, update->policy->log_keys, notes),
                  "the log shows less than it had shown before", error);
}

/* The larger tree must begin with the remembered one. */
static gboolean is_continued(struct update *update, GError **error)
{
    const struct checkpoint *checkpoint = update->state->checkpoint;
    const struct remembered *largest = &update->largest;
    struct merkle_hash prefix, path[MERKLE_PATH_LIMIT];
    guint length;

    if (!log_reader_trust(update->reader, checkpoint->size, &checkpoint->root, error))
        return FALSE;
    if (largest->size == 0 || largest->size == checkpoint->size)
        return TRUE;
    if (!log_reader_root(update->reader, largest->size, &prefix, error))
        return FALSE;
    if (memcmp(&prefix, &largest->root, sizeof prefix) == 0)
        return TRUE;
    if (!log_reader_consistency(update->reader, largest->size, checkpoint->size, path, &length,
                                error))
        return FALSE;
    return split_view(update, &prefix, path, length, error);
}

static gboolean agrees_with_memory(struct update *update, GError **error)
{
    const struct checkpoint *checkpoint = update->state->checkpoint;
    const struct remembered *largest = &update->largest;

    if (checkpoint->size < largest->size)
        return rolled_back(update, error);
    if (largest->note && checkpoint->size == largest->size &&
        memcmp(&checkpoint->root, &largest->root, sizeof largest->root) != 0)
        return split_view(update, NULL, NULL, 0, error);
    return is_continued(update, error);
}

gboolean community_agrees(struct community *community, struct log_reader *reader, const char *where,
                          const struct checkpoint *checkpoint, GBytes *note, GError **error)
{
    struct community_state state = { .checkpoint = (struct checkpoint *)checkpoint, .note = note };
    struct update update = {
        .community = community, .state = &state, .where = where, .reader = reader
    };
    gboolean agrees;

    update.policy = community_policy_in_force(community, error);
    if (!update.policy || !memory_largest(community->memory, &update.largest, error))
        return FALSE;
    agrees = agrees_with_memory(&update, error);
    remembered_clear(&update.largest);
    return agrees;
}

/* --- entries --- */

static gboolean look_at_entry(guint64 index, GBytes *entry, gpointer data, GError **error)
{
    struct update *update = data;

    if (!update->policy_changes && index > 0)
        update->policy_changes = replay_is_policy(entry);
    return TRUE;
}

static gboolean copy_history(struct update *update, GError **error)
{
    struct mirror *copy = update->community->copy;
    g_autoptr(GError) problem = NULL;
    g_autoptr(GBytes) bytes =
        log_history_fetch(update->where, update->http, mirror_history_size(copy), &problem);

    if (bytes)
        return mirror_history_append(copy, bytes, error);
    /* A log without a history has no log times, and is a log all the same. */
    if (g_error_matches(problem, ENTENTE_ERROR, ENTENTE_ERROR_INPUT))
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&problem));
    return FALSE;
}

/* New entries, into the copy or (when the log itself is here) only looked at. */
static gboolean take_entries(struct update *update, GError **error)
{
    struct community *community = update->community;
    const struct checkpoint *checkpoint = update->state->checkpoint;

    if (!community->local)
        return mirror_copy(community->copy, update->reader, checkpoint, look_at_entry, update,
                           error) &&
               copy_history(update, error);
    return log_reader_each(update->reader, update->largest.size, checkpoint->size, look_at_entry,
                           update, error);
}

/* The policy in force for the new checkpoint, when there are new ones among its entries. */
static gboolean change_policy(struct update *update, GError **error)
{
    struct community *community = update->community;
    const struct checkpoint *checkpoint = update->state->checkpoint;
    g_autoptr(log_reader_t) reader = log_reader_new(log_source_folder(community->log_folder));
    g_autofree char *path = g_build_filename(community->log_folder, "history", NULL);
    g_autoptr(GBytes) history = NULL;
    struct replay replay = { 0 };

    if (!update->policy_changes)
        return TRUE;
    if (g_file_test(path, G_FILE_TEST_EXISTS)) {
        history = file_read(path, HISTORY_LIMIT, error);
        if (!history)
            return FALSE;
    }
    if (!log_reader_trust(reader, checkpoint->size, &checkpoint->root, error) ||
        !replay_log(community->genesis, reader, checkpoint->size, history, &replay, error))
        return FALSE;
    community_policy_free(community->in_force);
    community->in_force = community_policy_read(register_policy(replay.reg)->predicate, error);
    replay_clear(&replay);
    update->policy = community->in_force;
    return update->policy != NULL;
}

/* --- belief --- */

static gboolean is_believed(struct update *update, gboolean *trusted, GError **error)
{
    struct quorum_verdict *verdict = &update->state->verdict;
    const struct quorum_policy *witnesses = update->policy->witnesses;
    g_autoptr(checkpoint_t) checkpoint = NULL;

    quorum_verdict_clear(verdict);
    checkpoint =
        quorum_judge(witnesses, update->note, (guint64)(clock_now_us() / G_USEC_PER_SEC), verdict);
    *trusted =
        !witnesses->none && (verdict->reason == QUORUM_GOOD || verdict->reason == QUORUM_STALE);
    update->state->unwitnessed = !*trusted;
    switch (verdict->reason) {
    case QUORUM_GOOD:
        return TRUE;
    case QUORUM_STALE:
        return update->freshness == FRESHNESS_WAIVED ||
               policy_error(error,
                            "stale: the youngest cosignatures of %s are older than the "
                            "policy allows (%" G_GINT64_FORMAT
                            " s); --allow-stale believes it all the same",
                            update->where, witnesses->max_age_s);
    case QUORUM_MISSING:
        /* A young log collects its first cosignatures; one that had them does not lose them. */
        return !update->largest.trusted ||
               policy_error(error, "quorum: too few witnesses cosigned the checkpoint of %s",
                            update->where);
    default:
        return found_error(error, "%s: the checkpoint of %s is refused",
                           quorum_reason_name(verdict->reason), update->where);
    }
}

static gboolean remember(struct update *update, gboolean trusted, GError **error)
{
    struct community *community = update->community;
    g_autofree char *policy = NULL;

    if (update->policy_changes) {
        policy = json_pretty(update->policy->predicate);
        if (!memory_set(community->memory, SETTING_POLICY, policy, error))
            return FALSE;
    }
    if (!memory_remember(community->memory, update->state->checkpoint, update->state->note, trusted,
                         clock_now_us(), error))
        return FALSE;
    return community->local || mirror_keep(community->copy, update->state->note, error);
}

gboolean community_update(struct community *community, const struct http_options *http,
                          enum freshness freshness, struct community_state *state, GError **error)
{
    g_auto(update_t)
        update = { .community = community, .http = http, .freshness = freshness, .state = state };
    gboolean trusted;

    memset(state, 0, sizeof *state);
    update.policy = community_policy_in_force(community, error);
    if (!update.policy || !memory_largest(community->memory, &update.largest, error) ||
        !fetch(&update, error) || !read_checkpoint(&update, error) ||
        !agrees_with_memory(&update, error) || !take_entries(&update, error) ||
        !change_policy(&update, error) || !is_believed(&update, &trusted, error) ||
        !remember(&update, trusted, error)) {
        /* What was not kept is forgotten; the remembered policy is read again. */
        g_clear_pointer(&community->in_force, community_policy_free);
        quorum_verdict_clear(&state->verdict); /* its margins name groups of that policy */
        return FALSE;
    }
    return community_judge_receipts(community, state->checkpoint, state->note,
                                    state->verdict.log_time_s, &state->broken_receipts, error);
}

gboolean community_recall(struct community *community, struct community_state *state,
                          GError **error)
{
    const struct community_policy *policy = community_policy_in_force(community, error);
    g_auto(remembered_t) largest = { 0 };
    g_autoptr(note_t) note = NULL;

    memset(state, 0, sizeof *state);
    if (!policy || !memory_largest(community->memory, &largest, error))
        return FALSE;
    state->unwitnessed = TRUE;
    if (!largest.note)
        return TRUE;
    note = note_parse(g_bytes_get_data(largest.note, NULL), g_bytes_get_size(largest.note),
                      MEMORY_FROM, error);
    if (!note)
        return FALSE;
    state->note = g_bytes_ref(largest.note);
    state->checkpoint = quorum_judge(policy->witnesses, note,
                                     (guint64)(clock_now_us() / G_USEC_PER_SEC), &state->verdict);
    state->size = largest.size;
    state->unwitnessed = policy->witnesses->none || (state->verdict.reason != QUORUM_GOOD &&
                                                     state->verdict.reason != QUORUM_STALE);
    return TRUE;
}
