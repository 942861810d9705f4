#include "p1_resilience/hunt/retro_store.h"

#include "base/error.h"

#include <sodium.h>
#include <string.h>
#include <unistd.h>

#define APPLICATION 0x456e4854u /* "EnHT" */
#define SALT "salt"
#define DAY_US (G_GINT64_CONSTANT(86400) * G_USEC_PER_SEC)

static const char *const steps[] = {
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;"
    "CREATE TABLE searched (log TEXT NOT NULL, device INTEGER NOT NULL, inode INTEGER NOT NULL,"
    " place INTEGER NOT NULL, lines INTEGER NOT NULL, size INTEGER NOT NULL,"
    " changed INTEGER NOT NULL, head BLOB NOT NULL, tail BLOB NOT NULL, tables BLOB NOT NULL,"
    " PRIMARY KEY (log, device, inode)) STRICT;"
    "CREATE TABLE seen (digest BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;"
    "CREATE TABLE hit (id INTEGER PRIMARY KEY AUTOINCREMENT, log TEXT NOT NULL,"
    " kind TEXT NOT NULL, indicator TEXT NOT NULL, token TEXT NOT NULL, file TEXT NOT NULL,"
    " line INTEGER NOT NULL, place INTEGER NOT NULL, sources TEXT NOT NULL, tlp TEXT NOT NULL,"
    " confidence INTEGER NOT NULL, time INTEGER, found INTEGER NOT NULL, told INTEGER NOT NULL)"
    " STRICT;"
    "CREATE INDEX hit_untold ON hit (told, log, kind, indicator);"
    "CREATE TABLE log (name TEXT PRIMARY KEY, tables BLOB NOT NULL, unread INTEGER NOT NULL,"
    " time INTEGER NOT NULL) STRICT;",
    "ALTER TABLE searched ADD COLUMN origin BLOB;"
    "UPDATE searched SET origin = head;",
    NULL,
};
static const struct store_schema schema = { APPLICATION, steps, NULL };

struct retro_store {
    struct store *store;
    guint8 salt[crypto_generichash_KEYBYTES]; /* so that digests of hits cannot be guessed */
};

static gboolean load_salt(struct retro_store *own, GError **error)
{
    g_autoptr(query_t) query =
        store_query(own->store, "SELECT value FROM meta WHERE name = $1", error);
    const void *value;
    gboolean row;
    gsize length;

    if (!query)
        return FALSE;
    query_bind_text(query, 1, SALT);
    if (!query_step(query, &row, error))
        return FALSE;
    value = row ? query_bytes(query, 0, &length) : NULL;
    if (!value || length != sizeof own->salt)
        return input_error(error, RETRO_FILE ": its salt is missing");
    memcpy(own->salt, value, sizeof own->salt);
    return TRUE;
}

static gboolean make_salt(struct store *store, gpointer data, GError **error)
{
    guint8 salt[crypto_generichash_KEYBYTES];
    g_autoptr(query_t) query = store_query(
        store, "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING", error);

    (void)data;
    if (!query)
        return FALSE;
    randombytes_buf(salt, sizeof salt);
    query_bind_text(query, 1, SALT);
    query_bind_bytes(query, 2, salt, sizeof salt);
    return query_run(query, error);
}

static struct retro_store *open_at(const char *folder, enum store_mode mode, GError **error)
{
    g_autofree char *path = g_build_filename(folder, RETRO_FILE, NULL);
    g_autoptr(retro_store_t) own = g_new0(struct retro_store, 1);

    own->store = store_open(path, &schema, mode, error);
    if (!own->store ||
        (mode == STORE_WRITE && !store_transaction(own->store, make_salt, NULL, error)) ||
        !load_salt(own, error))
        return NULL;
    return g_steal_pointer(&own);
}

struct retro_store *retro_store_open(const char *data_folder, GError **error)
{
    return open_at(data_folder, STORE_WRITE, error);
}

struct retro_store *retro_store_open_existing(const char *data_folder, GError **error)
{
    g_autofree char *path = g_build_filename(data_folder, RETRO_FILE, NULL);

    return access(path, F_OK) == 0 ? open_at(data_folder, STORE_READ, error) : NULL;
}

void retro_store_close(struct retro_store *store)
{
    if (!store)
        return;
    g_clear_pointer(&store->store, store_close);
    g_free(store);
}

/* ---- places */

static gboolean take_digest(query_t *query, int column, guint8 *digest)
{
    gsize length = 0;
    const void *bytes = query_bytes(query, column, &length);

    if (!bytes || length != RETRO_DIGEST)
        return FALSE;
    memcpy(digest, bytes, RETRO_DIGEST);
    return TRUE;
}

/* The file that a log is now: the first three parameters. */
static void bind_file(query_t *query, const char *log, const struct retro_place *place)
{
    query_bind_text(query, 1, log);
    query_bind_integer(query, 2, (gint64)place->device);
    query_bind_integer(query, 3, (gint64)place->inode);
}

gboolean retro_store_place(struct retro_store *store, const char *log, struct retro_place *place,
                           gboolean *known, GError **error)
{
    g_autoptr(query_t) query =
        store_query(store->store,
                    "SELECT place, lines, size, changed, head, tail, tables, origin FROM searched "
                    "WHERE log = $1 AND device = $2 AND inode = $3",
                    error);

    *known = FALSE;
    if (!query)
        return FALSE;
    bind_file(query, log, place);
    if (!query_step(query, known, error))
        return FALSE;
    if (!*known)
        return TRUE;
    place->offset = (guint64)query_integer(query, 0);
    place->lines = (guint64)query_integer(query, 1);
    place->size = (guint64)query_integer(query, 2);
    place->changed_us = query_integer(query, 3);
    *known = take_digest(query, 4, place->head) && take_digest(query, 5, place->tail) &&
             take_digest(query, 6, place->tables) && take_digest(query, 7, place->origin);
    return TRUE;
}

static gboolean save_place(struct store *store, const char *log, const struct retro_place *place,
                           GError **error)
{
    g_autoptr(query_t) query = store_query(
        store,
        "INSERT INTO searched (log, device, inode, place, lines, size, changed, head, tail, tables,"
        " origin) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (log, device, "
        "inode) DO "
        "UPDATE SET place = excluded.place, lines = excluded.lines, size = excluded.size, "
        "changed = excluded.changed, head = excluded.head, tail = excluded.tail, "
        "tables = excluded.tables, origin = excluded.origin",
        error);

    if (!query)
        return FALSE;
    bind_file(query, log, place);
    query_bind_integer(query, 4, (gint64)place->offset);
    query_bind_integer(query, 5, (gint64)place->lines);
    query_bind_integer(query, 6, (gint64)place->size);
    query_bind_integer(query, 7, place->changed_us);
    query_bind_bytes(query, 8, place->head, RETRO_DIGEST);
    query_bind_bytes(query, 9, place->tail, RETRO_DIGEST);
    query_bind_bytes(query, 10, place->tables, RETRO_DIGEST);
    query_bind_bytes(query, 11, place->origin, RETRO_DIGEST);
    return query_run(query, error);
}

/* ---- hits */

void retro_hit_free(struct retro_hit *hit)
{
    if (!hit)
        return;
    g_free(hit->file);
    g_free(hit->indicator);
    g_free(hit->token);
    g_free(hit->sources);
    g_free(hit);
}

static char *joined(const GPtrArray *names)
{
    GString *out = g_string_new(NULL);

    for (guint i = 0; i < names->len; i++)
        g_string_append_printf(out, i ? ", %s" : "%s", (const char *)names->pdata[i]);
    return g_string_free(out, FALSE);
}

struct retro_hit *retro_hit_copy(const struct hunt_hit *hit)
{
    struct retro_hit *copy = g_new0(struct retro_hit, 1);

    copy->file = g_utf8_make_valid(hit->file, -1);
    copy->indicator = g_strdup(hit->indicator);
    copy->token = hunt_hit_token(hit);
    copy->sources = joined(hit->sources);
    copy->kind = indicator_kind_name(hit->kind);
    copy->tlp = tlp_name(hit->tlp);
    copy->line = hit->line;
    copy->offset = hit->offset;
    copy->time_us = hit->time_us;
    copy->confidence = hit->confidence;
    return copy;
}

/* `place`: in this file alone; NULL: in the log, wherever its lines are now. */
static void digest_of(const struct retro_store *store, const struct retro_found *found,
                      const struct retro_hit *hit, const struct retro_place *place, guint8 *digest)
{
    const guint64 numbers[] = { hit->line, hit->offset, (guint64)hit->time_us,
                                place ? place->device : 0, place ? place->inode : 0 };
    const char *const texts[] = { found->log, found->stem, hit->kind, hit->indicator, hit->token };
    crypto_generichash_state state;

    crypto_generichash_init(&state, store->salt, sizeof store->salt, RETRO_DIGEST);
    for (guint i = 0; i < G_N_ELEMENTS(texts); i++)
        crypto_generichash_update(&state, (const guint8 *)texts[i], strlen(texts[i]) + 1);
    crypto_generichash_update(&state, (const guint8 *)numbers, sizeof numbers);
    if (place)
        crypto_generichash_update(&state, place->origin, RETRO_DIGEST);
    crypto_generichash_final(&state, digest, RETRO_DIGEST);
}

static gboolean see(struct store *store, const guint8 *digest, gboolean *before, GError **error)
{
    g_autoptr(query_t) look = store_query(store, "SELECT 1 FROM seen WHERE digest = $1", error);
    g_autoptr(query_t) note = NULL;

    if (!look)
        return FALSE;
    query_bind_bytes(look, 1, digest, RETRO_DIGEST);
    if (!query_step(look, before, error))
        return FALSE;
    if (*before)
        return TRUE;
    note = store_query(store, "INSERT INTO seen (digest) VALUES ($1)", error);
    if (!note)
        return FALSE;
    query_bind_bytes(note, 1, digest, RETRO_DIGEST);
    return query_run(note, error);
}

/*
 * A line with a time is the same line wherever it is; one without may be like another in another
 * file, unless that file is a copy of what was searched before.
 */
static gboolean is_news(struct retro_store *store, const struct retro_found *found,
                        const struct retro_hit *hit, gboolean *news, GError **error)
{
    guint8 anywhere[RETRO_DIGEST], here[RETRO_DIGEST];
    gboolean seen_anywhere, seen_here;

    digest_of(store, found, hit, NULL, anywhere);
    if (!see(store->store, anywhere, &seen_anywhere, error))
        return FALSE;
    *news = !seen_anywhere;
    if (hit->time_us != HIT_TIME_NONE || !found->place)
        return TRUE;
    digest_of(store, found, hit, found->place, here);
    if (!see(store->store, here, &seen_here, error))
        return FALSE;
    if (!found->is_copy)
        *news = !seen_here;
    return TRUE;
}

static gboolean insert_hit(struct store *store, const char *log, const struct retro_hit *hit,
                           gint64 now_us, GError **error)
{
    g_autoptr(query_t) query = store_query(
        store,
        "INSERT INTO hit (log, kind, indicator, token, file, line, place, sources, tlp, confidence,"
        " time, found, told) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, NULLIF($11, $12), "
        "$13, 0)",
        error);

    if (!query)
        return FALSE;
    query_bind_text(query, 1, log);
    query_bind_text(query, 2, hit->kind);
    query_bind_text(query, 3, hit->indicator);
    query_bind_text(query, 4, hit->token);
    query_bind_text(query, 5, hit->file);
    query_bind_integer(query, 6, (gint64)hit->line);
    query_bind_integer(query, 7, (gint64)hit->offset);
    query_bind_text(query, 8, hit->sources);
    query_bind_text(query, 9, hit->tlp);
    query_bind_integer(query, 10, hit->confidence);
    query_bind_integer(query, 11, hit->time_us);
    query_bind_integer(query, 12, HIT_TIME_NONE);
    query_bind_integer(query, 13, now_us);
    return query_run(query, error);
}

struct recording {
    struct retro_store *own;
    const struct retro_found *found;
    gint64 now_us;
    guint64 fresh;
};

static gboolean record(struct store *store, gpointer data, GError **error)
{
    struct recording *recording = data;
    const struct retro_found *found = recording->found;

    recording->fresh = 0;
    for (guint i = 0; i < found->hits->len; i++) {
        const struct retro_hit *hit = found->hits->pdata[i];
        gboolean news;

        if (!is_news(recording->own, found, hit, &news, error) ||
            (news && !insert_hit(store, found->log, hit, recording->now_us, error)))
            return FALSE;
        recording->fresh += news;
    }
    return !found->place || save_place(store, found->log, found->place, error);
}

gboolean retro_store_record(struct retro_store *store, const struct retro_found *found,
                            gint64 now_us, guint64 *fresh, GError **error)
{
    struct recording recording = { store, found, now_us, 0 };
    gboolean done = store_transaction(store->store, record, &recording, error);

    *fresh = recording.fresh;
    return done;
}

/* ---- who was told */

void retro_group_free(struct retro_group *group)
{
    if (!group)
        return;
    g_free(group->log);
    g_free(group->kind);
    g_free(group->indicator);
    g_free(group->sources);
    g_free(group->tlp);
    g_free(group->file);
    g_free(group);
}

/* SQLite gives the other columns from the row that has the least id. */
GPtrArray *retro_store_untold(struct retro_store *store, GError **error)
{
    g_autoptr(GPtrArray) groups = g_ptr_array_new_with_free_func((GDestroyNotify)retro_group_free);
    g_autoptr(query_t) query =
        store_query(store->store,
                    "SELECT min(id), log, kind, indicator, sources, tlp, file, line, count(*), "
                    "min(time), (SELECT max(m.time) FROM hit m WHERE m.told = 0 AND m.log = hit.log"
                    " AND m.kind = hit.kind AND m.indicator = hit.indicator), "
                    "(SELECT max(m.id) FROM hit m WHERE m.told = 0 AND m.log = hit.log"
                    " AND m.kind = hit.kind AND m.indicator = hit.indicator), confidence "
                    "FROM hit WHERE told = 0 GROUP BY log, kind, indicator ORDER BY 1",
                    error);
    gboolean row;

    if (!query)
        return NULL;
    while (query_step(query, &row, error)) {
        struct retro_group *group;

        if (!row)
            return g_steal_pointer(&groups);
        group = g_new0(struct retro_group, 1);
        group->first_id = query_integer(query, 0);
        group->log = g_strdup(query_text(query, 1));
        group->kind = g_strdup(query_text(query, 2));
        group->indicator = g_strdup(query_text(query, 3));
        group->sources = g_strdup(query_text(query, 4));
        group->tlp = g_strdup(query_text(query, 5));
        group->file = g_strdup(query_text(query, 6));
        group->line = (guint64)query_integer(query, 7);
        group->count = (guint64)query_integer(query, 8);
        group->first_us = query_is_null(query, 9) ? HIT_TIME_NONE : query_integer(query, 9);
        group->last_us = query_is_null(query, 10) ? HIT_TIME_NONE : query_integer(query, 10);
        group->last_id = query_integer(query, 11);
        group->confidence = (guint)query_integer(query, 12);
        g_ptr_array_add(groups, group);
    }
    return NULL;
}

gboolean retro_store_told(struct retro_store *store, const struct retro_group *group,
                          GError **error)
{
    g_autoptr(query_t) query =
        store_query(store->store,
                    "UPDATE hit SET told = 1 WHERE told = 0 AND log = $1 AND kind = $2 AND "
                    "indicator = $3 AND id <= $4",
                    error);

    if (!query)
        return FALSE;
    query_bind_text(query, 1, group->log);
    query_bind_text(query, 2, group->kind);
    query_bind_text(query, 3, group->indicator);
    query_bind_integer(query, 4, group->last_id);
    return query_run(query, error);
}

/* ---- logs */

gboolean retro_store_searched(struct retro_store *store, const char *log, const guint8 *tables,
                              guint64 unread, gint64 now_us, GError **error)
{
    g_autoptr(query_t) query =
        store_query(store->store,
                    "INSERT INTO log (name, tables, unread, time) VALUES ($1, $2, $3, $4) ON "
                    "CONFLICT (name) DO UPDATE SET tables = excluded.tables, "
                    "unread = excluded.unread, time = excluded.time",
                    error);

    if (!query)
        return FALSE;
    query_bind_text(query, 1, log);
    query_bind_bytes(query, 2, tables, RETRO_DIGEST);
    query_bind_integer(query, 3, (gint64)unread);
    query_bind_integer(query, 4, now_us);
    return query_run(query, error);
}

gboolean retro_store_log(struct retro_store *store, const char *log, struct retro_log *state,
                         gboolean *known, GError **error)
{
    g_autoptr(query_t) query =
        store_query(store->store, "SELECT tables, unread, time FROM log WHERE name = $1", error);

    *known = FALSE;
    if (!query)
        return FALSE;
    query_bind_text(query, 1, log);
    if (!query_step(query, known, error))
        return FALSE;
    if (!*known)
        return TRUE;
    *known = take_digest(query, 0, state->tables);
    state->unread = (guint64)query_integer(query, 1);
    state->time_us = query_integer(query, 2);
    return TRUE;
}

gboolean retro_store_days(struct retro_store *store, retro_day_function take, gpointer data,
                          GError **error)
{
    g_autoptr(query_t) query =
        store_query(store->store,
                    "SELECT log, kind, indicator, tlp, COALESCE(time, found) / $1 AS day, COUNT(*) "
                    "FROM hit GROUP BY log, kind, indicator, tlp, day "
                    "ORDER BY log, kind, indicator, tlp, day",
                    error);
    gboolean more;

    if (!query)
        return FALSE;
    query_bind_integer(query, 1, DAY_US);
    while (query_step(query, &more, error)) {
        struct retro_day day;

        if (!more)
            return TRUE;
        day = (struct retro_day){
            .log = query_text(query, 0),
            .kind = query_text(query, 1),
            .indicator = query_text(query, 2),
            .tlp = query_text(query, 3),
            .day = query_integer(query, 4),
            .hits = (guint64)query_integer(query, 5),
        };
        take(&day, data);
    }
    return FALSE;
}

gboolean retro_store_expire(struct retro_store *store, gint64 now_us, GError **error)
{
    g_autoptr(query_t) query =
        store_query(store->store, "DELETE FROM hit WHERE told = 1 AND found < $1", error);

    if (!query)
        return FALSE;
    query_bind_integer(query, 1, now_us - RETRO_DAYS * DAY_US);
    return query_run(query, error);
}
