/*
 * content.h: the content of a sealed message: u32 length of the JSON (big endian) || JSON || data.
 */
#pragma once
#include "base/json.h"

#define SEAL_CONTENT_JSON_MAX (1u << 20) /* bytes */

/* `data` may be NULL. ENTENTE_ERROR_INPUT when `json` has no canonical form or is too long. */
GBytes *seal_content_pack(const json_t *json, GBytes *data, GError **error);

/*
 * `*json` (owned by the caller) is an object; `*data` (or NULL, when not wanted) is what follows,
 * perhaps empty. ENTENTE_ERROR_INPUT when malformed.
 */
gboolean seal_content_unpack(GBytes *content, json_t **json, GBytes **data, GError **error);
