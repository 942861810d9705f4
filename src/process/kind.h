/*
 * kind.h: the kinds of cases, as data: machines, steps, roles, approvals, clocks, fields.
 *
 * A kind is a file data/processes/NAME.yaml; tools/processes.py checks it, adds what every kind has
 * (common.yaml) and makes the table. Nothing in the engine knows a kind by name.
 *
 * A case has one or several machines (a disclosure has a report, an embargo and one state for each
 * vendor). A machine that is `per_party` has one instance for each party in that role. A step leads
 * a machine from one of its states to another when a party in the right role says so; a step with
 * `approvals` 2 needs the signatures of two different keys of that party. Clocks start when a
 * machine enters a state and end when it leaves; what happens when one runs out is a step, too.
 *
 * What one machine does to another is data as well: a step may demand states of other machines
 * (`when`) and take steps in them (`causes`); an embargo ends because the row "publish" causes it.
 */
#pragma once
#include "base/tlp.h"

#include <glib.h>
#include <jansson.h>

struct process_text {
    const char *en, *fr;
};

enum field_type {
    FIELD_TEXT,    /* any text */
    FIELD_LINE,    /* one line */
    FIELD_CHOICE,  /* one of `choices` */
    FIELD_CHOICES, /* several of them */
    FIELD_YES_NO,
    FIELD_NUMBER, /* 0 .. 2^53 */
    FIELD_TIME,   /* RFC 3339 */
    FIELD_DATE,
    FIELD_COUNTRY,   /* ISO 3166-1 alpha-2 */
    FIELD_LANGUAGES, /* BCP 47 tags */
    FIELD_URI,
    FIELD_DIGEST, /* SHA-256, hex */
    FIELD_KEY,    /* "x25519:" base64 */
};

struct process_choice {
    const char *id;
    struct process_text text;
    gint64 score; /* for triage; 0: it does not count */
};

struct process_field {
    const char *id; /* "harm" */
    enum field_type type;
    struct process_text title, hint;      /* hint.en NULL: none */
    const struct process_choice *choices; /* ends with a NULL id; or NULL */
    gsize limit;                          /* bytes */
    gboolean first;                       /* one of the few that a first call for help asks for */
    guint suggest_days;                   /* what a form proposes: so far from now; 0: nothing */
};

/* Who may take a step, in a case. */
struct process_role {
    const char *id; /* "requester" */
    struct process_text title;
    gboolean opens;     /* whoever opens the case has it */
    gboolean addressed; /* those whom the case is opened to have it */
    gboolean many;      /* several parties may have it */
    gboolean sees_all;  /* also the streams of other parties */
};

struct process_machine {
    const char *id; /* "main", "embargo", "vendor" */
    struct process_text title;
    const char *per_party;            /* the role with one instance each; or NULL */
    gboolean apart;                   /* per party: its steps may be said in the party's stream,
                                         "ROLE:ID", which others of the role do not see */
    const char *start;                /* first state */
    const char *const *states;        /* ends with NULL */
    const struct process_text *names; /* of the states, in their order */
    const char *const *ends; /* states in which the machine is at its end; ends with NULL */
};

/* What a step does beyond its machine. */
enum step_effect {
    EFFECT_NONE,
    EFFECT_ADD_PARTY, /* fields party, role */
    EFFECT_OFFER,     /* the acting party's role to the party of the field */
    EFFECT_TAKE_OVER, /* what was offered; who offered it leaves */
    EFFECT_REFUSE,    /* what was offered */
    EFFECT_SET_TLP,   /* of the case, to the event's level */
    EFFECT_LEAVE,     /* the acting party leaves */
};

/* A step that follows by itself, in every instance of its machine where it is possible. */
struct process_cause {
    const char *machine, *event;
    const char *field; /* only when the event gives this field; or NULL */
};

struct process_set {
    const char *field, *from; /* `field` of the case gets the value of `from` */
};

struct process_step {
    const char *machine;
    const char *const *from;   /* states; ends with NULL. {"*"}: any that is no end; {"**"}: any */
    const char *event;         /* "acknowledge" */
    const char *to;            /* a state; "=": stays where it is */
    const char *const *roles;  /* who may; {"*"}: every party; {"-"}: nobody, a clock does it */
    guint approvals;           /* different keys of the acting party that sign; at least 1 */
    const char *const *needs;  /* fields that must be there; or NULL */
    const char *const *takes;  /* fields that may be there; or NULL */
    struct process_text title; /* "Acknowledge the call" */
    gboolean local;            /* only the acting party learns of it: never delivered */
    gboolean tells_all;        /* sent to every party: never in the stream of one */
    gboolean by_other;         /* not by the party that led the machine into its state */
    const char *const *when;   /* "machine/state", of which all must hold; or NULL */
    const char *earlier[2];    /* the time of the first field of the case lies before that of the
                                  second; {NULL}: no matter */
    struct {
        const char *field, *value;
    } only; /* where this field of the case has this value; {NULL}: always */
    const struct process_set *sets;     /* ends with a NULL field; or NULL */
    const struct process_cause *causes; /* ends with a NULL machine; or NULL */
    enum step_effect effect;
};

/*
 * A clock is due after `due_s` of the state's entry, or at the time in a field. What a field says
 * later counts from then on: a date that is moved moves the clock; a row of `cases` that comes to
 * hold makes it run out so long after, if that is sooner.
 */
struct process_clock {
    const char *id, *machine;
    const char *const *in; /* runs in these states; ends with NULL */
    const char *role;      /* whose duty it is */
    gint64 due_s;
    guint working_days;    /* instead of due_s: Monday to Friday in the duty bearer's zone (UTC
                              where it has none) */
    const char *due_field; /* a field of type time or date; instead of both */
    /* The first row whose field has the value decides instead of due_s: "4 h when harm goes on". */
    const struct process_clock_case {
        const char *field, *value;
        gint64 due_s;
    } * cases;                    /* ends with a NULL field; or NULL */
    const gint64 *warn_s;         /* before it is due: warnings; ends with 0; or NULL */
    const char *met_on;           /* an event that ends it within its states; or NULL */
    const char *renews_on;        /* an event that ends it and starts it again: "update"; or NULL */
    const char *const *pauses_in; /* states of the machine in which it stands still; or NULL */
    const char *then_machine;     /* and what happens by itself when it runs out; or NULL */
    const char *then;
    struct process_text title;
};

struct kind {
    const char *id; /* "assistance" */
    struct process_text title, about;
    guint8 principle;                 /* 1..9; 0: the Call as a whole */
    gboolean anonymous;               /* may be opened by someone without an account */
    gboolean own;                     /* only within one organisation (alarm): no other party */
    enum tlp tlp, tlp_ceiling;        /* the default; the most closed that may be carried */
    guint32 retention_days;           /* kept after its end */
    const struct process_role *roles; /* each list ends with a NULL id */
    const struct process_machine *machines; /* the first is the main one */
    const struct process_field *fields;
    const struct process_step *steps; /* those of common.yaml at the end */
    const struct process_clock *clocks;
    const char *const *opens_with;            /* fields that opening needs; ends with NULL */
    const char *const *opens_may;             /* fields it may have; ends with NULL */
    guint opens_approvals;                    /* different keys that sign the opening; at least 1 */
    const struct process_cause *opens_causes; /* or NULL */
};

/* The table, in order of id; ends with a NULL id. */
extern const struct kind kinds[];
const struct kind *kind_find(const char *id); /* NULL: no such kind */
const struct process_machine *kind_machine(const struct kind *kind, const char *id);
const struct process_field *kind_field(const struct kind *kind, const char *id);
const struct process_role *kind_role(const struct kind *kind, const char *id);

/* Whether fields are as the kind says: no unknown member, each of its type and bounds, all of
 * `needs` there. ENTENTE_ERROR_INPUT names the field. */
gboolean kind_fields_check(const struct kind *kind, const json_t *fields, const char *const *needs,
                           const char *const *takes, GError **error);

/* Whether `state` is among `from` of a step, and an end of its machine. */
gboolean kind_step_from(const struct process_step *step, const struct process_machine *machine,
                        const char *state);
/* Whether a party in `role` (NULL: any) may take it. */
gboolean kind_step_by(const struct process_step *step, const char *role);
gboolean kind_is_end(const struct process_machine *machine, const char *state);
/* Whether a list that ends with NULL, or is NULL, has the text. */
gboolean kind_list_has(const char *const *list, const char *text);
/* Text of a state of a machine. */
const struct process_text *kind_state_text(const struct process_machine *machine,
                                           const char *state);
const char *field_type_name(enum field_type type);     /* "yes-no" */
const char *step_effect_name(enum step_effect effect); /* "add-party"; NULL: none */

/* All kinds, or one, as one document for pages and forms (docs/schema/kinds.json). */
json_t *kinds_json(const struct kind *only);
/* The same as a page for people; `french`: else English. Owned by the caller. */
char *kinds_markdown(const struct kind *only, gboolean french);
