#include "p1_resilience/hunt/log_columns.h"
#include "p1_resilience/hunt/refang.h"
#include "p1_resilience/hunt/scan_engine.h"
#include "p1_resilience/hunt/view.h"

#include <string.h>

#define VIEW_TEXT_SIZE 65536 /* bytes of views that are swept at a time, or one that is longer */

void hunt_scanner_classify_with(struct hunt_scanner *scanner,
                                const struct hunt_classifier *classifier)
{
    scanner->classify = classifier->classify;
    scanner->has_bit_steps = classifier->has_bit_steps;
}

struct hunt_scanner *hunt_scanner_new(const struct hunt_needles *needles)
{
    struct hunt_scanner *scanner = g_new0(struct hunt_scanner, 1);
    const struct hunt_classifier *classifiers;
    guint count;

    scanner->needles = *needles;
    classifiers = hunt_classifiers(&count);
    hunt_scanner_classify_with(scanner, &classifiers[count - 1]);
    scanner->segments = g_array_new(FALSE, FALSE, sizeof(struct segment));
    scanner->found = g_array_new(FALSE, FALSE, sizeof(struct found));
    scanner->bytes = g_byte_array_new();
    scanner->view_text = g_byte_array_new();
    return scanner;
}

void hunt_scanner_free(struct hunt_scanner *scanner)
{
    if (!scanner)
        return;
    g_array_unref(scanner->segments);
    g_array_unref(scanner->found);
    g_byte_array_unref(scanner->bytes);
    g_byte_array_unref(scanner->view_text);
    g_free(scanner);
}

void hunt_scanner_defanged(struct hunt_scanner *scanner)
{
    scanner->defanged = TRUE;
}

const struct hunt_scan_counts *hunt_scanner_counts(const struct hunt_scanner *scanner)
{
    return &scanner->counts;
}

gsize hunt_scan_cut(const guint8 *bytes, gsize length)
{
    const guint8 *feed = memrchr(bytes, '\n', length);

    if (feed)
        return feed + 1 - bytes;
    while (length > 0 && !(hunt_bytes[bytes[length - 1]] & BYTE_CUT))
        length--;
    return length;
}

/*
 * Unescapes the segments one after another, with a line feed between, and sweeps what came
 * together. They stay in their array: what is found is traced back through them.
 */
static void sweep_views(struct hunt_scanner *scanner)
{
    GArray *all = scanner->segments;

    scanner->in_view = TRUE;
    scanner->segments = g_array_new(FALSE, FALSE, sizeof(struct segment));
    for (guint i = 0; i < all->len;) {
        gsize size = 0;
        guint8 *text;
        guint32 end = 0;

        g_array_set_size(scanner->segments, 0);
        do {
            size += g_array_index(all, struct segment, i).length + 1;
            g_array_append_val(scanner->segments, g_array_index(all, struct segment, i));
            i++;
        } while (i < all->len &&
                 size + g_array_index(all, struct segment, i).length < VIEW_TEXT_SIZE);
        g_byte_array_set_size(scanner->view_text, MAX(size, VIEW_TEXT_SIZE) + HUNT_SCAN_PADDING);
        text = scanner->view_text->data;
        for (guint part = 0; part < scanner->segments->len; part++) {
            struct segment *segment = &g_array_index(scanner->segments, struct segment, part);

            segment->place = end;
            end += view_unescape(segment->view, scanner->raw + segment->start, segment->length,
                                 text + end);
            text[end++] = '\n';
        }
        memset(text + end, 0, HUNT_SCAN_PADDING);
        scan_sweep(scanner, text, end);
    }
    g_array_unref(scanner->segments);
    scanner->segments = all;
    scanner->in_view = FALSE;
}

/* Sweeps the texts that were gathered, and begins anew. */
static void sweep_gathered(struct hunt_scanner *scanner)
{
    guint length = scanner->view_text->len;

    if (length) {
        g_byte_array_set_size(scanner->view_text, length + HUNT_SCAN_PADDING);
        memset(scanner->view_text->data + length, 0, HUNT_SCAN_PADDING);
        scan_sweep(scanner, scanner->view_text->data, length);
    }
    g_byte_array_set_size(scanner->view_text, 0);
    g_array_set_size(scanner->segments, 0);
}

static gboolean parts_words(guint8 byte)
{
    return (hunt_bytes[byte] & BYTE_CUT) || (byte && strchr("=,;|", byte));
}

/* A piece of text as it was meant, and a space; FALSE when it is as it was. */
static gboolean append_meant(const char *text, gsize length, GString *word, GByteArray *to)
{
    gboolean needed = refang_needed(text, length);

    if (needed) {
        refang(text, length, word);
        g_byte_array_append(to, (const guint8 *)word->str, (guint)word->len);
    } else {
        g_byte_array_append(to, (const guint8 *)text, (guint)length);
    }
    g_byte_array_append(to, (const guint8 *)" ", 1);
    return needed;
}

/*
 * Appends the words of a line as they were meant; FALSE when none is defanged. What parts words may
 * be part of a URL: it is looked at whole, too.
 */
static gboolean refang_words(const guint8 *line, gsize length, GByteArray *to)
{
    g_autoptr(GString) word = g_string_new(NULL);
    gsize url_end = 0;
    gboolean any = FALSE;

    for (gsize start = 0, end; start < length; start = end + 1) {
        const char *text = (const char *)line + start;

        for (end = start; end < length && !parts_words(line[end]);)
            end++;
        any |= append_meant(text, end - start, word, to);
        if (start < url_end || !refang_begins_url(text, end - start))
            continue;
        for (url_end = end; url_end < length && !(hunt_bytes[line[url_end]] & BYTE_CUT);)
            url_end++;
        if (url_end > end)
            any |= append_meant(text, url_end - start, word, to);
    }
    return any;
}

/* The lines that would read otherwise without what people do to indicators, as they were meant. */
static void sweep_defanged(struct hunt_scanner *scanner, gsize length)
{
    const guint8 *at = scanner->raw, *end = at + length;

    scanner->in_view = TRUE;
    g_array_set_size(scanner->segments, 0);
    g_byte_array_set_size(scanner->view_text, 0);
    while (at < end) {
        const guint8 *feed = memchr(at, '\n', end - at);
        gsize size = (feed ? feed : end) - at;
        struct segment segment = { .start = (guint32)(at - scanner->raw),
                                   .view = HUNT_VIEW_DEFANGED,
                                   .place = scanner->view_text->len };

        if (refang_words(at, size, scanner->view_text))
            g_array_append_val(scanner->segments, segment);
        else
            g_byte_array_set_size(scanner->view_text, segment.place);
        g_byte_array_append(scanner->view_text, (const guint8 *)"\n", 1);
        if (scanner->view_text->len >= VIEW_TEXT_SIZE)
            sweep_gathered(scanner);
        at += size + 1;
    }
    sweep_gathered(scanner);
    scanner->in_view = FALSE;
}

/* What columns make together. */
static void sweep_joined(struct hunt_scanner *scanner)
{
    const struct log_look *look = scanner->look;

    scanner->look = NULL;
    if (!look->joined->len)
        return;
    scanner->in_view = TRUE;
    g_array_set_size(scanner->segments, 0);
    g_byte_array_set_size(scanner->view_text, 0);
    for (guint i = 0; i < look->places->len; i++) {
        const struct log_joined *joined = &g_array_index(look->places, struct log_joined, i);
        const struct segment segment = { .start = joined->start,
                                         .view = HUNT_VIEW_JOINED,
                                         .place = joined->place };

        g_array_append_val(scanner->segments, segment);
    }
    g_byte_array_append(scanner->view_text, look->joined->data, look->joined->len);
    sweep_gathered(scanner);
    scanner->in_view = FALSE;
}

void hunt_scanner_join(struct hunt_scanner *scanner, const struct log_look *look)
{
    scanner->look = look;
}

static int by_place(gconstpointer left, gconstpointer right, gpointer data)
{
    const struct found *a = left, *b = right;
    const guint8 *bytes = data;
    gsize shorter = MIN(a->key_length, b->key_length);
    int order;

    if (a->offset != b->offset)
        return a->offset < b->offset ? -1 : 1;
    if (a->view != b->view)
        return a->view < b->view ? -1 : 1;
    order = memcmp(bytes + a->key, bytes + b->key, shorter);
    return order ? order : (a->key_length > b->key_length) - (a->key_length < b->key_length);
}

/* By line and key; the same key in the order of places. */
static int by_key(gconstpointer left, gconstpointer right, gpointer data)
{
    const struct found *a = *(const struct found *const *)left;
    const struct found *b = *(const struct found *const *)right;
    const guint8 *bytes = data;
    int order;

    if (a->line != b->line)
        return a->line < b->line ? -1 : 1;
    if (a->hash != b->hash)
        return a->hash < b->hash ? -1 : 1;
    if (a->key_length != b->key_length)
        return a->key_length < b->key_length ? -1 : 1;
    order = memcmp(bytes + a->key, bytes + b->key, a->key_length);
    return order ? order : (a > b) - (a < b);
}

static gboolean same_key(const struct found *a, const struct found *b, const guint8 *bytes)
{
    return a->line == b->line && a->hash == b->hash && a->key_length == b->key_length &&
           memcmp(bytes + a->key, bytes + b->key, a->key_length) == 0;
}

static void number_lines(struct hunt_scanner *scanner, guint64 line)
{
    const guint8 *at = scanner->raw, *feed;

    for (guint i = 0; i < scanner->found->len; i++) {
        struct found *found = &g_array_index(scanner->found, struct found, i);
        const guint8 *token = scanner->raw + found->offset;

        while (at < token && (feed = memchr(at, '\n', token - at)) != NULL) {
            line++;
            at = feed + 1;
        }
        at = token;
        found->line = line;
    }
}

/*
 * Each key once a line, except that a key that was seen as a parent domain only counts once more
 * where it is the whole name: that is news for indicators of one exact name.
 */
static void mark_repeated(struct hunt_scanner *scanner)
{
    g_autofree struct found **order = g_new(struct found *, scanner->found->len);
    const struct found *parent = NULL, *whole = NULL;

    for (guint i = 0; i < scanner->found->len; i++)
        order[i] = &g_array_index(scanner->found, struct found, i);
    g_qsort_with_data(order, scanner->found->len, sizeof *order, by_key, scanner->bytes->data);
    for (guint i = 0; i < scanner->found->len; i++) {
        struct found *found = order[i];

        if (i > 0 && !same_key(order[i - 1], found, scanner->bytes->data))
            parent = whole = NULL;
        found->skip = whole || (parent && !found->whole);
        found->repeated = parent != NULL;
        if (found->whole)
            whole = found;
        else
            parent = found;
    }
}

/* The line around `offset`, without its end. */
static void find_line(const guint8 *bytes, gsize length, gsize offset, struct hunt_match *match)
{
    const guint8 *before = memrchr(bytes, '\n', offset);
    const guint8 *after = memchr(bytes + offset, '\n', length - offset);
    const guint8 *start = before ? before + 1 : bytes;

    match->text = start;
    match->text_length = (after ? after : bytes + length) - start;
    if (match->text_length > 0 && start[match->text_length - 1] == '\r')
        match->text_length--;
}

static void report_all(struct hunt_scanner *scanner, gsize length, guint64 offset,
                       hunt_match_function report, gpointer data)
{
    for (guint i = 0; i < scanner->found->len; i++) {
        const struct found *found = &g_array_index(scanner->found, struct found, i);
        struct hunt_match match = {
            .line = found->line,
            .offset = offset + found->offset,
            .view = found->view,
            .whole = found->whole,
            .repeated = found->repeated,
            .token = scanner->bytes->data + found->token,
            .token_length = found->token_length,
            .hash = found->hash,
            .key = scanner->bytes->data + found->key,
            .key_length = found->key_length,
        };

        if (found->skip)
            continue;
        find_line(scanner->raw, length, found->offset, &match);
        scanner->counts.matches++;
        report(&match, data);
    }
}

void hunt_scan_lines(struct hunt_scanner *scanner, const guint8 *bytes, gsize length,
                     guint64 offset, guint64 line, hunt_match_function report, gpointer data)
{
    g_return_if_fail(length <= G_MAXINT32);
    scanner->raw = bytes;
    scanner->in_view = FALSE;
    g_array_set_size(scanner->segments, 0);
    g_array_set_size(scanner->found, 0);
    g_byte_array_set_size(scanner->bytes, 0);
    scan_sweep(scanner, bytes, length);
    scanner->counts.bytes += length;
    if (scanner->segments->len)
        sweep_views(scanner);
    if (scanner->defanged)
        sweep_defanged(scanner, length);
    if (scanner->look)
        sweep_joined(scanner);
    if (!scanner->found->len)
        return;
    g_array_sort_with_data(scanner->found, by_place, scanner->bytes->data);
    number_lines(scanner, line);
    mark_repeated(scanner);
    report_all(scanner, length, offset, report, data);
}
