#include "node/view.h"

#include "base/clock.h"
#include "base/error.h"
#include "log/quorum.h"
#include "log/tlog_proof.h"

#include <string.h>
#include <sys/stat.h>

#define LOOK_EVERY_US (G_USEC_PER_SEC / 4)
#define LOOK_AWAITED_US (2 * G_USEC_PER_SEC)
#define CHUNK 4096 /* entries folded under one lock */
#define HISTORY_LIMIT (1u << 30)
#define DOCUMENT_AGE_US (60 * G_USEC_PER_SEC)

struct view {
    char *folder, *checkpoint_path;
    const struct community_policy *genesis;
    GThread *thread;
    gint stopping;

    GMutex turn_lock; /* of the two counts; held for nothing else */
    GCond turn;
    guint64 asked, looked; /* looks begun after being asked for have a number of at least `asked` */

    GRWLock lock; /* of what is shown */
    struct shown shown;
    struct reg *reg;
    struct checkpoint *checkpoint;
    struct note *note;
    struct quorum_verdict verdict;
    char *trouble;

    GMutex read_lock; /* of what follows; taken after `lock` */
    struct log_reader *reader;
    struct merkle *merkle;
    GHashTable *by_leaf; /* the first 8 bytes of a leaf hash -> index + 1 */
    GBytes *document;
    gint64 document_us;

    /* The thread's own. */
    GArray *moments;
    struct timespec seen;
    guint64 untimed; /* first entry folded without a log time; G_MAXUINT64: none */
};

struct view *view_new(const char *folder, const struct community_policy *genesis)
{
    struct view *view = g_new0(struct view, 1);

    view->folder = g_strdup(folder);
    view->checkpoint_path = g_build_filename(folder, "checkpoint", NULL);
    view->genesis = genesis;
    g_mutex_init(&view->turn_lock);
    g_cond_init(&view->turn);
    g_rw_lock_init(&view->lock);
    g_mutex_init(&view->read_lock);
    view->reg = register_new(genesis);
    view->reader = log_reader_new(log_source_folder(folder));
    view->merkle = merkle_new();
    view->by_leaf = g_hash_table_new(NULL, NULL);
    view->moments = g_array_new(FALSE, FALSE, sizeof(struct log_moment));
    view->untimed = G_MAXUINT64;
    view->shown.reg = view->reg;
    return view;
}

void view_free(struct view *view)
{
    if (!view)
        return;
    g_mutex_lock(&view->turn_lock);
    g_atomic_int_set(&view->stopping, 1);
    g_cond_broadcast(&view->turn);
    g_mutex_unlock(&view->turn_lock);
    if (view->thread)
        g_thread_join(view->thread);
    register_free(view->reg);
    log_reader_free(view->reader);
    merkle_free(view->merkle);
    g_hash_table_unref(view->by_leaf);
    g_array_unref(view->moments);
    g_clear_pointer(&view->checkpoint, checkpoint_free);
    g_clear_pointer(&view->note, note_free);
    quorum_verdict_clear(&view->verdict);
    g_clear_pointer(&view->document, g_bytes_unref);
    g_mutex_clear(&view->read_lock);
    g_mutex_clear(&view->turn_lock);
    g_cond_clear(&view->turn);
    g_rw_lock_clear(&view->lock);
    g_free(view->trouble);
    g_free(view->folder);
    g_free(view->checkpoint_path);
    g_free(view);
}

/* --- taking in what is new --- */

static gpointer key_of_leaf(const struct merkle_hash *leaf)
{
    guint64 key;

    memcpy(&key, leaf->bytes, sizeof key);
    return (gpointer)(gsize)key;
}

struct chunk {
    struct view *view;
    GPtrArray *entries;
    GArray *times;
    guint64 first;
};

static const struct quorum_policy *policy_for(gpointer data, guint64 size)
{
    return register_policy_at(data, size)->witnesses;
}

static gboolean read_history(struct view *view, GError **error)
{
    struct log_source source = log_source_folder(view->folder);
    g_autoptr(GError) missing = NULL;
    g_autoptr(GBytes) bytes = source.fetch(source.data, "history", HISTORY_LIMIT, &missing);
    GArray *moments;
    guint refused;

    source.free_data(source.data);
    if (!bytes) /* no checkpoint has reached the quorum yet */
        return g_error_matches(missing, ENTENTE_ERROR, ENTENTE_ERROR_INPUT) ||
               (g_propagate_error(error, g_steal_pointer(&missing)), FALSE);
    moments = log_history_read(bytes, policy_for, view->reg, &refused, error);
    if (!moments)
        return FALSE;
    g_array_unref(view->moments);
    view->moments = moments;
    g_rw_lock_writer_lock(&view->lock);
    register_set_moments(view->reg, moments);
    g_rw_lock_writer_unlock(&view->lock);
    return TRUE;
}

/* Folds what was gathered; a new policy may make more of the history believed. */
static gboolean fold_chunk(struct chunk *chunk, GError **error)
{
    struct view *view = chunk->view;
    const struct community_policy *before = register_policy(view->reg);

    if (!chunk->entries->len)
        return TRUE;
    g_rw_lock_writer_lock(&view->lock);
    register_fold_many(view->reg, chunk->entries, (const gint64 *)chunk->times->data, 0);
    for (guint i = 0; i < chunk->entries->len; i++) {
        gsize length;
        const void *data = g_bytes_get_data(chunk->entries->pdata[i], &length);
        struct merkle_hash leaf = merkle_leaf(view->merkle, data, length);
        gpointer key = key_of_leaf(&leaf);

        if (!g_hash_table_contains(view->by_leaf, key))
            g_hash_table_insert(view->by_leaf, key, (gpointer)(gsize)(chunk->first + i + 1));
    }
    g_rw_lock_writer_unlock(&view->lock);
    chunk->first += chunk->entries->len;
    g_ptr_array_set_size(chunk->entries, 0);
    g_array_set_size(chunk->times, 0);
    return register_policy(view->reg) == before || read_history(view, error);
}

static gboolean take_entry(guint64 index, GBytes *entry, gpointer data, GError **error)
{
    struct chunk *chunk = data;
    struct view *view = chunk->view;
    gint64 time_us = log_history_time_us(view->moments, index);

    if (!time_us)
        view->untimed = MIN(view->untimed, index);
    g_ptr_array_add(chunk->entries, g_bytes_ref(entry));
    g_array_append_val(chunk->times, time_us);
    if (g_atomic_int_get(&view->stopping))
        return system_error(error, "the node stops");
    return chunk->entries->len < CHUNK || fold_chunk(chunk, error);
}

static gboolean fold_up_to(struct view *view, const struct checkpoint *checkpoint, GError **error)
{
    g_autoptr(log_reader_t) reader = log_reader_new(log_source_folder(view->folder));
    g_autoptr(GPtrArray) entries = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    g_autoptr(GArray) times = g_array_new(FALSE, FALSE, sizeof(gint64));
    struct chunk chunk = { view, entries, times, register_size(view->reg) };

    return log_reader_trust(reader, checkpoint->size, &checkpoint->root, error) &&
           log_reader_each(reader, chunk.first, checkpoint->size, take_entry, &chunk, error) &&
           fold_chunk(&chunk, error);
}

/* Entries folded without a log time that have one now are judged anew, all of them. */
static void begin_anew(struct view *view)
{
    struct reg *empty = register_new(view->genesis);

    register_set_moments(empty, view->moments);
    g_rw_lock_writer_lock(&view->lock);
    register_free(view->reg);
    view->reg = empty;
    view->shown.reg = empty;
    g_hash_table_remove_all(view->by_leaf);
    view->untimed = G_MAXUINT64;
    g_rw_lock_writer_unlock(&view->lock);
}

static gboolean is_signed_by_log(const struct view *view, const struct note *note, GError **error)
{
    const struct community_policy *policy = register_policy(view->reg);

    return note_verify(note, policy->log_keys, NULL) == NOTE_GOOD ||
           found_error(error, "%s: is not signed by the log's key", view->checkpoint_path);
}

/* Puts the checkpoint before the readers, once its entries are folded. */
static gboolean show(struct view *view, struct note *note, struct checkpoint *checkpoint,
                     GError **error)
{
    const struct quorum_policy *policy = register_policy_at(view->reg, checkpoint->size)->witnesses;
    struct quorum_verdict verdict;
    g_autoptr(checkpoint_t) judged = quorum_judge(policy, note, 0, &verdict);
    gboolean done;

    g_rw_lock_writer_lock(&view->lock);
    g_mutex_lock(&view->read_lock);
    done = log_reader_trust(view->reader, checkpoint->size, &checkpoint->root, error);
    g_clear_pointer(&view->document, g_bytes_unref);
    g_mutex_unlock(&view->read_lock);
    if (done) {
        g_clear_pointer(&view->note, note_free);
        view->note = note;
        g_clear_pointer(&view->checkpoint, checkpoint_free);
        view->checkpoint = checkpoint_copy(checkpoint);
        quorum_verdict_clear(&view->verdict);
        view->verdict = verdict;
        view->shown = (struct shown){
            .reg = view->reg,
            .checkpoint = view->checkpoint,
            .note = note,
            .verdict = &view->verdict,
            .policy = policy,
            .changed_us = clock_now_us(),
        };
    } else {
        quorum_verdict_clear(&verdict);
    }
    g_rw_lock_writer_unlock(&view->lock);
    return done;
}

static gboolean take_in(struct view *view, GError **error)
{
    g_autoptr(log_reader_t) reader = log_reader_new(log_source_folder(view->folder));
    g_autoptr(note_t) note = log_reader_checkpoint(reader, error);
    g_autoptr(checkpoint_t) checkpoint = note
                                             ? checkpoint_parse(g_bytes_get_data(note->text, NULL),
                                                                g_bytes_get_size(note->text), error)
                                             : NULL;

    if (!checkpoint || !is_signed_by_log(view, note, error))
        return FALSE;
    if (!g_str_equal(checkpoint->origin, view->genesis->origin))
        return found_error(error, "%s: is of another log", view->checkpoint_path);
    if (checkpoint->size < register_size(view->reg))
        return found_error(error, "%s: is smaller than before: the log was rolled back",
                           view->checkpoint_path);
    if (!read_history(view, error))
        return FALSE;
    if (view->untimed != G_MAXUINT64 && log_history_time_us(view->moments, view->untimed))
        begin_anew(view);
    if (!fold_up_to(view, checkpoint, error) || !show(view, note, checkpoint, error))
        return FALSE;
    note = NULL;
    return TRUE;
}

static void look(struct view *view)
{
    g_autoptr(GError) error = NULL;
    struct stat status;

    if (stat(view->checkpoint_path, &status) < 0 || (status.st_mtim.tv_sec == view->seen.tv_sec &&
                                                     status.st_mtim.tv_nsec == view->seen.tv_nsec))
        return;
    if (take_in(view, &error))
        view->seen = status.st_mtim;
    g_rw_lock_writer_lock(&view->lock);
    g_clear_pointer(&view->trouble, g_free);
    view->trouble = error ? g_strdup(error->message) : NULL;
    g_rw_lock_writer_unlock(&view->lock);
}

/* Waits for the time of the next look or for somebody who asks; gives the number of the look. */
static guint64 await_turn(struct view *view)
{
    gint64 until_us = g_get_monotonic_time() + LOOK_EVERY_US;
    guint64 number;

    g_mutex_lock(&view->turn_lock);
    while (view->asked == view->looked && !g_atomic_int_get(&view->stopping) &&
           g_cond_wait_until(&view->turn, &view->turn_lock, until_us))
        ;
    number = view->asked;
    g_mutex_unlock(&view->turn_lock);
    return number;
}

static gpointer run(gpointer data)
{
    struct view *view = data;
    guint64 number = 0;

    while (!g_atomic_int_get(&view->stopping)) {
        look(view);
        g_mutex_lock(&view->turn_lock);
        view->looked = number;
        g_cond_broadcast(&view->turn);
        g_mutex_unlock(&view->turn_lock);
        number = await_turn(view);
    }
    return NULL;
}

void view_refresh(struct view *view)
{
    gint64 until_us = g_get_monotonic_time() + LOOK_AWAITED_US;
    guint64 number;

    g_mutex_lock(&view->turn_lock);
    number = ++view->asked;
    g_cond_broadcast(&view->turn);
    while (view->looked < number && !g_atomic_int_get(&view->stopping) &&
           g_cond_wait_until(&view->turn, &view->turn_lock, until_us))
        ;
    g_mutex_unlock(&view->turn_lock);
}

void view_start(struct view *view)
{
    view->thread = g_thread_new("view", run, view);
}

/* --- asking --- */

const struct shown *view_hold(struct view *view)
{
    g_rw_lock_reader_lock(&view->lock);
    return &view->shown;
}

void view_release(struct view *view)
{
    g_rw_lock_reader_unlock(&view->lock);
}

char *view_trouble(struct view *view)
{
    char *trouble;

    g_rw_lock_reader_lock(&view->lock);
    trouble = g_strdup(view->trouble);
    g_rw_lock_reader_unlock(&view->lock);
    return trouble;
}

GBytes *view_entry(struct view *view, guint64 index, GError **error)
{
    GBytes *entry;

    g_mutex_lock(&view->read_lock);
    entry = log_reader_entry(view->reader, index, error);
    g_mutex_unlock(&view->read_lock);
    return entry;
}

char *view_proof(struct view *view, guint64 index, GError **error)
{
    struct merkle_hash path[MERKLE_PATH_LIMIT];
    gboolean done;
    guint length;

    g_mutex_lock(&view->read_lock);
    done = log_reader_inclusion(view->reader, index, view->checkpoint->size, path, &length, error);
    g_mutex_unlock(&view->read_lock);
    return done ? tlog_proof_text(index, path, length, view->note->bytes) : NULL;
}

gboolean view_find(struct view *view, const struct merkle_hash *leaf, guint64 *index)
{
    gsize found = (gsize)g_hash_table_lookup(view->by_leaf, key_of_leaf(leaf));
    g_autoptr(GBytes) entry = found ? view_entry(view, found - 1, NULL) : NULL;
    g_autoptr(merkle_t) merkle = NULL;
    struct merkle_hash there;
    gsize length;
    const void *data;

    if (!entry)
        return FALSE;
    merkle = merkle_new();
    data = g_bytes_get_data(entry, &length);
    there = merkle_leaf(merkle, data, length);
    *index = found - 1;
    return memcmp(&there, leaf, sizeof there) == 0;
}

GBytes *view_document(struct view *view, GError **error)
{
    gint64 now_us = clock_now_us();
    GBytes *document;

    g_mutex_lock(&view->read_lock);
    if (!view->document || now_us - view->document_us > DOCUMENT_AGE_US) {
        g_clear_pointer(&view->document, g_bytes_unref);
        view->document = register_document(view->reg, now_us, error);
        view->document_us = now_us;
    }
    document = view->document ? g_bytes_ref(view->document) : NULL;
    g_mutex_unlock(&view->read_lock);
    return document;
}
