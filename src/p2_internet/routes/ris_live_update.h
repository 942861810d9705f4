/* ris_live_update.h: UPDATEs made of what RIS Live tells of them in JSON. */
#pragma once
#include "base/json.h"

/* Takes one: the body of an UPDATE (bgp.h) with AS numbers of four bytes. */
typedef void (*ris_live_update_sink)(const guint8 *body, gsize length, gpointer data);

/*
 * The UPDATEs that the members of a message's `data` say: one for what is withdrawn, one for each
 * next hop. FALSE: a member is not of its form (`*problem`, static); what was whole was given.
 */
gboolean ris_live_make_updates(const json_t *data, ris_live_update_sink sink, gpointer to,
                               const char **problem);
