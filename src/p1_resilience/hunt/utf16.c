#include "p1_resilience/hunt/utf16.h"

#include <string.h>

#define LOOKED_AT 4096u /* bytes */
#define NEARLY_ALL 9u   /* of ten */
#define TEN 10u

enum utf16 utf16_by_mark(const guint8 *bytes, gsize length)
{
    if (length < UTF16_MARK)
        return UTF16_NOT;
    if (bytes[0] == 0xff && bytes[1] == 0xfe)
        return UTF16_LITTLE;
    return bytes[0] == 0xfe && bytes[1] == 0xff ? UTF16_BIG : UTF16_NOT;
}

enum utf16 utf16_by_zeros(const guint8 *bytes, gsize length)
{
    gsize units = MIN(length, LOOKED_AT) / 2, zeros[2] = { 0 };

    for (gsize i = 0; i < 2 * units; i++)
        zeros[i % 2] += bytes[i] == 0;
    for (guint odd = 0; odd < 2; odd++)
        if (zeros[odd] * TEN >= units * NEARLY_ALL && zeros[!odd] * TEN <= units && units)
            return odd ? UTF16_LITTLE : UTF16_BIG;
    return UTF16_NOT;
}

void utf16_narrow(enum utf16 order, const guint8 *from, gsize units, guint8 *to)
{
    for (gsize i = 0; i < units; i++) {
        guint8 low = from[2 * i + (order == UTF16_BIG)], high = from[2 * i + (order != UTF16_BIG)];

        to[i] = high || low >= UTF16_OTHER ? UTF16_OTHER : low;
    }
}
