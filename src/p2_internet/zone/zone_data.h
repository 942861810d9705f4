/*
 * zone_data.h: the data of one record, from how a zone file writes it to how it goes by wire.
 *
 * A type is a row: its fields in order, a letter each (zone_data.c).
 */
#pragma once
#include "net/dns_wire.h"

/* `words`: those behind the type, `count` of them; names are relative to `origin`. Appended to
 * `out`. ENTENTE_ERROR_INPUT says what is wrong, without a place. */
struct zone_word {
    const char *text; /* ends with a NUL; escapes are kept */
    gboolean quoted;
};
gboolean zone_data_parse(guint16 type, const struct zone_word *words, guint count,
                         const guint8 *origin, GByteArray *out, GError **error);

/* A name as written there: "@", relative, absolute. */
gboolean zone_name_parse(const char *text, const guint8 *origin, guint8 name[DNS_NAME_MAX],
                         GError **error);
/* "3600" or "1h30m". */
gboolean zone_ttl_parse(const char *text, guint32 *ttl_s);
