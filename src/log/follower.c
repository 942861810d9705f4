#include "log/follower.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "log/cosigning.h"
#include "log/evidence.h"
#include "log/history_source.h"

#include <string.h>

#define CHECKPOINT_FILE "checkpoint"
#define ADD_CHECKPOINT "add-checkpoint"

struct follower {
    struct follower_options options;
    char *folder, *where, *origin, *evidence;
    GPtrArray *log_keys; /* struct note_key *, borrowed from the policy */
    struct mirror *copy;
    struct http *http; /* for witnesses and mirrors */
    GBytes *largest;   /* the copy's checkpoint note; NULL: none */
    /* of the step at hand */
    follower_event_fn event;
    gpointer event_data;
    enum follower_outcome outcome;
};

/* --- events --- */

static void worsen(struct follower *follower, enum follower_outcome outcome)
{
    follower->outcome = MAX(follower->outcome, outcome);
}

/* Takes the members over. */
static void tell(struct follower *follower, const char *name, json_t *members)
{
    g_autofree char *now = clock_format(clock_now_us());
    g_autoptr(json_t) event = json_pack("{s:s, s:s}", "event", name, "time", now);

    json_object_update(event, members);
    json_decref(members);
    follower->event(event, follower->event_data);
}

static void tell_unknown(struct follower *follower, const char *from, const char *message)
{
    tell(follower, "unknown",
         json_pack("{s:o, s:o}", "from", json_safe_string(from), "message",
                   json_safe_string(message)));
}

/* Writes the bundle and tells of it. */
static gboolean accuse(struct follower *follower, const char *from, json_t *taken,
                       const char *message, GError **error)
{
    g_autoptr(json_t) bundle = taken;
    g_autofree char *path = evidence_write(follower->evidence, bundle, error);

    if (!path)
        return FALSE;
    worsen(follower, FOLLOWER_FOUND);
    tell(follower, json_text(bundle, "kind"),
         json_pack("{s:o, s:s, s:o}", "from", json_safe_string(from), "message", message,
                   "evidence", json_safe_string(path)));
    return TRUE;
}

/* --- checkpoints that somebody shows --- */

struct shown {
    struct note *note;
    struct checkpoint *checkpoint;
};

static void shown_clear(struct shown *shown)
{
    g_clear_pointer(&shown->note, note_free);
    g_clear_pointer(&shown->checkpoint, checkpoint_free);
}
typedef struct shown shown_t;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(shown_t, shown_clear)

/* FALSE: it is not signed by the log, and that was told. Takes the note over. */
static gboolean read_shown(struct follower *follower, const char *from, struct note *note,
                           struct shown *shown)
{
    g_autoptr(GError) error = NULL;
    const char *message = NULL;

    shown->note = note;
    shown->checkpoint =
        checkpoint_parse(g_bytes_get_data(note->text, NULL), g_bytes_get_size(note->text), &error);
    if (!shown->checkpoint)
        message = error->message;
    else if (!g_str_equal(shown->checkpoint->origin, follower->origin))
        message = "it is a checkpoint of another log";
    else if (note_verify(note, follower->log_keys, NULL) != NOTE_GOOD)
        message = "it is not signed by the log's key";
    if (!message)
        return TRUE;
    worsen(follower, FOLLOWER_FOUND);
    tell(follower, "signature",
         json_pack("{s:o, s:o}", "from", json_safe_string(from), "message",
                   json_safe_string(message)));
    return FALSE;
}

static gboolean tell_split_view(struct follower *follower, const char *from, GBytes *note,
                                struct log_reader *reader, guint64 small, guint64 large,
                                const struct merkle_hash *prefix, GError **error)
{
    const struct evidence_note notes[2] = { { follower->largest, "the copy" }, { note, from } };
    struct merkle_hash path[MERKLE_PATH_LIMIT];
    guint length = 0;

    if (prefix && !log_reader_consistency(reader, small, large, path, &length, error))
        return FALSE;
    return accuse(
        follower, from,
        evidence_split_view(follower->origin, follower->log_keys, notes, prefix, path, length),
        "the log signed two trees that contradict each other", error);
}

/*
 * Whether the tree that `reader` trusts (of `large` entries) begins with a tree of `small` entries
 * and this root; if not, that is told. `note` is the one that is not the copy's.
 */
static gboolean compare(struct follower *follower, const char *from, GBytes *note,
                        struct log_reader *reader, guint64 small, const struct merkle_hash *root,
                        guint64 large, gboolean *same, GError **error)
{
    struct merkle_hash prefix;

    *same = TRUE;
    if (small == 0)
        return TRUE;
    if (!log_reader_root(reader, small, &prefix, error))
        return FALSE;
    *same = memcmp(&prefix, root, sizeof prefix) == 0;
    return *same || tell_split_view(follower, from, note, reader, small, large,
                                    small == large ? NULL : &prefix, error);
}

/* --- the log itself --- */

static struct note *fetch_note(struct log_reader *reader, struct follower *follower)
{
    g_autoptr(GError) error = NULL;
    struct note *note = log_reader_checkpoint(reader, &error);

    if (!note) {
        worsen(follower, FOLLOWER_UNKNOWN);
        tell_unknown(follower, follower->where, error->message);
    }
    return note;
}

static gboolean copy_history(struct follower *follower, GError **error)
{
    g_autoptr(GBytes) bytes = log_history_fetch(follower->where, &follower->options.http,
                                                mirror_history_size(follower->copy), NULL);

    /* Other logs have none, and a missing one can be had at the next step. */
    return !bytes || mirror_history_append(follower->copy, bytes, error);
}

static const char *trust_of(struct follower *follower, const struct note *note, json_t *members)
{
    const struct quorum_policy *policy = follower->options.policy;
    struct quorum_verdict verdict;
    g_autoptr(checkpoint_t) checkpoint =
        quorum_judge(policy, note, (guint64)(clock_now_us() / G_USEC_PER_SEC), &verdict);
    const char *trust = "witnessed";

    if (verdict.reason == QUORUM_STALE) {
        trust = "stale";
        worsen(follower, FOLLOWER_STALE);
    } else if (policy->none || verdict.reason != QUORUM_GOOD) {
        trust = "unwitnessed";
        worsen(follower, FOLLOWER_UNWITNESSED);
    }
    if (verdict.log_time_s) {
        g_autofree char *time = clock_format((gint64)verdict.log_time_s * G_USEC_PER_SEC);

        json_object_set_new(members, "log_time", json_string(time));
    }
    quorum_verdict_clear(&verdict);
    return trust;
}

static void tell_checkpoint(struct follower *follower, const struct shown *shown, guint64 previous)
{
    g_autofree char *root = g_base64_encode(shown->checkpoint->root.bytes, MERKLE_HASH_SIZE);
    json_t *members = json_pack("{s:I, s:I, s:s}", "size", (json_int_t)shown->checkpoint->size,
                                "previous", (json_int_t)previous, "root", root);

    json_object_set_new(members, "trust", json_string(trust_of(follower, shown->note, members)));
    tell(follower, "checkpoint", members);
}

/* New entries, then the checkpoint. An error of the log's side is told, one of ours is an error. */
static gboolean advance(struct follower *follower, struct log_reader *reader,
                        const struct shown *shown, GError **error)
{
    guint64 previous = mirror_size(follower->copy);
    g_autoptr(GError) problem = NULL;

    if (!mirror_copy(follower->copy, reader, shown->checkpoint, follower->options.each,
                     follower->options.each_data, &problem)) {
        worsen(follower, g_error_matches(problem, ENTENTE_ERROR, ENTENTE_ERROR_FOUND)
                             ? FOLLOWER_FOUND
                             : FOLLOWER_UNKNOWN);
        tell_unknown(follower, follower->where, problem->message);
        return TRUE;
    }
    if (!mirror_keep(follower->copy, shown->note->bytes, error) || !copy_history(follower, error))
        return FALSE;
    g_clear_pointer(&follower->largest, g_bytes_unref);
    follower->largest = g_bytes_ref(shown->note->bytes);
    tell_checkpoint(follower, shown, previous);
    return TRUE;
}

static gboolean roll_back(struct follower *follower, const struct shown *shown, GError **error)
{
    const struct evidence_note notes[2] = { { follower->largest, "the copy" },
                                            { shown->note->bytes, follower->where } };

    return accuse(follower, follower->where,
                  evidence_rolled_back(follower->origin, follower->log_keys, notes),
                  "the log shows less than it had shown before", error);
}

static gboolean look_at_log(struct follower *follower, GError **error)
{
    g_autoptr(log_reader_t) reader = log_reader_new(
        log_is_remote(follower->where) ? log_source_http(follower->where, &follower->options.http)
                                       : log_source_folder(follower->where));
    struct note *note = fetch_note(reader, follower);
    g_auto(shown_t) shown = { 0 };
    g_autoptr(GError) problem = NULL;
    guint64 own = mirror_size(follower->copy);
    gboolean same;

    if (!note || !read_shown(follower, follower->where, note, &shown))
        return TRUE;
    if (shown.checkpoint->size < own)
        return roll_back(follower, &shown, error);
    if (shown.checkpoint->size == own && follower->largest &&
        memcmp(&shown.checkpoint->root, mirror_root(follower->copy), MERKLE_HASH_SIZE) != 0)
        return tell_split_view(follower, follower->where, shown.note->bytes, NULL, own, own, NULL,
                               error);
    if (!log_reader_trust(reader, shown.checkpoint->size, &shown.checkpoint->root, &problem) ||
        !compare(follower, follower->where, shown.note->bytes, reader, own,
                 mirror_root(follower->copy), shown.checkpoint->size, &same, &problem)) {
        /* Its tiles cannot be had, or do not fit: that is no proof of anything yet. */
        worsen(follower, FOLLOWER_UNKNOWN);
        tell_unknown(follower, follower->where, problem->message);
        return TRUE;
    }
    return !same || advance(follower, reader, &shown, error);
}

/* --- what others show --- */

/* NULL: nothing there, and that was told unless it is only absent. */
static struct note *fetch_foreign(struct follower *follower, const char *from, const char *url)
{
    const struct http_request request = { .method = "GET", .url = url };
    struct http_answer answer;
    g_autoptr(GError) error = NULL;
    struct note *note = NULL;

    if (!http_fetch(follower->http, &request, &answer, &error)) {
        tell_unknown(follower, from, error->message);
        return NULL;
    }
    if (answer.status == 200)
        note = note_parse(g_bytes_get_data(answer.body, NULL), g_bytes_get_size(answer.body), from,
                          &error);
    if (!note && answer.status != 404)
        tell_unknown(follower, from, error ? error->message : "no checkpoint there");
    http_answer_clear(&answer);
    return note;
}

static void tell_size(struct follower *follower, const char *name, const char *from, guint64 size)
{
    tell(follower, name,
         json_pack("{s:o, s:I}", "from", json_safe_string(from), "size", (json_int_t)size));
}

/* Compares a foreign checkpoint with the copy. `size`: what it shows; 0: nothing of use. */
static gboolean look_at_foreign(struct follower *follower, const char *from, const char *url,
                                guint64 *size, GError **error)
{
    struct note *note = fetch_foreign(follower, from, url);
    guint64 own = mirror_size(follower->copy);
    g_autoptr(log_reader_t) reader = NULL;
    g_auto(shown_t) shown = { 0 };
    gboolean same;

    *size = 0;
    if (!note || !read_shown(follower, from, note, &shown))
        return TRUE;
    *size = shown.checkpoint->size;
    if (*size > own) {
        tell_size(follower, "ahead", from, *size);
        return TRUE;
    }
    reader = log_reader_new(log_source_folder(follower->folder));
    if (!log_reader_trust(reader, own, mirror_root(follower->copy), error) ||
        !compare(follower, from, shown.note->bytes, reader, *size, &shown.checkpoint->root, own,
                 &same, error))
        return FALSE;
    if (same && *size < own)
        tell_size(follower, "behind", from, *size);
    return TRUE;
}

static char *below(const char *url, const char *path)
{
    return g_strconcat(url, g_str_has_suffix(url, "/") ? "" : "/", path, NULL);
}

/* Hands our checkpoint to a witness that last cosigned one of `old_size`. */
static gboolean hand_over(struct follower *follower, const struct quorum_witness *witness,
                          guint64 old_size, GError **error)
{
    g_autoptr(log_reader_t) reader = log_reader_new(log_source_folder(follower->folder));
    g_autofree char *url = below(witness->url, ADD_CHECKPOINT);
    guint64 own = mirror_size(follower->copy);
    struct merkle_hash path[MERKLE_PATH_LIMIT];
    g_autoptr(note_t) note = NULL;
    g_autoptr(GBytes) body = NULL;
    g_autoptr(GError) problem = NULL;
    struct http_request request = { .method = "POST", .url = url };
    struct http_answer http;
    struct cosigning_answer answer;
    guint length = 0;

    note = note_parse(g_bytes_get_data(follower->largest, NULL),
                      g_bytes_get_size(follower->largest), "the copy", error);
    if (!note || !log_reader_trust(reader, own, mirror_root(follower->copy), error) ||
        (old_size > 0 && !log_reader_consistency(reader, old_size, own, path, &length, error)))
        return FALSE;
    request.body = body = cosigning_request(old_size, path, length, follower->largest);
    if (!http_fetch(follower->http, &request, &http, &problem)) {
        tell_unknown(follower, witness->name, problem->message);
        return TRUE;
    }
    cosigning_read(&http, note->text, witness->key, &answer);
    tell(follower, "gossip",
         json_pack("{s:o, s:I, s:s}", "to", json_safe_string(witness->name), "size",
                   (json_int_t)own, "outcome", cosigning_outcome_name(answer.outcome)));
    cosigning_answer_clear(&answer);
    http_answer_clear(&http);
    return TRUE;
}

static gboolean look_at_witnesses(struct follower *follower, GError **error)
{
    const GPtrArray *witnesses = follower->options.policy->witnesses;
    g_autofree char *hex = g_compute_checksum_for_string(G_CHECKSUM_SHA256, follower->origin, -1);
    g_autofree char *path = g_strconcat(hex, "/" CHECKPOINT_FILE, NULL);

    for (guint i = 0; i < witnesses->len; i++) {
        const struct quorum_witness *witness = witnesses->pdata[i];
        g_autofree char *url = witness->url ? below(witness->url, path) : NULL;
        guint64 size;

        if (!url)
            continue;
        if (!look_at_foreign(follower, witness->name, url, &size, error))
            return FALSE;
        if (follower->options.gossip && size < mirror_size(follower->copy) &&
            !hand_over(follower, witness, size, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean look_at_mirrors(struct follower *follower, GError **error)
{
    for (const char *const *mirror = follower->options.mirrors; mirror && *mirror; mirror++) {
        g_autofree char *url = below(*mirror, CHECKPOINT_FILE);
        guint64 size;

        if (!look_at_foreign(follower, *mirror, url, &size, error))
            return FALSE;
    }
    return TRUE;
}

gboolean follower_step(struct follower *follower, follower_event_fn event, gpointer data,
                       enum follower_outcome *outcome, GError **error)
{
    gboolean good;

    follower->event = event;
    follower->event_data = data;
    follower->outcome = FOLLOWER_GOOD;
    good = look_at_log(follower, error);
    if (good && follower->largest && follower->options.ask_witnesses)
        good = look_at_witnesses(follower, error);
    if (good && follower->largest)
        good = look_at_mirrors(follower, error);
    *outcome = follower->outcome;
    return good;
}

/* --- making --- */

static gboolean find_log(struct follower *follower, GError **error)
{
    const GPtrArray *logs = follower->options.policy->logs;

    for (guint i = 0; i < logs->len; i++) {
        const struct quorum_log *log = logs->pdata[i];

        if (!follower->origin)
            follower->origin = g_strdup(log->key->name);
        if (g_str_equal(log->key->name, follower->origin))
            g_ptr_array_add(follower->log_keys, log->key);
    }
    return follower->log_keys->len > 0 ||
           input_error(error, "the policy names no log%s%s", follower->origin ? " " : "",
                       follower->origin ? follower->origin : "");
}

static gboolean load_largest(struct follower *follower, GError **error)
{
    g_autofree char *path = g_build_filename(follower->folder, CHECKPOINT_FILE, NULL);

    if (!g_file_test(path, G_FILE_TEST_EXISTS))
        return TRUE;
    follower->largest = file_read(path, NOTE_LIMIT, error);
    return follower->largest != NULL;
}

struct follower *follower_new(const struct follower_options *options, GError **error)
{
    g_autoptr(follower_t) follower = g_new0(struct follower, 1);

    follower->options = *options;
    follower->folder = g_strdup(options->folder);
    follower->where = g_strdup(options->where);
    follower->origin = g_strdup(options->origin);
    follower->evidence = g_build_filename(options->folder, "evidence", NULL);
    follower->log_keys = g_ptr_array_new();
    if (!find_log(follower, error))
        return NULL;
    follower->copy = mirror_open(options->folder, error);
    if (!follower->copy || !load_largest(follower, error))
        return NULL;
    follower->http = http_new(&options->http);
    return g_steal_pointer(&follower);
}

void follower_free(struct follower *follower)
{
    if (!follower)
        return;
    http_free(follower->http);
    mirror_close(follower->copy);
    g_clear_pointer(&follower->largest, g_bytes_unref);
    g_ptr_array_unref(follower->log_keys);
    g_free(follower->evidence);
    g_free(follower->origin);
    g_free(follower->where);
    g_free(follower->folder);
    g_free(follower);
}
