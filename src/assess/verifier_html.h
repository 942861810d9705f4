/*
 * verifier_html.h: the verifier as one HTML file, which opens anywhere and asks the network
 * nothing. The same program and the same policy give the same bytes: their digest can be logged.
 */
#pragma once
#include <glib.h>
#include <jansson.h>

/* `policy`: the predicate of a community's genesis policy, or NULL: then it is given to the page as
 * a file. The caller owns the text. */
char *verifier_html(const json_t *policy, GError **error);
