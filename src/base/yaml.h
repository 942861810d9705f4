/*
 * yaml.h: a small YAML document as JSON, for what people write and programs sign as JSON.
 *
 * Plain scalars that look like an integer, true, false or null are those; all else is text.
 * Aliases, tags, keys that are not text or stand twice, and a second document are refused.
 */
#pragma once
#include "base/json.h"

/* At most `limit` bytes; NULL and ENTENTE_ERROR_INPUT, "NAME:LINE:COLUMN: ...". */
json_t *yaml_parse(const void *data, gsize length, gsize limit, const char *name, GError **error);
