/*
 * The rule that keeps a witness honest: within one write transaction the last cosigned size and
 * root are read, compared with what the request builds on, and replaced. SQLite lets one writer in
 * at a time, of all threads and processes, and the commit is durable (synchronous=FULL). The
 * cosignature leaves only after the commit. Killed before it, nothing was signed for anyone to see;
 * killed after it, the log asks again and is told the size that was committed.
 */
#include "log/witness.h"

#include "base/error.h"
#include "log/tree.h"
#include "log/witness_request.h"
#include "statement/base64.h"
#include "store/store.h"

#include <sodium.h>
#include <string.h>

#define APPLICATION 0x456e7457 /* "EntW" */
#define TEXT_PLAIN "text/plain; charset=utf-8"
#define TEXT_SIZE "text/x.tlog.size"
#define NEVER (-1) /* as a size in the table: nothing was cosigned yet */

enum status {
    STATUS_OK = 200,
    STATUS_MALFORMED = 400,
    STATUS_UNSIGNED = 403,
    STATUS_NOT_FOUND = 404,
    STATUS_CONFLICT = 409,
    STATUS_INCONSISTENT = 422,
    STATUS_FAILED = 500,
};

/* `id` is the hex SHA-256 of the origin, as the monitoring path has it. */
static const char *const schema_steps[] = {
    "CREATE TABLE log ("
    "  origin TEXT PRIMARY KEY NOT NULL,"
    "  id TEXT NOT NULL UNIQUE,"
    "  url TEXT,"
    "  size INTEGER NOT NULL DEFAULT -1,"
    "  root BLOB,"
    "  cosigned_s INTEGER NOT NULL DEFAULT 0,"
    "  note BLOB"
    ") STRICT;"
    "CREATE TABLE log_key ("
    "  vkey TEXT PRIMARY KEY NOT NULL,"
    "  origin TEXT NOT NULL REFERENCES log (origin)"
    ") STRICT;"
    "CREATE TRIGGER size_grows BEFORE UPDATE OF size ON log WHEN new.size < old.size"
    "  BEGIN SELECT RAISE(ABORT, 'a witness never goes back'); END;"
    "CREATE TRIGGER root_stays BEFORE UPDATE OF root ON log"
    "  WHEN new.size = old.size AND new.root <> old.root"
    "  BEGIN SELECT RAISE(ABORT, 'a witness never signs two histories'); END;"
    "CREATE TRIGGER log_stays BEFORE DELETE ON log"
    "  BEGIN SELECT RAISE(ABORT, 'a witness never forgets'); END;",
    NULL,
};
static const struct store_schema schema = { APPLICATION, schema_steps };

struct witness {
    GMutex lock; /* the store serves one thread at a time */
    struct store *store;
    const struct signing_key *key;
    struct merkle *merkle; /* under the lock, too */
};

struct witness *witness_open(const char *path, const struct signing_key *key, GError **error)
{
    g_autoptr(store_t) store = store_open(path, &schema, STORE_WRITE, error);
    struct witness *witness;

    if (!store)
        return NULL;
    witness = g_new0(struct witness, 1);
    g_mutex_init(&witness->lock);
    witness->store = g_steal_pointer(&store);
    witness->key = key;
    witness->merkle = merkle_new();
    return witness;
}

void witness_close(struct witness *witness)
{
    if (!witness)
        return;
    store_close(witness->store);
    merkle_free(witness->merkle);
    g_mutex_clear(&witness->lock);
    g_free(witness);
}

/* ---- configured logs ---- */

static char *origin_id(const char *origin)
{
    guint8 digest[crypto_hash_sha256_BYTES];

    crypto_hash_sha256(digest, (const guint8 *)origin, strlen(origin));
    return hex_encode(digest, sizeof digest);
}

static gboolean add_log(struct store *store, const struct note_key *log, const char *url,
                        GError **error)
{
    g_autoptr(query_t) row = NULL, key = NULL;
    g_autofree char *id = origin_id(log->name);
    g_autofree char *vkey = note_key_text(log);

    row = store_query(store,
                      "INSERT INTO log (origin, id, url) VALUES ($1, $2, $3)"
                      " ON CONFLICT (origin) DO UPDATE SET url = COALESCE(excluded.url, url)",
                      error);
    if (!row)
        return FALSE;
    query_bind_text(row, 1, log->name);
    query_bind_text(row, 2, id);
    query_bind_text(row, 3, url);
    key = store_query(store,
                      "INSERT INTO log_key (vkey, origin) VALUES ($1, $2)"
                      " ON CONFLICT (vkey) DO NOTHING",
                      error);
    if (!query_run(row, error) || !key)
        return FALSE;
    query_bind_text(key, 1, vkey);
    query_bind_text(key, 2, log->name);
    return query_run(key, error);
}

gboolean witness_add_log(struct witness *witness, const struct note_key *log, const char *url,
                         GError **error)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&witness->lock);

    if (log->type != NOTE_KEY_ED25519)
        return input_error(error, "the key of \"%s\" is a witness' (type 0x%02x), not a log's",
                           log->name, log->type);
    if (memcmp(log->bytes, witness->key->public->bytes, KEY_PUBLIC_SIZE) == 0)
        return input_error(error,
                           "the key of \"%s\" is this witness' own: a log cannot witness "
                           "itself",
                           log->name);
    if (store_begin(witness->store, error) && add_log(witness->store, log, url, error) &&
        store_commit(witness->store, error))
        return TRUE;
    store_rollback(witness->store);
    return FALSE;
}

/* The keys of an origin; empty when it is not configured. */
static GPtrArray *keys_of(struct store *store, const char *origin, GError **error)
{
    g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func((GDestroyNotify)note_key_free);
    g_autoptr(query_t) query =
        store_query(store, "SELECT vkey FROM log_key WHERE origin = $1 ORDER BY vkey", error);
    gboolean row = TRUE;

    if (!query)
        return NULL;
    query_bind_text(query, 1, origin);
    while (row) {
        struct note_key *key;

        if (!query_step(query, &row, error))
            return NULL;
        if (!row)
            break;
        key = note_key_parse(query_text(query, 0), error);
        if (!key)
            return NULL;
        g_ptr_array_add(keys, key);
    }
    return g_steal_pointer(&keys);
}

/* ---- answering ---- */

void witness_answer_clear(struct witness_answer *answer)
{
    g_clear_pointer(&answer->body, g_bytes_unref);
}

static void answer_with(struct witness_answer *answer, enum status status, const char *type,
                        char *body)
{
    answer->status = status;
    answer->content_type = type;
    answer->body = g_bytes_new_take(body, strlen(body));
}

static void refuse(struct witness_answer *answer, enum status status, const char *why)
{
    answer_with(answer, status, TEXT_PLAIN, g_strconcat(why, "\n", NULL));
}

/* The last thing this witness said of an origin. */
struct state {
    guint64 size; /* 0 when it never said anything */
    struct merkle_hash root;
};

static gboolean read_state(struct witness *witness, const char *origin, struct state *state,
                           GError **error)
{
    g_autoptr(query_t) query =
        store_query(witness->store, "SELECT size, root FROM log WHERE origin = $1", error);
    const void *root;
    gboolean row;
    gsize length;

    if (!query)
        return FALSE;
    query_bind_text(query, 1, origin);
    if (!query_step(query, &row, error))
        return FALSE;
    state->size = 0;
    state->root = merkle_root(witness->merkle, NULL, 0);
    if (!row || query_integer(query, 0) == NEVER)
        return TRUE;
    root = query_bytes(query, 1, &length);
    if (!root || length != MERKLE_HASH_SIZE)
        return found_error(error, "the witness' record of \"%s\" is damaged", origin);
    state->size = (guint64)query_integer(query, 0);
    memcpy(state->root.bytes, root, MERKLE_HASH_SIZE);
    return TRUE;
}

static gboolean write_state(struct witness *witness, const struct checkpoint *checkpoint,
                            GBytes *note, guint64 now_s, GError **error)
{
    g_autoptr(query_t) query = store_query(witness->store,
                                           "UPDATE log SET size = $1, root = $2, cosigned_s = $3,"
                                           " note = $4 WHERE origin = $5 RETURNING size",
                                           error);
    gsize length;
    const void *bytes = g_bytes_get_data(note, &length);
    gboolean row;

    if (!query)
        return FALSE;
    query_bind_integer(query, 1, (gint64)checkpoint->size);
    query_bind_bytes(query, 2, checkpoint->root.bytes, MERKLE_HASH_SIZE);
    query_bind_integer(query, 3, (gint64)now_s);
    query_bind_bytes(query, 4, bytes, length);
    query_bind_text(query, 5, checkpoint->origin);
    if (!query_step(query, &row, error))
        return FALSE;
    return row || system_error(error, "the witness' record of \"%s\" is gone", checkpoint->origin);
}

/* The note as it is shown to monitors: the log's own lines and ours, nothing a stranger added. */
static GBytes *shown_note(const struct note *note, const GPtrArray *keys, const char *cosignature)
{
    g_autoptr(GString) lines = g_string_new(NULL);
    gsize length;
    const void *text = g_bytes_get_data(note->text, &length);

    for (guint i = 0; i < keys->len; i++) {
        const struct note_key *key = keys->pdata[i];

        for (guint j = 0; j < note->signatures->len; j++) {
            const struct note_signature *signature = note->signatures->pdata[j];
            g_autofree char *line = NULL;

            if (strcmp(signature->name, key->name) != 0 ||
                memcmp(signature->id, key->id, KEY_ID_SIZE) != 0)
                continue;
            line = note_signature_line(signature);
            g_string_append(lines, line);
            break;
        }
    }
    g_string_append(lines, cosignature);
    return note_assemble(text, length, lines->str);
}

/*
 * Compares with the state and swaps it; inside the transaction. TRUE with a refusal in `answer`, or
 * with `*cosignature` and the new state written (not yet committed).
 */
static gboolean compare_and_swap(struct witness *witness, const struct witness_request *request,
                                 const GPtrArray *keys, guint64 now_s, char **cosignature,
                                 struct witness_answer *answer, GError **error)
{
    const struct checkpoint *checkpoint = request->checkpoint;
    g_autoptr(GBytes) note = NULL;
    struct state state;
    gsize length;
    const void *text = g_bytes_get_data(request->note->text, &length);

    if (!read_state(witness, checkpoint->origin, &state, error))
        return FALSE;
    if (request->old_size != state.size) {
        answer_with(answer, STATUS_CONFLICT, TEXT_SIZE,
                    g_strdup_printf("%" G_GUINT64_FORMAT "\n", state.size));
        return TRUE;
    }
    if (!checkpoint->size || !state.size) {
        const struct merkle_hash empty = merkle_root(witness->merkle, NULL, 0);

        if (request->length || (!checkpoint->size && memcmp(checkpoint->root.bytes, empty.bytes,
                                                            MERKLE_HASH_SIZE) != 0)) {
            refuse(answer, STATUS_INCONSISTENT, "an empty log has one root and no proof");
            return TRUE;
        }
    } else if (!tree_is_consistent(witness->merkle, state.size, &state.root, checkpoint->size,
                                   &checkpoint->root, request->path, request->length)) {
        refuse(answer, STATUS_INCONSISTENT,
               "the proof does not lead from the last cosigned checkpoint to this one");
        return TRUE;
    }
    *cosignature = note_cosign_line(witness->key, text, length, now_s);
    note = shown_note(request->note, keys, *cosignature);
    return write_state(witness, checkpoint, note, now_s, error);
}

/* Judges a well-formed request; FALSE when the store fails. */
static gboolean judge(struct witness *witness, const struct witness_request *request, guint64 now_s,
                      struct witness_answer *answer, GError **error)
{
    g_autoptr(GPtrArray) keys = keys_of(witness->store, request->checkpoint->origin, error);
    g_autofree char *cosignature = NULL;

    if (!keys)
        return FALSE;
    if (!keys->len)
        refuse(answer, STATUS_NOT_FOUND, "this log is not witnessed here");
    else if (note_verify(request->note, keys, NULL) != NOTE_GOOD)
        refuse(answer, STATUS_UNSIGNED, "no valid signature by a key of this log");
    else if (request->old_size > request->checkpoint->size)
        refuse(answer, STATUS_MALFORMED, "the old size is above the checkpoint's");
    if (answer->status)
        return TRUE;
    if (!store_begin(witness->store, error) ||
        !compare_and_swap(witness, request, keys, now_s, &cosignature, answer, error))
        return FALSE;
    if (answer->status) {
        store_rollback(witness->store);
        return TRUE;
    }
    if (!store_commit(witness->store, error))
        return FALSE;
    answer_with(answer, STATUS_OK, TEXT_PLAIN, g_steal_pointer(&cosignature));
    return TRUE;
}

void witness_add_checkpoint(struct witness *witness, const void *body, gsize length, guint64 now_s,
                            struct witness_answer *answer)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(witness_request_t) request = witness_request_parse(body, length, &error);
    g_autoptr(GMutexLocker) locker = NULL;

    *answer = (struct witness_answer){ 0 };
    if (!request) {
        refuse(answer, STATUS_MALFORMED, error->message);
        return;
    }
    locker = g_mutex_locker_new(&witness->lock);
    if (judge(witness, request, now_s, answer, &error))
        return;
    store_rollback(witness->store);
    witness_answer_clear(answer);
    g_warning("witness: %s", error->message);
    refuse(answer, STATUS_FAILED, "the witness cannot keep its state");
}

void witness_latest(struct witness *witness, const char *hex, struct witness_answer *answer)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&witness->lock);
    g_autoptr(GError) error = NULL;
    g_autoptr(query_t) query =
        store_query(witness->store, "SELECT note FROM log WHERE id = $1", &error);
    gboolean row = FALSE;

    *answer = (struct witness_answer){ 0 };
    if (query)
        query_bind_text(query, 1, hex);
    if (!query || !query_step(query, &row, &error)) {
        g_warning("witness: %s", error->message);
        refuse(answer, STATUS_FAILED, "the witness cannot read its state");
    } else if (!row || query_is_null(query, 0)) {
        refuse(answer, STATUS_NOT_FOUND, "no checkpoint of such a log was cosigned here");
    } else {
        gsize length;
        const void *note = query_bytes(query, 0, &length);

        answer->status = STATUS_OK;
        answer->content_type = TEXT_PLAIN;
        answer->body = g_bytes_new(note, length);
    }
}

/* ---- listing ---- */

static void witness_log_free(gpointer data)
{
    struct witness_log *log = data;

    g_free(log->origin);
    g_free(log->url);
    g_free(log);
}

GPtrArray *witness_list(struct witness *witness, GError **error)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&witness->lock);
    g_autoptr(GPtrArray) logs = g_ptr_array_new_with_free_func(witness_log_free);
    g_autoptr(query_t) query =
        store_query(witness->store,
                    "SELECT origin, url, size, root, cosigned_s FROM log ORDER BY origin", error);
    gboolean row = TRUE;

    if (!query)
        return NULL;
    while (row) {
        struct witness_log *log;
        const void *root;
        gsize length = 0;

        if (!query_step(query, &row, error))
            return NULL;
        if (!row)
            break;
        log = g_new0(struct witness_log, 1);
        log->origin = g_strdup(query_text(query, 0));
        log->url = g_strdup(query_text(query, 1));
        log->size = (guint64)MAX(query_integer(query, 2), 0);
        root = query_bytes(query, 3, &length);
        if (root && length == MERKLE_HASH_SIZE)
            memcpy(log->root.bytes, root, MERKLE_HASH_SIZE);
        log->cosigned_s = query_integer(query, 4);
        g_ptr_array_add(logs, log);
    }
    return g_steal_pointer(&logs);
}
