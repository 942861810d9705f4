/*
 * vrp.h: validated ROA payloads, and what they say of a route (RFC 6811).
 *
 * A set is filled, sealed, and from then on only read, by any number of threads. Sealed, it is one
 * sorted array for each family: 32 bytes a payload, 22 MB for the 700,000 of the whole Internet.
 * Behind each entry stands where the next shorter prefix around it lies, so that the payloads that
 * cover a route are one binary search and a short walk up.
 */
#pragma once
#include "net/prefix.h"

#include <glib.h>

struct vrp {
    struct ip_prefix prefix;
    guint8 max_length;
    guint8 anchor;     /* vrp_set_anchor(); 0: not said */
    guint32 asn;       /* 0: nobody may announce it (RFC 6483 section 4) */
    guint32 expires_s; /* Unix seconds; 0: not said */
};

/* Whether the lengths fit: prefix <= maxLength <= what the family has, and no host bits. */
gboolean vrp_is_sound(const struct vrp *vrp);

struct vrp_set;
struct vrp_set *vrp_set_new(void);
struct vrp_set *vrp_set_ref(struct vrp_set *set);
void vrp_set_unref(struct vrp_set *set);
typedef struct vrp_set vrp_set_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(vrp_set_t, vrp_set_unref)

/* --- filling --- */

/* The number of a trust anchor's name. Names beyond the 255th are one, "other". */
guint8 vrp_set_anchor(struct vrp_set *set, const char *name);
/* FALSE: not sound, not added. */
gboolean vrp_set_add(struct vrp_set *set, const struct vrp *vrp);

/* Where it is from: of a file, when it was built; of a cache, session and serial. */
struct vrp_set_about {
    gint64 built_us; /* 0: not said */
    guint16 session;
    guint32 serial;
};
void vrp_set_say(struct vrp_set *set, const struct vrp_set_about *about);

/*
 * Ends the filling. The same prefix, maxLength and AS counts once, and lasts as long as the one
 * that expires last.
 */
void vrp_set_seal(struct vrp_set *set);

/* --- reading; only of a sealed set --- */

const struct vrp_set_about *vrp_set_about(const struct vrp_set *set);
gsize vrp_set_count(const struct vrp_set *set);
gsize vrp_set_bytes(const struct vrp_set *set); /* of memory */
/* When the first of them expires, in Unix seconds; 0: none says. */
guint32 vrp_set_horizon(const struct vrp_set *set);

/* One by one, in the order IPv4, IPv6; address; length; AS; maxLength. FALSE: `index` is past the
 * last. */
gboolean vrp_set_at(const struct vrp_set *set, gsize index, struct vrp *vrp);

guint vrp_set_anchors(const struct vrp_set *set); /* numbers 1 to this have names */
const char *vrp_set_anchor_name(const struct vrp_set *set, guint anchor);
gsize vrp_set_anchor_count(const struct vrp_set *set, guint anchor);

enum rov_state { ROV_NOTFOUND, ROV_VALID, ROV_INVALID_ASN, ROV_INVALID_LENGTH, ROV_STATES };
const char *rov_state_name(enum rov_state state); /* "notfound", "valid", "invalid-asn", ... */

/*
 * RFC 6811 section 2. Without an origin (the path ends in an AS_SET) a route is never valid, nor is
 * one of AS 0. It is invalid by length when a payload that covers it has its origin, else by AS.
 */
enum rov_state rov_validate(const struct vrp_set *set, const struct ip_prefix *prefix,
                            guint32 origin, gboolean has_origin);

typedef void (*vrp_fn)(const struct vrp *vrp, gpointer data);
/* Those whose prefix covers `prefix`, the longest first. */
void vrp_set_covering(const struct vrp_set *set, const struct ip_prefix *prefix, vrp_fn take,
                      gpointer data);
/* Those whose prefix is `prefix` or lies in it. */
void vrp_set_within(const struct vrp_set *set, const struct ip_prefix *prefix, vrp_fn take,
                    gpointer data);

/* --- changes --- */

struct vrp_change {
    struct vrp vrp;
    gboolean is_withdrawn;
};
enum vrp_change_problem {
    VRP_CHANGE_FINE,
    VRP_CHANGE_DUPLICATE, /* announced, and already there */
    VRP_CHANGE_UNKNOWN,   /* withdrawn, and not there */
};

/*
 * A new sealed set: `set` after `changes` (struct vrp_change; sorted by this call). NULL, the
 * problem and its payload when a change does not fit what is there by then.
 */
struct vrp_set *vrp_set_apply(const struct vrp_set *set, GArray *changes,
                              const struct vrp_set_about *about, enum vrp_change_problem *problem,
                              struct vrp *culprit);

/*
 * Whether `next` may take the place of `set`: no trust anchor lost more than a fifth of what it
 * had, half of it where that is AFRINIC, as an anchor does that is broken rather than changed.
 * FALSE: `why` says which. Anchors of fewer than VRP_ANCHOR_SMALL payloads are not judged.
 */
#define VRP_ANCHOR_SMALL 50
gboolean vrp_set_may_follow(const struct vrp_set *set, const struct vrp_set *next, char **why);
