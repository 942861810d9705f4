/* taxii_add.c: which objects may come into a collection, and in which order they stand there. */
#include "base/clock.h"
#include "base/error.h"
#include "p1_resilience/intel/taxii_store_private.h"

#include <string.h>

static gboolean read_last(struct store *store, const char *collection, gint64 *last_us,
                          GError **error)
{
    /* The insert locks the row until the commit, whether or not it is new. */
    g_autoptr(query_t) lock = store_query(
        store,
        "INSERT INTO taxii_collection VALUES ($1, 0) ON CONFLICT (collection) DO UPDATE SET"
        " last_us = taxii_collection.last_us",
        error);
    g_autoptr(query_t) query =
        lock ? store_query(store, "SELECT last_us FROM taxii_collection WHERE collection = $1",
                           error)
             : NULL;
    gboolean row;

    if (!query)
        return FALSE;
    query_bind_text(lock, 1, collection);
    query_bind_text(query, 1, collection);
    if (!query_run(lock, error) || !query_step(query, &row, error))
        return FALSE;
    *last_us = row ? query_integer(query, 0) : 0;
    return TRUE;
}

static gboolean write_last(struct store *store, const char *collection, gint64 last_us,
                           GError **error)
{
    g_autoptr(query_t) query =
        store_query(store, "UPDATE taxii_collection SET last_us = $1 WHERE collection = $2", error);

    if (!query)
        return FALSE;
    query_bind_integer(query, 1, last_us);
    query_bind_text(query, 2, collection);
    return query_run(query, error);
}

/* A version that is there. */
struct before {
    gint64 added_us;
    char *version, *created, *created_by; /* the version as a key */
    gboolean revoked;
    gboolean is_same; /* as the addition, byte for byte of its canonical form */
};
typedef struct before before_t;

static void before_clear(struct before *before)
{
    g_free(before->version);
    g_free(before->created);
    g_free(before->created_by);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(before_t, before_clear)

#define BEFORE                                                                                     \
    "SELECT added_us, version, created, created_by, revoked, digest FROM taxii_object"             \
    " WHERE collection = $1 AND id = $2"
#define THIS_VERSION BEFORE " AND spec = $3 AND version = $4"
#define NEWEST_VERSION BEFORE " ORDER BY spec DESC, version DESC LIMIT 1"

/* That version of the object, or its newest one (NULL); `before` has an added_us when it is
 * there. */
static gboolean look_up(struct store *store, const char *collection, const struct taxii_head *head,
                        const char *version, struct before *before, GError **error)
{
    g_autoptr(query_t) query = store_query(store, version ? THIS_VERSION : NEWEST_VERSION, error);
    const void *digest;
    gboolean row;
    gsize length;

    if (!query)
        return FALSE;
    query_bind_text(query, 1, collection);
    query_bind_text(query, 2, head->id);
    if (version) {
        query_bind_text(query, 3, head->spec);
        query_bind_text(query, 4, version);
    }
    if (!query_step(query, &row, error))
        return FALSE;
    if (!row)
        return TRUE;
    before->added_us = query_integer(query, 0);
    before->version = g_strdup(query_text(query, 1));
    before->created = g_strdup(query_text(query, 2));
    before->created_by = g_strdup(query_text(query, 3));
    before->revoked = query_integer(query, 4) != 0;
    digest = query_bytes(query, 5, &length);
    before->is_same =
        digest && length == sizeof head->digest && memcmp(digest, head->digest, length) == 0;
    return TRUE;
}

/* Why the object cannot follow the newest version that is there; NULL: it can. */
static char *cannot_follow(const struct taxii_head *head, const char *version,
                           const struct before *before)
{
    if (g_strcmp0(head->created, before->created) != 0)
        return g_strdup("created differs from that of another version");
    if (g_strcmp0(head->created_by, before->created_by) != 0)
        return g_strdup("created_by_ref differs from that of another version");
    if (before->revoked && strcmp(version, before->version) > 0)
        return g_strdup("the object was revoked");
    return NULL;
}

struct adding {
    const char *collection;
    struct taxii_addition *additions;
    guint count;
    gboolean onward;
};

static gboolean insert(struct store *store, const struct adding *adding,
                       const struct taxii_addition *addition, const char *version, GError **error)
{
    const struct taxii_head *head = addition->head;
    g_autoptr(query_t) query = store_query(
        store,
        "INSERT INTO taxii_object (collection, added_us, id, type, spec, version, onward, created,"
        " created_by, revoked, digest, bytes)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        error);

    if (!query)
        return FALSE;
    query_bind_text(query, 1, adding->collection);
    query_bind_integer(query, 2, addition->added_us);
    query_bind_text(query, 3, head->id);
    query_bind_text(query, 4, head->type);
    query_bind_text(query, 5, head->spec);
    query_bind_text(query, 6, version);
    query_bind_integer(query, 7, adding->onward);
    query_bind_text(query, 8, head->created);
    query_bind_text(query, 9, head->created_by);
    query_bind_integer(query, 10, head->revoked);
    query_bind_bytes(query, 11, head->digest, sizeof head->digest);
    query_bind_bytes(query, 12, addition->text, addition->length);
    return query_run(query, error);
}

/* What is there already: then `addition` says so, or says why it is refused. */
static gboolean meet(struct store *store, const char *collection, const char *version,
                     struct taxii_addition *addition, gboolean *met, GError **error)
{
    g_auto(before_t) same = { 0 }, newest = { 0 };

    *met = FALSE;
    if (version && !look_up(store, collection, addition->head, version, &same, error))
        return FALSE;
    if (same.added_us) {
        *met = TRUE;
        if (same.is_same)
            addition->added_us = same.added_us;
        else
            addition->refused = g_strdup("the same version is there with other content");
        return TRUE;
    }
    if (!look_up(store, collection, addition->head, NULL, &newest, error))
        return FALSE;
    if (!newest.added_us)
        return TRUE;
    if (version)
        addition->refused = cannot_follow(addition->head, version, &newest);
    else if (newest.is_same)
        addition->added_us = newest.added_us;
    *met = addition->refused || addition->added_us;
    return TRUE;
}

static gboolean add_one(struct store *store, const struct adding *adding,
                        struct taxii_addition *addition, gint64 *last_us, GError **error)
{
    g_autofree char *version = taxii_version_key(addition->head->version);
    gboolean met;

    addition->added_us = 0;
    addition->is_new = FALSE;
    g_clear_pointer(&addition->refused, g_free);
    if (!meet(store, adding->collection, version, addition, &met, error))
        return FALSE;
    if (met)
        return TRUE;
    *last_us = addition->added_us = MAX(clock_now_us(), *last_us + 1);
    if (!version) {
        g_autofree char *time = taxii_time(addition->added_us);

        version = g_strconcat(TAXII_NO_VERSION, time, NULL);
    }
    addition->is_new = TRUE;
    return insert(store, adding, addition, version, error);
}

static gboolean add_all(struct store *store, gpointer data, GError **error)
{
    const struct adding *adding = data;
    gint64 last_us;

    if (!read_last(store, adding->collection, &last_us, error))
        return FALSE;
    for (guint i = 0; i < adding->count; i++)
        if (!add_one(store, adding, &adding->additions[i], &last_us, error))
            return FALSE;
    return write_last(store, adding->collection, last_us, error);
}

gboolean taxii_store_add(struct taxii_store *store, const char *collection,
                         struct taxii_addition *additions, guint count, gboolean onward,
                         GError **error)
{
    struct adding adding = { collection, additions, count, onward };
    gboolean done;

    g_mutex_lock(&store->lock);
    done = store_transaction(store->store, add_all, &adding, error);
    g_mutex_unlock(&store->lock);
    return done;
}
