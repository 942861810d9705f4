/* services.c: the table of services. */
#include "node/services.h"

#include <stddef.h>

const struct service *const services[] = {
    &service_files, &service_log, &service_witness, &service_status, NULL,
};
