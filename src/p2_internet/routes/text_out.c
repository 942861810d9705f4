#include "p2_internet/routes/text_out.h"

char *text_reserve(struct text_out *out, gsize size)
{
    if (G_UNLIKELY(out->room - out->length < size)) {
        out->room = MAX(out->room + out->room / 2, out->length + size + 4096);
        out->bytes = g_realloc(out->bytes, out->room);
    }
    return out->bytes + out->length;
}

void text_clear(struct text_out *out)
{
    g_free(out->bytes);
    *out = (struct text_out){ 0 };
}

char *text_put_u32(char *to, guint32 number)
{
    static const char pairs[] = "0001020304050607080910111213141516171819202122232425262728293031"
                                "3233343536373839404142434445464748495051525354555657585960616263"
                                "6465666768697071727374757677787980818283848586878889909192939495"
                                "96979899";
    char digits[TEXT_U32];
    guint at = sizeof digits;

    while (number >= 100) {
        at -= 2;
        memcpy(digits + at, pairs + 2 * (number % 100), 2);
        number /= 100;
    }
    if (number >= 10) {
        at -= 2;
        memcpy(digits + at, pairs + 2 * number, 2);
    } else {
        digits[--at] = (char)('0' + number);
    }
    memcpy(to, digits + at, sizeof digits - at);
    return to + sizeof digits - at;
}

static char *put_octet(char *to, guint octet)
{
    if (octet >= 100) {
        *to++ = (char)('0' + octet / 100);
        octet %= 100;
        *to++ = (char)('0' + octet / 10);
    } else if (octet >= 10) {
        *to++ = (char)('0' + octet / 10);
    }
    *to++ = (char)('0' + octet % 10);
    return to;
}

char *text_put_ipv4(char *to, const guint8 *address)
{
    for (guint i = 0; i < 4; i++) {
        if (i)
            *to++ = '.';
        to = put_octet(to, address[i]);
    }
    return to;
}

static char *put_group(char *to, guint group)
{
    static const char hex[] = "0123456789abcdef";

    if (group >= 0x1000)
        *to++ = hex[group >> 12];
    if (group >= 0x100)
        *to++ = hex[group >> 8 & 15];
    if (group >= 0x10)
        *to++ = hex[group >> 4 & 15];
    *to++ = hex[group & 15];
    return to;
}

/* IPv4 in the last four bytes: "::ffff:" or "::" before it, or NULL. */
static const char *ends_as_ipv4(const guint8 *address)
{
    static const guint8 mapped[12] = { [10] = 0xff, [11] = 0xff }, zeros[12];

    if (memcmp(address, mapped, 12) == 0)
        return "::ffff:";
    if (memcmp(address, zeros, 12) == 0 &&
        (address[12] || address[13] || address[14] || address[15] > 1)) /* not :: and ::1 */
        return "::";
    return NULL;
}

char *text_put_ipv6(char *to, const guint8 *address)
{
    const char *before = ends_as_ipv4(address);
    guint groups[8], best = 8, longest = 0;

    if (before)
        return text_put_ipv4(text_put(to, before), address + 12);
    for (guint i = 0, run = 0; i < 8; i++) {
        groups[i] = (guint)address[2 * i] << 8 | address[2 * i + 1];
        run = groups[i] ? 0 : run + 1;
        if (run > longest) {
            longest = run;
            best = i + 1 - run;
        }
    }
    for (guint i = 0; i < 8; i++) {
        if (i == best) {
            if (i == 0)
                *to++ = ':';
            *to++ = ':';
            i += longest - 1;
            continue;
        }
        to = put_group(to, groups[i]);
        if (i != 7)
            *to++ = ':';
    }
    return to;
}
