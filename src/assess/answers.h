/*
 * answers.h: what only people can say, kept as dated answers.
 *
 * A question is a measure on the signatory (data/measures/organisation.yaml); its title is the
 * statement that `yes` confirms. An answer is a journal event of kind ANSWER_EVENT whose key is
 * the measure's id and whose body is {"value", "date", "note"?}. The newest answer counts. An
 * answer ages from the date of what it speaks of (the day of the drill), not from the day it was
 * given. Findings say that they are self-declared.
 */
#pragma once
#include "finding/measure.h"
#include "journal/journal.h"

#include <glib.h>

#define ANSWER_EVENT "answer"
#define ANSWER_NOTE_MAX 1000 /* bytes */

enum answer_value {
    ANSWER_NONE, /* never answered */
    ANSWER_YES,
    ANSWER_NO,
    ANSWER_PARTLY,
    ANSWER_NOT_APPLICABLE,
};
const char *answer_value_name(enum answer_value value); /* "yes", "not-applicable"; "" for none */
gboolean answer_value_parse(const char *text, enum answer_value *value, GError **error);

struct answer {
    enum answer_value value;
    gint64 date_us;
    char *note; /* or NULL */
};
void answer_clear(struct answer *answer);

/* Days an answer to the question counts as fresh; 0 when the measure is no question. */
guint answer_max_age_days(const struct measure *measure);

/* The newest answer; value ANSWER_NONE when there is none or it cannot be read. */
void answer_find(const struct records *records, const char *measure, struct answer *answer);

/*
 * Appends an answer. Refuses what is no question, a date in the future, a note that is too long,
 * and not-applicable without a note that says why.
 */
gboolean answer_record(struct journal *journal, const struct measure *measure,
                       const struct answer *answer, gint64 now_us, GError **error);
