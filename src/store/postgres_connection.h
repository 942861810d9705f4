/* postgres_connection.h: one connection to a PostgreSQL server: how it is made, lost and described.
 */
#pragma once
#include "store/store_private.h"

#include <libpq-fe.h>

struct pq_calls {
    typeof(PQconnectdbParams) *connect;
    typeof(PQconninfoFree) *conninfo_free;
    typeof(PQconninfoParse) *conninfo_parse;
    typeof(PQfinish) *finish;
    typeof(PQstatus) *status;
    typeof(PQerrorMessage) *error_message;
    typeof(PQtransactionStatus) *transaction_status;
    typeof(PQhost) *host;
    typeof(PQport) *port;
    typeof(PQdb) *db;
    typeof(PQexec) *exec;
    typeof(PQprepare) *prepare;
    typeof(PQexecPrepared) *exec_prepared;
    typeof(PQresultStatus) *result_status;
    typeof(PQresultErrorField) *error_field;
    typeof(PQclear) *clear;
    typeof(PQntuples) *ntuples;
    typeof(PQnfields) *nfields;
    typeof(PQftype) *ftype;
    typeof(PQgetvalue) *value;
    typeof(PQgetlength) *length;
    typeof(PQgetisnull) *is_null;
    typeof(PQsocket) *socket;
    typeof(PQconsumeInput) *consume_input;
    typeof(PQnotifies) *notifies;
    typeof(PQfreemem) *freemem;
    typeof(PQescapeIdentifier) *escape_identifier;
    typeof(PQsetNoticeProcessor) *set_notice_processor;
};

struct postgres_store {
    struct store base;
    struct pq_calls calls;
    PGconn *connection;
    guint generation; /* of the connection: prepared statements live in one */
    gboolean read_only, in_transaction, is_lost;
    char *url;
    char *name; /* for messages, without user and password */
    char *channel;
    gint64 patience_us;
    GHashTable *queries; /* SQL -> struct postgres_query */
};

struct postgres_store *postgres_of(struct store *store);

/* Loads libpq, and checks that the URL is one. */
gboolean postgres_load(struct postgres_store *store, GError **error);

/* A new connection, once; or again and again while the server may be away. */
gboolean postgres_connect(struct postgres_store *store, GError **error);
gboolean postgres_reconnect(struct postgres_store *store, GError **error);
void postgres_disconnect(struct postgres_store *store);
gboolean postgres_is_connected(const struct postgres_store *store);
gboolean postgres_have_connection(struct postgres_store *store, GError **error);

/* LISTEN, when there is a channel. */
gboolean postgres_say_listen(struct postgres_store *store, GError **error);

/* One statement without parameters, or several. */
gboolean postgres_execute(struct postgres_store *store, const char *sql, GError **error);

/*
 * Sets error and trouble; `result` NULL: the connection itself. Whether it failed in the middle of
 * something that may have happened is for the caller to say.
 */
gboolean postgres_failed(struct postgres_store *store, const PGresult *result, GError **error);
