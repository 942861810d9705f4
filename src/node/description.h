/* description.h: the API's OpenAPI 3.1 document (data/openapi.json), which the program carries. */
#pragma once
#include <glib.h>

/* Made by tools/embed.py; a NULL path ends them. */
extern const struct node_embedded {
    const char *path;
    const unsigned char *data;
    gsize length;
} node_embedded[];
