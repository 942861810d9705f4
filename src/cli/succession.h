/* succession.h: a new log that goes on where a lost one ended. */
#pragma once
#include "statement/key.h"

/*
 * The entry that stands right after the genesis policy of the log `key` belongs to: it names the
 * last trusted checkpoint of the old log, whose note is in the file `note_path`, and why that log
 * ended. ENTENTE_ERROR_INPUT when the note is no checkpoint, or is of the new log itself.
 */
GBytes *succession_entry(const struct signing_key *key, const char *note_path, const char *reason,
                         GError **error);
