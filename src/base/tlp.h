/*
 * tlp.h: the Traffic Light Protocol, TLP 2.0 (FIRST, August 2022): how far a piece of information
 * may go. From the most open level to the most closed, so that levels compare as numbers.
 */
#pragma once
#include <glib.h>

enum tlp { TLP_CLEAR, TLP_GREEN, TLP_AMBER, TLP_AMBER_STRICT, TLP_RED };
const char *tlp_name(enum tlp tlp); /* "amber+strict" */
/* Also "TLP:AMBER+STRICT"; "white" of TLP 1.0 is CLEAR. FALSE: no such level. */
gboolean tlp_parse(const char *text, enum tlp *tlp);
