/*
 * case_keys.h: who may speak for a party of a case, from the register of the community.
 *
 * A signatory speaks with its issuer keys in force (or its one root key, where it has only one),
 * as far as their delegation allows the predicate case-event:1.
 */
#pragma once
#include "process/case_event.h"

struct reg;

/* Keys from a register, borrowed: it stays, and nobody folds meanwhile. */
struct case_keys case_keys_of_register(const struct reg *reg);
