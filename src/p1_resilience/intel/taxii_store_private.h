/* taxii_store_private.h: what the parts of the collections' store share. */
#pragma once
#include "p1_resilience/intel/taxii_store.h"
#include "store/store.h"

#define TAXII_NO_VERSION "added/" /* before the time that stands for a version */

struct taxii_store {
    GMutex lock;
    struct store *store;
    guint8 secret[TAXII_SECRET];
};
