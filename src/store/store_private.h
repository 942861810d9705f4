/* store_private.h: what a back end of the store is: a table of functions behind store.h. */
#pragma once
#include "store/store.h"

struct store_backend {
    void (*close)(struct store *store);
    gboolean (*begin)(struct store *store, GError **error);
    gboolean (*commit)(struct store *store, GError **error);
    void (*rollback)(struct store *store);
    struct query *(*query)(struct store *store, const char *sql, GError **error);
    void (*done)(struct query *query);
    void (*bind_integer)(struct query *query, int parameter, gint64 number);
    void (*bind_text)(struct query *query, int parameter, const char *text);
    void (*bind_bytes)(struct query *query, int parameter, const void *bytes, gsize length);
    gboolean (*step)(struct query *query, gboolean *row, GError **error);
    gint64 (*integer)(struct query *query, int column);
    const char *(*text)(struct query *query, int column);
    const void *(*bytes)(struct query *query, int column, gsize *length);
    gboolean (*is_null)(struct query *query, int column);
    gboolean (*check)(struct store *store, GError **error);
    gboolean (*shed)(struct store *store, gboolean *gone, GError **error);
    gboolean (*listen)(struct store *store, const char *channel, GError **error);
    gboolean (*wait)(struct store *store, gint64 limit_us);
    void (*quicken)(struct store *store, gint64 limit_us);
};

/* The first member of each back end's own structure. */
struct store {
    const struct store_backend *backend;
    enum store_trouble trouble;
};

struct query {
    struct store *store;
};

struct store *store_sqlite_open(const char *path, const struct store_schema *schema,
                                enum store_mode mode, GError **error);
struct store *store_postgres_open(const char *url, const struct store_schema *schema,
                                  enum store_mode mode, GError **error);
