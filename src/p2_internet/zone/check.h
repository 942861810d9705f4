/*
 * check.h: what is judged of a zone. A check is a row: its id, where the rule stands, how much a
 * breach weighs, what to do, and one function that looks at a view (view.h).
 *
 * Rows stand in checks_*.c, by what they look at; checks.c has them all in order.
 */
#pragma once
#include "finding/measure.h" /* severity, text */

struct zone_view;

enum zone_outcome {
    ZONE_PASS,
    ZONE_PROBLEM,
    ZONE_NOT_APPLICABLE, /* the zone has nothing of the kind */
    ZONE_NOT_SEEN,       /* no answer shows it */
};
const char *zone_outcome_name(enum zone_outcome outcome); /* "pass", "problem", ... */

struct zone_check {
    const char *id;
    const char *source; /* "RFC 1034 section 4.1" */
    enum severity severity;
    struct text title, fix;
    /* ZONE_PASS when what was to be seen was seen; zone_problem() says what is wrong. */
    enum zone_outcome (*run)(struct zone_view *view);
};

/* Tables of rows; each ends with a NULL id. */
extern const struct zone_check zone_checks_delegation[], zone_checks_networks[],
    zone_checks_servers[], zone_checks_data[], zone_checks_hosts[], zone_checks_mail[],
    zone_checks_keys[], zone_checks_signatures[], zone_checks_denial[], zone_checks_cds[];

/* All rows; NULL behind the last. */
const struct zone_check *zone_check_at(guint index);
