/* Modules mailbox and mailbox_request: what is kept, how much, how long; who asks. */
#include "base/clock.h"
#include "base/error.h"
#include "delivery/mailbox_request.h"

#include <glib/gstdio.h>
#include <string.h>

#define NOW_US (G_GINT64_CONSTANT(1790000000) * G_USEC_PER_SEC)
#define DAY_US (G_GINT64_CONSTANT(86400) * G_USEC_PER_SEC)
#define BOX "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define OTHER "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static char *folder;

static struct mailboxes *open_with(const struct mailboxes_limits *limits)
{
    g_autoptr(GError) error = NULL;
    struct mailboxes *made = mailboxes_open(folder, limits, &error);

    g_assert_no_error(error);
    return made;
}

static gboolean put(struct mailboxes *mailboxes, const char *box, const char *text, gint64 now_us,
                    guint64 *number)
{
    g_autoptr(GBytes) bytes = g_bytes_new(text, strlen(text));
    g_autoptr(GError) error = NULL;
    gboolean done = mailbox_put(mailboxes, box, bytes, now_us, number, &error);

    if (!done)
        g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_POLICY);
    return done;
}

static guint length_of(struct mailboxes *mailboxes, const char *box)
{
    g_autoptr(GArray) rows = mailbox_list(mailboxes, box, 0, 1000, NULL);

    return rows->len;
}

static void begin(void)
{
    folder = g_dir_make_tmp("mailbox-XXXXXX", NULL);
}

static void end(void)
{
    static const char *const names[] = { "mail.db", "mail.db-wal", "mail.db-shm" };

    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(folder, names[i], NULL);

        g_unlink(path);
    }
    g_rmdir(folder);
    g_clear_pointer(&folder, g_free);
}

static void test_ids(void)
{
    static const guint8 key[32] = { 9 };
    g_autofree char *id = mailbox_id("call.example/2026", "ab");
    g_autofree char *wanted = g_compute_checksum_for_string(
        G_CHECKSUM_SHA256, "entente/mailbox/1\ncall.example/2026\nab", -1);
    g_autofree char *reply = mailbox_reply_id(key);

    g_assert_cmpstr(id, ==, wanted);
    g_assert_cmpuint(strlen(reply), ==, MAILBOX_ID_SIZE);
    g_assert_true(mailbox_id_is_valid(id));
    g_assert_false(mailbox_id_is_valid("AB"));
    g_assert_false(mailbox_id_is_valid("../../etc/passwd"));
}

static void test_messages_in_order_and_once(void)
{
    g_autoptr(mailboxes_t) mailboxes = NULL, again = NULL;
    g_autoptr(GBytes) got = NULL, none = NULL;
    g_autofree char *name = NULL, *other = NULL;
    g_autoptr(GArray) rows = NULL;
    g_autoptr(GError) error = NULL;
    guint64 first, second, same, elsewhere;

    begin();
    mailboxes = open_with(NULL);
    g_assert_true(put(mailboxes, BOX, "one", NOW_US, &first));
    g_assert_true(put(mailboxes, BOX, "two", NOW_US + 1, &second));
    g_assert_true(put(mailboxes, BOX, "one", NOW_US + 2, &same));
    g_assert_true(put(mailboxes, OTHER, "one", NOW_US, &elsewhere));
    g_assert_cmpuint(first, ==, 1);
    g_assert_cmpuint(second, ==, 2);
    g_assert_cmpuint(same, ==, first);
    g_assert_cmpuint(elsewhere, ==, 1);
    rows = mailbox_list(mailboxes, BOX, first, 10, NULL);
    g_assert_cmpuint(rows->len, ==, 1);
    g_assert_cmpuint(g_array_index(rows, struct mailbox_row, 0).size, ==, 3);
    g_assert_cmpint(g_array_index(rows, struct mailbox_row, 0).time_us, ==, NOW_US + 1);
    /* Another process sees it, and a deleted number is not given again. */
    again = open_with(NULL);
    got = mailbox_get(again, BOX, second, NULL);
    g_assert_cmpmem(g_bytes_get_data(got, NULL), g_bytes_get_size(got), "two", 3);
    name = mailbox_sha256(got);
    other = mailbox_sha256(NULL);
    g_assert_false(mailbox_delete(again, BOX, second, other, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_POLICY);
    g_assert_cmpuint(length_of(mailboxes, BOX), ==, 2);
    g_assert_true(mailbox_delete(again, BOX, second, name, NULL));
    g_assert_true(mailbox_delete(again, BOX, second, name, NULL));
    none = mailbox_get(mailboxes, BOX, second, NULL);
    g_assert_null(none);
    g_assert_true(put(mailboxes, BOX, "two", NOW_US, &same));
    g_assert_cmpuint(same, ==, 3);
    end();
}

static void test_quotas(void)
{
    const struct mailboxes_limits limits = { .box_bytes = 10, .box_messages = 3, .all_bytes = 14 };
    g_autoptr(mailboxes_t) mailboxes = NULL;
    g_autoptr(GBytes) oldest = g_bytes_new_static("12345", 5);
    g_autofree char *name = mailbox_sha256(oldest);
    struct mailbox_fill fill;
    guint64 number;

    begin();
    mailboxes = open_with(&limits);
    g_assert_true(put(mailboxes, BOX, "12345", NOW_US, &number));
    g_assert_true(put(mailboxes, BOX, "1234", NOW_US, &number));
    g_assert_false(put(mailboxes, BOX, "12", NOW_US, &number)); /* bytes of the box */
    g_assert_true(put(mailboxes, BOX, "1", NOW_US, &number));
    g_assert_true(mailbox_fill(mailboxes, BOX, &fill, NULL));
    g_assert_cmpuint(fill.share, ==, 100);
    g_assert_true(put(mailboxes, OTHER, "1234", NOW_US, &number));
    g_assert_false(put(mailboxes, OTHER, "9", NOW_US, &number)); /* bytes of all */
    g_assert_true(mailbox_fill(mailboxes, NULL, &fill, NULL));
    g_assert_cmpuint(fill.bytes, ==, 14);
    g_assert_cmpuint(fill.messages, ==, 4);
    g_assert_true(mailbox_delete(mailboxes, BOX, 1, name, NULL));
    g_assert_true(put(mailboxes, BOX, "1", NOW_US, &number)); /* the same again */
    g_assert_true(put(mailboxes, BOX, "2", NOW_US, &number));
    g_assert_false(put(mailboxes, BOX, "3", NOW_US, &number)); /* messages of the box */
    end();
}

/* Large messages stop at one half, of a box and of all; small ones go on. */
static void test_room_for_small_ones(void)
{
    const struct mailboxes_limits limits = { .box_bytes = 6 * MAILBOX_SMALL_LIMIT,
                                             .all_bytes = 10 * MAILBOX_SMALL_LIMIT };
    g_autofree char *large = g_strnfill(2 * MAILBOX_SMALL_LIMIT, 'l');
    g_autofree char *small = g_strnfill(MAILBOX_SMALL_LIMIT, 's');
    g_autoptr(mailboxes_t) mailboxes = NULL;
    guint64 number;

    begin();
    mailboxes = open_with(&limits);
    g_assert_true(put(mailboxes, BOX, large, NOW_US, &number));
    large[0] = 'm';
    g_assert_false(put(mailboxes, BOX, large, NOW_US, &number));
    for (guint i = 0; i < 4; i++) {
        small[0] = (char)('a' + i);
        g_assert_true(put(mailboxes, BOX, small, NOW_US, &number));
    }
    small[0] = 'z';
    g_assert_false(put(mailboxes, BOX, small, NOW_US, &number));
    g_assert_false(put(mailboxes, OTHER, large, NOW_US, &number)); /* half of all */
    g_assert_true(put(mailboxes, OTHER, small, NOW_US, &number));
    end();
}

static void test_old_ones_go(void)
{
    g_autoptr(mailboxes_t) mailboxes = NULL;
    gboolean is;
    guint64 number;
    guint dropped;

    begin();
    mailboxes = open_with(NULL);
    g_assert_true(mailbox_open_reply(mailboxes, OTHER, NOW_US, NULL));
    g_assert_true(put(mailboxes, BOX, "old", NOW_US, &number));
    g_assert_true(put(mailboxes, OTHER, "an answer", NOW_US, &number));
    g_assert_true(put(mailboxes, BOX, "new", NOW_US + 20 * DAY_US, &number));
    g_assert_true(mailboxes_tick(mailboxes, NOW_US + 31 * DAY_US, &dropped, NULL));
    g_assert_cmpuint(dropped, ==, 1);
    g_assert_cmpuint(length_of(mailboxes, BOX), ==, 1);
    g_assert_cmpuint(length_of(mailboxes, OTHER), ==, 1);
    g_assert_true(mailboxes_tick(mailboxes, NOW_US + 181 * DAY_US, &dropped, NULL));
    g_assert_cmpuint(dropped, ==, 2);
    g_assert_true(mailbox_is_reply(mailboxes, OTHER, &is, NULL));
    g_assert_false(is);
    end();
}

static void test_signatures(void)
{
    static const guint8 seed[KEY_SEED_SIZE] = { 7 }, other_seed[KEY_SEED_SIZE] = { 8 };
    g_autoptr(GBytes) body = g_bytes_new_static("body", 4);
    g_autoptr(signing_key_t) key = signing_key_from_seed("ville.example/issuer", seed, NULL);
    g_autoptr(signing_key_t) other =
        signing_key_from_seed("ville.example/issuer", other_seed, NULL);
    g_autofree char *none_sha256 = mailbox_sha256(NULL), *sha256 = mailbox_sha256(body);
    const struct mailbox_request request = { "GET", "relay.example", "/a?after=7", none_sha256 };
    g_autofree char *header = mailbox_sign(key, &request, NOW_US);
    g_autofree char *hint = public_key_hint(key->public);
    struct mailbox_request another;
    g_auto(mailbox_signature_t) signature = { 0 };
    static const char *const bad[] = {
        "", "a b c", "a+b 1 AAAA", "a+b x AAAA AAAA", "a+b 99999999999999999999 AAAA", "a+b 1  AA"
    };

    g_assert_true(mailbox_signature_parse(header, &signature, NULL));
    g_assert_cmpstr(signature.hint, ==, hint);
#define GOOD(KEY, REQUEST, TIME)                                                                   \
    mailbox_signature_verify(&signature, (KEY)->public, REQUEST, TIME, NULL)
    g_assert_true(GOOD(key, &request, NOW_US));
    g_assert_true(GOOD(key, &request, NOW_US + 300 * G_USEC_PER_SEC));
    g_assert_false(GOOD(key, &request, NOW_US + 301 * G_USEC_PER_SEC));
    g_assert_false(GOOD(key, &request, NOW_US - 301 * G_USEC_PER_SEC));
    g_assert_false(GOOD(other, &request, NOW_US));
#define REFUSED_WITH(MEMBER, VALUE)                                                                \
    another = request;                                                                             \
    another.MEMBER = VALUE;                                                                        \
    g_assert_false(GOOD(key, &another, NOW_US))
    REFUSED_WITH(method, "DELETE");
    REFUSED_WITH(authority, "other.example");
    REFUSED_WITH(target, "/a?after=8");
    REFUSED_WITH(sha256, sha256);
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_auto(mailbox_signature_t) none = { 0 };

        g_assert_false(mailbox_signature_parse(bad[i], &none, NULL));
    }
}

static void test_authorities(void)
{
    static const char *const rows[][2] = {
        { "https://Relay.Example", "relay.example" },
        { "https://relay.example:443/", "relay.example" },
        { "https://relay.example:80", "relay.example:80" },
        { "http://127.0.0.1:8081", "127.0.0.1:8081" },
        { "http://127.0.0.1:80", "127.0.0.1" },
        { "https://[2001:DB8::1]:8443/x", "[2001:db8::1]:8443" },
        { "https://[2001:db8::1]", "[2001:db8::1]" },
        { "relay.example", NULL },
        { "mailto:someone", NULL },
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *authority = mailbox_authority(rows[i][0]);

        g_assert_cmpstr(authority, ==, rows[i][1]);
    }
}

static void test_work(void)
{
    g_autoptr(GBytes) body = g_bytes_new_static("sealed", 6);
    g_autoptr(GBytes) changed = g_bytes_new_static("sealee", 6);
    g_autofree char *nonce = mailbox_work(BOX, body, 14);

    g_assert_true(mailbox_work_verify(BOX, body, nonce, 14));
    g_assert_true(mailbox_work_verify(BOX, body, nonce, 0));
    g_assert_false(mailbox_work_verify(OTHER, body, nonce, 14));
    g_assert_false(mailbox_work_verify(BOX, changed, nonce, 14));
    g_assert_false(mailbox_work_verify(BOX, body, "", 0));
    g_assert_false(mailbox_work_verify(BOX, body, "not hex", 0));
    g_assert_false(mailbox_work_verify(BOX, body, "000000000000000000000000000000000", 0));
    g_assert_null(mailbox_work(BOX, body, MAILBOX_WORK_BITS_MAX + 1));
    g_assert_cmpuint(mailbox_work_bits(16, 0), ==, 16);
    g_assert_cmpuint(mailbox_work_bits(16, 24), ==, 16);
    g_assert_cmpuint(mailbox_work_bits(16, 25), ==, 17);
    g_assert_cmpuint(mailbox_work_bits(16, 50), ==, 20);
    g_assert_cmpuint(mailbox_work_bits(16, 100), ==, 26);
    g_assert_cmpuint(mailbox_work_bits(28, 95), ==, MAILBOX_WORK_BITS_MAX);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/mailbox/ids", test_ids);
    g_test_add_func("/mailbox/order", test_messages_in_order_and_once);
    g_test_add_func("/mailbox/quotas", test_quotas);
    g_test_add_func("/mailbox/old", test_old_ones_go);
    g_test_add_func("/mailbox/room", test_room_for_small_ones);
    g_test_add_func("/mailbox/authorities", test_authorities);
    g_test_add_func("/mailbox/signatures", test_signatures);
    g_test_add_func("/mailbox/work", test_work);
    return g_test_run();
}
