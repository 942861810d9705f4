/* services.h: the rows of the service table, one file each. */
#pragma once
#include "node/service.h"

struct view;
struct shown;

/* What the register's service shows, for those of its siblings that read it. Borrowed. */
struct view *register_view(gpointer service);
/* Holds it (view_hold); NULL when nothing is shown yet: then that is answered and nothing held. */
const struct shown *register_hold(struct view *view, struct node_answer *answer);
/* SHA-256 of the viewer's files, as service_portal.c says; the caller owns it. */
char *portal_digest(void);

extern const struct service service_directory;   /* the register by filters, in pages, over time */
extern const struct service service_delivery;    /* carries events of cases, and the hourly root */
extern const struct service service_files;       /* checkpoint, tiles, history as they lie */
extern const struct service service_forward;     /* hands entries on to the community's log */
extern const struct service service_corroborate; /* answers others' alarms on routes */
extern const struct service service_ct;          /* watches logs for certificates of ours */
extern const struct service service_hunt;        /* searches the profile's logs */
extern const struct service service_intake;      /* who takes reports, and the kinds of cases */
extern const struct service service_log;         /* takes entries, has them cosigned, publishes */
extern const struct service service_mailbox;     /* keeps sealed messages for their recipients */
extern const struct service service_misp;        /* events as a feed of MISP */
extern const struct service service_portal;      /* pages for people */
extern const struct service service_recover;     /* holds the recovery drills that are due */
extern const struct service service_register;    /* the published register as JSON */
extern const struct service service_routes;      /* watches our prefixes and ASes in BGP */
extern const struct service service_status;  /* health, readiness, numbers, the API's description */
extern const struct service service_taxii;   /* collections of indicators, by TAXII 2.1 */
extern const struct service service_triage;  /* how calls for help are ordered, and its check */
extern const struct service service_witness; /* cosigns checkpoints */

/*
 * The check of triage over closed calls (process/triage.h) as last published; the caller owns it.
 * NULL: this node keeps no cases, or did not look at them yet.
 */
json_t *delivery_bias(gpointer service);

struct mailboxes;
/* Those that service_mailbox keeps; NULL: it does not run here, or not yet. */
struct mailboxes *node_mailboxes(const struct node *node);
/* Whether it keeps this one; `shown` is held by the caller. */
gboolean node_keeps_mailbox(const struct node *node, const struct shown *shown,
                            const char *mailbox);
