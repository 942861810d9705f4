/* services.h: the rows of the service table, one file each. */
#pragma once
#include "node/service.h"

extern const struct service service_files;    /* checkpoint, tiles, history as they lie */
extern const struct service service_forward;  /* hands entries on to the community's log */
extern const struct service service_log;      /* takes entries, has them cosigned, publishes */
extern const struct service service_register; /* the published register as JSON */
extern const struct service service_status;  /* health, readiness, numbers, the API's description */
extern const struct service service_witness; /* cosigns checkpoints */
