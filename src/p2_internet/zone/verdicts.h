/* verdicts.h: verdicts of resolve.h as a document tells them. */
#pragma once
#include "base/json.h"
#include "p2_internet/zone/resolve.h"

/* [ { "what", "name", "type", "security", "why"? } ] */
json_t *zone_verdicts_json(const GArray *verdicts);
