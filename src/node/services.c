/* services.c: the table of services. */
#include "node/services.h"

#include <stddef.h>

/* The busiest first: routes are looked for in this order. */
const struct service *const services[] = {
    &service_files,  &service_log, &service_forward, &service_register, &service_witness,
    &service_status, NULL,
};
