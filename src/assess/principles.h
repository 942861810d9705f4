/* principles.h: the nine principles of the Paris Call, from data/principles.yaml. */
#pragma once
#include "finding/measure.h"

#include <glib.h>

#define PRINCIPLES 9

struct principle {
    guint8 number; /* 1..9 */
    struct text name, text;
};

/* In order: principles[0] is principle 1. */
extern const struct principle principles[PRINCIPLES];
