#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "community/community_private.h"
#include "statement/base64.h"
#include "statement/dsse.h"

#include <string.h>

#define POLICY_FILE "policy.json"
#define MEMORY_FILE "memory.db"
#define HISTORY_LIMIT (256u << 20)
#define SETTING_URL "url"

static char *folder_of(const char *data_folder)
{
    return g_build_filename(data_folder, "community", NULL);
}

gboolean community_exists(const char *data_folder)
{
    g_autofree char *path = g_build_filename(data_folder, "community", POLICY_FILE, NULL);

    return g_file_test(path, G_FILE_TEST_EXISTS);
}

/* --- adopting --- */

static gboolean is_same_policy(const char *path, const struct community_policy *genesis,
                               GError **error)
{
    g_autoptr(GBytes) bytes = file_read(path, COMMUNITY_POLICY_LIMIT, error);
    g_autoptr(community_policy_t) there =
        bytes ? community_policy_parse(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), path,
                                       error)
              : NULL;

    if (!there)
        return FALSE;
    return memcmp(there->hash, genesis->hash, sizeof there->hash) == 0 ||
           policy_error(error,
                        "%s: this machine belongs to another community (%s); one data folder "
                        "holds one",
                        path, there->origin);
}

gboolean community_adopt(const char *data_folder, const struct community_policy *genesis,
                         const char *hash, const char *url, GError **error)
{
    g_autofree char *folder = folder_of(data_folder);
    g_autofree char *path = g_build_filename(folder, POLICY_FILE, NULL);
    g_autofree char *memory_path = g_build_filename(folder, MEMORY_FILE, NULL);
    g_autofree char *own_hash = hex_encode(genesis->hash, sizeof genesis->hash);
    g_autofree char *text = NULL;
    g_autoptr(memory_t) memory = NULL;

    if (hash && g_ascii_strcasecmp(hash, own_hash) != 0)
        return policy_error(error,
                            "the policy of %s has the hash %s, not the %s that was given; ask who "
                            "gave it",
                            genesis->origin, own_hash, hash);
    if (!file_make_folder(folder, COMMUNITY_FOLDER_MODE, error))
        return FALSE;
    if (g_file_test(path, G_FILE_TEST_EXISTS)) {
        if (!is_same_policy(path, genesis, error))
            return FALSE;
    } else {
        text = json_pretty(genesis->predicate);
        if (!file_create(path, text, strlen(text), COMMUNITY_FILE_MODE, error))
            return FALSE;
    }
    memory = memory_open(memory_path, error);
    if (!memory)
        return FALSE;
    url = url ? url : genesis->url;
    return !url || memory_set(memory, SETTING_URL, url, error);
}

/* --- opening --- */

static struct community_policy *read_genesis(const char *folder, GError **error)
{
    g_autofree char *path = g_build_filename(folder, POLICY_FILE, NULL);
    g_autoptr(GBytes) bytes = NULL;

    if (!g_file_test(path, G_FILE_TEST_EXISTS)) {
        input_error(error, "this machine belongs to no community: \"entente join\" one, or make "
                           "one with \"entente community init\"");
        return NULL;
    }
    bytes = file_read(path, COMMUNITY_POLICY_LIMIT, error);
    return bytes ? community_policy_parse(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes),
                                          path, error)
                 : NULL;
}

/* Whether DATA/log is the log itself: its checkpoint has the community's origin. */
static gboolean log_is_here(const char *folder, const char *origin)
{
    g_autofree char *path = g_build_filename(folder, "checkpoint", NULL);
    g_autoptr(GBytes) bytes = NULL;
    g_autoptr(note_t) note = NULL;
    g_autoptr(checkpoint_t) checkpoint = NULL;

    if (!g_file_test(path, G_FILE_TEST_EXISTS))
        return FALSE;
    bytes = file_read(path, NOTE_LIMIT, NULL);
    note = bytes ? note_parse(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), path, NULL)
                 : NULL;
    checkpoint = note ? checkpoint_parse(g_bytes_get_data(note->text, NULL),
                                         g_bytes_get_size(note->text), NULL)
                      : NULL;
    return checkpoint && g_str_equal(checkpoint->origin, origin);
}

struct community *community_open(const char *data_folder, GError **error)
{
    g_autoptr(community_t) community = g_new0(struct community, 1);
    g_autofree char *memory_path = NULL, *log = g_build_filename(data_folder, "log", NULL);

    community->data = g_strdup(data_folder);
    community->folder = folder_of(data_folder);
    community->evidence_folder = g_build_filename(community->folder, "evidence", NULL);
    memory_path = g_build_filename(community->folder, MEMORY_FILE, NULL);
    community->genesis = read_genesis(community->folder, error);
    if (!community->genesis)
        return NULL;
    community->memory = memory_open(memory_path, error);
    if (!community->memory)
        return NULL;
    community->url = memory_setting(community->memory, SETTING_URL, NULL);
    community->local = log_is_here(log, community->genesis->origin);
    if (community->local) {
        community->log_folder = g_steal_pointer(&log);
        return g_steal_pointer(&community);
    }
    community->log_folder = g_build_filename(community->folder, "log", NULL);
    community->copy = mirror_open(community->log_folder, error);
    return community->copy ? g_steal_pointer(&community) : NULL;
}

void community_close(struct community *community)
{
    if (!community)
        return;
    replay_clear(&community->replay);
    log_reader_free(community->reader);
    mirror_close(community->copy);
    memory_close(community->memory);
    community_policy_free(community->genesis);
    community_policy_free(community->in_force);
    g_free(community->url);
    g_free(community->evidence_folder);
    g_free(community->log_folder);
    g_free(community->folder);
    g_free(community->data);
    g_free(community);
}

const struct community_policy *community_genesis(const struct community *community)
{
    return community->genesis;
}

const char *community_url(const struct community *community)
{
    return community->url;
}

const char *community_log_folder(const struct community *community)
{
    return community->log_folder;
}

gboolean community_is_local(const struct community *community)
{
    return community->local;
}

const char *community_evidence_folder(const struct community *community)
{
    return community->evidence_folder;
}

struct memory *community_memory(struct community *community)
{
    return community->memory;
}

void community_state_clear(struct community_state *state)
{
    quorum_verdict_clear(&state->verdict);
    g_clear_pointer(&state->checkpoint, checkpoint_free);
    g_clear_pointer(&state->note, g_bytes_unref);
}

/* --- the copy and its register --- */

struct log_reader *community_reader(struct community *community, GError **error)
{
    g_auto(remembered_t) largest = { 0 };

    if (!memory_largest(community->memory, &largest, error))
        return NULL;
    if (!community->reader)
        community->reader = log_reader_new(log_source_folder(community->log_folder));
    if (largest.size > 0 &&
        !log_reader_trust(community->reader, largest.size, &largest.root, error))
        return NULL;
    return community->reader;
}

/*
 * The history, and behind it the checkpoint that is remembered: a log that hides its history, or
 * the end of it, cannot keep entries from having a time. Where it is there already, it says nothing
 * new. Takes the history over; it may be NULL.
 */
static GBytes *with_remembered(struct community *community, GBytes *taken, GError **error)
{
    g_autoptr(GBytes) history = taken;
    g_auto(remembered_t) largest = { 0 };
    GByteArray *whole;

    if (!memory_largest(community->memory, &largest, error))
        return NULL;
    whole = g_byte_array_new();
    if (history)
        g_byte_array_append(whole, g_bytes_get_data(history, NULL), g_bytes_get_size(history));
    if (largest.note)
        log_history_append(whole, largest.note);
    return g_byte_array_free_to_bytes(whole);
}

gboolean community_replay(struct community *community, guint64 size, struct replay *replay,
                          GError **error)
{
    struct log_reader *reader = community_reader(community, error);
    g_autofree char *path = g_build_filename(community->log_folder, "history", NULL);
    g_autoptr(GBytes) history = NULL;

    if (!reader)
        return FALSE;
    if (g_file_test(path, G_FILE_TEST_EXISTS)) {
        history = file_read(path, HISTORY_LIMIT, error);
        if (!history)
            return FALSE;
    }
    history = with_remembered(community, g_steal_pointer(&history), error);
    return history && replay_log(community->genesis, reader, size, history, replay, error);
}

const struct reg *community_register(struct community *community, GError **error)
{
    g_auto(remembered_t) largest = { 0 };

    if (!memory_largest(community->memory, &largest, error))
        return NULL;
    if (community->replay.reg && community->replayed == largest.size)
        return community->replay.reg;
    replay_clear(&community->replay);
    if (!community_replay(community, largest.size, &community->replay, error))
        return NULL;
    community->replayed = largest.size;
    return community->replay.reg;
}

const GArray *community_moments(const struct community *community)
{
    return community->replay.moments;
}

gint64 community_time_us(struct community *community, guint64 index)
{
    return community->replay.moments ? log_history_time_us(community->replay.moments, index) : 0;
}

GBytes *community_entry(const struct dsse *envelope, GError **error)
{
    g_autoptr(json_t) value = dsse_to_json(envelope);

    return json_canonical(value, error);
}
