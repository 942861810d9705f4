#include "p1_resilience/hunt/scan_engine.h"
#include "p1_resilience/hunt/token.h"
#include "p1_resilience/hunt/view.h"

#include <string.h>

#define DIGEST_RUN_MIN 32 /* hex digits: MD5 */

/* The window: the text from `base`, as far as masks were made. */
struct window {
    struct hunt_scanner *scanner;
    const guint8 *text;
    guint32 length; /* of the text */
    guint32 base;   /* a multiple of CLASS_BYTES */
    guint32 words;  /* with masks */
    /* Behind the last run that was looked at, by what began the look. */
    guint32 after_name, after_address6, after_hex, after_escape;
};

static inline gboolean is(const struct window *window, guint32 position, guint8 bits)
{
    return (hunt_bytes[window->text[position]] & bits) != 0;
}

/* The first byte of the run of `class` that holds `position`. */
static inline guint32 run_start(const struct window *window, guint32 position,
                                enum hunt_class class, guint8 bits)
{
    guint32 word = (position - window->base) / CLASS_BYTES, bit = position % CLASS_BYTES;
    guint64 outside = ~window->scanner->masks[word][class] & (((guint64)1 << bit) - 1);

    while (!outside && word > 0)
        outside = ~window->scanner->masks[--word][class];
    if (outside)
        return window->base + word * CLASS_BYTES + (CLASS_BYTES - __builtin_clzll(outside));
    position = window->base;
    while (position > 0 && is(window, position - 1, bits))
        position--;
    return position;
}

/* Behind its last byte. */
static inline guint32 run_end(const struct window *window, guint32 position, enum hunt_class class,
                              guint8 bits)
{
    guint32 word = (position - window->base) / CLASS_BYTES, bit = position % CLASS_BYTES;
    guint64 outside = ~window->scanner->masks[word][class] >> bit << bit;

    while (!outside && word + 1 < window->words)
        outside = ~window->scanner->masks[++word][class];
    position = window->base + word * CLASS_BYTES;
    if (outside)
        return position + __builtin_ctzll(outside);
    position += CLASS_BYTES;
    while (position < window->length && is(window, position, bits))
        position++;
    return MIN(position, window->length);
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

/* The 64 bits of `class` from `position`; zeros behind the window. */
static inline guint64 bits_from(const struct window *window, guint32 position,
                                enum hunt_class class)
{
    guint32 word = (position - window->base) / CLASS_BYTES, bit = position % CLASS_BYTES;
    guint64 bits = window->scanner->masks[word][class] >> bit;

    if (bit && word + 1 < window->words)
        bits |= window->scanner->masks[word + 1][class] << (CLASS_BYTES - bit);
    return bits;
}

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

/* Bit 5 set and what lies behind `length` (1..8) bytes taken away: one load whatever the length. */
static inline guint64 label_word(const guint8 *bytes, guint32 length)
{
    guint64 word;

    memcpy(&word, bytes, sizeof word);
    return (GUINT64_FROM_LE(word) | HUNT_KEY_LOWER) & ~(guint64)0 >> 8 * (8 - length);
}

/* hunt_key_label() where up to eight bytes behind the label may be read. */
static inline guint64 hash_label(guint64 hash, const guint8 *label, guint32 length)
{
    hash += length;
    for (; length > 8; label += 8, length -= 8)
        hash = hunt_key_mix(hash, label_word(label, 8));
    if (length)
        hash = hunt_key_mix(hash, label_word(label, length));
    return hash;
}

/* A run of host bytes. */
struct run {
    guint32 start, end;
    gboolean is_short; /* `dots` and `dashes` hold all of it */
    guint64 dots, dashes;
};

static inline guint64 low_bits(guint32 count)
{
    return count < 64 ? ((guint64)1 << count) - 1 : ~(guint64)0;
}

#define NO_DOT G_MAXUINT32

/* The last dot of the run in [first, end). */
static inline guint32 dot_before(const struct window *window, const struct run *run, guint32 first,
                                 guint32 end)
{
    if (run->is_short) {
        guint64 dots = run->dots & low_bits(end - run->start) & ~low_bits(first - run->start);

        return dots ? run->start + (CLASS_BYTES - 1 - __builtin_clzll(dots)) : NO_DOT;
    }
    while (end > first && window->text[end - 1] != '.')
        end--;
    return end > first ? end - 1 : NO_DOT;
}

static inline gboolean trims(const struct window *window, guint32 position)
{
    return window->text[position] == '.' || window->text[position] == '-';
}

/* The name in a run of host bytes, and all its parents of two labels and more. */
static inline void names(struct window *window, const struct run *run)
{
    guint32 first = run->start, end = run->end, label_end, start, dot;
    guint64 hash;

    while (end > first && trims(window, end - 1))
        end--;
    while (first < end && trims(window, first))
        first++;
    dot = dot_before(window, run, first, end);
    if (dot == NO_DOT)
        return;
    hash = hash_label(HUNT_KEY_SEED_NAME, window->text + dot + 1, end - dot - 1);
    if (!hunt_key_filter_has(window->scanner->needles.last_labels, HUNT_KEY_LAST_LABEL_WORDS, hash))
        return;
    do {
        label_end = dot;
        dot = dot_before(window, run, first, label_end);
        start = dot == NO_DOT ? first : dot + 1;
        if (end - start > HUNT_KEY_NAME_MAX)
            return;
        hash = hash_label(hash, window->text + start, label_end - start);
        scan_queue_push(window->scanner, hash, first, start, end, HUNT_KEY_NAME);
    } while (dot != NO_DOT);
}

/* The run of host bytes around the dot at `position`. */
static inline void host_run(struct window *window, guint32 position)
{
    struct run run = {
        .start = run_start(window, position, CLASS_HOST, BYTE_HOST),
        .end = run_end(window, position, CLASS_HOST, BYTE_HOST),
    };
    guint64 third = 0; /* the dots without the first two */

    window->after_name = run.end;
    run.is_short = run.start >= window->base && run.end - run.start <= CLASS_BYTES;
    if (run.is_short) {
        guint64 inside = low_bits(run.end - run.start);

        run.dots = bits_from(window, run.start, CLASS_DOT) & inside;
        run.dashes = bits_from(window, run.start, CLASS_DASH) & inside;
        third = run.dots & (run.dots - 1);
        third &= third - 1;
    }
    if (window->scanner->needles.networks && (third || !run.is_short)) {
        if (run.is_short && !run.dashes)
            address4(window, run.start, run.end);
        else
            addresses4(window, run.start, run.end);
    }
    if (window->scanner->needles.last_labels)
        names(window, &run);
}

/* Bits of `mask` from `from` on; `base` is the position of its bit 0. */
static inline guint64 not_before(guint64 mask, guint32 base, guint32 from)
{
    if (from <= base)
        return mask;
    return from - base < CLASS_BYTES ? mask & ~low_bits(from - base) : 0;
}

static inline void dots(struct window *window, guint32 word, guint32 base)
{
    guint64 left = not_before(window->scanner->masks[word][CLASS_DOT], base, window->after_name);

    while (left) {
        host_run(window, base + __builtin_ctzll(left));
        left = not_before(left, base, window->after_name);
    }
}

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
static inline guint128 followed(guint128 first, guint128 second)
{
    return first & (second >> 2 | second >> 3 | second >> 4 | second >> 5);
}

/*
 * "://", and what an IPv6 address cannot be without: "::", or at least six colons with one to four
 * bytes between; four are asked for here, which leaves times of day aside.
 */
static inline void colons(struct window *window, guint32 word, guint32 base)
{
    const struct hunt_needles *needles = &window->scanner->needles;
    const hunt_masks *masks = (const hunt_masks *)window->scanner->masks + word;
    gboolean ahead = word + 1 < window->words;
    guint128 here = masks[0][CLASS_COLON] | (guint128)(ahead ? masks[1][CLASS_COLON] : 0) << 64;
    guint64 left;

    if (needles->url_hosts) {
        guint128 slashes = masks[0][CLASS_SLASH] | (guint128)(ahead ? masks[1][CLASS_SLASH] : 0)
                                                       << 64;

        for (left = (guint64)(here & slashes >> 1 & slashes >> 2); left; left &= left - 1)
            scan_url(window->scanner, base + __builtin_ctzll(left));
    }
    if (needles->lengths6[0] | needles->lengths6[1] | needles->lengths6[2]) {
        guint128 groups = followed(here, here);

        if (groups)
            groups = followed(here, followed(here, groups));
        left = (guint64)((here & here >> 1) | groups);
        for (left = not_before(left, base, window->after_address6); left;
             left = not_before(left, base, window->after_address6))
            address6(window, base + __builtin_ctzll(left));
    }
}

static void emails(struct window *window, guint64 left, guint32 base)
{
    for (; left; left &= left - 1) {
        guint32 at = base + __builtin_ctzll(left);
        guint32 start = bytes_start(window, at, BYTE_LOCAL);
        guint32 end = bytes_end(window, at + 1, BYTE_MAIL_HOST);

        while (end > at + 1 && trims(window, end - 1))
            end--;
        if (start < at && end > at + 1)
            scan_email(window->scanner, start, end);
    }
}

/* A 16-bit lane of ones: each run of 31 and more covers one. */
static inline guint64 full_lanes(guint64 mask)
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
        start = run_start(window, position, CLASS_HEX, BYTE_HEX);
        window->after_hex = run_end(window, position, CLASS_HEX, BYTE_HEX);
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

/* Notes the pieces of text around escapes that matter, each between bytes that cut every token. */
static void escapes(struct window *window, guint64 escaped, guint32 base)
{
    const guint8 *end = window->text + window->length, *next;
    guint64 left = escaped;

    for (left = not_before(left, base, window->after_escape); left;
         left = not_before(left, base, window->after_escape)) {
        guint32 position = base + __builtin_ctzll(left), start = position;
        enum hunt_view view;

        if (view_matters(window->text + position, end, &view, &next)) {
            while (start > 0 && !is(window, start - 1, BYTE_CUT))
                start--;
            while (position < window->length && !is(window, position, BYTE_CUT))
                position++;
            add_segments(window, start, position);
            window->after_escape = position;
        } else {
            window->after_escape = next - window->text;
        }
    }
}

/*
 * Masks of the window that begins with word `first`, and of one word ahead; what lies behind the
 * text has none. Counts the lines that end in the window.
 */
static void classify(struct window *window, guint32 first, guint32 count, guint32 words)
{
    struct hunt_scanner *scanner = window->scanner;
    const guint8 *text = window->text + first * CLASS_BYTES;
    guint32 tail = window->length % CLASS_BYTES;
    gsize lines = scanner->classify(text, count, scanner->masks);

    window->base = first * CLASS_BYTES;
    window->words = count;
    if (first + count < words) {
        scanner->classify(text + count * CLASS_BYTES, 1, scanner->masks + count);
        window->words++;
    }
    if (tail && first + window->words == words) {
        for (guint i = 0; i < CLASS_COUNT; i++)
            scanner->masks[window->words - 1][i] &= low_bits(tail);
        if (first + count == words)
            for (guint32 i = window->length; i % CLASS_BYTES; i++)
                lines -= window->text[i] == '\n';
    }
    if (!scanner->in_view)
        scanner->counts.lines += lines;
}

void scan_sweep(struct hunt_scanner *scanner, const guint8 *text, guint32 length)
{
    struct window window = { .scanner = scanner, .text = text, .length = length };
    guint32 words = (length + CLASS_BYTES - 1) / CLASS_BYTES;

    scanner->text = text;
    scanner->length = length;
    for (guint32 first = 0; first < words; first += SWEEP_WORDS) {
        guint32 count = MIN(words - first, SWEEP_WORDS);

        classify(&window, first, count, words);
        for (guint32 word = 0; word < count; word++) {
            const guint64 *mask = scanner->masks[word];
            guint32 base = window.base + word * CLASS_BYTES;
            guint64 lanes;

            dots(&window, word, base);
            if (mask[CLASS_COLON])
                colons(&window, word, base);
            if (mask[CLASS_AT] && scanner->needles.emails)
                emails(&window, mask[CLASS_AT], base);
            lanes = scanner->needles.digests ? full_lanes(mask[CLASS_HEX]) : 0;
            if (lanes)
                digests(&window, lanes, base);
            if (mask[CLASS_ESCAPE] && !scanner->in_view)
                escapes(&window, mask[CLASS_ESCAPE], base);
        }
    }
    scan_queue_flush(scanner);
    scan_queue_flush4(scanner);
}
