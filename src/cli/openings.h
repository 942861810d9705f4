/* openings.h: the kept assessments of this machine that can be opened. */
#pragma once
#include "statement/commitment.h"

/*
 * The folder of a statement and its openings, and whether `argument` named it: a statement's path,
 * a folder, a run id; else it is the newest run. Owned by the caller; NULL and ENTENTE_ERROR_INPUT.
 */
char *openings_folder(const char *data, const char *argument, gboolean *named, GError **error);

/* The openings, and the envelope that commits to them. ENTENTE_ERROR_FOUND: of another statement.
 */
struct commitment *openings_load(const char *folder, json_t **envelope, GError **error);
