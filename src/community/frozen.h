/*
 * frozen.h: the register as it was at one size of the log, for figures that anyone can make again.
 */
#pragma once
#include "community/community.h"

/*
 * Which size of the remembered log is meant: a number; a time or a date (the last trusted
 * checkpoint up to then, a date's day included); or the name of a convening, whose date is the one
 * that commitments give it. ENTENTE_ERROR_INPUT when there is none such.
 */
gboolean frozen_size(struct community *community, const char *text, guint64 *size, GError **error);

/* The size of the last trusted checkpoint; 0 when there is none yet. */
gboolean frozen_last(struct community *community, guint64 *size, GError **error);

/* The register document at `size`, its ages as of the log time of its last entry. */
json_t *frozen_register(struct community *community, guint64 size, GError **error);
