#include "log/replica.h"

#include "base/error.h"
#include "log/applied.h"
#include "log/published.h"
#include "log/tree.h"
#include "log/wal.h"

#include <string.h>

#define NOTES_AT_ONCE 64
#define MARK_EVERY (64u << 20) /* bytes taken in between two syncs of the folder */

struct replica {
    char *origin;
    struct store *store;
    struct applied *applied;
    struct tile_set *tiles;
    struct merkle *merkle;
    struct tree_edge edge;
    struct published published;
    guint64 version; /* of the note that is published here */
    guint64 marked, unmarked_bytes;
    gboolean is_current; /* the folder was once as large as the database */
    gboolean may_go_on;
};

/* ---- batches ---- */

static gboolean take_batch(const struct wal_record *record, GBytes *bundle, GPtrArray *entries,
                           gpointer data, GError **error)
{
    struct replica *replica = data;
    g_autofree struct merkle_hash *leaves = g_new(struct merkle_hash, entries->len);
    struct merkle_hash completed[TREE_LEVELS], root;
    struct tree_edge edge = replica->edge;

    for (guint i = 0; i < entries->len; i++) {
        gsize length;
        const void *entry = g_bytes_get_data(entries->pdata[i], &length);

        leaves[i] = merkle_leaf(replica->merkle, entry, length);
        tree_append(&edge, replica->merkle, &leaves[i], completed);
    }
    root = tree_root(&edge, replica->merkle);
    if (memcmp(&root, &record->root, sizeof root) != 0 ||
        !tile_set_append(replica->tiles, leaves, entries, error))
        return FALSE;
    replica->edge = edge;
    replica->unmarked_bytes += record->length;
    return TRUE;
}

static gboolean mark(struct replica *replica, GError **error)
{
    const struct merkle_hash root = tree_root(&replica->edge, replica->merkle);
    const guint64 size = replica->edge.size;

    if (size == replica->marked)
        return TRUE;
    if (!tile_set_write_partial(replica->tiles, size, error) ||
        !tile_set_sync(replica->tiles, error) ||
        !applied_mark(replica->applied, size, &root, error))
        return FALSE;
    replica->marked = size;
    replica->unmarked_bytes = 0;
    return TRUE;
}

/* The database may not have less than this folder has seen, nor else. */
static gboolean check_head(struct replica *replica, const struct log_head *head, GError **error)
{
    const struct merkle_hash root = tree_root(&replica->edge, replica->merkle);
    const guint64 size = MAX(replica->edge.size, replica->published.size);

    if (head->size < size || head->signed_state.size < replica->published.size)
        return policy_error(
            error,
            "the database's log %s ends at size %" G_GUINT64_FORMAT " (%" G_GUINT64_FORMAT
            " signed), and this node's folder %s has %" G_GUINT64_FORMAT " (%" G_GUINT64_FORMAT
            " published): the database is a restored backup, or a standby that lost what was "
            "committed. A log that lost entries goes on under a new origin only",
            replica->origin, head->size, head->signed_state.size, replica->published.folder, size,
            replica->published.size);
    return head->size != replica->edge.size || memcmp(&head->root, &root, sizeof root) == 0 ||
           found_error(error,
                       "the database's log %s has another root at size %" G_GUINT64_FORMAT
                       " than this node's folder %s: stop, and keep both as evidence",
                       replica->origin, head->size, replica->published.folder);
}

static gboolean take_batches(struct replica *replica, const struct log_head *head, GError **error)
{
    if (!check_head(replica, head, error) ||
        !log_batches_read(replica->store, replica->origin, replica->edge.size, head->size,
                          take_batch, replica, error))
        return FALSE;
    if (!replica->is_current && tile_set_has_more(replica->published.folder, head->size))
        return policy_error(error,
                            "%s: the tiles hold entries past size %" G_GUINT64_FORMAT
                            ", where the database ends: it is a restored backup",
                            replica->published.folder, head->size);
    replica->is_current = TRUE;
    return replica->unmarked_bytes < MARK_EVERY || mark(replica, error);
}

/* ---- notes ---- */

/* Whether a note is the log's, and of these tiles. */
static gboolean judge_note(struct replica *replica, GBytes *note, guint64 size, GError **error)
{
    g_autoptr(checkpoint_t) checkpoint =
        published_parse(&replica->published, note, "the database's checkpoint", error);

    return checkpoint &&
           (checkpoint->size == size ||
            found_error(error,
                        "a checkpoint of the database is filed under size %" G_GUINT64_FORMAT
                        " and has another",
                        size)) &&
           published_has_root(replica->tiles, checkpoint, "the database's checkpoint", error);
}

static gboolean take_moment(struct replica *replica, struct query *query, GError **error)
{
    const guint64 size = (guint64)query_integer(query, 0);
    gsize length;
    const void *bytes = query_bytes(query, 1, &length);
    g_autoptr(GBytes) note = g_bytes_new(bytes, length);

    return judge_note(replica, note, size, error) &&
           tile_set_write_partial(replica->tiles, size, error) &&
           published_remember(&replica->published, note, size, error);
}

/* `*more`: there may be others behind them. */
static gboolean take_moments(struct replica *replica, gboolean *more, GError **error)
{
    g_autoptr(query_t) query =
        store_query(replica->store,
                    "SELECT size, note FROM entente_history WHERE origin = $1 AND size > $2"
                    " AND size <= $3 ORDER BY size LIMIT " G_STRINGIFY(NOTES_AT_ONCE),
                    error);
    gboolean row;
    guint count = 0;

    if (!query)
        return FALSE;
    query_bind_text(query, 1, replica->origin);
    query_bind_integer(query, 2,
                       replica->published.has_history ? (gint64)replica->published.trusted : -1);
    query_bind_integer(query, 3, (gint64)replica->edge.size);
    if (!query_step(query, &row, error))
        return FALSE;
    for (; row; count++)
        if (!take_moment(replica, query, error) || !query_step(query, &row, error))
            return FALSE;
    *more = count == NOTES_AT_ONCE;
    return TRUE;
}

/* The history first, as who sequences does: what a checkpoint rests on is there before it. */
static gboolean take_published(struct replica *replica, const struct log_head *head, GError **error)
{
    g_autoptr(query_t) query = NULL;
    g_autoptr(GBytes) note = NULL;
    gboolean more = TRUE, there;
    const void *bytes;
    guint64 size, version;
    gsize length;

    if (head->version == replica->version)
        return TRUE;
    while (more)
        if (!take_moments(replica, &more, error))
            return FALSE;
    query = store_query(replica->store,
                        "SELECT published_size, published, version FROM entente_log"
                        " WHERE origin = $1 AND published IS NOT NULL",
                        error);
    if (!query)
        return FALSE;
    query_bind_text(query, 1, replica->origin);
    if (!query_step(query, &there, error))
        return FALSE;
    if (!there)
        return TRUE;
    size = (guint64)query_integer(query, 0);
    version = (guint64)query_integer(query, 2);
    bytes = query_bytes(query, 1, &length);
    if (size > replica->edge.size) /* it was published meanwhile: next time */
        return TRUE;
    note = g_bytes_new(bytes, length);
    if (!judge_note(replica, note, size, error) ||
        !published_put(&replica->published, replica->tiles, note, size, FALSE, error))
        return FALSE;
    replica->version = version;
    return TRUE;
}

/* ---- open and close ---- */

gboolean replica_take(struct replica *replica, struct log_head *head, GError **error)
{
    const gboolean read = log_head_read(replica->store, replica->origin, head, error);
    const gboolean done =
        read && take_batches(replica, head, error) && take_published(replica, head, error);

    replica->may_go_on = done || log_database_may_return(replica->store);
    return done;
}

gboolean replica_may_go_on(const struct replica *replica)
{
    return replica->may_go_on;
}

void replica_wait(struct replica *replica, gint64 limit_us)
{
    store_wait(replica->store, limit_us);
}

guint64 replica_size(const struct replica *replica)
{
    return replica->edge.size;
}

guint64 replica_published(const struct replica *replica)
{
    return replica->published.size;
}

struct store *replica_store(struct replica *replica)
{
    return replica->store;
}

static GPtrArray *copy_keys(const GPtrArray *keys)
{
    GPtrArray *copies = g_ptr_array_new_with_free_func((GDestroyNotify)note_key_free);

    for (guint i = 0; i < keys->len; i++)
        g_ptr_array_add(copies, note_key_copy(keys->pdata[i]));
    return copies;
}

static gboolean open_folder(struct replica *replica, const struct replica_options *options,
                            GError **error)
{
    struct merkle_hash root;
    guint64 size;

    replica->applied = applied_open(options->folder, options->origin, &size, &root, error);
    if (!replica->applied)
        return FALSE;
    replica->marked = size;
    replica->tiles = tile_set_open(options->folder, size, &root, error);
    return replica->tiles &&
           tile_set_edge(replica->tiles, replica->merkle, size, &replica->edge, error);
}

struct replica *replica_open(const struct replica_options *options, GError **error)
{
    g_autoptr(replica_t) replica = g_new0(struct replica, 1);
    g_autofree char *channel = log_database_channel(options->origin);
    struct log_head head;

    replica->origin = g_strdup(options->origin);
    replica->merkle = merkle_new();
    published_init(&replica->published, options->folder, options->origin, copy_keys(options->keys));
    replica->store = log_database_open(options->url, error);
    /* Folder and row are read before anything is taken in: they may contradict each other. */
    if (!replica->store || !store_listen(replica->store, channel, error) ||
        !log_head_read(replica->store, options->origin, &head, error) ||
        !open_folder(replica, options, error) || !take_batches(replica, &head, error) ||
        !published_read(&replica->published, replica->tiles, head.signed_state.size, "the database",
                        error))
        return NULL;
    return g_steal_pointer(&replica);
}

void replica_close(struct replica *replica)
{
    g_autoptr(GError) error = NULL;

    if (!replica)
        return;
    if (replica->tiles && replica->is_current && !mark(replica, &error))
        g_info("%s", error->message);
    tile_set_free(replica->tiles);
    applied_close(replica->applied);
    store_close(replica->store);
    published_clear(&replica->published);
    merkle_free(replica->merkle);
    g_free(replica->origin);
    g_free(replica);
}
