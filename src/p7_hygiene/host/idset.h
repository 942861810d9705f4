/*
 * idset.h: the user or group numbers that a machine knows, asked once for each file of a walk.
 *
 * Known are the numbers of /etc/passwd or /etc/group, those lent to users for containers
 * (/etc/subuid, /etc/subgid) and systemd's dynamic users (61184 to 65519, systemd.exec(5)).
 */
#pragma once
#include "p7_hygiene/host/host.h"

#include <glib.h>

struct idset;

/* `accounts` is passwd(5) or group(5), `lent` subuid(5) or subgid(5); either may be empty. */
struct idset *idset_new(const struct host_file *accounts, const struct host_file *lent);
void idset_free(struct idset *set);
gboolean idset_has(const struct idset *set, guint32 id);
