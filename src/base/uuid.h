/* uuid.h: UUIDs from names (RFC 9562 section 5.5, version 5): the same name, the same UUID. */
#pragma once
#include <glib.h>

/*
 * SHA-1 of the namespace of Entente and `name`. The caller owns the text. Names that count are
 * written with their kind before them, as "finding\n" ..., so that no two kinds meet.
 */
char *uuid_from_name(const char *name);
