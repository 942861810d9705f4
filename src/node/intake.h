/* intake.h: what pages for people without an account say of how else a signatory is reached. */
#pragma once
#include "base/json.h"
#include "node/node.h"

/*
 * The contacts of this node's signatory that people in need may be told: of its record
 * (p9_norms/contacts.h) those marked TLP:CLEAR. A list, empty when there are none; owned by the
 * caller.
 */
json_t *intake_contacts(const struct node *node);
