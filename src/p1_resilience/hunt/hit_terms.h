/*
 * hit_terms.h: what else a pattern asks for on the line where its value was seen: the other terms
 * of an AND within one bracket.
 *
 * As text, so that it travels and lies in tables as other texts do: keys (hunt_key.h) in
 * hexadecimal digits. Terms have a space between; each is one of its alternatives, which have '|'
 * between; '=' before a key: only as the whole token, as host names are seen.
 * "6e612e74657374|=6e622e74657374".
 */
#pragma once
#include "p1_resilience/hunt/hunt_table.h"

#define HIT_TERMS_LIMIT 16384 /* bytes; a pattern that asks for more stays partial */

/* Appends a value as an alternative of the last term, or of a new one. FALSE: it has no key. */
gboolean hit_terms_add(GString *terms, const struct indicator *indicator, gboolean is_new_term);

/*
 * The next value of `terms` at *at (which starts as the text), in any order; FALSE behind the last.
 * What is no key is passed over. The indicator is cleared by the caller.
 */
gboolean hit_terms_next(const char **at, struct indicator *indicator, struct hunt_key *key);

/* The keys of one line. */
struct hit_seen;
typedef struct hit_seen hit_seen_t;
struct hit_seen *hit_seen_new(void);
void hit_seen_free(struct hit_seen *seen);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hit_seen_t, hit_seen_free)
void hit_seen_add(struct hit_seen *seen, const guint8 *key, gsize length, gboolean whole);
void hit_seen_clear(struct hit_seen *seen);

/* Whether each term has an alternative among what was seen; no terms are none that were seen. */
gboolean hit_terms_met(const char *terms, const struct hit_seen *seen);
