/*
 * tlp_rule.h: what the levels of the Traffic Light Protocol (base/tlp.h) allow in cases.
 *
 *     RED           for those it names
 *     AMBER+STRICT  for the organisations it was given to
 *     AMBER         and for their clients, as far as they need to know
 *     GREEN         for the community
 *     CLEAR         for everybody
 *
 * What each level allows stands in one table: who may bring another signatory into a case
 * (case_arrival.c), and for whom a case may be exported (cli/case_export.c).
 */
#pragma once
#include "base/tlp.h"

#define TLP_LEVELS (TLP_RED + 1)

/* Who may bring another signatory to what is marked so. */
enum tlp_entry {
    TLP_ENTRY_PARTY,  /* every party */
    TLP_ENTRY_SOURCE, /* who marked it alone */
    TLP_ENTRY_NOBODY,
};

struct tlp_rule {
    enum tlp_entry entry;
    gboolean reason;      /* who brings another in says why it needs to know */
    const char *audience; /* the widest that may have it: "community"; NULL: those it names */
    gboolean own;         /* that audience is ourselves: with the streams of one party, and notes */
    gboolean aloud;       /* who says so may give more than the level allows to that audience */
    const char *limit_en, *limit_fr; /* in words */
};
const struct tlp_rule *tlp_rule(enum tlp tlp);

/* The most closed level that an audience ("public") may have. FALSE: there is no such audience. */
gboolean tlp_audience(const char *audience, enum tlp *tlp);
