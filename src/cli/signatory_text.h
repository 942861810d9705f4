/* signatory_text.h: signatories of the register, as its JSON gives them, for people. */
#pragma once
#include "base/json.h"

/* Arrays of signatories in, text out; owned by the caller. */
char *signatory_list_text(const json_t *signatories, gboolean colour, guint width);
char *signatory_show_text(const json_t *signatories, gboolean colour, guint width);
char *signatory_compare_text(const json_t *signatories, gboolean colour, guint width);

/* RFC 4180 with a heading; a cell that a spreadsheet would take for a formula gets a "'" before. */
char *signatory_csv(const json_t *signatories);
