#include "seal/padme.h"

static guint floor_log2(guint64 number)
{
    return 63 - (guint)__builtin_clzll(number);
}

guint64 padme(guint64 length)
{
    guint exponent, bits;
    guint64 mask;

    if (length < 2)
        return length;
    exponent = floor_log2(length);
    bits = floor_log2(exponent) + 1;
    mask = ((guint64)1 << (exponent - bits)) - 1;
    return (length + mask) & ~mask;
}
