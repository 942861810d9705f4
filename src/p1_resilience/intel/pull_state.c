#include "p1_resilience/intel/pull_state.h"

#include "store/store.h"

#define APPLICATION 0x454e5450 /* "ENTP" */

static const char *const steps[] = {
    "CREATE TABLE place (source TEXT PRIMARY KEY, number INTEGER NOT NULL, added_after TEXT,"
    " last TEXT, next TEXT) STRICT;"
    "CREATE TABLE seen (number INTEGER PRIMARY KEY, source TEXT NOT NULL, id TEXT NOT NULL,"
    " version TEXT NOT NULL, UNIQUE (source, id, version)) STRICT;",
    NULL,
};
static const struct store_schema schema = { APPLICATION, steps, NULL };

struct pull_state {
    struct store *store;
};

struct pull_state *pull_state_open(const char *path, GError **error)
{
    struct store *store = store_open(path, &schema, STORE_WRITE, error);
    struct pull_state *state = store ? g_new0(struct pull_state, 1) : NULL;

    if (state)
        state->store = store;
    return state;
}

void pull_state_close(struct pull_state *state)
{
    if (!state)
        return;
    store_close(state->store);
    g_free(state);
}

void pull_place_clear(struct pull_place *place)
{
    g_clear_pointer(&place->added_after, g_free);
    g_clear_pointer(&place->last, g_free);
    g_clear_pointer(&place->next, g_free);
}

gboolean pull_state_load(struct pull_state *state, const char *source, struct pull_place *place,
                         GError **error)
{
    g_autoptr(query_t) query = store_query(
        state->store, "SELECT number, added_after, last, next FROM place WHERE source = $1", error);
    gboolean row;

    *place = (struct pull_place){ 0 };
    if (!query)
        return FALSE;
    query_bind_text(query, 1, source);
    if (!query_step(query, &row, error))
        return FALSE;
    if (row) {
        place->number = query_integer(query, 0);
        place->added_after = g_strdup(query_text(query, 1));
        place->last = g_strdup(query_text(query, 2));
        place->next = g_strdup(query_text(query, 3));
    }
    return TRUE;
}

gboolean pull_state_has(struct pull_state *state, const char *source, const char *id,
                        const char *version, gboolean *has, GError **error)
{
    g_autoptr(query_t) query = store_query(
        state->store, "SELECT 1 FROM seen WHERE source = $1 AND id = $2 AND version = $3", error);

    if (!query)
        return FALSE;
    query_bind_text(query, 1, source);
    query_bind_text(query, 2, id);
    query_bind_text(query, 3, version);
    return query_step(query, has, error);
}

char *pull_state_version(struct pull_state *state, const char *source, const char *id,
                         GError **error)
{
    g_autoptr(query_t) query = store_query(
        state->store, "SELECT version FROM seen WHERE source = $1 AND id = $2 ORDER BY number DESC",
        error);
    gboolean row;

    if (!query)
        return NULL;
    query_bind_text(query, 1, source);
    query_bind_text(query, 2, id);
    return query_step(query, &row, error) && row ? g_strdup(query_text(query, 0)) : NULL;
}

struct saving {
    const char *source;
    const struct pull_place *place;
    const GPtrArray *read;
};

static gboolean save_read(struct store *store, const struct saving *saving, guint i, GError **error)
{
    g_autoptr(query_t) query =
        store_query(store,
                    "INSERT INTO seen (source, id, version) VALUES ($1, $2, $3)"
                    " ON CONFLICT (source, id, version) DO NOTHING",
                    error);

    if (!query)
        return FALSE;
    query_bind_text(query, 1, saving->source);
    query_bind_text(query, 2, saving->read->pdata[i]);
    query_bind_text(query, 3, saving->read->pdata[i + 1]);
    return query_run(query, error);
}

static gboolean save(struct store *store, gpointer data, GError **error)
{
    const struct saving *saving = data;
    g_autoptr(query_t) query = store_query(
        store,
        "INSERT INTO place VALUES ($1, $2, $3, $4, $5) ON CONFLICT (source) DO UPDATE SET"
        " number = excluded.number, added_after = excluded.added_after,"
        " last = excluded.last, next = excluded.next",
        error);

    if (!query)
        return FALSE;
    query_bind_text(query, 1, saving->source);
    query_bind_integer(query, 2, saving->place->number);
    query_bind_text(query, 3, saving->place->added_after);
    query_bind_text(query, 4, saving->place->last);
    query_bind_text(query, 5, saving->place->next);
    if (!query_run(query, error))
        return FALSE;
    for (guint i = 0; i + 1 < saving->read->len; i += 2)
        if (!save_read(store, saving, i, error))
            return FALSE;
    return TRUE;
}

gboolean pull_state_save(struct pull_state *state, const char *source,
                         const struct pull_place *place, const GPtrArray *read, GError **error)
{
    struct saving saving = { source, place, read };

    return store_transaction(state->store, save, &saving, error);
}
