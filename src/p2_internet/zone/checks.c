/* checks.c: all rows of check.h, in the order in which they are told. */
#include "p2_internet/zone/check.h"

static const struct zone_check *const tables[] = {
    zone_checks_delegation, zone_checks_networks, zone_checks_servers, zone_checks_data,
    zone_checks_hosts,      zone_checks_mail,     zone_checks_keys,    zone_checks_signatures,
    zone_checks_denial,     zone_checks_cds,
};

const char *zone_outcome_name(enum zone_outcome outcome)
{
    static const char *const names[] = { "pass", "problem", "not-applicable", "not-seen" };

    return names[outcome];
}

const struct zone_check *zone_check_at(guint index)
{
    for (gsize i = 0; i < G_N_ELEMENTS(tables); i++)
        for (const struct zone_check *check = tables[i]; check->id; check++)
            if (index-- == 0)
                return check;
    return NULL;
}
