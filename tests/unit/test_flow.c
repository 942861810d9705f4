/* TCP conversations in their order, and IP fragments put together, within bounds. */
#include "p1_resilience/hunt/flow.h"
#include "p1_resilience/hunt/fragments.h"

#include <string.h>

struct heard {
    GString *text; /* bytes; '|' where nothing before is known */
    guint ended;
};

static void take(const struct packet_flow *flow, const struct flow_moment *moment,
                 const guint8 *bytes, gsize length, gboolean is_start, gpointer *state,
                 gpointer data)
{
    struct heard *heard = data;

    (void)flow;
    g_assert_cmpuint(moment->packet, >, 0);
    if (is_start)
        g_string_append_c(heard->text, '|');
    g_string_append_len(heard->text, (const char *)bytes, (gssize)length);
    *state = heard;
}

static void end(const struct packet_flow *flow, const struct flow_moment *moment, gpointer state,
                gpointer data)
{
    (void)flow;
    (void)moment;
    g_assert_true(state == data);
    ((struct heard *)data)->ended++;
}

struct segment {
    guint32 sequence;
    const char *text;
    guint8 flags;
};

static void check(const struct segment *segments, guint count, const char *expected,
                  guint64 missing)
{
    struct heard heard = { g_string_new(NULL), 0 };
    struct flow_calls calls = { take, end, &heard };
    g_autoptr(flows_t) flows = flows_new(&calls);

    for (guint i = 0; i < count; i++) {
        struct packet_transport segment = {
            .flow = { .family = 4, .protocol = PACKET_TCP, .source_port = 1 },
            .sequence = segments[i].sequence,
            .flags = segments[i].flags,
            .payload = (const guint8 *)segments[i].text,
            .length = strlen(segments[i].text),
        };

        flows_add(flows, &segment, &(struct flow_moment){ i + 1, 0 });
    }
    flows_finish(flows);
    g_assert_cmpstr(heard.text->str, ==, expected);
    g_assert_cmpuint(flows_missing(flows), ==, missing);
    g_assert_cmpuint(heard.ended, >, 0);
    g_string_free(heard.text, TRUE);
}
#define CHECK(SEGMENTS, EXPECTED, MISSING)                                                         \
    check(SEGMENTS, G_N_ELEMENTS(SEGMENTS), EXPECTED, MISSING)

static void test_any_order(void)
{
    static const struct segment segments[] = {
        { 99, "", PACKET_SYN }, { 106, "gh", 0 },  { 103, "def", 0 },
        { 100, "abc", 0 },      { 103, "XYZ", 0 }, { 107, "hi", 0 },
    };

    CHECK(segments, "|abcdefghi", 0);
}

static void test_numbers_begin_again_at_zero(void)
{
    static const struct segment segments[] = {
        { 0xfffffffd, "", PACKET_SYN },
        { 2, "ef", 0 },
        { 0xfffffffe, "abcd", 0 },
        { 4, "g", PACKET_FIN },
    };

    CHECK(segments, "|abcdefg", 0);
}

static void test_what_is_missing_is_said(void)
{
    static const struct segment segments[] = {
        { 99, "", PACKET_SYN }, { 100, "abc", 0 }, { 110, "klm", 0 }, { 113, "n", 0 }
    };

    CHECK(segments, "|abc|klmn", 1);
}

/* Without its SYN; what was before the first is looked at by itself. */
static void test_from_the_middle(void)
{
    static const struct segment segments[] = { { 100, "def", 0 },
                                               { 97, "abc", 0 },
                                               { 103, "g", 0 } };

    CHECK(segments, "|def|abcg", 0);
}

static void test_ports_are_used_again(void)
{
    static const struct segment segments[] = { { 99, "", PACKET_SYN },   { 100, "ab", 0 },
                                               { 4999, "", PACKET_SYN }, { 5000, "cd", 0 },
                                               { 5002, "", PACKET_RST }, { 7, "ef", 0 } };

    CHECK(segments, "|ab|cd|ef", 0);
}

/* More that is early than may wait: what is missing is given up, nothing that came is lost. */
static void test_early_segments_are_bounded(void)
{
    struct segment segments[FLOW_EARLY_SEGMENTS_MAX + 2] = { { 99, "", PACKET_SYN } };
    g_autoptr(GString) expected = g_string_new("|");

    for (guint i = 1; i < G_N_ELEMENTS(segments); i++) {
        segments[i] = (struct segment){ 200 + i, "x", 0 };
        g_string_append_c(expected, 'x');
    }
    CHECK(segments, expected->str, 1);
}

/* ---- fragments */

static GByteArray *add(struct fragments *fragments, guint offset, const char *text, gboolean last,
                       gint64 time_ns)
{
    struct fragment fragment = {
        .key = { .family = 4, .id = 7 },
        .time_ns = time_ns,
        .offset = offset,
        .is_last = last,
        .next = offset ? 0 : PACKET_UDP,
        .bytes = (const guint8 *)text,
        .length = strlen(text),
    };
    guint8 next = 0;
    GByteArray *whole = fragments_add(fragments, &fragment, &next);

    if (whole)
        g_assert_cmpuint(next, ==, PACKET_UDP);
    return whole;
}

static void test_fragments_that_overlap(void)
{
    struct fragments *fragments = fragments_new();
    g_autoptr(GByteArray) whole = NULL;

    g_assert_null(add(fragments, 16, "qrst", TRUE, 0));
    g_assert_null(add(fragments, 8, "ijklmnop", FALSE, 0));
    g_assert_null(add(fragments, 8, "XXXXXXXXXX", FALSE, 0));
    whole = add(fragments, 0, "abcdefghYY", FALSE, 0);
    g_assert_nonnull(whole);
    g_assert_cmpmem(whole->data, whole->len, "abcdefghijklmnopqrst", 20);
    g_assert_cmpuint(fragments_lost(fragments), ==, 0);
    fragments_free(fragments);
}

static void test_fragments_wait_so_long(void)
{
    struct fragments *fragments = fragments_new();

    g_assert_null(add(fragments, 0, "abcdefgh", FALSE, 0));
    g_assert_null(add(fragments, 8, "late", TRUE, (gint64)FRAGMENTS_WAIT_NS + 1));
    g_assert_cmpuint(fragments_lost(fragments), ==, 1);
    fragments_finish(fragments);
    g_assert_cmpuint(fragments_lost(fragments), ==, 2);
    fragments_free(fragments);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/flow/any-order", test_any_order);
    g_test_add_func("/flow/numbers-begin-again-at-zero", test_numbers_begin_again_at_zero);
    g_test_add_func("/flow/what-is-missing-is-said", test_what_is_missing_is_said);
    g_test_add_func("/flow/from-the-middle", test_from_the_middle);
    g_test_add_func("/flow/ports-are-used-again", test_ports_are_used_again);
    g_test_add_func("/flow/early-segments-are-bounded", test_early_segments_are_bounded);
    g_test_add_func("/fragments/that-overlap", test_fragments_that_overlap);
    g_test_add_func("/fragments/wait-so-long", test_fragments_wait_so_long);
    return g_test_run();
}
