/*
 * ris_client.h: a client of RIS Live: its thread keeps a WebSocket to the service, asks for what
 * concerns us, and hands over each message as it came (for ris_live.h).
 *
 *     connect -> subscribe -> messages; a ping now and then -> lost, or silent -> wait -> connect
 *
 * What was said while there was no connection is not said again: RIS Live has no memory.
 */
#pragma once
#include <glib.h>

#define RIS_LIVE_RIPE "wss://ris-live.ripe.net/v1/ws/?client=entente"
#define RIS_PROBLEM_MAX 256

struct ris_client_options {
    const char *url; /* ws or wss; copied */
    gboolean allow_private;
    const char *ca_file; /* PEM, borrowed for its life; NULL: the system's */
    /* As watch.h has them, or NULL; used by ris_client_start() alone. */
    const GPtrArray *prefixes, *systems, *hosts;
    gint64 ping_us; /* 0: 20 s; three without an answer end a connection */
    /* On the client's thread; the bytes are borrowed. */
    void (*take)(const void *message, gsize length, gpointer data);
    gpointer data;
};

struct ris_client_status {
    gboolean is_connected;
    guint64 connections, messages;
    gint64 heard_us; /* of g_get_monotonic_time(), the last message of any kind; 0: none */
    char problem[RIS_PROBLEM_MAX]; /* what ended the last connection, or hindered it; "" */
};

/* ENTENTE_ERROR_INPUT: the URL is none of these. */
gboolean ris_url_check(const char *url, GError **error);

/* The requests for what is ours, each a text. */
GPtrArray *ris_subscriptions(const GPtrArray *prefixes, const GPtrArray *systems,
                             const GPtrArray *hosts);

struct ris_client;
typedef struct ris_client ris_client_t;
struct ris_client *ris_client_start(const struct ris_client_options *options, GError **error);
/* Ends the thread: at once, but for a connection that is being made. */
void ris_client_stop(struct ris_client *client);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ris_client_t, ris_client_stop)

void ris_client_status(struct ris_client *client, struct ris_client_status *status);
