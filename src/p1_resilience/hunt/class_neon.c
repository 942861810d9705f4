/* The classes with NEON, which every 64-bit ARM processor has. */
#include "p1_resilience/hunt/class.h"
#include "p1_resilience/hunt/class_table.h"

#if defined(__aarch64__)
#include <arm_neon.h>

/* Bit n: byte n of the 64 in `v` (each 0x00 or 0xff) is set. Three pairwise sums gather the bits.
 */
static inline guint64 gather(const uint8x16_t v[4])
{
    const uint8x16_t bit = { 1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128 };
    uint8x16_t first = vpaddq_u8(vandq_u8(v[0], bit), vandq_u8(v[1], bit));
    uint8x16_t second = vpaddq_u8(vandq_u8(v[2], bit), vandq_u8(v[3], bit));

    first = vpaddq_u8(first, second);
    first = vpaddq_u8(first, first);
    return vgetq_lane_u64(vreinterpretq_u64_u8(first), 0);
}

static inline guint64 equal(const uint8x16_t v[4], guint8 byte)
{
    const uint8x16_t wanted = vdupq_n_u8(byte);
    uint8x16_t is[4];

    for (guint i = 0; i < 4; i++)
        is[i] = vceqq_u8(v[i], wanted);
    return gather(is);
}

static inline guint64 any(const uint8x16_t v[4], guint8 bits)
{
    const uint8x16_t wanted = vdupq_n_u8(bits);
    uint8x16_t is[4];

    for (guint i = 0; i < 4; i++)
        is[i] = vtstq_u8(v[i], wanted);
    return gather(is);
}

gsize class_neon(const guint8 *bytes, gsize words, hunt_masks *masks)
{
    const uint8x16_t low = { CLASS_LOW }, high = { CLASS_HIGH };
    gsize lines = 0;

    for (gsize word = 0; word < words; word++, bytes += CLASS_BYTES) {
        guint64 *mask = masks[word];
        uint8x16_t v[4], class[4];

        for (guint i = 0; i < 4; i++) {
            v[i] = vld1q_u8(bytes + 16 * i);
            /* An index above 15, as of a byte >= 0x80, looks up 0. */
            class[i] = vandq_u8(vqtbl1q_u8(low, vandq_u8(v[i], vdupq_n_u8(0x8f))),
                                vqtbl1q_u8(high, vshrq_n_u8(v[i], 4)));
        }
        mask[CLASS_HOST] = any(class, CLASS_HOST_BITS);
        mask[CLASS_HEX] = any(class, CLASS_HEX_BITS);
        mask[CLASS_DOT] = equal(v, '.');
        mask[CLASS_DASH] = equal(v, '-');
        mask[CLASS_COLON] = equal(v, ':');
        mask[CLASS_SLASH] = equal(v, '/');
        mask[CLASS_RARE] = equal(v, '\\') | equal(v, '%') | equal(v, '@');
        mask[CLASS_DIGIT] = any(class, CLASS_DIGIT_BITS);
        lines += __builtin_popcountll(equal(v, '\n'));
    }
    return lines;
}

#endif
