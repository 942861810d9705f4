/*
 * background.h: a process of the node's that does, again and again, what the node gave up the
 * rights to: to read this machine's logs, to start the tools of backups.
 *
 * It is forked before the node is confined and has no socket of the node's, no database, no lock:
 * what it finds it writes to the data folder, and raises as alarms. It ends when the node does,
 * whatever ended that, and what it started ends with it.
 */
#pragma once
#include "delivery/office.h"
#include "node/service.h"
#include "profile/profile.h"

#define BACKGROUND_NUMBERS 8

/* In memory that both processes see; single words, written by the background process alone. */
struct background_numbers {
    guint64 rounds, failed;
    gint64 last_s;                   /* end of the last round that did not fail, Unix time */
    guint64 own[BACKGROUND_NUMBERS]; /* of the service */
};

/* What a round is given. */
struct background_round {
    const struct node *node;
    const char *data; /* folder */
    const struct profile *profile;
    const struct signing_key *key; /* of this machine */
    struct background_numbers *numbers;
    const char *source;    /* of its alarms */
    const GPtrArray *keys; /* own public ones */
    gpointer own;          /* as the work has it */
    struct office *office; /* of this round, opened with the first alarm */
};

struct background_work {
    const char *name;  /* of the process: "entente-hunt" */
    const char *title; /* before what went wrong: "Hunt" */
    const char *source;
    guint kinds;   /* 1 << enum asset_kind, of what it is about: without one of these in the profile
                      there is no process */
    guint every_s; /* between two rounds; 0: none */
    gboolean (*round)(struct background_round *round, GError **error);
    /* Whether the profile names anything to work on; NULL: its assets are enough. */
    gboolean (*is_wanted)(const struct profile *profile);
    gpointer own; /* of the service, as it is when the process begins; or NULL */
};

struct background;
/* NULL without an error: there is nothing to do, or no key that could sign. */
struct background *background_start(struct node *node, const struct background_work *work,
                                    GError **error);
void background_stop(gpointer background);
const struct background_numbers *background_numbers(const struct background *background);

/* In a round: the cases of this signatory, as they are when first asked. Borrowed. */
struct cases *background_cases(struct background_round *round, GError **error);

/* In a round: opens or continues the alarm about `topic`. */
gboolean background_alarm(struct background_round *round, const char *topic, const char *severity,
                          const char *text, gint64 now_us, GError **error);
/* Whether an alarm about `topic` is open already. */
gboolean background_alarm_stands(struct background_round *round, const char *topic,
                                 gboolean *stands, GError **error);
