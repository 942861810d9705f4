/* import.h: what holds for every format of foreign findings, whatever the bytes. */
#pragma once
#include "assess/import.h"

#include <stdlib.h>
#include <string.h>

typedef struct imported *(*import_fn)(const char *data, gsize length, const char *name,
                                      GError **error);

/* The bytes give an import that survives its own format, or an error. */
static inline void import_any(import_fn parse, const void *data, gsize size)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(imported_t) imported = parse(data, size, "input", &error);
    g_autoptr(imported_t) again = NULL;
    g_autofree char *text = NULL;

    if (!imported == !error)
        abort();
    if (!imported)
        return;
    text = imported_format(imported);
    again = imported_read(text, strlen(text), NULL);
    if (!again || again->findings->len != imported->findings->len)
        abort();
}
