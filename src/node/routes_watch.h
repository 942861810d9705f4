/*
 * routes_watch.h: the live watch over our routes, in two processes beside the node:
 *
 *     listener (routes_listener.c)             keeper (routes_keeper.c)
 *     RIS Live, BMP, RTR ─> watch ─> report ──────> alarm, its continuation, its end
 *     no key, no journal, one folder      <── done      (beyond a bound: the journal, one alarm)
 *
 * Whoever reads what comes from the network can sign nothing and see nothing of the node's. A
 * report is in the file of the watch's state before it is handed over, and until the keeper did
 * what it says: whatever is killed, no alarm is lost, and none is raised twice. A listener that
 * crashes is started anew.
 */
#pragma once
#include "node/background.h"
#include "node/node.h"
#include "p2_internet/routes/ris_client.h"
#include "p2_internet/routes/watch.h"
#include "rpki/rtr.h"

#include <poll.h>

#define ROUTES_FOLDER "routes" /* in the data folder */
#define ROUTES_STATE "watch.state"
#define ROUTES_LOCK "lock"
#define ROUTES_TEXT_MAX 256

/* What is listened to; borrowed from the node's options. */
struct routes_sources {
    const char *ris_live, *bmp, *rtr;
    char *const *bmp_routers;
    char *const *relationships; /* files (relations.h); or NULL */
    const char *name_servers;   /* file (watch_hosts.h); or NULL */
    gint64 silence_us;
};

/*
 * In memory that all processes see, for the node's numbers: written by the listener and, where it
 * says so, the keeper. Texts may be read while they are written.
 */
struct routes_shown {
    guint64 elements, concerning, dropped;
    guint64 held, incidents, open;
    guint64 unread; /* messages and lines that could not be read, or not to their end */
    gint64 last_us; /* when something was last heard of anybody */
    guint64 ris_connected, ris_connections, ris_messages;
    guint64 routers, refused; /* BMP: connected now; connections that were not taken */
    guint64 has_payloads, payloads, serial;
    guint64 saved, not_saved;
    guint64 alarms, repeats, ends; /* the keeper's */
    guint64 withheld;              /* incidents beyond the bound (routes_flood.h), likewise */
    guint64 started;               /* listeners, the keeper's */
    char ris_problem[ROUTES_TEXT_MAX], rtr_problem[ROUTES_TEXT_MAX];
    char problem[ROUTES_TEXT_MAX];     /* why the listener gave up; "": it did not */
    char bmp_address[ROUTES_TEXT_MAX]; /* with the port that the kernel gave */
};

/* What the service hands to its process. */
struct routes_work {
    struct routes_sources sources;
    struct routes_shown *shown;
};

/*
 * Waits until no listener has the folder: one whose node stopped still writes its state, and has
 * the port of its routers. Gives a descriptor that holds it until it is closed; -1 and an error.
 */
int routes_hold(const char *data_folder, GError **error);

/* The keeper: starts a listener, and does what it reports, until one of them ends. */
gboolean routes_keep(struct background_round *round, GError **error);

/*
 * The listener: confines itself, and never returns. `keeper`: a socket of packets, each one line
 * of watch_report_json(), answered by one byte. Every other descriptor beyond the standard ones is
 * closed by the caller.
 */
void routes_listen(const struct background_round *round, int keeper) G_GNUC_NORETURN;

/* --- routers (routes_routers.c): their connections, on one thread --- */

struct routers;
typedef struct routers routers_t;
/* Borrowed: what a router says, in its own feed. */
typedef void (*routers_sink)(const char *feed, const struct route_element *element, gpointer data);

#define ROUTERS_FEED "BMP " /* before the address of a router, as the name of its feed */

/* ENTENTE_ERROR_POLICY: it can be reached from outside, and nobody said who may tell. */
struct routers *routers_open(const char *address, char *const *allowed, routers_sink sink,
                             gpointer data, GError **error);
void routers_close(struct routers *routers);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(routers_t, routers_close)
const char *routers_address(const struct routers *routers);

/* Appends struct pollfd; then takes what they gave, in the same order. */
void routers_poll(const struct routers *routers, GArray *polled);
void routers_take(struct routers *routers, const struct pollfd *polled, gint64 now_us);
/* Each router that is connected is heard. */
void routers_each(const struct routers *routers, void (*each)(const char *feed, gpointer data),
                  gpointer data);
struct routers_counts {
    guint connected;
    guint64 refused, unread;
};
void routers_count(const struct routers *routers, struct routers_counts *counts);
