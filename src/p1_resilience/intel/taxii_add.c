/* taxii_add.c: which objects may come into a collection, and in which order they stand there. */
#include "base/clock.h"
#include "base/error.h"
#include "p1_resilience/intel/stix.h"
#include "p1_resilience/intel/taxii_store_private.h"

#define SPEC_OF_OBSERVABLES "2.1"
#define SPEC_OF_OLD_OBJECTS "2.0"

static const char *spec_of(const json_t *object)
{
    const char *spec = json_text(object, "spec_version");

    return spec                                            ? spec
           : stix_is_observable(json_text(object, "type")) ? SPEC_OF_OBSERVABLES
                                                           : SPEC_OF_OLD_OBJECTS;
}

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

/* The row of that version; NULL without an error: there is none. */
static GBytes *version_of(struct store *store, const char *collection, const char *id,
                          const char *spec, const char *version, gint64 *added_us, GError **error)
{
    g_autoptr(query_t) query =
        store_query(store,
                    "SELECT bytes, added_us FROM taxii_object WHERE collection = $1 AND id = $2 AND"
                    " spec = $3 AND version = $4",
                    error);
    const void *bytes;
    gboolean row;
    gsize length;

    if (!query)
        return NULL;
    query_bind_text(query, 1, collection);
    query_bind_text(query, 2, id);
    query_bind_text(query, 3, spec);
    query_bind_text(query, 4, version);
    if (!query_step(query, &row, error) || !row)
        return NULL;
    *added_us = query_integer(query, 1);
    bytes = query_bytes(query, 0, &length);
    return g_bytes_new(bytes, length);
}

static json_t *parse(GBytes *bytes)
{
    gsize length;
    const char *text = g_bytes_get_data(bytes, &length);

    return json_loadb(text, length, 0, NULL);
}

/* Why the object cannot follow the newest version that is there; NULL: it can. */
static char *cannot_follow(const json_t *object, const json_t *before)
{
    static const char *const fixed[] = { "created", "created_by_ref" };

    for (guint i = 0; i < G_N_ELEMENTS(fixed); i++)
        if (g_strcmp0(json_text(object, fixed[i]), json_text(before, fixed[i])) != 0)
            return g_strdup_printf("%s differs from that of another version", fixed[i]);
    if (json_is_true(json_object_get(before, "revoked")) &&
        stix_time_compare(stix_version(object), stix_version(before)) > 0)
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
                       const struct taxii_addition *addition, const char *spec, const char *version,
                       GError **error)
{
    g_autoptr(query_t) query = store_query(
        store,
        "INSERT INTO taxii_object (collection, added_us, id, type, spec, version, onward,"
        " bytes) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        error);

    if (!query)
        return FALSE;
    query_bind_text(query, 1, adding->collection);
    query_bind_integer(query, 2, addition->added_us);
    query_bind_text(query, 3, json_text(addition->object, "id"));
    query_bind_text(query, 4, json_text(addition->object, "type"));
    query_bind_text(query, 5, spec);
    query_bind_text(query, 6, version);
    query_bind_integer(query, 7, adding->onward);
    query_bind_bytes(query, 8, addition->text, addition->length);
    return query_run(query, error);
}

/* What is there already: then `addition` says so, or says why it is refused. */
static gboolean meet(struct store *store, const char *collection, const char *spec,
                     const char *version, struct taxii_addition *addition, gboolean *met,
                     GError **error)
{
    const char *id = json_text(addition->object, "id");
    GError *failure = NULL;
    gint64 added_us = 0;
    gboolean onward;
    g_autoptr(GBytes) bytes =
        version ? version_of(store, collection, id, spec, version, &added_us, &failure) : NULL;
    g_autoptr(json_t) before = NULL;

    *met = bytes != NULL;
    if (!bytes && !failure)
        bytes = taxii_newest(store, collection, id, &onward, &added_us, &failure);
    if (failure) {
        g_propagate_error(error, failure);
        return FALSE;
    }
    before = bytes ? parse(bytes) : NULL;
    if (!before)
        return TRUE;
    if (*met || (!version && json_equal(before, addition->object))) {
        *met = TRUE;
        if (json_equal(before, addition->object))
            addition->added_us = added_us;
        else
            addition->refused = g_strdup("the same version is there with other content");
    } else if (version) {
        addition->refused = cannot_follow(addition->object, before);
        *met = addition->refused != NULL;
    }
    return TRUE;
}

static gboolean add_one(struct store *store, const struct adding *adding,
                        struct taxii_addition *addition, gint64 *last_us, GError **error)
{
    const char *spec = spec_of(addition->object);
    g_autofree char *version = taxii_version_key(stix_version(addition->object));
    gboolean met;

    addition->added_us = 0;
    addition->is_new = FALSE;
    g_clear_pointer(&addition->refused, g_free);
    if (!meet(store, adding->collection, spec, version, addition, &met, error))
        return FALSE;
    if (met)
        return TRUE;
    *last_us = addition->added_us = MAX(clock_now_us(), *last_us + 1);
    if (!version) {
        g_autofree char *time = taxii_time(addition->added_us);

        version = g_strconcat(TAXII_NO_VERSION, time, NULL);
    }
    addition->is_new = TRUE;
    return insert(store, adding, addition, spec, version, error);
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
