/*
 * catalogue.h: all measures, from data/measures/, joined with their judges.
 */
#pragma once
#include "finding/measure.h"

#include <glib.h>

/* All measures, ordered by id (strcmp). */
const struct measure *catalogue_measures(gsize *count);

/* By own id ("host.ssh.root-login") or catalogue id ("SSHD-01"); NULL when unknown. */
const struct measure *catalogue_find(const char *id);
