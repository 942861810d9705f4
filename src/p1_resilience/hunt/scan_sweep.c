#include "p1_resilience/hunt/scan_sieve.h"
#include "p1_resilience/hunt/token.h"
#include "p1_resilience/hunt/view.h"

#include <string.h>

#define DIGEST_RUN_MIN 32 /* hex digits: MD5 */
#define URLS_AT_ONCE 1    /* of a word that are listed unasked */

HOT gboolean is(const struct window *window, guint32 position, guint8 bits)
{
    return (hunt_bytes[window->text[position]] & bits) != 0;
}

static guint32 bytes_start(const struct window *window, guint32 position, guint8 bits)
{
    while (position > 0 && is(window, position - 1, bits))
        position--;
    return position;
}

static guint32 bytes_end(const struct window *window, guint32 position, guint8 bits)
{
    while (position < window->length && is(window, position, bits))
        position++;
    return position;
}

static gboolean word_around(const struct window *window, guint32 start, guint32 end)
{
    return (start > 0 && is(window, start - 1, BYTE_WORD)) ||
           (end < window->length && is(window, end, BYTE_WORD));
}

/* ---- IPv4 */

static void address4(struct window *window, guint32 start, guint32 end)
{
    guint32 address;

    while (start < end && window->text[start] == '.')
        start++;
    while (end > start && window->text[end - 1] == '.')
        end--;
    if (token_ipv4(window->text + start, end - start, &address))
        scan_queue_push4(window->scanner, address, start, end);
}

/*
 * A run of host bytes holds addresses between its dashes: no other byte of it may touch them.
 */
static void addresses4(struct window *window, guint32 start, guint32 end)
{
    for (guint32 piece = start, at = start; at <= end; at++) {
        if (at < end && window->text[at] != '-')
            continue;
        address4(window, piece, at);
        piece = at + 1;
    }
}

/* One to three digits at `text`; sets `wrong` for leading zeros and what is above 255. */
HOT guint32 octet(const guint8 *text, guint digits, guint *wrong)
{
    guint32 word, value;

    memcpy(&word, text, sizeof word);
    word = GUINT32_FROM_LE(word) << 8 * (4 - digits) & 0x0f0f0f0f; /* at the top, by value */
    value = (word >> 8 & 0xff) * 100 + (word >> 16 & 0xff) * 10 + (word >> 24);
    *wrong |= value > 255;
    *wrong |= (guint)(digits > 1) & (guint)(text[0] == '0');
    return value;
}

/* token_ipv4() of digits and `dots` alone, without a loop. */
HOT void numeric4(struct window *window, guint32 start, guint32 length, guint64 dots)
{
    const guint8 *text = window->text + start;
    guint64 second = dots & (dots - 1), third = second & (second - 1);
    guint at[3], digits[4], wrong;
    guint32 address;

    if (!third || third & (third - 1))
        return;
    at[0] = lowest(dots);
    at[1] = lowest(second);
    at[2] = lowest(third);
    digits[0] = at[0];
    digits[1] = at[1] - at[0] - 1;
    digits[2] = at[2] - at[1] - 1;
    digits[3] = length - at[2] - 1;
    wrong = (digits[0] - 1 > 2) | (digits[1] - 1 > 2) | (digits[2] - 1 > 2) | (digits[3] - 1 > 2);
    if (wrong)
        return;
    address = octet(text, digits[0], &wrong) << 24;
    address |= octet(text + at[0] + 1, digits[1], &wrong) << 16;
    address |= octet(text + at[1] + 1, digits[2], &wrong) << 8;
    address |= octet(text + at[2] + 1, digits[3], &wrong);
    if (!wrong)
        scan_queue_push4(window->scanner, address, start, start + length);
}

/* ---- names */

/* Bit 5 set and what lies behind `length` (1..8) bytes taken away: one load whatever the length. */
HOT guint64 label_word(const guint8 *bytes, guint32 length)
{
    guint64 word;

    memcpy(&word, bytes, sizeof word);
    return (GUINT64_FROM_LE(word) | HUNT_KEY_LOWER) & ~(guint64)0 >> 8 * (8 - length);
}

/* hunt_key_label() where HUNT_SCAN_PADDING bytes behind the label may be read. */
HOT guint64 hash_label(guint64 hash, const guint8 *label, guint32 length)
{
    guint64 first, second;

    if (length - 1 >= 16)
        return hunt_key_label(hash, label, length); /* empty, or long */
    /* Both, and then the right one: lengths around eight come in no order. */
    first = hunt_key_mix(hash + length, label_word(label, MIN(length, 8)));
    second = hunt_key_mix(first, label_word(label + 8, length > 8 ? length - 8 : 1));
    return length > 8 ? second : first;
}

HOT gboolean ends_like_a_name(const struct window *window, guint64 hash)
{
    return hunt_key_filter_has(window->scanner->needles.last_labels, HUNT_KEY_LAST_LABEL_WORDS,
                               hash);
}

/*
 * The name in `length` (to 64) bytes from `start`, which neither begin nor end with '.' or '-', and
 * all its parents of two labels and more; `dots`, not 0, are the bits of theirs.
 */
HOT void names(struct window *window, guint32 start, guint32 length, guint64 dots)
{
    const guint8 *text = window->text + start;
    guint dot = highest(dots), from;
    guint64 hash = hash_label(HUNT_KEY_SEED_NAME, text + dot + 1, length - dot - 1);

    if (!ends_like_a_name(window, hash))
        return;
    for (dots &= low_bits(dot);; dots &= low_bits(dot)) {
        from = dots ? highest(dots) + 1 : 0;
        hash = hash_label(hash, text + from, dot - from);
        scan_queue_push(window->scanner, hash, start, start + from, start + length, HUNT_KEY_NAME);
        if (!from)
            return;
        dot = from - 1;
    }
}

static guint32 label_start(const struct window *window, guint32 first, guint32 end)
{
    while (end > first && window->text[end - 1] != '.')
        end--;
    return end;
}

HOT gboolean trims(const struct window *window, guint32 position)
{
    return window->text[position] == '.' || window->text[position] == '-';
}

/* The same for a run of any length. */
static void long_name(struct window *window, guint32 first, guint32 end)
{
    guint64 hash = HUNT_KEY_SEED_NAME;
    guint32 label_end, start;

    while (end > first && trims(window, end - 1))
        end--;
    while (first < end && trims(window, first))
        first++;
    start = label_start(window, first, end);
    if (start == first)
        return;
    hash = hunt_key_label(hash, window->text + start, end - start);
    if (!ends_like_a_name(window, hash))
        return;
    do {
        label_end = start - 1;
        start = label_start(window, first, label_end);
        if (end - start > HUNT_KEY_NAME_MAX)
            return;
        hash = hunt_key_label(hash, window->text + start, label_end - start);
        scan_queue_push(window->scanner, hash, first, start, end, HUNT_KEY_NAME);
    } while (start > first);
}

/* A run of host bytes that is longer than masks can be taken together. */
static void long_run(struct window *window, guint32 position)
{
    guint32 start = bytes_start(window, position, BYTE_HOST);
    guint32 end = bytes_end(window, position, BYTE_HOST);

    window->after_name = end;
    if (window->scanner->needles.networks)
        addresses4(window, start, end);
    if (window->scanner->needles.last_labels)
        long_name(window, start, end);
}

/* The run of host bytes around `bit` of a word, which is one of them. */
HOT void host_run(struct window *window, const hunt_masks *masks, guint32 base, guint bit)
{
    guint64 outside_before = ~bits_to(masks, bit, CLASS_HOST);
    guint64 outside_behind = ~bits_from(masks, bit, CLASS_HOST);
    guint64 inside, dots, digits, dashes, trimmed;
    guint before, length, lead, trail;
    guint32 start;

    if (!outside_before || !outside_behind) {
        long_run(window, base + bit);
        return;
    }
    before = (guint)__builtin_clzll(outside_before) - 1;
    length = before + lowest(outside_behind);
    if (length > CLASS_BYTES) {
        long_run(window, base + bit);
        return;
    }
    start = base + bit - before;
    window->after_name = start + length;
    masks -= before > bit;
    bit = (bit - before) % CLASS_BYTES;
    inside = low_bits(length);
    dots = bits_from(masks, bit, CLASS_DOT) & inside;
    digits = bits_from(masks, bit, CLASS_DIGIT) & inside;
    dashes = bits_from(masks, bit, CLASS_DASH) & inside;
    trimmed = dots | dashes;
    if (trimmed == inside)
        return;
    lead = lowest(~trimmed);
    trail = (guint)__builtin_clzll(~trimmed << (CLASS_BYTES - length));
    dots = dots >> lead & low_bits(length - lead - trail);
    if (!dots)
        return;
    /* No name ends in a label of digits. */
    if ((digits | trimmed) == inside && !dashes) {
        if (window->scanner->needles.networks)
            numeric4(window, start + lead, length - lead - trail, dots);
        return;
    }
    if (dashes && window->scanner->needles.networks) {
        guint64 second = dots & (dots - 1);

        if (second & (second - 1))
            addresses4(window, start, start + length);
    }
    if (window->scanner->needles.last_labels)
        names(window, start + lead, length - lead - trail, dots);
}

/* Bits of `mask` from `from` on; `base` is the position of its bit 0. */
HOT guint64 not_before(guint64 mask, guint32 base, guint32 from)
{
    if (from <= base)
        return mask;
    return from - base < CLASS_BYTES ? mask & ~low_bits(from - base) : 0;
}

/*
 * Bytes of the runs with dots that may hold something; 0 for most of what has dots, as versions and
 * times. A name needs a dot with more than digits before the next delimiter, an IPv4 address three
 * dots in a row. Where the word's end hides it, it may be so.
 */
HOT guint64 telling(const hunt_masks *masks)
{
    guint64 dots = masks[0][CLASS_DOT], digits = masks[0][CLASS_DIGIT];
    guint64 others = masks[0][CLASS_HOST] & ~digits & ~dots;
    guint64 next_others = masks[1][CLASS_HOST] & ~masks[1][CLASS_DIGIT] & ~masks[1][CLASS_DOT];
    /* Adding its first digit to a run of digits leaves one bit, behind the run. */
    guint64 sum = digits + (dots << 1 & digits);
    guint64 found = (dots & (others >> 1 | next_others << 63)) | (sum & ~digits & others);
    guint64 pairs = followed_by_dot(dots, dots, masks[1][CLASS_DOT]);

    found |= followed_by_dot(dots, pairs, masks[1][CLASS_DOT]);
    return sum < digits || dots >> 63 ? found | dots : found;
}

HOT void dots(struct window *window, const hunt_masks *masks, guint32 base, guint64 left)
{
    left = not_before(left, base, window->after_name);
    while (left) {
        host_run(window, masks, base, lowest(left));
        left = not_before(left, base, window->after_name);
    }
}

/* ---- what is rarer */

static void address6(struct window *window, guint32 position)
{
    guint32 start = bytes_start(window, position, BYTE_ADDRESS6);
    guint32 end = bytes_end(window, position, BYTE_ADDRESS6);
    gsize length = end - start;
    guint8 address[16];

    window->after_address6 = end;
    if (!word_around(window, start, end) && token_ipv6(window->text + start, &length, address))
        scan_address6(window->scanner, address, start, start + length);
}

typedef unsigned __int128 guint128;

/* Those of `first` that one of `second` follows two to five bytes later: behind a group of digits.
 */
HOT guint128 followed(guint128 first, guint128 second)
{
    return first & (second >> 2 | second >> 3 | second >> 4 | second >> 5);
}

/*
 * A URL whose "://" begins at `bit`. Most hosts are no host of an indicator, which the filter
 * tells of the bytes up to the next '/'; what looks otherwise is left to token_url_begin().
 */
HOT void url(struct window *window, const hunt_masks *masks, guint32 base, guint bit)
{
    const guint8 *host = window->text + base + bit + 3;
    guint64 outside = ~(bits_from(masks, bit, CLASS_HOST) >> 3);
    guint length = lowest(outside); /* the three highest bits are always outside */

    if (length > 0 && length < 61 && host + length < window->text + window->length &&
        host[length] == '/' && host[length - 1] != '.' &&
        !hunt_key_filter_has(window->scanner->needles.url_hosts,
                             window->scanner->needles.url_host_words,
                             hash_label(HUNT_KEY_SEED_URL + ((guint64)length << 8), host,
                                        MIN(length, HUNT_KEY_URL_HOST_BYTES))))
        return;
    scan_url(window->scanner, base + bit);
}

/* The URLs of `count` words of the window. */
HOT void urls(struct window *window, guint32 count)
{
    const hunt_masks *masks = (const hunt_masks *)window->scanner->masks + 1;
    guint16 places[PLACES_MAX], *to = places;

    for (guint32 i = 0; i < count; i++) {
        guint64 slashes = masks[i][CLASS_SLASH], next = masks[i + 1][CLASS_SLASH];

        to = list_places(
            to, masks[i][CLASS_COLON] & (slashes >> 1 | next << 63) & (slashes >> 2 | next << 62),
            i * CLASS_BYTES, URLS_AT_ONCE);
    }
    for (const guint16 *at = places; at < to; at++) {
        guint place = *at, bit = place % CLASS_BYTES;

        url(window, masks + place / CLASS_BYTES, window->base + place - bit, bit);
    }
}

/*
 * What an IPv6 address cannot be without: "::", or at least six colons with one to four bytes
 * between; four are asked for here, which leaves times of day aside.
 */
HOT void colons(struct window *window, const hunt_masks *masks, guint32 base)
{
    guint128 here = masks[0][CLASS_COLON] | (guint128)masks[1][CLASS_COLON] << CLASS_BYTES;
    guint128 groups = followed(here, here);
    guint64 left;

    if (groups)
        groups = followed(here, followed(here, groups));
    left = (guint64)((here & here >> 1) | groups);
    for (left = not_before(left, base, window->after_address6); left;
         left = not_before(left, base, window->after_address6))
        address6(window, base + lowest(left));
}

static void email(struct window *window, guint32 at)
{
    guint32 start = bytes_start(window, at, BYTE_LOCAL);
    guint32 end = bytes_end(window, at + 1, BYTE_MAIL_HOST);

    while (end > at + 1 && trims(window, end - 1))
        end--;
    if (start < at && end > at + 1)
        scan_email(window->scanner, start, end);
}

/* A 16-bit lane of ones: each run of 31 and more covers one. */
HOT guint64 full_lanes(guint64 mask)
{
    const guint64 ones = G_GUINT64_CONSTANT(0x0001000100010001);

    return (~mask - ones) & mask & ones << 15;
}

static void digests(struct window *window, guint64 lanes, guint32 base)
{
    for (; lanes; lanes &= lanes - 1) {
        guint32 position = base + __builtin_ctzll(lanes), start, length;

        if (position < window->after_hex)
            continue;
        start = bytes_start(window, position, BYTE_HEX);
        window->after_hex = bytes_end(window, position, BYTE_HEX);
        length = window->after_hex - start;
        if ((length == DIGEST_RUN_MIN || length == 40 || length == 64 || length == 128) &&
            !word_around(window, start, window->after_hex))
            scan_digest(window->scanner, start, window->after_hex);
    }
}

/* Whether `view` of the piece of text is another one as far as tokens go. */
static gboolean view_differs(enum hunt_view view, const guint8 *at, const guint8 *end)
{
    guint8 sign = view == HUNT_VIEW_JSON ? '\\' : '%';
    enum hunt_view whose;

    for (const guint8 *next; (at = memchr(at, sign, end - at)) != NULL; at = MIN(next, end))
        if (view_matters(at, end, &whose, &next))
            return TRUE;
    return FALSE;
}

static void add_segments(struct window *window, guint32 start, guint32 end)
{
    struct segment segment = { .start = start, .length = end - start };

    for (segment.view = HUNT_VIEW_JSON; segment.view <= HUNT_VIEW_PERCENT; segment.view++)
        if (view_differs(segment.view, window->text + start, window->text + end))
            g_array_append_val(window->scanner->segments, segment);
}

/* Notes the piece of text around an escape, between bytes that cut every token. */
static void escape(struct window *window, guint32 position)
{
    const guint8 *end = window->text + window->length, *next;
    guint32 start = position;
    enum hunt_view view;

    if (position < window->after_escape)
        return;
    if (!view_matters(window->text + position, end, &view, &next)) {
        window->after_escape = (guint32)(next - window->text);
        return;
    }
    while (start > 0 && !is(window, start - 1, BYTE_CUT))
        start--;
    while (position < window->length && !is(window, position, BYTE_CUT))
        position++;
    add_segments(window, start, position);
    window->after_escape = position;
}

static void rare(struct window *window, guint64 left, guint32 base)
{
    for (; left; left &= left - 1) {
        guint32 position = base + lowest(left);

        if (window->text[position] != '@') {
            if (!window->scanner->in_view)
                escape(window, position);
        } else if (window->scanner->needles.emails) {
            email(window, position);
        }
    }
}

/*
 * Masks of `count` words from word `first`, of the one before and the one behind; what lies outside
 * the text has none. Counts the lines that end in the window.
 */
static void classify(struct window *window, guint32 first, guint32 count)
{
    struct hunt_scanner *scanner = window->scanner;
    const guint8 *text = window->text + first * CLASS_BYTES;
    hunt_masks *masks = scanner->masks;
    guint32 end = (first + count) * CLASS_BYTES, tail = window->length % CLASS_BYTES;
    gsize lines;

    window->base = first * CLASS_BYTES;
    memset(masks, 0, sizeof *masks);
    if (first)
        scanner->classify(text - CLASS_BYTES, 1, masks);
    lines = scanner->classify(text, count, masks + 1);
    memset(masks + count + 1, 0, sizeof *masks);
    if (end < window->length) {
        scanner->classify(text + count * CLASS_BYTES, 1, masks + count + 1);
        count++;
    }
    if (tail && end + CLASS_BYTES > window->length) /* the last of them is the text's last */
        for (guint i = 0; i < CLASS_COUNT; i++)
            masks[count][i] &= low_bits(tail);
    for (guint32 i = window->length; i < end; i++)
        lines -= window->text[i] == '\n';
    if (!scanner->in_view)
        scanner->counts.lines += lines;
}

HOT void sweep(struct hunt_scanner *scanner, const guint8 *text, guint32 length)
{
    struct window window = { .scanner = scanner, .text = text, .length = length };
    guint32 words = (length + CLASS_BYTES - 1) / CLASS_BYTES;
    const struct hunt_needles *needles = &scanner->needles;
    gboolean sieved = needles->sieve.endings != NULL;
    gboolean addresses6 = (needles->lengths6[0] | needles->lengths6[1] | needles->lengths6[2]) != 0;

    scanner->text = text;
    scanner->length = length;
    for (guint32 first = 0; first < words; first += SWEEP_WORDS) {
        guint32 count = MIN(words - first, SWEEP_WORDS);

        classify(&window, first, count);
        if (sieved)
            sieve_window(&window, count);
        if (needles->url_hosts)
            urls(&window, count);
        for (guint32 word = 0; word < count; word++) {
            const hunt_masks *masks = (const hunt_masks *)scanner->masks + 1 + word;
            guint32 base = window.base + word * CLASS_BYTES;
            guint64 lanes, left = sieved ? scanner->telling[word] : telling(masks);

            if (left)
                dots(&window, masks, base, left);
            if (addresses6 && masks[0][CLASS_COLON])
                colons(&window, masks, base);
            lanes = needles->digests ? full_lanes(masks[0][CLASS_HEX]) : 0;
            if (lanes)
                digests(&window, lanes, base);
            if (masks[0][CLASS_RARE])
                rare(&window, masks[0][CLASS_RARE], base);
        }
    }
}

static void sweep_plainly(struct hunt_scanner *scanner, const guint8 *text, guint32 length)
{
    sweep(scanner, text, length);
}

#if defined(__x86_64__)
/* Shifts and bit counts in one step each: all processors with AVX2 have these. */
__attribute__((target("bmi,bmi2,lzcnt,popcnt"))) static void sweep_by_bits(
    struct hunt_scanner *scanner, const guint8 *text, guint32 length)
{
    sweep(scanner, text, length);
}
#else
#define sweep_by_bits sweep_plainly
#endif

void scan_sweep(struct hunt_scanner *scanner, const guint8 *text, guint32 length)
{
    if (scanner->has_bit_steps)
        sweep_by_bits(scanner, text, length);
    else
        sweep_plainly(scanner, text, length);
    scan_queue_flush(scanner);
    scan_queue_flush4(scanner);
}
