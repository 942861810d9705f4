/* case_fields.h: fields of a step as people give them: --field NAME=VALUE, or asked for. */
#pragma once
#include "cli/casework.h"

#define CASE_FIELD_TEXT_LIMIT (256u << 10)

/*
 * "NAME=VALUE" by the type of the field: lists are separated by commas, "yes" or "no", RFC 3339 or
 * a date; "@FILE" takes the value from a file ("@-": standard input), "@@" begins a value with "@".
 * The field "party" may name a signatory. ENTENTE_ERROR_INPUT names field and place.
 */
json_t *case_fields_read(struct casework *work, const struct kind *kind, char **texts,
                         GError **error);

/*
 * Asks for what of `needs` is missing, on a terminal; else ENTENTE_ERROR_INPUT says what to give.
 */
gboolean case_fields_ask(struct casework *work, const struct kind *kind, const char *const *needs,
                         json_t *fields, GError **error);
