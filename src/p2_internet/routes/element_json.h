/* element_json.h: elements as JSON Lines (docs/schema/route-element.json). */
#pragma once
#include "p2_internet/routes/route.h"
#include "p2_internet/routes/text_out.h"

/* Appends one line. */
void element_json(const struct route_element *element, struct text_out *out);
