#include "p2_internet/routes/openbmp.h"

#include "p2_internet/routes/bgp_private.h"
#include "p2_internet/routes/bmp.h"

#include <string.h>

#define FIXED_SIZE 14u /* to the kind, inclusive */
#define VERSION 1
#define KIND_BMP 12

static const guint8 magic[] = { 'O', 'B', 'M', 'P' };

enum openbmp_step openbmp_header_at(const guint8 *bytes, gsize length, gsize *passed)
{
    gsize header, message;

    if (!length || memcmp(bytes, magic, MIN(length, sizeof magic)) != 0)
        return OPENBMP_NONE;
    if (length < FIXED_SIZE)
        return OPENBMP_MORE;
    header = bgp_u16(bytes + 6);
    message = bgp_u32(bytes + 8);
    if (bytes[4] != VERSION || header < FIXED_SIZE || message > BMP_MESSAGE_MAX)
        return OPENBMP_NONE;
    *passed = bytes[13] == KIND_BMP ? header : header + message;
    return *passed <= length ? OPENBMP_HEADER : OPENBMP_MORE;
}
