/* element_json.h: elements as JSON Lines (docs/schema/route-element.json). */
#pragma once
#include "p2_internet/routes/route.h"
#include "p2_internet/routes/text_out.h"

/* Appends one line. `feed` is UTF-8: where it comes from ("rrc00"); NULL: it is not said. */
void element_json(const char *feed, const struct route_element *element, struct text_out *out);
