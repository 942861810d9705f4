/*
 * witness_client.h: a log asks its witnesses, all at once and each at its own pace.
 *
 * Every witness with a URL has a thread, which asks for a cosignature of the newest checkpoint
 * given, from the size it knows that witness to hold, over a kept connection. Whoever publishes
 * waits for the quorum; cosignatures that come later are collected all the same. A witness that
 * knows a larger tree than ours, or another one, is not asked again: our log may have been rolled
 * back, and the alarm says so.
 *
 * Thread-safe.
 */
#pragma once
#include "log/cosigning.h"
#include "log/quorum.h"

struct witness_client;

struct witness_client_options {
    struct http_options http; /* strings are borrowed for as long as the client lives */
    /* Proves that the log of `size` begins with that of `old_size`; called on any thread. */
    gboolean (*consistency)(guint64 old_size, guint64 size, struct merkle_hash *path, guint *length,
                            gpointer data, GError **error);
    /* A witness holds a larger tree (`size`), or a conflicting one (`size` 0); on its thread. */
    void (*alarm)(const char *witness, guint64 size, const char *message, gpointer data);
    gpointer data;
};

struct witness_client *witness_client_new(const struct witness_client_options *options);
/* Ends the requests at hand. */
void witness_client_free(struct witness_client *client);
typedef struct witness_client witness_client_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(witness_client_t, witness_client_free)

/* The witnesses to ask from now on; those that stay keep what is known of them. `policy` is
 * borrowed until the next one is set. For one thread at a time. */
void witness_client_set_policy(struct witness_client *client, const struct quorum_policy *policy);

/*
 * A checkpoint note, signed by the log, to be cosigned; it replaces an earlier one. The same
 * checkpoint again asks for fresh cosignatures. ENTENTE_ERROR_INPUT: no checkpoint, or a smaller
 * one than before.
 */
gboolean witness_client_ask(struct witness_client *client, GBytes *note, GError **error);

/*
 * Waits until the cosignatures of the checkpoint asked for make the policy's quorum, no witness is
 * left that could still answer soon, or `limit_us` has gone by. Gives the note with all
 * cosignatures that are there (NULL when nothing was asked), and how many, and whether they make
 * the quorum. With a limit of 0: what is there now, for the late ones.
 */
GBytes *witness_client_collect(struct witness_client *client, gint64 limit_us, guint *cosignatures,
                               gboolean *quorum);

enum witness_state {
    WITNESS_NEVER_ASKED,
    WITNESS_GOOD,
    WITNESS_UNREACHABLE,  /* no answer, or none that means anything */
    WITNESS_NOT_ACCEPTED, /* it does not know this log */
    WITNESS_CONFLICT,     /* larger tree or other history: not asked again */
};

struct witness_numbers {
    char *name, *url;
    enum witness_state state;
    guint64 size;         /* it last cosigned, as far as we know */
    gint64 cosigned_s;    /* its last cosignature; 0: never */
    gint64 latency_us;    /* of the last request that was answered */
    guint64 good, failed; /* requests */
    char *message;        /* of the last failure; or NULL */
};
/* (struct witness_numbers *), in the order of the policy. */
GPtrArray *witness_client_numbers(struct witness_client *client);
