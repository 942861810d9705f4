/*
 * mrt.h (mrt.c, mrt_elements.c), mrt_scan.h, blob_memo.h and text_out.h: records of every kind, and
 * files of many records in their order.
 */
#include "p2_internet/routes/blob_memo.h"
#include "p2_internet/routes/mrt_scan.h"

#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

static void put16(GByteArray *to, guint value)
{
    const guint8 bytes[] = { (guint8)(value >> 8), (guint8)value };

    g_byte_array_append(to, bytes, sizeof bytes);
}

static void put32(GByteArray *to, guint32 value)
{
    put16(to, value >> 16);
    put16(to, value & 0xffff);
}

/* Hexadecimal digits, with spaces. */
static void put_hex(GByteArray *to, const char *text)
{
    for (; *text; text++) {
        guint8 byte;

        if (*text == ' ')
            continue;
        byte = (guint8)(g_ascii_xdigit_value(text[0]) << 4 | g_ascii_xdigit_value(text[1]));
        g_byte_array_append(to, &byte, 1);
        text++;
    }
}

static void put_record(GByteArray *to, guint type, guint subtype, const char *body)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();

    put_hex(bytes, body);
    put32(to, 1700000000);
    put16(to, type);
    put16(to, subtype);
    put32(to, bytes->len);
    g_byte_array_append(to, bytes->data, bytes->len);
}

/* Two peers: 192.0.2.1 of AS 64500, and 2001:db8::1 of AS 65536. */
#define PEERS                                                                                      \
    "0a000001 0000 0002 "                                                                          \
    "00 0a000002 c0000201 fbf4 "                                                                   \
    "03 0a000003 20010db8000000000000000000000001 00010000"
/* ORIGIN and AS_PATH 64500. */
#define ATTRIBUTES "000d 40010100 40020602010000fbf4"

static void note(const struct route_element *element, gpointer data)
{
    GString *to = data;
    char text[IP_PREFIX_TEXT];

    ip_prefix_format(&element->prefix, text);
    g_string_append_printf(to, "%s%s %s AS%u", to->len ? ", " : "", route_kind_name(element->kind),
                           element->kind == ROUTE_STATE ? "" : text, element->peer->as);
    if (element->flags & ROUTE_HAS_PATH_ID)
        g_string_append_printf(to, " id %u", element->path_id);
    if (element->flags & ROUTE_UNKNOWN_PEER)
        g_string_append(to, " unknown");
    if (element->flags & ROUTE_LOCAL)
        g_string_append(to, " local");
    if (element->safi == BGP_MULTICAST)
        g_string_append(to, " multicast");
    if (element->kind == ROUTE_STATE)
        g_string_append_printf(to, " %u-%u", element->old_state, element->new_state);
}

/* The elements of a record behind the table PEERS, then what cannot be read. */
static void assert_elements(guint type, guint subtype, const char *body, const char *wanted)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new(), table = g_byte_array_new();
    g_autoptr(mrt_reader_t) reader = mrt_reader_new(NULL);
    g_autoptr(mrt_peers_t) peers = NULL;
    g_autoptr(GString) found = g_string_new(NULL);
    struct mrt_record record;
    const char *problem = NULL;
    gsize size;

    put_record(table, MRT_TABLE_DUMP_V2, MRT_PEER_INDEX_TABLE, PEERS);
    g_assert_cmpint(mrt_record_at(table->data, table->len, &record, &size), ==, MRT_RECORD);
    g_assert_true(mrt_is_peers(&record));
    peers = mrt_peers_read(&record);
    g_assert_nonnull(peers);
    put_record(bytes, type, subtype, body);
    g_assert_cmpint(mrt_record_at(bytes->data, bytes->len, &record, &size), ==, MRT_RECORD);
    g_assert_cmpuint(size, ==, bytes->len);
    if (!mrt_elements(reader, &record, peers, note, found, &problem))
        g_string_append_printf(found, "%s! %s", found->len ? ", " : "", problem);
    g_assert_cmpstr(found->str, ==, wanted);
}

#define ENTRY0 "0000 65000000 " ATTRIBUTES
#define ENTRY1 "0001 65000000 " ATTRIBUTES

static void test_tables(void)
{
    assert_elements(13, MRT_RIB_IPV4_UNICAST, "00000001 18 c00002 0002 " ENTRY0 ENTRY1,
                    "rib 192.0.2.0/24 AS64500, rib 192.0.2.0/24 AS65536");
    assert_elements(13, MRT_RIB_IPV6_MULTICAST, "00000001 20 20010db8 0001 " ENTRY1,
                    "rib 2001:db8::/32 AS65536 multicast");
    assert_elements(13, MRT_RIB_IPV4_UNICAST_ADDPATH,
                    "00000001 18 c00002 0001 0000 65000000 00000007 " ATTRIBUTES,
                    "rib 192.0.2.0/24 AS64500 id 7");
    assert_elements(13, MRT_RIB_GENERIC, "00000001 0002 01 20 20010db8 0001 " ENTRY0,
                    "rib 2001:db8::/32 AS64500");
    assert_elements(13, MRT_RIB_GENERIC_ADDPATH,
                    "00000001 0001 02 08 0a 0001 0000 65000000 00000009 " ATTRIBUTES,
                    "rib 10.0.0.0/8 AS64500 id 9 multicast");
    assert_elements(13, MRT_RIB_GENERIC, "00000001 0019 41 20 20010db8 0001 " ENTRY0, "");
    assert_elements(13, MRT_GEO_PEER_TABLE, "0a000001 0000 00000000 00000000 0000", "");
    assert_elements(12, 1,
                    "0000 0001 c0000200 18 01 65000000 c0000201 fbf4 000b 40010100 40020402"
                    "01fbf4",
                    "rib 192.0.2.0/24 AS64500");
}

static void test_broken_tables(void)
{
    assert_elements(13, MRT_RIB_IPV4_UNICAST, "00000001 18 c00002 0001 0005 65000000 " ATTRIBUTES,
                    "rib 192.0.2.0/24 AS0 unknown");
    assert_elements(13, MRT_RIB_IPV4_UNICAST, "00000001 18 c00002 0002 " ENTRY0,
                    "rib 192.0.2.0/24 AS64500, ! an entry is longer than its record");
    assert_elements(13, MRT_RIB_IPV4_UNICAST, "00000001 21 c0000200 80 0001 " ENTRY0,
                    "! the prefix is longer than its family or its record");
}

#define MARKER "ffffffffffffffffffffffffffffffff "
#define ENDS4 "0000fbf4 0000fbf5 0000 0001 c0000201 c0000202 "

static void test_messages(void)
{
    assert_elements(16, MRT_MESSAGE_AS4,
                    ENDS4 MARKER
                    "0031 02 0000 0014 40010100 40020602010000fbf4 400304c0000201 18c00002 080a",
                    "announce 192.0.2.0/24 AS64500, announce 10.0.0.0/8 AS64500");
    assert_elements(16, MRT_MESSAGE_AS4_LOCAL, ENDS4 MARKER "0019 02 0002 080a 0000",
                    "withdraw 10.0.0.0/8 AS64500 local");
    assert_elements(17, MRT_MESSAGE_AS4, "0007a120 " ENDS4 MARKER "0019 02 0002 080a 0000",
                    "withdraw 10.0.0.0/8 AS64500");
    assert_elements(16, MRT_STATE_CHANGE,
                    "fbf4 fbf5 0000 0002 20010db8000000000000000000000001 "
                    "20010db8000000000000000000000002 0006 0001",
                    "state  AS64500 6-1");
    assert_elements(5, 1, "fbf4 c0000201 fbf5 c0000202 0002 080a 0000",
                    "withdraw 10.0.0.0/8 AS64500");
    assert_elements(5, 3, "fbf4 c0000201 0006 0001", "state  AS64500 6-1");
    assert_elements(16, MRT_MESSAGE_AS4, ENDS4 MARKER "0013 04", "");
    assert_elements(11, 0, "00", "");
}

static void test_broken_messages(void)
{
    assert_elements(16, MRT_MESSAGE_AS4, "0000fbf4 0000fbf5 0000 0003 c0000201 c0000202",
                    "! its addresses are of no known family");
    assert_elements(16, MRT_MESSAGE_AS4, "0000fbf4 0000fbf5 0000 0001 c0000201",
                    "! it is shorter than its fields");
    assert_elements(16, MRT_MESSAGE_AS4, ENDS4 MARKER "0017 02 ffff 0000",
                    "! the withdrawn routes are longer than the message");
    assert_elements(16, MRT_MESSAGE_AS4, ENDS4 MARKER "0099 02 0000 0000",
                    "! its BGP message has no marker, or is cut");
}

static void test_records_end_where_their_length_says(void)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    struct mrt_record record;
    gsize size;

    put_record(bytes, 17, MRT_MESSAGE, "0007a120 00");
    for (gsize length = 0; length < bytes->len; length++)
        g_assert_cmpint(mrt_record_at(bytes->data, length, &record, &size), ==, MRT_MORE);
    g_assert_cmpint(mrt_record_at(bytes->data, bytes->len, &record, &size), ==, MRT_RECORD);
    g_assert_cmpuint(record.microseconds, ==, 500000);
    g_assert_cmpuint(record.length, ==, 1);
    bytes->data[11] = 3; /* too short for its microseconds */
    g_assert_cmpint(mrt_record_at(bytes->data, bytes->len, &record, &size), ==, MRT_TORN);
    bytes->data[8] = 0x10; /* a quarter of a gigabyte */
    g_assert_cmpint(mrt_record_at(bytes->data, bytes->len, &record, &size), ==, MRT_TORN);
}

static void test_a_cut_table_of_peers_is_none(void)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    struct mrt_record record;
    gsize size;

    put_record(bytes, 13, MRT_PEER_INDEX_TABLE, "0a000001 0000 0002 00 0a000002 c0000201 fbf4");
    g_assert_cmpint(mrt_record_at(bytes->data, bytes->len, &record, &size), ==, MRT_RECORD);
    g_assert_null(mrt_peers_read(&record));
}

/* ---- files, by several takers */

#define RECORDS 40000u
#define TABLE_EVERY 9973u /* records */

struct scanned {
    GString *text;
    GString *problems;
    guint states;
};

static gpointer begin(gpointer data)
{
    ((struct scanned *)data)->states++;
    return data;
}

/* The record's sequence number, and how many peers are in force. */
static const char *take(gpointer state, const struct mrt_record *record, struct mrt_peers *peers,
                        struct text_out *out)
{
    char *to;

    (void)state;
    if (mrt_is_peers(record))
        return NULL;
    to = text_reserve(out, 2 * TEXT_U32 + 2);
    to = text_put_u32(to, (guint32)record->body[0] << 24 | (guint32)record->body[1] << 16 |
                              (guint32)record->body[2] << 8 | record->body[3]);
    *to++ = '/';
    to = text_put_u32(to, peers ? peers->count : 0);
    *to++ = '\n';
    out->length = (gsize)(to - out->bytes);
    return record->length == 5 ? "odd" : NULL;
}

static void end(gpointer state, gpointer data)
{
    (void)state;
    ((struct scanned *)data)->states--;
}

static gboolean give(const struct text_out *out, gpointer data)
{
    g_string_append_len(((struct scanned *)data)->text, out->bytes, (gssize)out->length);
    return TRUE;
}

static void tell(const struct input *input, guint64 offset, const char *problem, gpointer data)
{
    (void)input;
    g_string_append_printf(((struct scanned *)data)->problems, "%" G_GUINT64_FORMAT ": %s; ",
                           offset, problem);
}

/* Writes `bytes` to a file and scans it. */
static void scan(const GByteArray *bytes, guint takers, gboolean stop_at_empty,
                 struct scanned *scanned, struct mrt_scan_summary *summary)
{
    const struct mrt_scan_calls calls = { begin, take, end, give, tell, scanned };
    const struct mrt_scan_options options = { .takers = takers, .stop_at_empty = stop_at_empty };
    g_autofree char *path = NULL;
    g_autoptr(GPtrArray) inputs = NULL;
    int fd = g_file_open_tmp("mrt-XXXXXX", &path, NULL);
    char *paths[] = { path, NULL };

    g_assert_cmpint(write(fd, bytes->data, bytes->len), ==, bytes->len);
    close(fd);
    inputs = inputs_list(paths);
    g_assert_true(input_open(inputs->pdata[0]));
    mrt_scan(inputs, &options, &calls, summary);
    g_unlink(path);
    g_assert_cmpuint(scanned->states, ==, 0);
}

static void scanned_clear(struct scanned *scanned)
{
    g_string_free(scanned->text, TRUE);
    g_string_free(scanned->problems, TRUE);
}

static struct scanned scanned_new(void)
{
    return (struct scanned){ g_string_new(NULL), g_string_new(NULL), 0 };
}

/* Peers change in the middle of blocks; a record longer than a block stands among the others. */
static void test_a_file_comes_in_its_order_with_its_peers(void)
{
    static const guint takers[] = { 1, 3 };
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    g_autoptr(GString) wanted = g_string_new(NULL);
    guint tables = 0;

    for (guint i = 0; i < RECORDS; i++) {
        g_autofree char *body = g_strdup_printf("%08x 0000 0000 0000 0000", i);

        if (i % TABLE_EVERY == TABLE_EVERY / 2)
            put_record(bytes, 13, MRT_PEER_INDEX_TABLE,
                       tables++ % 2 ? PEERS : "0a000001 0000 0001 00 0a000002 c0000201 fbf4");
        put_record(bytes, 13, MRT_RIB_IPV4_UNICAST, body);
        if (i == RECORDS / 3) {
            static const guint8 zeros[600000];

            memcpy(bytes->data + bytes->len - 16, "\0\x09\x27\xcc", 4); /* 600,012 bytes */
            g_byte_array_append(bytes, zeros, sizeof zeros);
        }
        g_string_append_printf(wanted, "%u/%u\n", i, tables ? 2 - tables % 2 : 0);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(takers); i++) {
        struct scanned scanned = scanned_new();
        struct mrt_scan_summary summary;

        scan(bytes, takers[i], FALSE, &scanned, &summary);
        g_assert_cmpstr(scanned.problems->str, ==, "");
        g_assert_cmpuint(summary.records, ==, RECORDS + tables);
        g_assert_cmpuint(summary.bytes, ==, bytes->len);
        g_assert_true(g_string_equal(scanned.text, wanted));
        scanned_clear(&scanned);
    }
}

static void test_problems_have_their_offsets(void)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    struct scanned scanned = scanned_new();
    struct mrt_scan_summary summary;

    put_record(bytes, 13, MRT_RIB_IPV4_UNICAST, "00000001 00"); /* 17 bytes, odd */
    put_record(bytes, 13, MRT_RIB_IPV4_UNICAST, "00000002");    /* 16 */
    put_record(bytes, 13, MRT_PEER_INDEX_TABLE, "00000003");    /* 16, cut */
    put_record(bytes, 13, MRT_RIB_IPV4_UNICAST, "00000004 00");
    g_byte_array_set_size(bytes, bytes->len + 5);
    memset(bytes->data + bytes->len - 5, 0, 5);
    scan(bytes, 2, FALSE, &scanned, &summary);
    g_assert_cmpstr(scanned.problems->str, ==,
                    "33: the table of peers is cut; 0: odd; 49: odd; "
                    "66: it is cut: the record that begins there does not end; ");
    g_assert_cmpuint(summary.problems, ==, 4);
    g_assert_cmpstr(scanned.text->str, ==, "1/0\n2/0\n4/0\n");
    scanned_clear(&scanned);
}

static void test_an_empty_record_ends_a_file_only_when_asked(void)
{
    for (guint stops = 0; stops < 2; stops++) {
        g_autoptr(GByteArray) bytes = g_byte_array_new();
        struct scanned scanned = scanned_new();
        struct mrt_scan_summary summary;

        put_record(bytes, 13, MRT_RIB_IPV4_UNICAST, "00000001");
        put_record(bytes, 99, 0, "");
        put_record(bytes, 13, MRT_RIB_IPV4_UNICAST, "00000002");
        bytes->data[16 + 5] = 13; /* type of the empty one: no record of that can be empty */
        bytes->data[16 + 7] = 1;
        scan(bytes, 1, stops, &scanned, &summary);
        g_assert_cmpstr(scanned.text->str, ==, stops ? "1/0\n" : "1/0\n2/0\n");
        scanned_clear(&scanned);
    }
}

/* ---- the memo and the texts */

static void test_a_memo_keeps_what_comes_again(void)
{
    g_autoptr(blob_memo_t) memo = blob_memo_new(4, sizeof(guint32), NULL);
    gsize hits = 0;

    for (guint round = 0; round < 3; round++) {
        for (guint32 i = 0; i < 64; i++) {
            guint8 bytes[40] = { 0 };
            const guint8 *kept;
            gboolean is_new;
            guint32 *value;

            memcpy(bytes + i % 32, &i, sizeof i);
            value = blob_memo_get(memo, bytes, sizeof bytes, i % 2, &kept, &is_new);
            if (is_new)
                *value = i;
            hits += !is_new;
            g_assert_cmpuint(*value, ==, i); /* never another's */
            g_assert_cmpmem(kept, sizeof bytes, bytes, sizeof bytes);
            value = blob_memo_get(memo, bytes, sizeof bytes, i % 2, &kept, &is_new);
            g_assert_false(is_new);
            g_assert_cmpuint(*value, ==, i);
        }
    }
    g_assert_cmpuint(hits, <, 64); /* it has 16 places */
}

static void test_a_memo_keeps_nothing_long(void)
{
    g_autoptr(blob_memo_t) memo = blob_memo_new(4, sizeof(guint32), NULL);
    g_autofree guint8 *bytes = g_malloc0(BLOB_MEMO_KEY_MAX + 1);
    const guint8 *kept;
    gboolean is_new;

    for (guint i = 0; i < 2; i++) {
        blob_memo_get(memo, bytes, BLOB_MEMO_KEY_MAX + 1, 0, &kept, &is_new);
        g_assert_true(is_new);
        g_assert_true(kept == bytes);
    }
}

static void test_addresses_are_written_as_bgpdump_does(void)
{
    static const struct {
        const char *address, *text;
    } cases[] = {
        { "::", "::" },
        { "::1", "::1" },
        { "fe80::", "fe80::" },
        { "2001:db8::1", "2001:db8::1" },
        { "2001:7f8:30:0:2:1:0:8447", "2001:7f8:30::2:1:0:8447" }, /* one group alone */
        { "::ffff:192.0.2.1", "::ffff:192.0.2.1" },
        { "::192.0.2.1", "::192.0.2.1" },
        { "1:0:0:2:0:0:0:3", "1:0:0:2::3" },
        { "0:1:2:3:4:5:6:7", "::1:2:3:4:5:6:7" },
        { "1:2:3:4:5:6:7:0", "1:2:3:4:5:6:7::" },
        { "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8" },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        char text[TEXT_IPV6 + 1] = { 0 };
        guint8 family, address[16];

        g_assert_true(ip_address_parse(cases[i].address, &family, address));
        text_put_ipv6(text, address);
        g_assert_cmpstr(text, ==, cases[i].text);
    }
}

static void test_numbers_are_written_whole(void)
{
    static const guint32 numbers[] = { 0, 9, 10, 99, 100, 101, 12345, 4294967295u };

    for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++) {
        char text[TEXT_U32 + 1] = { 0 };
        g_autofree char *wanted = g_strdup_printf("%u", numbers[i]);

        text_put_u32(text, numbers[i]);
        g_assert_cmpstr(text, ==, wanted);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/mrt/tables", test_tables);
    g_test_add_func("/mrt/broken-tables", test_broken_tables);
    g_test_add_func("/mrt/messages", test_messages);
    g_test_add_func("/mrt/broken-messages", test_broken_messages);
    g_test_add_func("/mrt/records", test_records_end_where_their_length_says);
    g_test_add_func("/mrt/cut-peers", test_a_cut_table_of_peers_is_none);
    g_test_add_func("/mrt/scan/order", test_a_file_comes_in_its_order_with_its_peers);
    g_test_add_func("/mrt/scan/problems", test_problems_have_their_offsets);
    g_test_add_func("/mrt/scan/empty", test_an_empty_record_ends_a_file_only_when_asked);
    g_test_add_func("/memo/keeps", test_a_memo_keeps_what_comes_again);
    g_test_add_func("/memo/long", test_a_memo_keeps_nothing_long);
    g_test_add_func("/text/addresses", test_addresses_are_written_as_bgpdump_does);
    g_test_add_func("/text/numbers", test_numbers_are_written_whole);
    return g_test_run();
}
