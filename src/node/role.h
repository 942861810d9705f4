/*
 * role.h: what a node does about a log that a database keeps: follow it, and sequence it when
 * nobody else does.
 *
 *          +--> follow: take in batches and notes (replica.h), told by the database
 *          |       | nobody holds the lease, and this node has the log's key: take it (epoch + 1)
 *          |       v
 *          +--- sequence: renew the lease; until told to stop, another took it, or the writer
 * failed
 *
 * One thread follows and decides, one renews. Whoever has lost the lease without noticing can
 * commit nothing (commit_database.h); it follows again.
 */
#pragma once
#include "log/commit_log.h"
#include "node/places.h"

struct role_options { /* borrowed for its life */
    struct node *node;
    const char *database; /* URL */
    const char *own_url;  /* where the other nodes reach this one */
    gint64 lease_us;
    const struct community_policy *genesis;
    gboolean may_sequence; /* the log's key is here */
    /* Begins with the commit log, which is taken over; ends and frees all. On the role's thread. */
    gboolean (*begin)(struct commit_log *commits, gpointer data, GError **error);
    void (*end)(gpointer data);
    gpointer data;
};

struct role;
struct role *role_new(const struct role_options *options);
/* What makes it impossible to go on goes to node_fail(). */
void role_start(struct role *role);
/* The writer of this term has failed: it ends. On any thread. */
void role_term_failed(struct role *role, const GError *error);
/* Ends the term in order, gives the lease back. */
void role_finish(struct role *role);
void role_free(struct role *role);

struct role_state {
    gboolean is_sequencing; /* or about to */
    gboolean is_reached;    /* the database answered last time it was asked */
    guint64 epoch, size, committed, published, terms;
    char holder[256]; /* URL of who sequences; "": nobody now */
};
void role_state(struct role *role, struct role_state *state);
