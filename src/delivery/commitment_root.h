/*
 * commitment_root.h: one padded root an hour over all events of cases, in the public log
 * (predicate case-root:1), so that a party can prove when it had what, and nobody learns how much.
 *
 * Every hour has one, also without any event. Leaves are SHA-256(0x00 || salt || event hash) in
 * random order, filled up with random ones to the next power of 4, at least 64. DATA/cases.db keeps
 * the salts and paths (they are part of the backup).
 *
 * A timeliness proof is {"schema","event","salt","index","leaves","path"[],"entry","tlog_proof"}:
 * it shows that the event existed by the log time of the entry, and nothing else.
 */
#pragma once
#include "process/cases.h"
#include "statement/dsse.h"

/* The statement (payload) of the hour that ended, when it is due and not made yet; NULL without an
 * error: nothing is due. The caller signs, submits, and tells the index. */
GBytes *commitment_root_due(struct cases *cases, const char *origin, const char *self,
                            gint64 now_us, gint64 *hour_us, GError **error);
gboolean commitment_root_logged(struct cases *cases, gint64 hour_us, GBytes *entry, GError **error);

/* The proof for one event; NULL without an error: its hour has no trusted checkpoint yet. */
json_t *commitment_prove(struct cases *cases, const struct case_hash *event, const char *tlog_proof,
                         GError **error);
/* Judges a proof against the register's log; gives event and log time. ENTENTE_ERROR_FOUND. */
struct community;
gboolean commitment_verify(const json_t *proof, struct case_hash *event, gint64 *log_time_us,
                           char **author, struct community *community, GError **error);
