/*
 * rtr.h: a client of RPKI caches: its thread keeps a connection (rtr_session.h), and anybody may
 * ask at any time for the sets that are in force.
 */
#pragma once
#include "rpki/rtr_session.h"

#define RTR_PORT "323"

struct rtr_options {
    const char *host, *port;        /* a name or an address; a number. Copied. */
    guint8 version;                 /* the highest to be tried */
    void (*changed)(gpointer data); /* on the client's thread, after sets changed; or NULL */
    gpointer data;
};

struct rtr_client;
struct rtr_client *rtr_client_start(const struct rtr_options *options, GError **error);
/* Ends the thread: at once, but for a name that is being resolved. */
void rtr_client_stop(struct rtr_client *client);
typedef struct rtr_client rtr_client_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(rtr_client_t, rtr_client_stop)

/*
 * The sets in force, each a reference of the caller's. FALSE: there are none, not yet or no longer.
 */
gboolean rtr_client_sets(struct rtr_client *client, struct vrp_set **vrps, struct aspa_set **aspas);

/* How it is. `problem` is the caller's; times are on the clock of g_get_monotonic_time(). */
void rtr_client_status(struct rtr_client *client, struct rtr_status *status, char **problem);

/*
 * Waits for sets. `told` (or NULL) gets each new problem meanwhile, for people. FALSE and
 * ENTENTE_ERROR_SYSTEM: none by `limit_us` from now, or the cache refused by an error.
 */
typedef void (*rtr_told)(const char *problem, gpointer data);
gboolean rtr_client_wait(struct rtr_client *client, gint64 limit_us, rtr_told told, gpointer data,
                         GError **error);

/*
 * "cache.example", "cache.example:8282", "192.0.2.1:8282", "[2001:db8::1]:8282", "2001:db8::1" in
 * host and port, both the caller's. ENTENTE_ERROR_INPUT.
 */
gboolean rtr_split(const char *text, char **host, char **port, GError **error);
