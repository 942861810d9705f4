/*
 * catalogue.h: all measures, from data/measures/, joined with their judges.
 */
#pragma once
#include "finding/measure.h"

#include <glib.h>
#include <jansson.h>

/* Grows with every release that changes a row; the digest tells any two catalogues apart. */
#define CATALOGUE_VERSION "2026.11"

/* All measures, ordered by id (strcmp). */
const struct measure *catalogue_measures(gsize *count);

/* By own id ("host.ssh.root-login") or catalogue id ("SSHD-01"); NULL when unknown. */
const struct measure *catalogue_find(const char *id);

/* As catalogue_find(); what is unknown is refused with the nearest id (ENTENTE_ERROR_INPUT). */
const struct measure *catalogue_find_or_refuse(const char *id, GError **error);

/*
 * "sha256:HEX" over the canonical JSON (RFC 8785) of the array of all rows, each as
 * catalogue_row_json() gives it; computed when the program is built.
 */
const char *catalogue_digest(void);

/* One row as data, with everything but its judge. A new reference. */
json_t *catalogue_row_json(const struct measure *measure);
