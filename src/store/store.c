#include "config.h"
#include "store/store_private.h"

#include "base/error.h"

#include <string.h>

static const char *const schemes[] = { "postgresql://", "postgres://" };

#define TRIES 10                       /* of a transaction that conflicts with others */
#define PAUSE_US (G_USEC_PER_SEC / 50) /* before the second; longer before each further one */

gboolean store_is_url(const char *place)
{
    for (guint i = 0; i < G_N_ELEMENTS(schemes); i++)
        if (g_str_has_prefix(place, schemes[i]))
            return TRUE;
    return FALSE;
}

/* postgresql://USER:PASSWORD@HOST, or ?password=. */
gboolean store_url_has_password(const char *url)
{
    const char *host = store_is_url(url) ? strstr(url, "://") + 3 : NULL;
    const gsize length = host ? strcspn(host, "/?") : 0;
    const char *at = host ? memrchr(host, '@', length) : NULL;
    const char *options = host ? strchr(host, '?') : NULL;

    return (at && memchr(host, ':', (gsize)(at - host))) ||
           (options && (strstr(options, "?password=") || strstr(options, "&password=")));
}

struct store *store_open(const char *place, const struct store_schema *schema, enum store_mode mode,
                         GError **error)
{
    if (!store_is_url(place))
        return store_sqlite_open(place, schema, mode, error);
#ifdef HAVE_POSTGRESQL
    return store_postgres_open(place, schema, mode, error);
#else
    input_error(error, "this entente was built without PostgreSQL");
    return NULL;
#endif
}

void store_close(struct store *store)
{
    if (store)
        store->backend->close(store);
}

enum store_trouble store_trouble(const struct store *store)
{
    return store->trouble;
}

gboolean store_begin(struct store *store, GError **error)
{
    return store->backend->begin(store, error);
}

gboolean store_commit(struct store *store, GError **error)
{
    return store->backend->commit(store, error);
}

void store_rollback(struct store *store)
{
    store->backend->rollback(store);
}

static gboolean try_once(struct store *store, store_transaction_fn body, gpointer data,
                         GError **error)
{
    enum store_trouble trouble;

    store->trouble = STORE_NO_TROUBLE;
    if (store_begin(store, error) && body(store, data, error) && store_commit(store, error))
        return TRUE;
    trouble = store->trouble;
    store_rollback(store);
    store->trouble = trouble;
    return FALSE;
}

gboolean store_transaction(struct store *store, store_transaction_fn body, gpointer data,
                           GError **error)
{
    for (guint i = 1;; i++) {
        GError *failure = NULL;

        if (try_once(store, body, data, &failure))
            return TRUE;
        if ((store->trouble != STORE_CONFLICT && store->trouble != STORE_LOST) || i == TRIES) {
            g_propagate_error(error, failure);
            return FALSE;
        }
        g_error_free(failure);
        g_usleep(i * PAUSE_US);
    }
}

gboolean store_listen(struct store *store, const char *channel, GError **error)
{
    return store->backend->listen(store, channel, error);
}

gboolean store_wait(struct store *store, gint64 limit_us)
{
    return store->backend->wait(store, limit_us);
}

void store_quicken(struct store *store, gint64 limit_us)
{
    store->backend->quicken(store, limit_us);
}

struct query *store_query(struct store *store, const char *sql, GError **error)
{
    return store->backend->query(store, sql, error);
}

void query_done(struct query *query)
{
    if (query)
        query->store->backend->done(query);
}

void query_bind_integer(struct query *query, int parameter, gint64 number)
{
    query->store->backend->bind_integer(query, parameter, number);
}

void query_bind_text(struct query *query, int parameter, const char *text)
{
    query->store->backend->bind_text(query, parameter, text);
}

void query_bind_bytes(struct query *query, int parameter, const void *bytes, gsize length)
{
    query->store->backend->bind_bytes(query, parameter, bytes, length);
}

gboolean query_step(struct query *query, gboolean *row, GError **error)
{
    return query->store->backend->step(query, row, error);
}

gboolean query_run(struct query *query, GError **error)
{
    gboolean row;

    return query_step(query, &row, error);
}

gint64 query_integer(struct query *query, int column)
{
    return query->store->backend->integer(query, column);
}

const char *query_text(struct query *query, int column)
{
    return query->store->backend->text(query, column);
}

const void *query_bytes(struct query *query, int column, gsize *length)
{
    return query->store->backend->bytes(query, column, length);
}

gboolean query_is_null(struct query *query, int column)
{
    return query->store->backend->is_null(query, column);
}

gboolean store_check(struct store *store, GError **error)
{
    return store->backend->check(store, error);
}

gboolean store_shed(struct store *store, gboolean *gone, GError **error)
{
    return store->backend->shed(store, gone, error);
}
