/*
 * The classes of bytes by NEON, beside the plain ones: every byte at every place of a mask, and
 * random bytes. Built by tests/e2e/test_hunt_neon.py for an ARM processor, without GLib's library.
 */
#include "p1_resilience/hunt/class.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS 64
#define ROUNDS 4000

/* What class_scalar() asks of GLib. */
static guint16 table[256];
const guint16 *const g_ascii_table = table;

static int differ(const guint8 *bytes)
{
    static hunt_masks plain[WORDS], neon[WORDS];
    gsize plain_lines = class_scalar(bytes, WORDS, plain);
    gsize neon_lines = class_neon(bytes, WORDS, neon);

    return plain_lines != neon_lines || memcmp(plain, neon, sizeof plain) != 0;
}

int main(void)
{
    static guint8 bytes[WORDS * CLASS_BYTES];
    unsigned differences = 0;

    for (int digit = '0'; digit <= '9'; digit++)
        table[digit] |= G_ASCII_DIGIT;
    for (unsigned byte = 0; byte < 256; byte++)
        for (unsigned place = 0; place < CLASS_BYTES; place++) {
            memset(bytes, 'a', sizeof bytes);
            bytes[place] = (guint8)byte;
            differences += differ(bytes);
        }
    srandom(1);
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (gsize i = 0; i < sizeof bytes; i++)
            bytes[i] = (guint8)(random() >> 8);
        differences += differ(bytes);
    }
    printf("%u\n", differences);
    return differences != 0;
}
