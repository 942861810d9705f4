/* DNS messages: every kind of record is read, and no name leads in circles. */
#include "p1_resilience/hunt/dns_names.h"

#include <string.h>

static void take(enum dns_item item, const guint8 *bytes, gsize length, gpointer data)
{
    static const char *const names[] = {
        [DNS_QUESTION] = "question",
        [DNS_OWNER] = "owner",
        [DNS_IPV4] = "a",
        [DNS_IPV6] = "aaaa",
        [DNS_CNAME] = "cname",
        [DNS_DNAME] = "dname",
        [DNS_NS] = "ns",
        [DNS_PTR] = "ptr",
        [DNS_MX] = "mx",
        [DNS_SRV] = "srv",
        [DNS_SOA] = "soa",
        [DNS_SVCB] = "svcb",
        [DNS_TEXT] = "text",
        [DNS_CLIENT] = "client",
    };

    if (item == DNS_IPV4 || (item == DNS_CLIENT && length == 4))
        g_string_append_printf(data, "%s=%u.%u.%u.%u\n", names[item], bytes[0], bytes[1], bytes[2],
                               bytes[3]);
    else if (item == DNS_IPV6)
        g_string_append_printf(data, "aaaa=%02x%02x..%02x\n", bytes[0], bytes[1], bytes[15]);
    else
        g_string_append_printf(data, "%s=%.*s\n", names[item], (int)length, (const char *)bytes);
}

static gboolean read_message(const guint8 *bytes, gsize length, GString *said)
{
    g_string_truncate(said, 0);
    return dns_message_read(bytes, length, take, said);
}

/* An answer with most kinds of records, made by tests/e2e/captures.py. */
static void test_records(void)
{
    g_autoptr(GString) said = g_string_new(NULL);
    g_autofree char *content = NULL;
    gsize length;

    g_assert_true(g_file_get_contents(
        g_test_get_filename(G_TEST_DIST, "fuzz", "seeds", "dns_message", "answer", NULL), &content,
        &length, NULL));
    g_assert_true(read_message((const guint8 *)content, length, said));
    g_assert_cmpstr(said->str, ==,
                    "question=www.evil.example\n"
                    "owner=www.evil.example\ncname=cdn.evil.example\n"
                    "owner=cdn.evil.example\na=192.0.2.7\n"
                    "owner=cdn.evil.example\naaaa=2001..07\n"
                    "owner=www.evil.example\nmx=mx.evil.example\n"
                    "owner=www.evil.example\ntext=v=spf1\n"
                    "owner=www.evil.example\nsrv=srv.evil.example\n"
                    "owner=www.evil.example\nsvcb=svc.evil.example\na=192.0.2.9\n"
                    "owner=www.evil.example\nsoa=ns.evil.example\n"
                    "owner=<Root>\nclient=192.0.2.0\n");
    /* Cut anywhere, it is broken, and what came before is there. */
    for (gsize cut = 0; cut < length; cut++)
        g_assert_false(read_message((const guint8 *)content, cut, said));
}

#define HEAD "\0\1\1\0\0\1\0\0\0\0\0\0"
#define TAIL "\0\1\0\1"
#define READ(BYTES) read_message((const guint8 *)BYTES, sizeof BYTES - 1, said)

static void test_labels_of_any_bytes(void)
{
    g_autoptr(GString) said = g_string_new(NULL);

    g_assert_true(READ(HEAD "\5a.b\\\xff\4x\0 y\0" TAIL));
    g_assert_cmpstr(said->str, ==, "question=a\\046b\\092\\255.x\\000 y\n");
}

static void test_names_that_are_none(void)
{
    g_autoptr(GString) said = g_string_new(NULL);
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    guint8 label[64] = { 63 };

    g_assert_false(READ(HEAD "\xc0\x0c" TAIL));      /* itself */
    g_assert_false(READ(HEAD "\1a\xc0\x0c" TAIL));   /* its own beginning */
    g_assert_false(READ(HEAD "\xc0\x0e\1a\0" TAIL)); /* forwards */
    g_assert_false(READ(HEAD "\x41xyz\0" TAIL));     /* a label of no known kind */
    g_assert_cmpstr(said->str, ==, "");
    memset(label + 1, 'a', 63);
    g_byte_array_append(bytes, (const guint8 *)HEAD, sizeof HEAD - 1);
    for (guint i = 0; i < 4; i++) /* 256 octets */
        g_byte_array_append(bytes, label, sizeof label);
    g_byte_array_append(bytes, (const guint8 *)"\0" TAIL, sizeof TAIL);
    g_assert_false(read_message(bytes->data, bytes->len, said));
}

/* The data of one record is broken; the next is read all the same. */
static void test_a_broken_record_hides_no_other(void)
{
    g_autoptr(GString) said = g_string_new(NULL);

    g_assert_false(READ("\0\1\x81\x80\0\0\0\2\0\0\0\0"
                        "\1a\0\0\1\0\1\0\0\0\1\0\3xyz"
                        "\1b\0\0\1\0\1\0\0\0\1\0\4\xc0\0\2\1"));
    g_assert_cmpstr(said->str, ==, "owner=a\nowner=b\na=192.0.2.1\n");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/dns/records", test_records);
    g_test_add_func("/dns/labels-of-any-bytes", test_labels_of_any_bytes);
    g_test_add_func("/dns/names-that-are-none", test_names_that_are_none);
    g_test_add_func("/dns/a-broken-record-hides-no-other", test_a_broken_record_hides_no_other);
    return g_test_run();
}
