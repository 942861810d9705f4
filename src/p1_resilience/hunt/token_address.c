#include "p1_resilience/hunt/token.h"

#include <arpa/inet.h>
#include <string.h>

#define IPV4_LENGTH_MIN 7 /* 1.1.1.1 */
#define IPV4_LENGTH_MAX 15

gboolean token_ipv4(const guint8 *bytes, gsize length, guint32 *address)
{
    guint32 sum = 0;
    guint octets = 0;
    gsize at = 0;

    if (length < IPV4_LENGTH_MIN || length > IPV4_LENGTH_MAX)
        return FALSE;
    while (TRUE) {
        guint value, digits = 1;

        value = (guint)bytes[at] - '0';
        if (value > 9)
            return FALSE;
        for (at++; at < length && (guint)bytes[at] - '0' <= 9; at++, digits++)
            value = value * 10 + (bytes[at] - '0');
        if (digits > 3 || value > 255 || (digits > 1 && bytes[at - digits] == '0'))
            return FALSE;
        sum = sum << 8 | value;
        octets++;
        if (at == length)
            break;
        if (octets == 4 || bytes[at] != '.' || ++at == length)
            return FALSE;
    }
    *address = sum;
    return octets == 4;
}

gboolean token_ipv6(const guint8 *bytes, gsize *length, guint8 address[16])
{
    char text[INET6_ADDRSTRLEN];
    gsize left = *length;

    while (left > 0 && bytes[left - 1] == '.')
        left--;
    if (left > 0 && bytes[left - 1] == ':' && !(left > 1 && bytes[left - 2] == ':'))
        left--;
    if (left < 2 || left >= sizeof text)
        return FALSE;
    memcpy(text, bytes, left);
    text[left] = 0;
    *length = left;
    return inet_pton(AF_INET6, text, address) == 1;
}
