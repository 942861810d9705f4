/*
 * quorum.h: which checkpoints are believed (C2SP tlog-policy, and TRUST: three groups).
 *
 * A policy names logs, witnesses and nested groups, and the one group that must be satisfied.
 * Beyond the specification a verdict says by how many witnesses each group may still shrink (its
 * margin), and how old the youngest cosignatures are.
 */
#pragma once
#include "log/checkpoint.h"

#define QUORUM_POLICY_LIMIT (1u << 20)

struct quorum_log {
    struct note_key *key; /* its name is the origin */
    char *url;            /* or NULL */
};

struct quorum_witness {
    char *name; /* in the policy */
    struct note_key *key;
    char *url;          /* or NULL */
    char *organisation; /* a domain; NULL in a plain C2SP policy */
};

struct quorum_group {
    char *name;
    guint threshold;
    GArray *members; /* struct quorum_member */
};
struct quorum_member {
    gboolean is_group;
    guint index; /* into witnesses or groups */
};

struct quorum_policy {
    GPtrArray *logs, *witnesses, *groups; /* struct quorum_log *, _witness *, _group * */
    gboolean none;                        /* "quorum none" */
    struct quorum_member quorum;          /* unless none */
    gint64 max_age_s;                     /* of the youngest cosignature of each group; 0: any */
    guint8 digest[MERKLE_HASH_SIZE];      /* SHA-256 of what the policy was made from */
};
typedef struct quorum_policy quorum_policy_t;

/* Reads the C2SP text. ENTENTE_ERROR_INPUT with "NAME:LINE: ". */
struct quorum_policy *quorum_policy_parse(const void *data, gsize length, const char *name,
                                          GError **error);
struct quorum_policy *quorum_policy_new(void);
void quorum_policy_free(struct quorum_policy *policy);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(quorum_policy_t, quorum_policy_free)
/* The C2SP text of a policy, for other tools. */
char *quorum_policy_text(const struct quorum_policy *policy);

/* Warnings that the specification does not ask for: one organisation twice, a witness outside the
 * quorum, a group that one failure stops. (char *) */
GPtrArray *quorum_policy_warnings(const struct quorum_policy *policy);

/* Whether the witnesses marked in `cosigned` (one gboolean each) make the quorum. */
gboolean quorum_is_met(const struct quorum_policy *policy, const gboolean *cosigned);

enum quorum_reason {
    QUORUM_GOOD,
    QUORUM_MALFORMED,   /* no note, no checkpoint */
    QUORUM_UNKNOWN_LOG, /* the origin is not the policy's */
    QUORUM_SIGNATURE,   /* the log's or a witness' line does not verify */
    QUORUM_PROOF,       /* the path does not lead to the root */
    QUORUM_MISSING,     /* too few cosignatures */
    QUORUM_STALE,       /* cosignatures older than the policy allows */
};
const char *quorum_reason_name(enum quorum_reason reason); /* "quorum", "stale", ...; NULL */

struct quorum_margin {
    const char *group; /* borrowed from the policy */
    guint needed, have, members;
    int margin;              /* have - needed: below zero means missing */
    guint64 youngest_time_s; /* of its cosignatures; 0: none */
};

/* `margins`: the direct members of the quorum group that are groups, else the quorum itself. */
struct quorum_verdict {
    enum quorum_reason reason;
    GArray *margins;    /* struct quorum_margin */
    GArray *signers;    /* struct note_signer, key = index of the witness */
    guint64 log_time_s; /* median time of the cosignatures of the quorum; 0: none */
};
void quorum_verdict_clear(struct quorum_verdict *verdict);

/*
 * Judges a checkpoint note; `now_s` 0 leaves freshness out. Gives the checkpoint (the caller's),
 * whatever the verdict; NULL when the text is none (QUORUM_MALFORMED).
 */
struct checkpoint *quorum_judge(const struct quorum_policy *policy, const struct note *note,
                                guint64 now_s, struct quorum_verdict *verdict);
