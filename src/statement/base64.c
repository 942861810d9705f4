#include "statement/base64.h"

#include <sodium.h>
#include <string.h>

/*
 * libsodium 1.0.18 takes a byte above 0x7f for a negative character, and some of those for digits:
 * they are refused before it sees them. The check tells no more of a secret than that.
 */
static gboolean read_digits(guint8 *out, gsize room, const char *text, gsize length, gsize *written,
                            int variant)
{
    for (gsize i = 0; i < length; i++) {
        if ((guint8)text[i] > 0x7f)
            return FALSE;
    }
    return sodium_base642bin(out, room, text, length, NULL, written, NULL, variant) == 0;
}

static GBytes *decode(const char *text, gsize length, int variant)
{
    gsize room = length / 4 * 3 + 3, written = 0;
    g_autofree guint8 *bytes = g_malloc(room);

    if (!read_digits(bytes, room, text, length, &written, variant))
        return NULL;
    return g_bytes_new_take(g_steal_pointer(&bytes), written);
}

/* The value of a digit of the standard alphabet, plus one; zero for what is none. */
static const guint8 digits[256] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,
    ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
    ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
    ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
    ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
    ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
    ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
    ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63, ['/'] = 64,
};

/* Three bytes; FALSE when one of the four is no digit. */
static gboolean decode_four(const guchar *text, guint8 *out)
{
    const guint a = digits[text[0]], b = digits[text[1]], c = digits[text[2]], d = digits[text[3]];
    const guint value = (a - 1) << 18 | (b - 1) << 12 | (c - 1) << 6 | (d - 1);

    out[0] = (guint8)(value >> 16);
    out[1] = (guint8)(value >> 8);
    out[2] = (guint8)value;
    return a && b && c && d;
}

/*
 * The standard alphabet by a table: several times as fast as libsodium, whose reading takes the
 * same time whatever the digits are. So it is for what is public; secrets go through
 * base64_decode_into().
 */
static GBytes *decode_public(const char *text, gsize length)
{
    const guchar *at = (const guchar *)text;
    g_autofree guint8 *bytes = NULL;
    gsize padding = 0, whole = length, written = 0;

    if (length % 4)
        return NULL;
    if (length && text[length - 1] == '=') {
        padding = text[length - 2] == '=' ? 2 : 1;
        whole -= 4;
    }
    bytes = g_malloc(length / 4 * 3 + 1);
    for (gsize i = 0; i < whole; i += 4, written += 3)
        if (!decode_four(at + i, bytes + written))
            return NULL;
    if (padding) {
        const guchar last[4] = { at[whole], at[whole + 1], padding == 2 ? 'A' : at[whole + 2],
                                 'A' };

        if (!decode_four(last, bytes + written))
            return NULL;
        written += 3 - padding;
        if (bytes[written]) /* bits past the end */
            return NULL;
    }
    return g_bytes_new_take(g_steal_pointer(&bytes), written);
}

GBytes *base64_decode(const char *text, gssize length)
{
    return decode_public(text, length < 0 ? strlen(text) : (gsize)length);
}

GBytes *base64_decode_any(const char *text, gssize length)
{
    static const int variants[] = { sodium_base64_VARIANT_URLSAFE,
                                    sodium_base64_VARIANT_URLSAFE_NO_PADDING };
    GBytes *bytes = base64_decode(text, length);

    for (guint i = 0; i < G_N_ELEMENTS(variants) && !bytes; i++)
        bytes = decode(text, length < 0 ? strlen(text) : (gsize)length, variants[i]);
    return bytes;
}

gboolean base64_decode_into(const char *text, gssize length, guint8 *out, gsize size)
{
    gsize written = 0;

    return read_digits(out, size, text, length < 0 ? strlen(text) : (gsize)length, &written,
                       sodium_base64_VARIANT_ORIGINAL) &&
           written == size;
}

char *hex_encode(const guint8 *bytes, gsize length)
{
    char *text = g_malloc(2 * length + 1);

    return sodium_bin2hex(text, 2 * length + 1, bytes, length);
}

gboolean hex_decode_into(const char *text, guint8 *out, gsize size)
{
    gsize written = 0;

    return text && strlen(text) == 2 * size && strspn(text, "0123456789abcdef") == 2 * size &&
           sodium_hex2bin(out, size, text, 2 * size, NULL, &written, NULL) == 0 && written == size;
}
