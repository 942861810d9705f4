/* uuid.h: UUIDs from names (RFC 9562 section 5.5, version 5): the same name, the same UUID. */
#pragma once
#include <glib.h>

#define UUID_SIZE 16

/*
 * SHA-1 of the namespace of Entente and `name`. The caller owns the text. Names that count are
 * written with their kind before them, as "finding\n" ..., so that no two kinds meet.
 */
char *uuid_from_name(const char *name);

/* The same in another namespace, of any bytes. */
char *uuid_from_bytes(const guint8 namespace[UUID_SIZE], const void *name, gsize length);
