/* services.c: the table of services. */
#include "node/services.h"

#include <stddef.h>

/*
 * The busiest first: routes are looked for in this order. The portal comes last: it answers for
 * every path that nobody else has.
 */
const struct service *const services[] = {
    /* clang-format off */
    &service_files,
    &service_log,
    &service_forward,
    &service_register,
    &service_mailbox,
    &service_corroborate,
    &service_ct,
    &service_delivery,
    &service_directory,
    &service_hunt,
    &service_intake,
    &service_taxii,
    &service_misp,
    &service_recover,
    &service_routes,
    &service_triage,
    &service_witness,
    &service_status,
    &service_portal,
    /* clang-format on */
    NULL,
};
