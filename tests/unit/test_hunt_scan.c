/* The scanner's engine: every back end alike, and all of it as the rules say. */
#include "p1_resilience/hunt/indicator.h"
#include "p1_resilience/hunt/refang.h"
#include "p1_resilience/hunt/scan_engine.h"

#include "hunt_oracle.h"

#define MD5 "d41d8cd98f00b204e9800998ecf8427e"
#define SHA1 "da39a3ee5e6b4b0d3255bfef95601890afd80709"
#define SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void fill_narrow(struct oracle_keys *set)
{
    static const char *const names[] = {
        "evil.example", "bad.test",       "a.b",
        "x-y.co",       "a_b.co",         "co.uk",
        "1.co",         "deep.a.b.c.d.e", "longer-label-than-eight-bytes.example",
        "e.f",          "x.co",           "long_label-x.exa-mple",
        "z.q-r",        "t.example",
    };
    static const char *const urls[] = {
        "http://evil.example/a",
        "bad.test/x?y=1",
        "https://a.b/",
        "http://1.2.3.4:8080/p",
        "e.f/%41",
        "a.b:80/p",
        "a.b:443/p",
        "http://[2001:db8::1]/",
        "http://evil.example/a.",
        "https://a.b/?",
        "bad.test/x?y=1).",
        "http://a.b:443/p!",
    };

    oracle_keys_init(set);
    for (guint i = 0; i < G_N_ELEMENTS(names); i++)
        oracle_add_name(set, names[i]);
    for (guint i = 0; i < G_N_ELEMENTS(urls); i++)
        oracle_add_url(set, urls[i]);
    oracle_add_network(set, "1.2.3.4", 32);
    oracle_add_network(set, "203.0.113.0", 24);
    oracle_add_network(set, "203.0.112.0", 20);
    oracle_add_network(set, "198.51.96.0", 19);
    oracle_add_network(set, "2001:db8::1", 128);
    oracle_add_network(set, "2001:db8::", 32);
    oracle_add_network(set, "::1", 128);
    oracle_add_network(set, "::ffff:1.2.3.4", 128);
    oracle_add_digest(set, MD5);
    oracle_add_digest(set, SHA1);
    oracle_add_digest(set, SHA256);
    oracle_add_email(set, "ceo@evil.example");
    oracle_add_email(set, "a.b+c%d@bad.test");
}

/* Also a network so wide that it meets each second and third octet. */
static void fill(struct oracle_keys *set)
{
    fill_narrow(set);
    oracle_add_network(set, "10.0.0.0", 8);
}

struct got {
    GHashTable *lines; /* "LINE" as a number -> GHashTable of keys -> whole */
    const guint8 *text;
    gsize length;
    guint64 last_line, last_offset, count;
};

static void note(const struct hunt_match *match, gpointer data)
{
    struct got *got = data;
    gpointer line = GSIZE_TO_POINTER(match->line);
    GHashTable *seen = g_hash_table_lookup(got->lines, line);
    GBytes *key = g_bytes_new(match->key, match->key_length);

    g_assert_true(match->line > got->last_line ||
                  (match->line == got->last_line && match->offset >= got->last_offset));
    got->last_line = match->line;
    got->last_offset = match->offset;
    got->count++;
    if (!seen)
        g_hash_table_insert(got->lines, line,
                            seen = g_hash_table_new_full(g_bytes_hash, g_bytes_equal,
                                                         (GDestroyNotify)g_bytes_unref, NULL));
    g_assert_true(match->repeated == g_hash_table_contains(seen, key));
    g_assert_true(!match->repeated || match->whole);
    g_hash_table_replace(seen, key, GINT_TO_POINTER(match->whole));
    /* The place: in the line, and in the raw view the token itself. */
    g_assert_cmpuint(match->offset, <, got->length);
    g_assert_true(got->text + match->offset >= match->text &&
                  got->text + match->offset < match->text + match->text_length);
    if (match->view == HUNT_VIEW_RAW)
        g_assert_cmpmem(got->text + match->offset, match->token_length, match->token,
                        match->token_length);
}

static GString *said(GHashTable *seen)
{
    GString *out = g_string_new(NULL);
    g_autoptr(GList) keys = seen ? g_hash_table_get_keys(seen) : NULL;

    keys = g_list_sort(keys, (GCompareFunc)g_bytes_compare);
    for (GList *key = keys; key; key = key->next) {
        gsize size;
        const guint8 *bytes = g_bytes_get_data(key->data, &size);

        for (gsize i = 0; i < size; i++)
            g_string_append_printf(out, g_ascii_isgraph(bytes[i]) ? "%c" : "\\x%02x", bytes[i]);
        g_string_append(out, g_hash_table_lookup(seen, key->data) ? "! " : " ");
    }
    return out;
}

/* What the oracle sees in each line of `text`, as said() puts it. */
static GPtrArray *oracle_says(const struct oracle_keys *set, const guint8 *text, gsize length)
{
    GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);

    for (gsize at = 0; at < length;) {
        const guint8 *end = memchr(text + at, '\n', length - at);
        gsize size = (end ? end : text + length) - (text + at);
        g_autoptr(GHashTable) wanted = oracle_line(set, text + at, size);

        g_ptr_array_add(lines, g_string_free(said(wanted), FALSE));
        at += size + 1;
    }
    return lines;
}

/* Scans `buffer`, which is padded, and finds what is `right`. */
static guint64 check_scan(struct hunt_scanner *scanner, const char *name, const guint8 *buffer,
                          gsize length, const GPtrArray *right)
{
    struct got got = { g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_hash_table_unref),
                       buffer, length };

    hunt_scan_lines(scanner, buffer, length, 0, 1, note, &got);
    for (guint line = 0; line < right->len; line++) {
        g_autoptr(GString) ours = said(g_hash_table_lookup(got.lines, GSIZE_TO_POINTER(line + 1)));

        if (!g_str_equal(ours->str, right->pdata[line])) {
            for (gsize at = 0, lines = 0; at < length; lines += buffer[at++] == '\n')
                if (lines == line)
                    g_printerr(g_ascii_isprint(buffer[at]) ? "%c" : "\\x%02x", buffer[at]);
            g_error("%s, line %u: found %s, not %s", name, line + 1, ours->str,
                    (char *)right->pdata[line]);
        }
    }
    g_assert_cmpuint(hunt_scanner_counts(scanner)->lines + (buffer[length - 1] != '\n'), ==,
                     right->len);
    g_hash_table_unref(got.lines);
    return got.count;
}

/*
 * Scans `text` with every back end, with a sieve and without, from a buffer whose padding is
 * hostile, and asks the oracle.
 */
static guint64 compare(const struct oracle_keys *set, const guint8 *text, gsize length)
{
    guint count;
    const struct hunt_classifier *classifiers = hunt_classifiers(&count);
    const struct hunt_needles needles[] = { set->needles, oracle_sieved(set) };
    g_autoptr(GPtrArray) right = oracle_says(set, text, length);
    g_autofree guint8 *buffer = g_malloc(length + HUNT_SCAN_PADDING);
    guint64 found = 0;

    memcpy(buffer, text, length);
    for (guint i = 0; i < HUNT_SCAN_PADDING; i++)
        buffer[length + i] = (guint8) ".a\n1:@%"[i % 7];
    for (guint i = 0; i < count * G_N_ELEMENTS(needles); i++) {
        g_autoptr(hunt_scanner_t) scanner = hunt_scanner_new(&needles[i / count]);

        hunt_scanner_classify_with(scanner, &classifiers[i % count]);
        found = check_scan(scanner, classifiers[i % count].name, buffer, length, right);
    }
    return found;
}

static void test_classes_are_equal(void)
{
    guint count;
    const struct hunt_classifier *all = hunt_classifiers(&count);
    guint8 bytes[64 * CLASS_BYTES];
    hunt_masks right[64], masks[64];

    for (guint round = 0; round < 200; round++) {
        for (guint i = 0; i < sizeof bytes; i++)
            bytes[i] = round ? (guint8)g_test_rand_int() : (guint8)i;
        for (guint i = 0; i < count; i++) {
            gsize lines = all[i].classify(bytes, 64, i ? masks : right);

            g_assert_cmpuint(lines, ==, all[0].classify(bytes, 64, right));
            if (i)
                g_assert_cmpmem(masks, sizeof masks, right, sizeof right);
        }
    }
    for (guint i = 0; i < 256; i++)
        g_assert_true(((hunt_bytes[i] & BYTE_HOST) != 0) ==
                      (i < 0x80 && (g_ascii_isalnum(i) || i == '.' || i == '_' || i == '-')));
}

/* Pieces that make lines in which much nearly matches. */
static const char *const pieces[] = {
    "evil.example",
    "EVIL.Example",
    "bad.test",
    "a.b",
    "x-y.co",
    "a_b.co",
    "co.uk",
    "1.co",
    ".",
    "..",
    "-",
    "_",
    "a",
    "b",
    "z",
    "0",
    "1",
    "7",
    "com",
    "www.",
    "deep.a.b.c.d.e",
    "e.f",
    "longer-label-than-eight-bytes.example",
    "1.2.3.4",
    "203.0.113.77",
    "203.0.112.1",
    "198.51.127.9",
    "x.co",
    "t.example",
    "long_label-x.exa-mple",
    "z.q-r",
    "10.9.8.7",
    "01.2.3.4",
    "256.1.1.1",
    "2001:db8::1",
    "2001:0DB8:0:0:0:0:0:1",
    "::1",
    "::",
    ":",
    "::ffff:1.2.3.4",
    "2001:db8:1:2:3:4:5:6",
    "12:34:56",
    "ffff:",
    MD5,
    SHA1,
    SHA256,
    "d41d8cd98f00b204e980",
    "ceo@evil.example",
    "CEO@EVIL.example",
    "a.b+c%d@bad.test",
    "@",
    "%",
    "+",
    "http://evil.example/a",
    "HTTP://EVIL.example:80/a#f",
    "https://a.b",
    "https://a.b:443?",
    "https://a.b.",
    "https://a.b:/#).",
    "http://evil.example.:0080/a",
    "http://evil.example:/a).#",
    "http://a.b/p",
    "https://a.b:0443/p",
    "http://a.b:443/p",
    "http://evil.example/a.",
    "http://evil.example/a.,#",
    "https://a.b?",
    "https://a.b.?",
    "https://a.b/?).................",
    "http://a.b:443/p!",
    "http://[2001:DB8:0::1]",
    ":80",
    ":",
    "http://bad.test/x?y=1",
    "https://bad.test:443/x?y=1).",
    "http://1.2.3.4:8080/p",
    "http://u@a.b/",
    "http://",
    "https://",
    "://",
    "http",
    "s",
    "/",
    "?",
    "#",
    "e.f/%41",
    "https://e.f/%41",
    "\\",
    "\\n",
    "\\\\",
    "\\\"",
    "\\/",
    "\\u0061",
    "\\u002e",
    "\\u00e9",
    "\\u00",
    "\\t",
    "%2e",
    "%2F",
    "%3A",
    "%41",
    "%4",
    "%e9",
    "%25",
    "%%",
    " ",
    " ",
    "\t",
    "\"",
    "'",
    "<",
    ">",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ";",
    "=",
    "|",
    "^",
    "`",
    "!",
    "&",
    "\x7f",
    "\x80",
    "\xc3\xa9",
    "\xff",
    "\n",
    "\n",
    "\r\n",
};

static void random_lines(gboolean narrow_networks)
{
    struct oracle_keys set;
    guint64 found = 0, bytes = 0, rounds = g_test_thorough() ? 4000 : 30;

    if (narrow_networks)
        fill_narrow(&set);
    else
        fill(&set);
    for (guint64 round = 0; round < rounds; round++) {
        g_autoptr(GByteArray) text = g_byte_array_new();
        guint want = (guint)g_test_rand_int_range(1, 4000);

        /* Some texts with many line ends, some with hardly any: runs as long as windows. */
        guint usable = G_N_ELEMENTS(pieces) - (round % 3 == 0 ? 3 : 0);
        guint narrow = round % 5 == 4 ? (guint)g_test_rand_int_range(1, usable) : usable;

        for (guint i = 0; i < want; i++) {
            const char *piece = pieces[g_test_rand_int_range(0, narrow)];

            g_byte_array_append(text, (const guint8 *)piece, strlen(piece));
            if (g_test_rand_int_range(0, 200) == 0)
                g_byte_array_append(text, (const guint8 *)"", 1); /* NUL */
        }
        bytes += text->len;
        found += compare(&set, text->data, text->len);
    }
    g_test_message("%" G_GUINT64_FORMAT " bytes, %" G_GUINT64_FORMAT " matches", bytes, found);
    g_assert_cmpuint(found, >, 1000);
    oracle_keys_clear(&set);
}

static void test_random_lines(void)
{
    random_lines(FALSE);
    random_lines(TRUE);
}

static void test_random_bytes(void)
{
    struct oracle_keys set;

    fill(&set);
    for (guint round = 0; round < 20; round++) {
        g_autofree guint8 *bytes = g_malloc(5000);

        for (guint i = 0; i < 5000; i++)
            bytes[i] = round % 2
                           ? (guint8)g_test_rand_int()
                           : (guint8) "0123456789abcdef.:-_@/\\%n \n"[g_test_rand_int_range(0, 27)];
        compare(&set, bytes, 5000);
    }
    oracle_keys_clear(&set);
}

/* One token beside every byte, at every place of a window's borders. */
static void test_borders(void)
{
    static const char *const tokens[] = { "www.evil.example",
                                          "203.0.113.77",
                                          "2001:db8::1",
                                          SHA256,
                                          "ceo@evil.example",
                                          "http://evil.example/a",
                                          "evil\\u002eexample",
                                          "evil%2eexample",
                                          "x.co",
                                          "long_label-x.exa-mple" };
    const guint window = SWEEP_WORDS * CLASS_BYTES;
    struct oracle_keys set;

    fill_narrow(&set);
    for (guint i = 0; i < G_N_ELEMENTS(tokens); i++) {
        gsize length = strlen(tokens[i]);

        for (guint before = window - length - 2; before < window + 2; before += 3) {
            g_autoptr(GByteArray) text = g_byte_array_new();

            g_byte_array_set_size(text, before);
            memset(text->data, before % 2 ? ' ' : '\n', before);
            g_byte_array_append(text, (const guint8 *)tokens[i], length);
            g_assert_cmpuint(compare(&set, text->data, text->len), >=, 1);
        }
        for (guint before = 0; before < 2 * CLASS_BYTES; before++) {
            g_autofree char *padding = g_strnfill(before, " .-_x"[before % 5]);
            g_autofree char *text = g_strconcat(padding, tokens[i], NULL);

            compare(&set, (const guint8 *)text, before + length);
        }
        for (guint byte = 0; byte < 256; byte++) {
            g_autofree char *text = g_strdup_printf("%c%s%c", byte, tokens[i], byte);

            compare(&set, (const guint8 *)text, length + 2);
        }
    }
    oracle_keys_clear(&set);
}

/* A run longer than windows, and what takes long if it is looked at more than once. */
static void test_long_runs(void)
{
    static const char *const repeated[] = { "a",
                                            ".",
                                            "a.",
                                            "1.",
                                            "-",
                                            ":",
                                            "1:",
                                            "::",
                                            "a@",
                                            "f",
                                            "http://evil.example",
                                            "\\",
                                            "%",
                                            "\\u0061",
                                            "%41",
                                            "1.2.3.4-",
                                            "x.evil.example." };
    struct oracle_keys set;

    fill(&set);
    for (guint i = 0; i < G_N_ELEMENTS(repeated); i++) {
        g_autoptr(GString) text = g_string_new(NULL);

        while (text->len < 40000)
            g_string_append(text, repeated[i]);
        g_string_append(text, ".evil.example");
        compare(&set, (const guint8 *)text->str, text->len);
    }
    oracle_keys_clear(&set);
}

static void found_whole(const struct hunt_match *match, gpointer data)
{
    *(gboolean *)data |= match->key[0] == HUNT_KEY_URL;
}

/* Whether a scanner that looks for `url`, in its normal form, finds it in `text`. */
static gboolean finds(const char *url, const char *text, gboolean defanged)
{
    g_autofree char *line = g_strdup_printf("GET %s HTTP/1.1\n%*s", text, HUNT_SCAN_PADDING, "");
    g_autoptr(hunt_scanner_t) scanner = NULL;
    struct oracle_keys set;
    gboolean found = FALSE;

    oracle_keys_init(&set);
    oracle_add_url(&set, url);
    scanner = hunt_scanner_new(&set.needles);
    if (defanged)
        hunt_scanner_defanged(scanner);
    hunt_scan_lines(scanner, (const guint8 *)line, strlen(line) - HUNT_SCAN_PADDING, 0, 1,
                    found_whole, &found);
    oracle_keys_clear(&set);
    return found;
}

/* What an importer reads from the text of a URL is found in a line with the same text. */
static void test_what_is_imported_is_found(void)
{
    static const char *const schemes[] = { "http://", "HTTPS://", "hXXp://", "hxxps[:]//" };
    static const char *const hosts[] = { "evil.example", "Evil.Example.",   "192.0.2.7",
                                         "evil[.]test",  "[2001:DB8:0::1]", "h",
                                         "[::1",         "*.evil.example",  "a_b.co" };
    static const char *const ports[] = { "", "", ":", ":80", ":443", ":0080", ":8080", ":99999" };
    static const char *const paths[] = { "/",   "a",   "?", "=",     "#",   ")", ".", "[.",
                                         ".]",  "[.]", ",", ";",     "]",   "[", "&", "%",
                                         "%2F", ":",   "!", "(dot)", "\\.", "@", "|", "\"" };
    guint64 rounds = g_test_thorough() ? 200000 : 20000;
    guint taken = 0;

    for (guint64 round = 0; round < rounds; round++) {
        g_autoptr(GString) text = g_string_new(NULL);
        g_auto(indicator_t) indicator = { 0 };
        enum indicator_why why;

#define ANY(OF) OF[g_test_rand_int_range(0, G_N_ELEMENTS(OF))]
        g_string_append_printf(text, "%s%s%s", ANY(schemes), ANY(hosts), ANY(ports));
        for (gint i = g_test_rand_int_range(0, 7); i > 0; i--)
            g_string_append(text, ANY(paths));
#undef ANY
        if (!indicator_parse(text->str, text->len, 0, &indicator, &why) ||
            indicator.kind != INDICATOR_URL)
            continue;
        taken++;
        if (!finds(indicator.text, text->str, refang_needed(text->str, text->len)))
            g_error("%s, imported as %s, is not found", text->str, indicator.text);
    }
    g_assert_cmpuint(taken, >, rounds / 10);
}

static void test_cut(void)
{
#define CUT(TEXT) hunt_scan_cut((const guint8 *)TEXT, strlen(TEXT))
    g_assert_cmpuint(CUT("one\ntwo"), ==, 4);
    g_assert_cmpuint(CUT("one\n two"), ==, 4);
    g_assert_cmpuint(CUT("one two"), ==, 4);
    g_assert_cmpuint(CUT("{\"a\":1}"), ==, 4);
    g_assert_cmpuint(CUT("one.two:three"), ==, 0);
    g_assert_cmpuint(CUT(""), ==, 0);
}

/* A text that is cut wherever it may be gives the same keys as the whole. */
static void test_pieces_are_the_whole(void)
{
    struct oracle_keys set;

    fill(&set);
    for (guint round = 0; round < 200; round++) {
        g_autoptr(hunt_scanner_t) scanner = hunt_scanner_new(&set.needles);
        g_autoptr(GString) text = g_string_new(NULL);
        g_autoptr(GHashTable) whole = NULL;
        g_autoptr(GString) right = NULL, ours = NULL;
        struct got got = { g_hash_table_new_full(NULL, NULL, NULL,
                                                 (GDestroyNotify)g_hash_table_unref) };
        gsize at = 0, cut;

        for (guint i = 0; i < 300; i++) /* one line: the last three pieces end lines */
            g_string_append(text, pieces[g_test_rand_int_range(0, G_N_ELEMENTS(pieces) - 3)]);
        whole = oracle_line(&set, (const guint8 *)text->str, text->len);
        while (at < text->len) {
            gsize size = (gsize)g_test_rand_int_range(1, 200);
            g_autofree guint8 *piece = NULL;

            size = MIN(size, text->len - at);

            cut = at + size == text->len ? size : hunt_scan_cut((guint8 *)text->str + at, size);
            while (!cut) {
                size = MIN(text->len - at, size * 2);
                cut = at + size == text->len ? size : hunt_scan_cut((guint8 *)text->str + at, size);
            }
            piece = g_malloc0(cut + HUNT_SCAN_PADDING);
            memcpy(piece, text->str + at, cut);
            got.text = piece;
            got.length = cut;
            got.last_line = got.last_offset = 0;
            {
                GHashTable *all = g_hash_table_lookup(got.lines, GSIZE_TO_POINTER(1));
                struct got part = got;

                part.lines =
                    g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_hash_table_unref);
                hunt_scan_lines(scanner, piece, cut, 0, 1, note, &part);
                if (!all)
                    g_hash_table_insert(got.lines, GSIZE_TO_POINTER(1),
                                        all = g_hash_table_new_full(g_bytes_hash, g_bytes_equal,
                                                                    (GDestroyNotify)g_bytes_unref,
                                                                    NULL));
                if (g_hash_table_size(part.lines)) {
                    GHashTableIter iter;
                    gpointer key, is_whole;

                    g_hash_table_iter_init(&iter,
                                           g_hash_table_lookup(part.lines, GSIZE_TO_POINTER(1)));
                    while (g_hash_table_iter_next(&iter, &key, &is_whole))
                        g_hash_table_replace(
                            all, g_bytes_ref(key),
                            GINT_TO_POINTER(is_whole || g_hash_table_lookup(all, key)));
                }
                g_hash_table_unref(part.lines);
            }
            at += cut;
        }
        right = said(whole);
        ours = said(g_hash_table_lookup(got.lines, GSIZE_TO_POINTER(1)));
        g_assert_cmpstr(ours->str, ==, right->str);
        g_hash_table_unref(got.lines);
    }
    oracle_keys_clear(&set);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/hunt/scan/classes-are-equal", test_classes_are_equal);
    g_test_add_func("/hunt/scan/random-lines", test_random_lines);
    g_test_add_func("/hunt/scan/random-bytes", test_random_bytes);
    g_test_add_func("/hunt/scan/borders", test_borders);
    g_test_add_func("/hunt/scan/long-runs", test_long_runs);
    g_test_add_func("/hunt/scan/what-is-imported-is-found", test_what_is_imported_is_found);
    g_test_add_func("/hunt/scan/cut", test_cut);
    g_test_add_func("/hunt/scan/pieces-are-the-whole", test_pieces_are_the_whole);
    return g_test_run();
}
