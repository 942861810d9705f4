/*
 * public_alarm.h: an alarm on our routes as it may be published (predicate route-alarm:1), and as
 * another reads it to look for the route.
 *
 *     watch_report + profile -> members of the predicate          who was wronged
 *     predicate of another   -> struct public_alarm -> route_sighting.h    who sees it too
 *
 * Only an alarm that names a prefix and an AS can be looked for elsewhere; that nothing is heard,
 * or that nobody has our prefix any more, is for us alone.
 */
#pragma once
#include "base/json.h"
#include "p2_internet/routes/watch.h"
#include "profile/profile.h"
#include "register/register.h"

#define PUBLIC_ALARM_TAIL 64u

/*
 * The predicate without "log" and "time". `raw`: with the routes as they came, which name the peers
 * that were heard; else their digest alone. ENTENTE_ERROR_POLICY: not an alarm for others, or not
 * of a network in the profile.
 */
json_t *public_alarm_of(const struct watch_report *report, const struct profile *profile,
                        gboolean raw, GError **error);

/* Lines of evidence, each with its line feed, as one digest in hex. The caller's. */
char *public_alarm_digest(const char *const *lines);

/* The route to look for: one whose path ends in `tail`, nearest first; 0 stands for a set. */
struct public_alarm {
    struct ip_prefix prefix;
    guint32 tail[PUBLIC_ALARM_TAIL];
    guint length;
    gboolean anywhere; /* `tail` is one AS that may stand anywhere in the path */
    gint64 first_us, last_us;
};

/* `predicate` was judged by the register. ENTENTE_ERROR_INPUT: it is none all the same. */
gboolean public_alarm_read(const json_t *predicate, struct public_alarm *alarm, GError **error);

/*
 * What signatories published: all of it, or that of `who` (domain, id, key); the members that the
 * register has, "sightings" among them, each with "publisher" and "publisher_domain"; in the order
 * of the log. Every signature was verified when it was folded. NULL and ENTENTE_ERROR_INPUT: no
 * such signatory.
 */
json_t *public_alarms_of(const struct reg *reg, const char *who, gint64 now_us, GError **error);

/* The one with this index or leaf hash. Borrowed. ENTENTE_ERROR_INPUT: there is none. */
const json_t *public_alarm_named(const json_t *list, const char *named, GError **error);
