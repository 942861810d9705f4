/*
 * sequencing.h: the log takes entries: this node is the one that appends.
 *
 *     POST -> [domain control: checkers] -> writer (check, commit) -> clerk -> answer
 *                                                                      ^ |
 *                               publisher: checkpoint, witnesses ------+ +-> folded for admission
 *
 * No thread waits for one submission: a request waits as data until its entry is under a published
 * checkpoint or its time is over. What it then gets is signed by the log: included, accepted (to
 * be included by a time), or refused and why.
 */
#pragma once
#include "node/places.h"

struct commit_log;
struct sequencing;
typedef struct sequencing sequencing_t;

struct sequencing_options { /* borrowed for its life */
    struct node *node;
    struct commit_log *commits; /* taken over; NULL: the WAL in the node's folder of the log */
    const struct community_policy *genesis;
    const struct signing_key *key;
    void (*failed)(const GError *error, gpointer data); /* it has stopped for good; any thread */
    gpointer data;
};

/* Opens the log for writing and begins; it is ready when its register is folded. Errors as
 * log_writer_open(). */
struct sequencing *sequencing_new(const struct sequencing_options *options, GError **error);
/* Hands in every answer that is owed, publishes what is committed if that can be had soon. Requests
 * may still ask afterwards. */
void sequencing_finish(struct sequencing *log);
void sequencing_free(struct sequencing *log);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(sequencing_t, sequencing_free)

/* POST /api/v1/entries, at once. */
void sequencing_answer(struct sequencing *log, const struct node_request *request,
                       struct node_answer *answer);
gboolean sequencing_is_ready(struct sequencing *log, const char **why);
void sequencing_metrics(struct sequencing *log, GString *text);
