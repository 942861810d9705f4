#include "p1_resilience/hunt/class.h"

#define LETTER (BYTE_HOST | BYTE_WORD | BYTE_LOCAL | BYTE_MAIL_HOST)
#define HEX_LETTER (LETTER | BYTE_HEX | BYTE_ADDRESS6)
#define CUT (BYTE_URL_END | BYTE_CUT)

const guint8 hunt_bytes[256] = {
    [0 ... 0x20] = CUT,
    [0x7f] = CUT,
    ['"'] = CUT,
    ['<'] = CUT,
    ['>'] = CUT,
    ['\''] = BYTE_URL_END,
    ['\\'] = BYTE_URL_END,
    ['^'] = BYTE_URL_END,
    ['`'] = BYTE_URL_END,
    ['{' ... '}'] = BYTE_URL_END,
    [0x80 ... 0xff] = BYTE_URL_END,
    ['0' ... '9'] = HEX_LETTER,
    ['A' ... 'F'] = HEX_LETTER,
    ['a' ... 'f'] = HEX_LETTER,
    ['G' ... 'Z'] = LETTER,
    ['g' ... 'z'] = LETTER,
    ['_'] = BYTE_HOST | BYTE_WORD | BYTE_LOCAL,
    ['-'] = BYTE_HOST | BYTE_LOCAL | BYTE_MAIL_HOST,
    ['.'] = BYTE_HOST | BYTE_LOCAL | BYTE_MAIL_HOST | BYTE_ADDRESS6,
    [':'] = BYTE_ADDRESS6,
    ['%'] = BYTE_LOCAL,
    ['+'] = BYTE_LOCAL,
};

gsize class_scalar(const guint8 *bytes, gsize words, hunt_masks *masks)
{
    gsize lines = 0;

    for (gsize word = 0; word < words; word++, bytes += CLASS_BYTES) {
        guint64 *mask = masks[word];

        for (guint i = 0; i < CLASS_COUNT; i++)
            mask[i] = 0;
        for (guint i = 0; i < CLASS_BYTES; i++) {
            guint8 byte = bytes[i];

            mask[CLASS_HOST] |= (guint64)((hunt_bytes[byte] & BYTE_HOST) != 0) << i;
            mask[CLASS_HEX] |= (guint64)((hunt_bytes[byte] & BYTE_HEX) != 0) << i;
            mask[CLASS_DOT] |= (guint64)(byte == '.') << i;
            mask[CLASS_DASH] |= (guint64)(byte == '-') << i;
            mask[CLASS_COLON] |= (guint64)(byte == ':') << i;
            mask[CLASS_SLASH] |= (guint64)(byte == '/') << i;
            mask[CLASS_DIGIT] |= (guint64)g_ascii_isdigit(byte) << i;
            mask[CLASS_RARE] |= (guint64)(byte == '\\' || byte == '%' || byte == '@') << i;
            lines += byte == '\n';
        }
    }
    return lines;
}

#if defined(__x86_64__)
#include <cpuid.h>

#define CPUID_EXTENDED 0x80000001u
#define CPUID_LZCNT (1u << 5) /* of ECX; clang 14 has no name for it */

static gboolean has_lzcnt(void)
{
    guint a, b, c = 0, d;

    return __get_cpuid(CPUID_EXTENDED, &a, &b, &c, &d) && (c & CPUID_LZCNT);
}

const struct hunt_classifier *hunt_classifiers(guint *count)
{
    /* Each processor that has one of these has those before it. */
    static const struct hunt_classifier all[] = {
        { "scalar", class_scalar },
        { "sse4.2", class_sse42 },
        { "avx2", class_avx2, TRUE },
        { "avx512bw", class_avx512bw, TRUE },
    };

    *count = 1;
    if (__builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt"))
        *count = 2;
    if (*count == 2 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2") &&
        has_lzcnt())
        *count = 3;
    if (*count == 3 && __builtin_cpu_supports("avx512bw"))
        *count = 4;
    return all;
}

#elif defined(__aarch64__)

const struct hunt_classifier *hunt_classifiers(guint *count)
{
    static const struct hunt_classifier all[] = {
        { "scalar", class_scalar },
        { "neon", class_neon },
    };

    *count = G_N_ELEMENTS(all);
    return all;
}

#else

const struct hunt_classifier *hunt_classifiers(guint *count)
{
    static const struct hunt_classifier all[] = { { "scalar", class_scalar } };

    *count = G_N_ELEMENTS(all);
    return all;
}

#endif
