/*
 * register_private.h: for register/ alone: the state that entries are folded into.
 *
 *     reg ── signatories by id and by domain ── keys, attestations, what they said
 *         ── keys by their bytes; those that may sign also by hint, as envelopes name them
 *         ── entries by index and by leaf hash; payloads that counted
 *         ── policies, in order
 *
 * Folding is two steps: a judge, which changes nothing, finds the verdict and what the entry is
 * about; then, when the entry counts, its effect is applied. Nothing here depends on the order of
 * a hash table.
 */
#pragma once
#include "net/prefix.h"
#include "register/draw.h"
#include "register/entry.h"
#include "register/register.h"
#include "statement/merkle.h"

struct reg_signatory;

struct reg_delegation {
    guint64 index;
    gint64 from_us, until_us; /* `from_us` 0: from its own entry on */
    guint32 predicates;       /* bits by row of the table; all when not limited */
    gboolean limited;
};

struct reg_key {
    guint8 bytes[KEY_PUBLIC_SIZE];
    char *text;                      /* as it was named: vkey, "x25519:..." */
    struct reg_signatory *signatory; /* NULL: the log's own */
    enum key_role role;
    gboolean in_force;   /* root: of the root set of now; log: of the policy of now */
    gboolean proven;     /* it signed where it was named, or a policy names it */
    GArray *delegations; /* struct reg_delegation */
    guint64 revoked_at;  /* index of the revocation; G_MAXUINT64: never */
    guint64 from_index;  /* what it said from there on is disputed */
    const char *reason;  /* static */
    GPtrArray *said;     /* struct reg_entry *: what counts by it as a role key */
};

struct reg_assessment {
    gint8 bands[PREDICATE_PRINCIPLES], coverage[PREDICATE_PRINCIPLES]; /* -1: null */
    gint64 ended_us;
    char *catalogue_version, *catalogue_digest; /* GRefString: they repeat */
    guint8 root[32];
    guint64 count;
    struct draw_order order;
    gboolean ordered;        /* it claims the findings' severities itself */
    struct log_moment *dice; /* the first trusted checkpoint after it; NULL: not yet */
    GArray *drawn;           /* guint64: leaves to open; NULL: not yet */
    GPtrArray *reviewers;    /* struct reg_signatory *: who may review it; NULL: not yet */
    GPtrArray *reviews;      /* struct reg_entry *; or NULL */
};

/* A network that an endorsement names as the signatory's own. */
struct reg_network {
    gboolean is_as;
    guint32 as;
    struct ip_prefix prefix;
};

struct reg_entry {
    guint64 index;
    gint64 time_us; /* log time; 0: not known yet */
    enum register_verdict verdict;
    const struct predicate *predicate; /* or NULL */
    struct reg_signatory *signatory;   /* who said it; or NULL */
    struct reg_key *key;               /* the one that decided; or NULL */
    gboolean disputed;
    guint8 leaf[32];
    char *message;                     /* why it does not count */
    json_t *said;                      /* the predicate of what is shown; or NULL */
    struct reg_assessment *assessment; /* or NULL */
    struct reg_entry *updated_by;      /* a commitment's next form */
    GPtrArray *sightings;              /* struct reg_entry *: answers to a route-alarm; or NULL */
};

struct reg_attestation {
    struct reg_signatory *by;
    struct reg_entry *entry;
    enum group group;
    guint identity; /* of the signatory when it was checked */
    gboolean complete, withdrawn;
    gint64 said_us;
};

struct reg_signatory {
    guint8 id[SIGNATORY_ID_SIZE];
    char *id_hex;
    char *name, *subtype, *country, *domain;
    char *folded; /* name, domain and id as a search looks at them */
    enum group group;
    struct root_keys root;
    struct reg_entry *joined, *endorsement; /* the first and the latest; or NULL */
    gint64 endorsed_us, recovered_us, contact_us;
    gboolean reviewer;
    guint identity; /* grows when name, country or domain change: old attestations end */
    gboolean member, attested;
    guint64 removed_at;        /* G_MAXUINT64: never */
    GPtrArray *keys;           /* struct reg_key *, in order */
    GPtrArray *attestations;   /* struct reg_attestation *: of it; the latest of each attestor */
    GPtrArray *attested_by_it; /* struct reg_signatory *, each once */
    GPtrArray *assessments, *commitments, *positions, *releases, *reports; /* struct reg_entry * */
    struct reg_entry *contact;
    struct reg_entry *mailbox, *case_root; /* the newest that count; or NULL */
    struct reg_entry *hunt, *drill;        /* the last ones; or NULL */
    guint64 hunts, drills;
    GPtrArray *route_alarms; /* struct reg_entry *; or NULL */
};

struct reg_policy {
    struct community_policy *policy;
    guint64 index; /* in force for logs larger than this */
};

struct reg {
    GPtrArray *entries;     /* struct reg_entry * */
    GHashTable *by_leaf;    /* leaf -> struct reg_entry * that counts */
    GHashTable *payloads;   /* SHA-256 of payloads that count -> struct reg_entry * */
    GPtrArray *signatories; /* struct reg_signatory *, in order of arrival */
    GHashTable *by_id, *by_domain;
    GPtrArray *all_keys;  /* struct reg_key *: also of claims that were taken over */
    GHashTable *keys;     /* bytes -> struct reg_key * */
    GHashTable *hints;    /* text -> GPtrArray of struct reg_key * */
    GHashTable *networks; /* struct reg_network -> struct reg_signatory *, who named it */
    GPtrArray *log_keys;  /* struct reg_key *: of every policy */
    GPtrArray *policies;  /* struct reg_policy * */
    struct reg_entry *succession;
    GArray *moments;     /* struct log_moment; or NULL */
    guint moment;        /* the first that was not thrown yet */
    GPtrArray *awaiting; /* struct reg_entry *: assessments without dice */
};

/* What is found while an entry is judged, and carried over to its effect. */
struct judged {
    const struct reg *reg;
    guint64 index;
    gint64 time_us; /* by which keys are judged */
    struct entry *entry;
    const json_t *predicate;
    GPtrArray *signers; /* struct reg_key *: registered keys whose signatures verify */
    guint known;        /* signatures that name a registered key */
    struct reg_signatory *signatory;
    struct reg_key *key;
    char *message;
    /* by kind */
    struct reg_signatory *target;
    struct community_policy *policy;
    struct root_keys root;
    struct reg_entry *other;
};

enum register_verdict register_refuse(struct judged *judged, enum register_verdict verdict,
                                      const char *format, ...) G_GNUC_PRINTF(3, 4);

/* authority.c: whether registered keys of `signatory` may say this; sets `key`. */
enum register_verdict judge_authority(struct judged *judged, struct reg_signatory *signatory);
/* Finds who says it by the subject, or by the keys; then as judge_authority(). */
enum register_verdict judge_signer(struct judged *judged, gboolean subject_is_signer);
/* How many distinct root keys of the signatory signed. */
guint judge_root_signers(const struct judged *judged, const struct reg_signatory *signatory);

/* keys.c */
struct reg_key *reg_key_find(const struct reg *reg, const guint8 *bytes);
/* Whether a key may be named by `signatory` (NULL: a new one, or the log) in `role`. */
enum register_verdict judge_key_is_free(struct judged *judged, const guint8 *bytes,
                                        const char *text, const struct reg_signatory *signatory,
                                        enum key_role role, gboolean proven);
struct reg_key *reg_key_bind(struct reg *reg, const guint8 *bytes, const char *text,
                             struct reg_signatory *signatory, enum key_role role, gboolean proven);
void reg_key_free(gpointer key);
/* The 32 bytes in any text of a key. */
gboolean reg_key_bytes(const char *text, guint8 bytes[KEY_PUBLIC_SIZE]);

/* signatories.c */
struct reg_signatory *reg_signatory_by_hex(const struct reg *reg, const char *hex);
struct reg_signatory *reg_signatory_add(struct reg *reg, const struct root_keys *root,
                                        gboolean proven);
void reg_signatory_free(gpointer signatory);
void reg_signatory_set_root(struct reg *reg, struct reg_signatory *signatory,
                            const struct root_keys *root, gboolean proven);
/* Names it; a change of what was attested begins a new identity. */
void reg_signatory_name(struct reg *reg, struct reg_signatory *signatory, const char *name,
                        const char *domain, const char *country);

/* find.c: by id or its beginning, domain, or key. NULL and ENTENTE_ERROR_INPUT: none, several. */
const struct reg_signatory *reg_signatory_find(const struct reg *reg, const char *who,
                                               GError **error);

/* listing.c: what a search compares with; a name sorts by its beginning. */
char *listing_fold(const struct reg_signatory *signatory);

/* closure.c: who is attested. */
void closure_grow(struct reg_signatory *signatory, const struct community_policy *policy);
void closure_recompute(struct reg *reg);
/* Whether an attestation counts for its subject now. */
gboolean attestation_counts(const struct reg_attestation *attestation,
                            const struct reg_signatory *of);

/* One kind of entry; `judge` gives the verdict, `apply` has the effect. */
struct handler {
    const char *type;
    enum register_verdict (*judge)(struct judged *judged);
    void (*apply)(struct reg *reg, struct judged *judged, struct reg_entry *entry);
};
extern const struct handler handler_endorsement, handler_recovery, handler_attestation,
    handler_delegation, handler_revocation, handler_policy, handler_review, handler_succession;
/* What is said without effect on who is believed; by predicate name. */
extern const struct handler handlers_said[];

/* fold_routes.c */
guint reg_network_hash(gconstpointer network);
gboolean reg_network_equal(gconstpointer a, gconstpointer b);
extern const struct handler handler_route_alarm, handler_route_sighting;
/* The "networks" of an endorsement by `signatory` (NULL: a new one). */
enum register_verdict judge_networks(struct judged *judged, const struct reg_signatory *signatory);
/* Before it becomes the endorsement of `signatory`. */
void apply_networks(struct reg *reg, struct reg_signatory *signatory, const json_t *endorsement);

/* The entry that counts with this leaf hash and is of this type (NULL: any); NULL. */
struct reg_entry *entry_named(const struct judged *judged, const char *hex, const char *type);

/* fold_review.c: an assessment waits for its dice; they are thrown for a log of now. */
void reviews_await(struct reg *reg, struct reg_entry *assessment);
void reviews_settle(struct reg *reg);
/* "draw" of the document, and what the reviews say. */
json_t *reviews_draw_json(const struct reg_assessment *assessment);

/* Folds an entry whose form was checked. */
enum register_verdict register_fold_parsed(struct reg *reg, struct entry *parsed, gint64 time_us);

/* Applies a policy to a register: genesis, or one that was judged. */
void register_apply_policy(struct reg *reg, struct community_policy *policy, guint64 index);
void reg_assessment_free(struct reg_assessment *assessment);
