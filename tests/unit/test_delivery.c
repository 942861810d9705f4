/* Modules message, ledger and commitment_root: what travels, what is remembered, what is committed.
 */
#include "base/clock.h"
#include "base/error.h"
#include "delivery/commitment_root.h"
#include "delivery/message.h"
#include "seal/content.h"
#include "statement/intoto.h"
#include "statement/predicate.h"

#include <glib/gstdio.h>
#include <string.h>

#define ORIGIN "call.example/test"
#define CASE "00112233445566778899aabbccddeeff"
#define ID "d1e05beacae6334738bd9252930431a525a95e0827d68c325bc4c7c4528ec5c9"
#define HOUR_US (G_GINT64_CONSTANT(3600) * G_USEC_PER_SEC)
#define NOW_US (G_GINT64_CONSTANT(1790000000) * G_USEC_PER_SEC)

static char *folder;

static void begin(void)
{
    folder = g_dir_make_tmp("delivery-XXXXXX", NULL);
}

static void remove_all(const char *path)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *inner = g_build_filename(path, name, NULL);

        remove_all(inner);
    }
    g_remove(path);
}

static void end(void)
{
    remove_all(folder);
    g_clear_pointer(&folder, g_free);
}

/* --- message --- */

static GBytes *content_of(const char *json, const char *data)
{
    g_autoptr(json_t) value = json_parse(json, strlen(json), 1u << 20, "json", NULL);
    g_autoptr(GBytes) bytes = g_bytes_new(data, strlen(data));

    g_assert_nonnull(value);
    return seal_content_pack(value, bytes, NULL);
}

#define PART(ID_OF_CASE, STREAM, SHA256, SIZE, OFFSET)                                             \
    "{\"type\":\"part\",\"case\":\"" ID_OF_CASE "\",\"stream\":\"" STREAM                          \
    "\",\"attachment\":\"" SHA256 "\",\"size\":" SIZE ",\"offset\":" OFFSET "}"

static void test_messages_that_are_none(void)
{
    static const struct {
        const char *json, *data;
    } bad[] = {
        { "{}", "" },
        { "{\"type\":\"letter\"}", "" },
        { "{\"type\":\"event\"}", "" },
        { "{\"type\":\"event\",\"envelope\":\"x\"}", "" },
        { "{\"type\":\"event\",\"envelope\":{},\"by\":\"me\"}", "" },
        { "{\"type\":\"ack\"}", "" },
        { "{\"type\":\"proof\",\"proof\":[]}", "" },
        { PART(CASE, "shared", ID, "9", "0"), "" },
        { PART(CASE, "shared", ID, "9", "-1"), "x" },
        { PART(CASE, "shared", ID, "-1", "0"), "x" },
        { PART(CASE, "shared", "../x", "9", "0"), "x" },
        { PART("../x", "shared", ID, "9", "0"), "x" },
        { PART(CASE, ID ID, ID, "9", "0"), "x" },
        { "{\"type\":\"part\",\"attachment\":\"" ID "\",\"size\":9,\"offset\":0}", "x" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GBytes) content = content_of(bad[i].json, bad[i].data);
        g_auto(message_t) message = { 0 };
        g_autoptr(GError) error = NULL;

        g_test_message("%s", bad[i].json);
        g_assert_false(message_unpack(content, &message, &error));
        g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
    }
}

static void test_a_part_comes_back(void)
{
    g_auto(message_t) part = { .type = MESSAGE_PART, .size = 99, .offset = 7 }, got = { 0 };
    g_autoptr(GBytes) content = NULL;

    memset(part.attachment.bytes, 9, CASE_HASH_SIZE);
    part.id = g_strdup(CASE);
    part.stream = g_strdup("vendor:" ID);
    part.data = g_bytes_new_static("bytes", 5);
    content = message_pack(&part, NULL);
    g_assert_true(message_unpack(content, &got, NULL));
    g_assert_cmpint(got.type, ==, MESSAGE_PART);
    g_assert_cmpuint(got.offset, ==, 7);
    g_assert_cmpuint(got.size, ==, 99);
    g_assert_cmpstr(got.id, ==, CASE);
    g_assert_cmpstr(got.stream, ==, "vendor:" ID);
    g_assert_true(g_bytes_equal(got.data, part.data));
    g_assert_cmpmem(got.attachment.bytes, CASE_HASH_SIZE, part.attachment.bytes, CASE_HASH_SIZE);
}

static void test_acknowledgements(void)
{
    static const guint8 seed[KEY_SEED_SIZE] = { 3 };
    g_autoptr(signing_key_t) key = signing_key_from_seed("ville.example/issuer", seed, NULL);
    const struct message_ack said = {
        .id = CASE, .stream = "shared", .author = ID, .seq = 12, .refused = "not-possible"
    };
    g_autoptr(GBytes) envelope = message_ack_sign(&said, ORIGIN, NOW_US, key, NULL);
    g_autoptr(dsse_t) read =
        dsse_parse(g_bytes_get_data(envelope, NULL), g_bytes_get_size(envelope), "ack", NULL);
    g_autoptr(GPtrArray) keys = g_ptr_array_new();
    g_auto(message_ack_t) got = { 0 }, other = { 0 };
    struct dsse_result result;

    g_ptr_array_add(keys, key->public);
    g_assert_cmpuint(dsse_verify(read, keys, &result), ==, 1);
    g_assert_true(message_ack_read(read, ORIGIN, &got, NULL));
    g_assert_cmpstr(got.id, ==, CASE);
    g_assert_cmpstr(got.stream, ==, "shared");
    g_assert_cmpstr(got.author, ==, ID);
    g_assert_cmpuint(got.seq, ==, 12);
    g_assert_cmpstr(got.refused, ==, "not-possible");
    g_assert_false(message_ack_read(read, "other.example/log", &other, NULL));
}

/* --- hourly roots --- */

static struct cases *open_cases(void)
{
    const struct cases_options options = { .self = ID, .origin = ORIGIN };
    g_autoptr(GError) error = NULL;
    struct cases *cases = cases_open(folder, &options, &error);

    g_assert_no_error(error);
    return cases;
}

static json_t *due(struct ledger *ledger, struct cases *cases, gint64 now_us, gint64 *hour_us)
{
    const struct case_root_self self = { ORIGIN, ID, "ville.example" };
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) payload = case_root_due(ledger, cases, &self, now_us, hour_us, &error);
    json_t *statement;

    g_assert_no_error(error);
    if (!payload)
        return NULL;
    statement = intoto_read(payload, NULL);
    g_assert_true(predicate_verify(predicate_find(PREDICATE_CASE_ROOT), statement, &error));
    return statement;
}

/* An hour without any event looks like every other; it is due once, and again until it is logged.
 */
static void test_every_hour_has_a_root(void)
{
    g_autoptr(ledger_t) ledger = NULL;
    g_autoptr(cases_t) cases = NULL;
    g_autoptr(json_t) first = NULL, again = NULL, next = NULL;
    g_autoptr(GBytes) entry = g_bytes_new_static("{}", 2);
    const gint64 now_us = NOW_US - NOW_US % HOUR_US + 5;
    gint64 hour_us, other_us;

    begin();
    ledger = ledger_open(folder, NULL);
    cases = open_cases();
    first = due(ledger, cases, now_us, &hour_us);
    g_assert_nonnull(first);
    g_assert_cmpint(hour_us, ==, now_us - 5 - HOUR_US);
    g_assert_cmpint(json_number(intoto_predicate(first), "leaves", 0), ==, 64);
    again = due(ledger, cases, now_us + 2 * HOUR_US, &other_us);
    g_assert_cmpint(other_us, ==, hour_us);
    g_assert_cmpstr(json_text(intoto_predicate(again), "root"), ==,
                    json_text(intoto_predicate(first), "root"));
    g_assert_true(ledger_log_hour(ledger, hour_us, entry, NULL));
    g_assert_null(due(ledger, cases, now_us + 10, &other_us));
    next = due(ledger, cases, now_us + 30 * HOUR_US, &other_us);
    g_assert_cmpint(other_us, ==, hour_us + 30 * HOUR_US);
    g_assert_cmpstr(json_text(intoto_predicate(next), "root"), !=,
                    json_text(intoto_predicate(first), "root"));
    end();
}

/* What a ledger says survives, and the earliest proof of a time counts. */
static void test_the_ledger(void)
{
    g_autoptr(ledger_t) ledger = NULL, again = NULL;
    g_autoptr(GArray) events = g_array_new(FALSE, FALSE, sizeof(struct case_hash));
    g_autoptr(GPtrArray) owed = NULL, none = NULL, unsettled = NULL;
    g_autoptr(GBytes) entry = g_bytes_new_static("{}", 2);
    g_autoptr(json_t) refusals = NULL;
    const struct case_hash event = { { 1 } }, other = { { 2 } };
    const struct ledger_hour hour = { .hour_us = HOUR_US, .leaves = 64 };
    g_auto(ledger_hour_t) found = { 0 };
    struct ledger_sent sent = { .row = 5, .part = 99 };
    gboolean fresh, there;

    begin();
    ledger = ledger_open(folder, NULL);
    g_array_append_val(events, event);
    g_assert_true(ledger_add_hour(ledger, &hour, events, NULL));
    g_assert_true(ledger_owe(ledger, &event, ID, NULL));
    g_assert_true(ledger_owe(ledger, &event, ID, NULL));
    none = ledger_owed(ledger, 10, NULL);
    g_assert_cmpuint(none->len, ==, 0);
    g_assert_true(ledger_log_hour(ledger, HOUR_US, entry, NULL));
    again = ledger_open(folder, NULL);
    owed = ledger_owed(again, 10, NULL);
    g_assert_cmpuint(owed->len, ==, 1);
    unsettled = ledger_unsettled(again, NULL);
    g_assert_cmpuint(unsettled->len, ==, 1);
    g_assert_true(ledger_hour_of(again, &event, &found, NULL));
    g_assert_cmpint(found.hour_us, ==, HOUR_US);
    g_assert_true(ledger_witness(ledger, &event, 1000, &fresh, NULL) && fresh);
    g_assert_true(ledger_witness(ledger, &event, 2000, &fresh, NULL) && !fresh);
    g_assert_true(ledger_witness(ledger, &event, 500, &fresh, NULL) && fresh);
    g_assert_cmpint(ledger_witnessed_us(again, &event), ==, 500);
    g_assert_cmpint(ledger_witnessed_us(again, &other), ==, 0);
    g_assert_true(ledger_set_sent(ledger, &event, ID, &sent, NULL));
    g_assert_true(ledger_sent(again, &event, ID, &sent, &there, NULL) && there);
    g_assert_cmpuint(sent.part, ==, 99);
    g_assert_true(ledger_refuse(ledger, &event, ID, TRUE, "tlp", NOW_US, NULL));
    g_assert_true(ledger_refuse(ledger, &event, ID, TRUE, "tlp", NOW_US, NULL));
    refusals = ledger_refusals(again, 10, NULL);
    g_assert_cmpuint(json_array_size(refusals), ==, 1);
    g_assert_cmpstr(json_text(json_array_get(refusals, 0), "reason"), ==, "tlp");
    end();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/delivery/message/none", test_messages_that_are_none);
    g_test_add_func("/delivery/message/part", test_a_part_comes_back);
    g_test_add_func("/delivery/message/ack", test_acknowledgements);
    g_test_add_func("/delivery/root/hour", test_every_hour_has_a_root);
    g_test_add_func("/delivery/ledger", test_the_ledger);
    return g_test_run();
}
