/* The classes with SSE4.2, AVX2 and AVX-512BW: one loop, at 16, 32 and 64 bytes a step. */
#include "p1_resilience/hunt/class.h"
#include "p1_resilience/hunt/class_table.h"

#if defined(__x86_64__)
#include <immintrin.h>

/* Bit n: byte n of `v` is `byte`. */
#define SSE_IS(v, byte) (guint64)(guint32) _mm_movemask_epi8(_mm_cmpeq_epi8(v, _mm_set1_epi8(byte)))

__attribute__((target("sse4.2,popcnt"))) gsize class_sse42(const guint8 *bytes, gsize words,
                                                           hunt_masks *masks)
{
    const __m128i low = _mm_setr_epi8(CLASS_LOW), high = _mm_setr_epi8(CLASS_HIGH);
    const __m128i nibble = _mm_set1_epi8(0x0f), zero = _mm_setzero_si128();
    const __m128i host_bits = _mm_set1_epi8(CLASS_HOST_BITS);
    const __m128i hex_bits = _mm_set1_epi8(CLASS_HEX_BITS);
    const __m128i digit_bits = _mm_set1_epi8(CLASS_DIGIT_BITS);
    gsize lines = 0;

    for (gsize word = 0; word < words; word++) {
        hunt_masks sum = { 0 };
        guint64 feeds = 0;

        for (guint step = 0; step < CLASS_BYTES; step += 16, bytes += 16) {
            __m128i v = _mm_loadu_si128((const __m128i *)bytes);
            __m128i bits =
                _mm_and_si128(_mm_shuffle_epi8(low, v),
                              _mm_shuffle_epi8(high, _mm_and_si128(_mm_srli_epi16(v, 4), nibble)));
            guint16 not_host =
                _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_and_si128(bits, host_bits), zero));
            guint16 not_hex =
                _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_and_si128(bits, hex_bits), zero));
            guint16 not_digit =
                _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_and_si128(bits, digit_bits), zero));

            sum[CLASS_HOST] |= (guint64)(guint16)~not_host << step;
            sum[CLASS_HEX] |= (guint64)(guint16)~not_hex << step;
            sum[CLASS_DIGIT] |= (guint64)(guint16)~not_digit << step;
            sum[CLASS_DOT] |= SSE_IS(v, '.') << step;
            sum[CLASS_DASH] |= SSE_IS(v, '-') << step;
            sum[CLASS_COLON] |= SSE_IS(v, ':') << step;
            sum[CLASS_SLASH] |= SSE_IS(v, '/') << step;
            sum[CLASS_RARE] |= (SSE_IS(v, '\\') | SSE_IS(v, '%') | SSE_IS(v, '@')) << step;
            feeds |= SSE_IS(v, '\n') << step;
        }
        lines += __builtin_popcountll(feeds);
        for (guint i = 0; i < CLASS_COUNT; i++)
            masks[word][i] = sum[i];
    }
    return lines;
}

#define AVX2_IS(v, byte)                                                                           \
    (guint64)(guint32) _mm256_movemask_epi8(_mm256_cmpeq_epi8(v, _mm256_set1_epi8(byte)))

__attribute__((target("avx2,popcnt"))) gsize class_avx2(const guint8 *bytes, gsize words,
                                                        hunt_masks *masks)
{
    const __m256i low = _mm256_setr_epi8(CLASS_LOW, CLASS_LOW);
    const __m256i high = _mm256_setr_epi8(CLASS_HIGH, CLASS_HIGH);
    const __m256i nibble = _mm256_set1_epi8(0x0f), zero = _mm256_setzero_si256();
    const __m256i host_bits = _mm256_set1_epi8(CLASS_HOST_BITS);
    const __m256i hex_bits = _mm256_set1_epi8(CLASS_HEX_BITS);
    const __m256i digit_bits = _mm256_set1_epi8(CLASS_DIGIT_BITS);
    gsize lines = 0;

    for (gsize word = 0; word < words; word++) {
        hunt_masks sum = { 0 };
        guint64 feeds = 0;

        for (guint step = 0; step < CLASS_BYTES; step += 32, bytes += 32) {
            __m256i v = _mm256_loadu_si256((const __m256i *)bytes);
            __m256i bits = _mm256_and_si256(
                _mm256_shuffle_epi8(low, v),
                _mm256_shuffle_epi8(high, _mm256_and_si256(_mm256_srli_epi16(v, 4), nibble)));
            guint32 not_host =
                _mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_and_si256(bits, host_bits), zero));
            guint32 not_hex =
                _mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_and_si256(bits, hex_bits), zero));
            guint32 not_digit =
                _mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_and_si256(bits, digit_bits), zero));

            sum[CLASS_HOST] |= (guint64)~not_host << step;
            sum[CLASS_HEX] |= (guint64)~not_hex << step;
            sum[CLASS_DIGIT] |= (guint64)~not_digit << step;
            sum[CLASS_DOT] |= AVX2_IS(v, '.') << step;
            sum[CLASS_DASH] |= AVX2_IS(v, '-') << step;
            sum[CLASS_COLON] |= AVX2_IS(v, ':') << step;
            sum[CLASS_SLASH] |= AVX2_IS(v, '/') << step;
            sum[CLASS_RARE] |= (AVX2_IS(v, '\\') | AVX2_IS(v, '%') | AVX2_IS(v, '@')) << step;
            feeds |= AVX2_IS(v, '\n') << step;
        }
        lines += __builtin_popcountll(feeds);
        for (guint i = 0; i < CLASS_COUNT; i++)
            masks[word][i] = sum[i];
    }
    return lines;
}

#define AVX512_IS(v, byte) _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8(byte))

__attribute__((target("avx512bw,popcnt"))) gsize class_avx512bw(const guint8 *bytes, gsize words,
                                                                hunt_masks *masks)
{
    const __m512i low = _mm512_broadcast_i32x4(_mm_setr_epi8(CLASS_LOW));
    const __m512i high = _mm512_broadcast_i32x4(_mm_setr_epi8(CLASS_HIGH));
    const __m512i nibble = _mm512_set1_epi8(0x0f);
    const __m512i host_bits = _mm512_set1_epi8(CLASS_HOST_BITS);
    const __m512i hex_bits = _mm512_set1_epi8(CLASS_HEX_BITS);
    const __m512i digit_bits = _mm512_set1_epi8(CLASS_DIGIT_BITS);
    gsize lines = 0;

    for (gsize word = 0; word < words; word++, bytes += CLASS_BYTES) {
        __m512i v = _mm512_loadu_si512(bytes);
        __m512i bits = _mm512_and_si512(
            _mm512_shuffle_epi8(low, v),
            _mm512_shuffle_epi8(high, _mm512_and_si512(_mm512_srli_epi16(v, 4), nibble)));
        guint64 *mask = masks[word];

        mask[CLASS_HOST] = _mm512_test_epi8_mask(bits, host_bits);
        mask[CLASS_HEX] = _mm512_test_epi8_mask(bits, hex_bits);
        mask[CLASS_DIGIT] = _mm512_test_epi8_mask(bits, digit_bits);
        mask[CLASS_DOT] = AVX512_IS(v, '.');
        mask[CLASS_DASH] = AVX512_IS(v, '-');
        mask[CLASS_COLON] = AVX512_IS(v, ':');
        mask[CLASS_SLASH] = AVX512_IS(v, '/');
        mask[CLASS_RARE] = AVX512_IS(v, '\\') | AVX512_IS(v, '%') | AVX512_IS(v, '@');
        lines += __builtin_popcountll(AVX512_IS(v, '\n'));
    }
    return lines;
}

#endif
