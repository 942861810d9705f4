/*
 * refusal.h: servers that asked to be left alone (kiss-o'-death, RFC 5905 section 7.4) are, also by
 * later runs:
 *
 *     DATA/clock/refusals.json   { "schema", "refusals": { SOURCE: { "code", "until", "times" } } }
 *
 * RATE: an hour, twice as long each time up to a day; DENY, RSTR: a day. Other codes tell something
 * else, and stop nothing.
 */
#pragma once
#include <glib.h>

struct refusals;
typedef struct refusals refusals_t;

/* ENTENTE_ERROR_INPUT: a file that is none; that it is not there is no error. */
struct refusals *refusals_load(const char *data, GError **error);
void refusals_free(struct refusals *refusals);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(refusals_t, refusals_free)

/* The code, and until when; NULL: it may be asked. Borrowed. */
const char *refusals_standing(const struct refusals *refusals, const char *source, gint64 now_us,
                              gint64 *until_us);
/* `code` "": it answered, and what it said before is forgotten. */
void refusals_note(struct refusals *refusals, const char *source, const char *code, gint64 now_us);
/* Where anything changed. */
gboolean refusals_save(const struct refusals *refusals, const char *data, GError **error);
