#include "p1_resilience/intel/taxii_store_private.h"

#include "base/clock.h"
#include "base/error.h"

#include <sodium.h>
#include <string.h>

#define APPLICATION 0x454e5458 /* "ENTX" */
#define DAY_US (G_GINT64_CONSTANT(86400) * G_USEC_PER_SEC)
#define ROWS_AT_ONCE 2000u    /* of one query */
#define PAGE_BYTES (8u << 20) /* of objects of one page; a last one may go beyond */
#define LOOK_LIMIT 200000u    /* rows looked at for one page */

/* The bytes stand last in their row: what compares versions does not read them. */
static const char *const steps[] = {
    "CREATE TABLE taxii_secret (name TEXT PRIMARY KEY, bytes BLOB NOT NULL) STRICT;"
    "CREATE TABLE taxii_collection (collection TEXT PRIMARY KEY, last_us INTEGER NOT NULL) STRICT;"
    "CREATE TABLE taxii_object (collection TEXT NOT NULL, added_us INTEGER NOT NULL,"
    " id TEXT NOT NULL, type TEXT NOT NULL, spec TEXT NOT NULL, version TEXT NOT NULL,"
    " onward INTEGER NOT NULL, created TEXT, created_by TEXT, revoked INTEGER NOT NULL,"
    " digest BLOB NOT NULL, bytes BLOB NOT NULL, UNIQUE (collection, added_us),"
    " UNIQUE (collection, id, spec, version)) STRICT;"
    "CREATE INDEX taxii_object_by_type ON taxii_object (collection, type, added_us);"
    "CREATE TABLE taxii_status (id TEXT PRIMARY KEY, reader TEXT NOT NULL,"
    " time_us INTEGER NOT NULL, body TEXT NOT NULL) STRICT;"
    "CREATE INDEX taxii_status_by_time ON taxii_status (time_us);",
    NULL,
};
static const char *const postgres_steps[] = {
    "CREATE TABLE taxii_secret (name TEXT PRIMARY KEY, bytes BYTEA NOT NULL);"
    "CREATE TABLE taxii_collection (collection TEXT PRIMARY KEY, last_us BIGINT NOT NULL);"
    "CREATE TABLE taxii_object (collection TEXT NOT NULL, added_us BIGINT NOT NULL,"
    " id TEXT COLLATE \"C\" NOT NULL, type TEXT COLLATE \"C\" NOT NULL,"
    " spec TEXT COLLATE \"C\" NOT NULL, version TEXT COLLATE \"C\" NOT NULL,"
    " onward BIGINT NOT NULL, created TEXT, created_by TEXT, revoked BIGINT NOT NULL,"
    " digest BYTEA NOT NULL, bytes BYTEA NOT NULL, UNIQUE (collection, added_us),"
    " UNIQUE (collection, id, spec, version));"
    "CREATE INDEX taxii_object_by_type ON taxii_object (collection, type, added_us);"
    "CREATE TABLE taxii_status (id TEXT PRIMARY KEY, reader TEXT NOT NULL,"
    " time_us BIGINT NOT NULL, body TEXT NOT NULL);"
    "CREATE INDEX taxii_status_by_time ON taxii_status (time_us)",
    NULL,
};
static const struct store_schema schema = { APPLICATION, steps, postgres_steps };

/* --- opening --- */

/* The one that is there, or ours: whoever comes first. */
static gboolean take_secret(struct store *store, gpointer data, GError **error)
{
    guint8 *secret = data, fresh[TAXII_SECRET];
    g_autoptr(query_t) insert = store_query(
        store, "INSERT INTO taxii_secret VALUES ('next', $1) ON CONFLICT (name) DO NOTHING", error);
    g_autoptr(query_t) select =
        insert ? store_query(store, "SELECT bytes FROM taxii_secret WHERE name = 'next'", error)
               : NULL;
    const void *bytes;
    gboolean row;
    gsize length;

    if (!select)
        return FALSE;
    randombytes_buf(fresh, sizeof fresh);
    query_bind_bytes(insert, 1, fresh, sizeof fresh);
    if (!query_run(insert, error) || !query_step(select, &row, error))
        return FALSE;
    bytes = row ? query_bytes(select, 0, &length) : NULL;
    if (!bytes || length != TAXII_SECRET)
        return found_error(error, "the secret of the collections is damaged");
    memcpy(secret, bytes, TAXII_SECRET);
    return TRUE;
}

struct taxii_store *taxii_store_open(const char *place, GError **error)
{
    g_autoptr(taxii_store_t) store = g_new0(struct taxii_store, 1);

    g_mutex_init(&store->lock);
    store->store = store_open(place, &schema, STORE_WRITE, error);
    if (!store->store || !store_transaction(store->store, take_secret, store->secret, error))
        return NULL;
    return g_steal_pointer(&store);
}

void taxii_store_close(struct taxii_store *store)
{
    if (!store)
        return;
    store_close(store->store);
    g_mutex_clear(&store->lock);
    sodium_memzero(store->secret, sizeof store->secret);
    g_free(store);
}

const guint8 *taxii_store_secret(const struct taxii_store *store)
{
    return store->secret;
}

/* --- reading --- */

void taxii_row_free(struct taxii_row *row)
{
    g_free(row->id);
    g_free(row->type);
    g_free(row->spec);
    g_clear_pointer(&row->bytes, g_bytes_unref);
    g_free(row);
}

/* What is known of a row besides itself: whether it is the first or last version of its spec, and
 * whether the object is there in a newer spec. */
#define IS(CONDITION) "CAST(CASE WHEN EXISTS (" CONDITION ") THEN 1 ELSE 0 END AS BIGINT)"
#define OTHERS "SELECT 1 FROM taxii_object n WHERE n.collection = o.collection AND n.id = o.id AND "
#define COLUMNS                                                                                    \
    "SELECT o.added_us, o.id, o.type, o.spec, o.version, o.onward," IS(                            \
        OTHERS                                                                                     \
        "n.spec = o.spec "                                                                         \
        "AND n.version < "                                                                         \
        "o.version") "," IS(OTHERS                                                                 \
                            "n.spec = o.spec AND n.version > o.version") "," IS(OTHERS             \
                                                                                "n.spec > "        \
                                                                                "o.spec") ", "     \
                                                                                          "o."     \
                                                                                          "bytes " \
                                                                                          "FROM "  \
                                                                                          "taxii_" \
                                                                                          "object" \
                                                                                          " o "    \
                                                                                          "WHERE " \
                                                                                          "o."     \
                                                                                          "collec" \
                                                                                          "tion "  \
                                                                                          "= "     \
                                                                                          "$1 "    \
                                                                                          "AND "   \
                                                                                          "o."     \
                                                                                          "added_" \
                                                                                          "us > "  \
                                                                                          "$2 "
#define IN_ORDER "ORDER BY o.added_us LIMIT "
enum column { ADDED, ID, TYPE, SPEC, VERSION, ONWARD, HAS_OLDER, HAS_NEWER, HAS_NEWER_SPEC, BYTES };

static gboolean is_listed(char *const *list, const char *value)
{
    return !list || g_strv_contains((const char *const *)list, value);
}

static gboolean takes(const struct taxii_filter *filter, struct query *query)
{
    const char *version = query_text(query, VERSION);

    if (!is_listed(filter->ids, query_text(query, ID)) ||
        !is_listed(filter->types, query_text(query, TYPE)))
        return FALSE;
    if (filter->specs ? !is_listed(filter->specs, query_text(query, SPEC))
                      : query_integer(query, HAS_NEWER_SPEC))
        return FALSE;
    return (filter->versions & TAXII_ALL) ||
           ((filter->versions & TAXII_FIRST) && !query_integer(query, HAS_OLDER)) ||
           ((filter->versions & TAXII_LAST) && !query_integer(query, HAS_NEWER)) ||
           (filter->exact && g_strv_contains((const char *const *)filter->exact, version));
}

static struct taxii_row *row_of(struct query *query, gboolean light)
{
    struct taxii_row *row = g_new0(struct taxii_row, 1);
    const void *bytes;
    gsize length = 0;

    row->added_us = query_integer(query, ADDED);
    row->id = g_strdup(query_text(query, ID));
    row->type = g_strdup(query_text(query, TYPE));
    row->spec = g_strdup(query_text(query, SPEC));
    row->onward = query_integer(query, ONWARD) != 0;
    if (light)
        return row;
    bytes = query_bytes(query, BYTES, &length);
    row->bytes = g_bytes_new(bytes, length);
    return row;
}

struct look {
    const char *collection, *object;
    const struct taxii_filter *filter;
    guint most, looked;
    gint64 reached_us;
    gboolean light; /* without the objects' bytes */
    gsize bytes;
    GPtrArray *rows;
};

static void take_row(struct look *look, struct query *query)
{
    struct taxii_row *row = row_of(query, look->light);

    look->bytes += row->bytes ? g_bytes_get_size(row->bytes) : 0;
    g_ptr_array_add(look->rows, row);
}

/* One query's rows; `*end` when there were no more, or the page is full. */
static gboolean look(struct store *store, struct look *look, gboolean *end, GError **error)
{
    char *const *types = look->filter->types;
    const char *type = types && !types[1] ? types[0] : NULL;
    const char *narrow = look->object ? look->object : type;
    g_autoptr(query_t) query = store_query(store,
                                           look->object ? COLUMNS "AND o.id = $3 " IN_ORDER "$4"
                                           : type       ? COLUMNS "AND o.type = $3 " IN_ORDER "$4"
                                                        : COLUMNS IN_ORDER "$3",
                                           error);
    guint count = 0;
    gboolean row;

    if (!query)
        return FALSE;
    query_bind_text(query, 1, look->collection);
    query_bind_integer(query, 2, look->reached_us);
    if (narrow)
        query_bind_text(query, 3, narrow);
    query_bind_integer(query, narrow ? 4 : 3, ROWS_AT_ONCE);
    for (*end = FALSE; !*end; count++) {
        if (!query_step(query, &row, error))
            return FALSE;
        if (!row)
            break;
        if (takes(look->filter, query)) {
            *end = look->rows->len == look->most || look->bytes >= PAGE_BYTES;
            if (!*end)
                take_row(look, query);
        }
        if (!*end)
            look->reached_us = query_integer(query, ADDED);
    }
    look->looked += count;
    return TRUE;
}

/* Looks until the page is full, everything was seen, or it has been enough. */
static gboolean look_all(struct store *store, struct look *state, gboolean *more, GError **error)
{
    gboolean full = FALSE;
    guint before;

    do {
        before = state->looked;
        if (!look(store, state, &full, error))
            return FALSE;
    } while (!full && state->looked - before == ROWS_AT_ONCE && state->looked < LOOK_LIMIT);
    *more = full || state->looked - before == ROWS_AT_ONCE;
    return TRUE;
}

static gint compare_rows(gconstpointer one, gconstpointer other)
{
    const struct taxii_row *a = *(struct taxii_row *const *)one;
    const struct taxii_row *b = *(struct taxii_row *const *)other;

    return (a->added_us > b->added_us) - (a->added_us < b->added_us);
}

static GBytes *bytes_of(struct store *store, const char *collection, gint64 added_us,
                        GError **error)
{
    g_autoptr(query_t) query = store_query(
        store, "SELECT bytes FROM taxii_object WHERE collection = $1 AND added_us = $2", error);
    const void *bytes;
    gboolean row;
    gsize length;

    if (!query)
        return NULL;
    query_bind_text(query, 1, collection);
    query_bind_integer(query, 2, added_us);
    if (!query_step(query, &row, error))
        return NULL;
    bytes = row ? query_bytes(query, 0, &length) : NULL;
    return bytes ? g_bytes_new(bytes, length) : g_bytes_new_static("{}", 2);
}

/* The rows that go onto the page, and their bytes. */
static gboolean load(struct store *store, struct look *state, gboolean *more, GError **error)
{
    guint count = 0;

    for (; count < MIN(state->rows->len, state->most) && state->bytes < PAGE_BYTES; count++) {
        struct taxii_row *row = state->rows->pdata[count];

        row->bytes = bytes_of(store, state->collection, row->added_us, error);
        if (!row->bytes)
            return FALSE;
        state->bytes += g_bytes_get_size(row->bytes);
        state->reached_us = row->added_us;
    }
    *more = count < state->rows->len;
    g_ptr_array_set_size(state->rows, (int)count);
    return TRUE;
}

/* Of a few ids: each is looked up, so that nobody else's rows are read. */
static gboolean look_up_ids(struct store *store, struct look *state, gboolean *more, GError **error)
{
    for (char **id = state->filter->ids; *id; id++) {
        struct look one = *state;

        one.object = *id;
        one.most = G_MAXUINT;
        one.light = TRUE;
        if (!look_all(store, &one, more, error))
            return FALSE;
    }
    g_ptr_array_sort(state->rows, compare_rows);
    return load(store, state, more, error);
}

GPtrArray *taxii_store_page(struct taxii_store *store, const char *collection, const char *object,
                            const struct taxii_filter *filter, gint64 after_us, guint most,
                            gint64 *reached_us, gboolean *more, GError **error)
{
    g_autoptr(GPtrArray) rows =
        g_ptr_array_new_with_free_func((GDestroyNotify)(gpointer)taxii_row_free);
    struct look state = { .collection = collection,
                          .object = object,
                          .filter = filter,
                          .most = most,
                          .reached_us = after_us,
                          .rows = rows };
    gboolean done;

    g_mutex_lock(&store->lock);
    done = filter->ids && !object ? look_up_ids(store->store, &state, more, error)
                                  : look_all(store->store, &state, more, error);
    g_mutex_unlock(&store->lock);
    *reached_us = state.reached_us;
    return done ? g_steal_pointer(&rows) : NULL;
}

/* --- single objects --- */

#define NEWEST                                                                                     \
    "SELECT bytes, onward FROM taxii_object WHERE collection = $1 AND id = $2"                     \
    " ORDER BY spec DESC, version DESC LIMIT 1"

static GBytes *newest(struct store *store, const char *collection, const char *id, gboolean *onward,
                      GError **error)
{
    g_autoptr(query_t) query = store_query(store, NEWEST, error);
    const void *bytes;
    gboolean row;
    gsize length;

    if (!query)
        return NULL;
    query_bind_text(query, 1, collection);
    query_bind_text(query, 2, id);
    if (!query_step(query, &row, error) || !row)
        return NULL;
    *onward = query_integer(query, 1) != 0;
    bytes = query_bytes(query, 0, &length);
    return g_bytes_new(bytes, length);
}

GBytes *taxii_store_object(struct taxii_store *store, const char *collection, const char *id,
                           gboolean *onward, GError **error)
{
    GBytes *bytes;

    g_mutex_lock(&store->lock);
    bytes = newest(store->store, collection, id, onward, error);
    g_mutex_unlock(&store->lock);
    return bytes;
}

static gboolean each_of_type(struct store *store, const char *collection, const char *type,
                             GPtrArray *all, GError **error)
{
    g_autoptr(query_t) query =
        store_query(store,
                    "SELECT bytes FROM taxii_object WHERE collection = $1 AND type = $2"
                    " ORDER BY added_us",
                    error);
    gboolean row;

    if (!query)
        return FALSE;
    query_bind_text(query, 1, collection);
    query_bind_text(query, 2, type);
    for (;;) {
        const void *bytes;
        gsize length;

        if (!query_step(query, &row, error))
            return FALSE;
        if (!row)
            return TRUE;
        bytes = query_bytes(query, 0, &length);
        g_ptr_array_add(all, g_bytes_new(bytes, length));
    }
}

GPtrArray *taxii_store_of_type(struct taxii_store *store, const char *collection, const char *type,
                               GError **error)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    gboolean done;

    g_mutex_lock(&store->lock);
    done = each_of_type(store->store, collection, type, all, error);
    g_mutex_unlock(&store->lock);
    return done ? g_steal_pointer(&all) : NULL;
}

/* --- deleting --- */

struct deleting {
    const char *collection, *id;
    const struct taxii_filter *filter;
    guint deleted;
};

static gboolean delete_one(struct store *store, const struct deleting *deleting, gint64 added_us,
                           GError **error)
{
    g_autoptr(query_t) query = store_query(
        store, "DELETE FROM taxii_object WHERE collection = $1 AND added_us = $2", error);

    if (!query)
        return FALSE;
    query_bind_text(query, 1, deleting->collection);
    query_bind_integer(query, 2, added_us);
    return query_run(query, error);
}

static gboolean delete_all(struct store *store, gpointer data, GError **error)
{
    struct deleting *deleting = data;
    g_autoptr(GPtrArray) rows =
        g_ptr_array_new_with_free_func((GDestroyNotify)(gpointer)taxii_row_free);
    struct look state = { .collection = deleting->collection,
                          .object = deleting->id,
                          .filter = deleting->filter,
                          .most = G_MAXUINT,
                          .reached_us = -1,
                          .light = TRUE,
                          .rows = rows };
    gboolean more;

    deleting->deleted = 0;
    if (!look_all(store, &state, &more, error))
        return FALSE;
    for (; deleting->deleted < rows->len; deleting->deleted++)
        if (!delete_one(store, deleting,
                        ((struct taxii_row *)rows->pdata[deleting->deleted])->added_us, error))
            return FALSE;
    return TRUE;
}

gboolean taxii_store_delete(struct taxii_store *store, const char *collection, const char *id,
                            const struct taxii_filter *filter, guint *deleted, GError **error)
{
    struct deleting deleting = { collection, id, filter, 0 };
    gboolean done;

    g_mutex_lock(&store->lock);
    done = store_transaction(store->store, delete_all, &deleting, error);
    g_mutex_unlock(&store->lock);
    *deleted = deleting.deleted;
    return done;
}

gboolean taxii_store_count(struct taxii_store *store, gint64 *count, GError **error)
{
    gboolean row = FALSE, done = FALSE;

    g_mutex_lock(&store->lock);
    {
        g_autoptr(query_t) query =
            store_query(store->store, "SELECT COUNT(*) FROM taxii_object", error);

        done = query && query_step(query, &row, error);
        *count = done && row ? query_integer(query, 0) : 0;
    }
    g_mutex_unlock(&store->lock);
    return done;
}

/* --- what became of requests --- */

struct status {
    const char *id, *reader, *text;
    gint64 now_us;
};

static gboolean keep_status(struct store *store, gpointer data, GError **error)
{
    const struct status *status = data;
    g_autoptr(query_t) old =
        store_query(store, "DELETE FROM taxii_status WHERE time_us < $1", error);
    g_autoptr(query_t) query =
        old ? store_query(store, "INSERT INTO taxii_status VALUES ($1, $2, $3, $4)", error) : NULL;

    if (!query)
        return FALSE;
    query_bind_integer(old, 1, status->now_us - DAY_US);
    query_bind_text(query, 1, status->id);
    query_bind_text(query, 2, status->reader);
    query_bind_integer(query, 3, status->now_us);
    query_bind_text(query, 4, status->text);
    return query_run(old, error) && query_run(query, error);
}

gboolean taxii_store_keep_status(struct taxii_store *store, const char *id, const char *reader,
                                 const char *text, gint64 now_us, GError **error)
{
    struct status status = { id, reader, text, now_us };
    gboolean done;

    g_mutex_lock(&store->lock);
    done = store_transaction(store->store, keep_status, &status, error);
    g_mutex_unlock(&store->lock);
    return done;
}

char *taxii_store_status(struct taxii_store *store, const char *id, const char *reader,
                         GError **error)
{
    char *text = NULL;

    g_mutex_lock(&store->lock);
    {
        g_autoptr(query_t) query = store_query(
            store->store, "SELECT body FROM taxii_status WHERE id = $1 AND reader = $2", error);
        gboolean row = FALSE;

        if (query) {
            query_bind_text(query, 1, id);
            query_bind_text(query, 2, reader);
            if (query_step(query, &row, error) && row)
                text = g_strdup(query_text(query, 0));
        }
    }
    g_mutex_unlock(&store->lock);
    return text;
}
