/* seal_private.h: sizes of the format of seal.h, shared within seal/. */
#pragma once
#include "seal/seal.h"

#define SEAL_HEAD_SIZE 15
#define SEAL_RECIPIENT_SIZE 88
#define SEAL_LENGTH_SIZE 8

/* Whether it begins as a message that is sealed as seal.h says, to at least one key. */
gboolean seal_head_is_ours(const guint8 *bytes, gsize length);
