/* RTR: PDUs (rpki/rtr_pdu.h) and sessions (rpki/rtr_session.h) by recorded bytes. */
#include "base/error.h"
#include "rpki/rtr.h"
#include "rtr_text.h"

#include <string.h>

#define SECOND_US ((gint64)G_USEC_PER_SEC)

/* --- bytes --- */

static gboolean take_hex(struct rtr_session *session, const char *hex, gint64 now_us)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();

    add_hex(bytes, hex);
    return rtr_session_take(session, bytes->data, bytes->len, now_us);
}

/* What the session wants to send, taken away. */
static void sends(struct rtr_session *session, const char *wanted)
{
    GByteArray *output = rtr_session_output(session);
    g_autoptr(GString) hex = g_string_new(NULL);

    for (guint i = 0; i < output->len; i++)
        g_string_append_printf(hex, "%02x", output->data[i]);
    g_byte_array_set_size(output, 0);
    g_assert_cmpstr(hex->str, ==, wanted);
}

/* An error report of this code, whatever its text. */
static void sends_error(struct rtr_session *session, guint8 version, guint8 code)
{
    GByteArray *output = rtr_session_output(session);

    g_assert_cmpuint(output->len, >, 8);
    g_assert_cmpuint(output->data[0], ==, version);
    g_assert_cmpuint(output->data[1], ==, RTR_ERROR_REPORT);
    g_assert_cmpuint(output->data[3], ==, code);
    g_byte_array_set_size(output, 0);
}

static void holds(const struct rtr_session *session, const char *wanted)
{
    g_autofree char *found = contents(rtr_session_vrps(session), rtr_session_aspas(session));

    g_assert_cmpstr(found, ==, wanted);
}

#define VRPS "10.0.0.0/16-24 AS64500\n203.0.113.0/24-24 AS0\n2001:db8::/32-48 AS64501\n"
#define ASPAS "AS64500: 64510 64511\n"

/* PDUs of version 2, of session 0xd2ea. */
#define RESPONSE "0203d2ea00000008"
#define P10 "0204000000000014011018000a0000000000fbf4"
#define P10_GONE "0204000000000014001018000a0000000000fbf4"
#define P203 "020400000000001401181800cb00710000000000"
#define END(SERIAL) "0207d2ea00000018" SERIAL "00000e100000025800001c20"
#define NOTIFY(SERIAL) "0200d2ea0000000c" SERIAL
#define RESET_QUERY "0202000000000008"

/* --- recorded answers --- */

static void test_recorded(void)
{
    g_autofree char *path = g_build_filename(g_getenv("ENTENTE_SHARED"), "data", "public_core",
                                             "live", "rtr-captures.txt", NULL);
    static const char *const wanted[] = { VRPS, VRPS, VRPS ASPAS };
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;

    if (!g_file_get_contents(path, &text, NULL, NULL)) {
        g_test_skip("no shared data");
        return;
    }
    lines = g_strsplit(text, "\n", -1);
    for (guint8 version = 0; version <= 2; version++) {
        g_autoptr(rtr_session_t) session = rtr_session_new(version);
        g_autoptr(GByteArray) all = g_byte_array_new();
        const char prefix[] = { 'v', (char)('0' + version), ' ', '\0' };
        struct rtr_status status;

        for (char **line = lines; *line; line++)
            if (g_str_has_prefix(*line, prefix))
                add_hex(all, *line + 3);
        rtr_session_connected(session, 0);
        for (guint i = 0; i < all->len; i++) { /* in the smallest pieces there are */
            g_assert_null(rtr_session_vrps(session));
            g_assert_true(rtr_session_take(session, all->data + i, 1, SECOND_US));
        }
        holds(session, wanted[version]);
        rtr_session_status(session, &status);
        g_assert_cmpuint(status.session, ==, 0xd2ea);
        g_assert_cmpuint(status.version, ==, version);
        g_assert_cmpint(status.expires_us, ==, 7201 * SECOND_US);
    }
}

static void test_newer_aspa_layout(void)
{
    g_autoptr(rtr_session_t) session = rtr_session_new(2);

    rtr_session_connected(session, 0);
    sends(session, RESET_QUERY);
    g_assert_true(take_hex(session,
                           RESPONSE P10 "020b0100000000140000fbf40000fbfe0000fbff"
                                        "020b0100000000100000fbf500000000" END("00000001"),
                           0));
    holds(session, "10.0.0.0/16-24 AS64500\nAS64500: 64510 64511\nAS64501:\n");
    g_assert_true(take_hex(session, NOTIFY("00000002"), 0));
    sends(session, "0201d2ea0000000c00000001");
    /* a record replaces the one before; a withdrawal has no providers */
    g_assert_true(take_hex(session,
                           RESPONSE "020b0100000000100000fbf40000fbfd"
                                    "020b00000000000c0000fbf5" END("00000002"),
                           0));
    holds(session, "10.0.0.0/16-24 AS64500\nAS64500: 64509\n");
}

/* --- what a session does --- */

static struct rtr_session *synced(gint64 now_us)
{
    struct rtr_session *session = rtr_session_new(2);

    rtr_session_connected(session, now_us);
    sends(session, RESET_QUERY);
    g_assert_true(take_hex(session, RESPONSE P10 P203 END("fffffffe"), now_us));
    return session;
}

static void test_deltas(void)
{
    g_autoptr(rtr_session_t) session = synced(0);

    g_assert_true(take_hex(session, NOTIFY("fffffffe"), 0));
    sends(session, "");                                      /* nothing new */
    g_assert_true(take_hex(session, NOTIFY("00000001"), 0)); /* past zero: RFC 1982 */
    sends(session, "0201d2ea0000000cfffffffe");
    g_assert_true(take_hex(session, RESPONSE P10_GONE, 0));
    holds(session, "10.0.0.0/16-24 AS64500\n203.0.113.0/24-24 AS0\n"); /* not yet */
    g_assert_true(take_hex(session, END("00000001"), 0));
    holds(session, "203.0.113.0/24-24 AS0\n");
}

static void test_an_answer_that_breaks_off_changes_nothing(void)
{
    g_autoptr(rtr_session_t) session = synced(0);
    gint64 again_us;

    g_assert_true(take_hex(session, NOTIFY("ffffffff") RESPONSE P10_GONE, 0));
    rtr_session_lost(session, 0, &again_us);
    g_assert_cmpint(again_us, ==, 600 * SECOND_US);
    holds(session, "10.0.0.0/16-24 AS64500\n203.0.113.0/24-24 AS0\n");
    g_byte_array_set_size(rtr_session_output(session), 0);
    rtr_session_connected(session, again_us);
    sends(session, "0201d2ea0000000cfffffffe");                     /* goes on where it was */
    g_assert_true(take_hex(session, "0208000000000008", again_us)); /* the cache cannot */
    sends(session, RESET_QUERY);
    g_assert_true(take_hex(session,
                           "0203000100000008" P203 "020700010000001800000005"
                           "00000e100000025800001c20",
                           again_us));
    holds(session, "203.0.113.0/24-24 AS0\n");
}

static void test_timers(void)
{
    g_autoptr(rtr_session_t) session = synced(0);
    struct rtr_status status;
    gint64 again_us;

    g_assert_cmpint(rtr_session_due(session), ==, 3600 * SECOND_US);
    g_assert_true(rtr_session_tick(session, 3599 * SECOND_US));
    sends(session, "");
    g_assert_true(rtr_session_tick(session, 3600 * SECOND_US));
    sends(session, "0201d2ea0000000cfffffffe");
    g_assert_false(rtr_session_tick(session, 3700 * SECOND_US)); /* no answer: give it up */
    rtr_session_lost(session, 3700 * SECOND_US, &again_us);
    g_assert_true(rtr_session_tick(session, 7199 * SECOND_US));
    g_assert_nonnull(rtr_session_vrps(session));
    g_assert_cmpint(rtr_session_due(session), ==, 7200 * SECOND_US);
    g_assert_true(rtr_session_tick(session, 7200 * SECOND_US));
    g_assert_null(rtr_session_vrps(session));
    rtr_session_status(session, &status);
    g_assert_cmpuint(status.swaps, ==, 2);
    g_assert_cmpstr(status.problem, ==, "the payloads have expired");
    rtr_session_connected(session, 7300 * SECOND_US);
    sends(session, RESET_QUERY);
}

/* What came are changes to what is gone by then. */
static void test_what_expires_during_an_answer(void)
{
    g_autoptr(rtr_session_t) session = synced(0);
    gint64 again_us;

    rtr_session_lost(session, 6000 * SECOND_US, &again_us);
    rtr_session_connected(session, 7199 * SECOND_US);
    g_assert_true(take_hex(session, RESPONSE P10_GONE, 7199 * SECOND_US));
    g_assert_false(rtr_session_tick(session, 7200 * SECOND_US));
    rtr_session_lost(session, 7200 * SECOND_US, &again_us);
    rtr_session_connected(session, again_us);
    sends(session, RESET_QUERY);
}

static void test_versions(void)
{
    g_autoptr(rtr_session_t) session = rtr_session_new(2), quiet = rtr_session_new(2);
    gint64 again_us;

    /* the cache says which version it has */
    rtr_session_connected(session, 0);
    sends(session, RESET_QUERY);
    g_assert_false(take_hex(session, "000a0004000000100000000000000000", 0));
    rtr_session_lost(session, 0, &again_us);
    g_assert_cmpint(again_us, <, SECOND_US);
    rtr_session_connected(session, 0);
    sends(session, "0002000000000008");
    g_assert_true(take_hex(session,
                           "0003000100000008"
                           "000700010000000c00000003",
                           0));
    g_assert_nonnull(rtr_session_vrps(session));
    /* the cache closes without a word, until it is asked in version 0 */
    for (guint version = 2;; version--) {
        rtr_session_connected(quiet, 0);
        g_assert_cmpuint(rtr_session_output(quiet)->data[0], ==, version);
        if (!version)
            break;
        rtr_session_lost(quiet, 0, &again_us);
    }
    rtr_session_lost(quiet, 0, &again_us); /* and not then either: from the start, later */
    g_assert_cmpint(again_us, ==, 600 * SECOND_US);
    rtr_session_connected(quiet, 0);
    g_assert_cmpuint(rtr_session_output(quiet)->data[0], ==, 2);
}

static void test_an_answer_in_a_lower_version(void)
{
    g_autoptr(rtr_session_t) session = rtr_session_new(2);
    struct rtr_status status;

    rtr_session_connected(session, 0);
    sends(session, RESET_QUERY);
    g_assert_true(take_hex(session,
                           "0103d2ea00000008"
                           "0104000000000014011018000a0000000000fbf4"
                           "0107d2ea000000180000000000000e100000025800001c20",
                           0));
    holds(session, "10.0.0.0/16-24 AS64500\n");
    rtr_session_status(session, &status);
    g_assert_cmpuint(status.version, ==, 1);
    g_assert_false(take_hex(session, NOTIFY("00000009"), 0)); /* and no other from then on */
    sends_error(session, 1, RTR_UNEXPECTED_VERSION);
}

static void breaks(const char *hex, guint8 code, gboolean keeps)
{
    g_autoptr(rtr_session_t) session = synced(0);

    g_test_message("%s", hex);
    g_assert_false(take_hex(session, hex, 0));
    /* a query may stand before it */
    if (rtr_session_output(session)->data[1] == RTR_SERIAL_QUERY)
        g_byte_array_remove_range(rtr_session_output(session), 0, 12);
    sends_error(session, 2, code);
    g_assert_cmpint(rtr_session_vrps(session) != NULL, ==, keeps);
}

#define DELTA NOTIFY("ffffffff") RESPONSE

static void test_errors_are_told(void)
{
    breaks("0204000000010000", RTR_CORRUPT_DATA, TRUE); /* 65536 bytes */
    breaks("0204000000000004", RTR_CORRUPT_DATA, TRUE); /* shorter than its head */
    breaks("0204000000000010"
           "0110180001000000",
           RTR_CORRUPT_DATA, TRUE);
    breaks("020c000000000008", RTR_UNSUPPORTED_PDU, TRUE);
    breaks("0202000000000008", RTR_INVALID_REQUEST, TRUE);
    breaks(P10, RTR_CORRUPT_DATA, TRUE); /* outside of an answer */
    breaks("0103d2ea00000008", RTR_UNEXPECTED_VERSION, TRUE);
    breaks("0200d2eb0000000c00000001", RTR_CORRUPT_DATA, FALSE); /* another session */
    breaks(NOTIFY("ffffffff") "0203d2eb00000008", RTR_CORRUPT_DATA, FALSE);
    breaks(DELTA P10 END("ffffffff"), RTR_DUPLICATE_ANNOUNCEMENT, TRUE);
    breaks(DELTA P10_GONE P10_GONE END("ffffffff"), RTR_WITHDRAWAL_OF_UNKNOWN, TRUE);
    breaks(DELTA "020b00000000000c0000fbf5" END("ffffffff"), RTR_WITHDRAWAL_OF_UNKNOWN, TRUE);
    breaks(DELTA "020b01000000000c0000fbf4", RTR_ASPA_PROVIDERS, TRUE);
    breaks(DELTA "020b0100000000140000fbf40000fbfe00000000", RTR_ASPA_PROVIDERS, TRUE);
    breaks(DELTA "0204000000000014012118000a0000000000fbf4", RTR_CORRUPT_DATA, TRUE);
    breaks(DELTA "0207d2ea0000000cffffffff", RTR_CORRUPT_DATA, TRUE); /* without timers */
    breaks(DELTA "0207d2eb00000018ffffffff00000e100000025800001c20", RTR_CORRUPT_DATA, TRUE);
}

static void test_errors_that_are_heard(void)
{
    g_autoptr(rtr_session_t) session = synced(0);
    struct rtr_status status;

    g_assert_true(take_hex(session, NOTIFY("ffffffff"), 0));
    sends(session, "0201d2ea0000000cfffffffe");
    g_assert_true(take_hex(session,
                           "020a000200000010"
                           "0000000000000000",
                           0)); /* no data yet */
    g_assert_cmpint(rtr_session_due(session), ==, 600 * SECOND_US);
    g_assert_true(rtr_session_tick(session, 600 * SECOND_US));
    sends(session, RESET_QUERY);
    g_assert_false(take_hex(session,
                            "020a000000000014"
                            "00000000"
                            "00000004"
                            "68656c6f",
                            600 * SECOND_US));
    sends(session, ""); /* no error answers an error */
    rtr_session_status(session, &status);
    g_assert_cmpstr(status.problem, ==, "the cache reports: corrupt data: helo");
}

static void test_duplicates_in_a_reset(void)
{
    g_autoptr(rtr_session_t) session = rtr_session_new(2);

    rtr_session_connected(session, 0);
    sends(session, RESET_QUERY);
    g_assert_false(take_hex(session, RESPONSE P10 P10 END("00000001"), 0));
    sends_error(session, 2, RTR_DUPLICATE_ANNOUNCEMENT);
    g_assert_null(rtr_session_vrps(session));
}

/* --- names --- */

static void splits(const char *text, const char *wanted_host, const char *wanted_port)
{
    g_autofree char *host = NULL, *port = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(rtr_split(text, &host, &port, &error), ==, wanted_host != NULL);
    g_assert_cmpstr(host, ==, wanted_host);
    g_assert_cmpstr(port, ==, wanted_port);
}

static void test_names(void)
{
    splits("cache.example", "cache.example", "323");
    splits("cache.example:8282", "cache.example", "8282");
    splits("[2001:db8::1]:8282", "2001:db8::1", "8282");
    splits("[2001:db8::1]", "2001:db8::1", "323");
    splits("2001:db8::1", "2001:db8::1", "323");
    splits("cache.example:0", NULL, NULL);
    splits("cache.example:65536", NULL, NULL);
    splits(":323", NULL, NULL);
    splits("[2001:db8::1", NULL, NULL);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rtr/recorded", test_recorded);
    g_test_add_func("/rtr/newer-aspa-layout", test_newer_aspa_layout);
    g_test_add_func("/rtr/deltas", test_deltas);
    g_test_add_func("/rtr/broken-off", test_an_answer_that_breaks_off_changes_nothing);
    g_test_add_func("/rtr/timers", test_timers);
    g_test_add_func("/rtr/expires-meanwhile", test_what_expires_during_an_answer);
    g_test_add_func("/rtr/versions", test_versions);
    g_test_add_func("/rtr/lower-version", test_an_answer_in_a_lower_version);
    g_test_add_func("/rtr/errors-told", test_errors_are_told);
    g_test_add_func("/rtr/errors-heard", test_errors_that_are_heard);
    g_test_add_func("/rtr/duplicates", test_duplicates_in_a_reset);
    g_test_add_func("/rtr/names", test_names);
    return g_test_run();
}
