/* What one who wishes ill can do to a case of others: nothing that stays. */
#include "delivery/courier_private.h"
#include "desk_of_two.h"
#include "process/cases_private.h"
#include "seal/content.h"
#include "statement/base64.h"
#include "statement/intoto.h"

#include <sodium.h>

#define JUNK 2100 /* messages; more than one round takes */
#define SENT 1100 /* more than may wait */

/* An event of one without an account, who makes a key for each. */
static GBytes *strangers_event(const char *id, guint number, guint32 seq, gint64 now_us,
                               GPtrArray *attachments)
{
    guint8 seed[KEY_SEED_SIZE] = { 0x77 };
    g_autoptr(signing_key_t) key = NULL;
    g_autoptr(GPtrArray) none = g_ptr_array_new();
    g_autoptr(json_t) said = fields("{'text':'let me in'}"), value = NULL;
    g_autoptr(GBytes) payload = NULL;
    g_autoptr(dsse_t) dsse = NULL;
    g_autoptr(GError) error = NULL;
    g_autofree char *hex = NULL, *from = NULL;
    char *to[] = { (char *)side_ids[BOB], NULL };
    struct case_event event = {
        .log = (char *)ORIGIN,
        .time_us = now_us,
        .id = (char *)id,
        .kind = (char *)"assistance",
        .stream = (char *)CASE_STREAM_SHARED,
        .seq = seq,
        .has_previous = seq > 1,
        .to = to,
        .machine = (char *)"case",
        .event = (char *)"message",
        .fields = said,
        .attachments = attachments ? attachments : none,
        .tlp = TLP_AMBER,
    };

    memcpy(seed + 1, &number, sizeof number);
    key = signing_key_from_seed("reporter", seed, NULL);
    hex = hex_encode(key->public->bytes, KEY_PUBLIC_SIZE);
    event.from = from = g_strconcat("key:", hex, NULL);
    randombytes_buf(event.previous.bytes, sizeof event.previous.bytes);
    payload = case_event_payload(&event, &error);
    g_assert_no_error(error);
    dsse = dsse_new(INTOTO_PAYLOAD_TYPE, payload);
    dsse_sign(dsse, key);
    value = dsse_to_json(dsse);
    return json_canonical(value, NULL);
}

static guint send(struct world *world, const char *id, guint32 seq, guint count)
{
    guint kept = 0;

    for (guint i = 0; i < count; i++) {
        g_autoptr(GBytes) event = strangers_event(id, i, seq, world->now_us, NULL);
        g_autoptr(GError) error = NULL;

        kept += cases_take(world->sides[BOB].cases, event, world->now_us, NULL, &error) !=
                CASE_TOO_LARGE;
        g_assert_no_error(error);
    }
    return kept;
}

/* Who knows the number of a case can have events wait in it, and keeps nobody out of it. */
static void test_strangers_keep_nobody_out(struct world *world, gconstpointer data)
{
    g_autofree char *id = open_case(world, ALICE, "assistance", HELP);

    (void)data;
    g_assert_cmpuint(carry(world, ALICE, TRUE), ==, 1);
    g_assert_cmpuint(send(world, id, 2, SENT), <, SENT);
    say(world, ALICE, id, "message", "{'text':'Are you there?'}");
    g_assert_cmpuint(carry(world, ALICE, TRUE), ==, 1);
    say(world, BOB, id, "acknowledge", "{}");
}

static void test_nor_before_it_is_opened(struct world *world, gconstpointer data)
{
    g_autofree char *id = open_case(world, ALICE, "assistance", HELP);

    (void)data;
    g_assert_cmpuint(send(world, id, 2, SENT), <, SENT);
    say(world, ALICE, id, "message", "{'text':'Are you there?'}");
    g_assert_cmpuint(carry(world, ALICE, TRUE), ==, 2);
}

/* What was sent to one side alone by who is no party is nothing that the other has to wait for. */
static void test_strangers_part_nobody(struct world *world, gconstpointer data)
{
    g_autofree char *id = open_case(world, ALICE, "assistance", HELP);

    (void)data;
    g_assert_cmpuint(carry(world, ALICE, TRUE), ==, 1);
    g_assert_cmpuint(send(world, id, 1, 1), ==, 1);
    say(world, BOB, id, "acknowledge", "{}");
    g_assert_cmpuint(carry(world, BOB, TRUE), ==, 1);
    g_assert_cmpstr(state_of_case(world, ALICE, id), ==, "acknowledged");
    g_assert_cmpuint(send(world, id, 1, SENT), <, SENT);
    say(world, BOB, id, "message", "{'text':'We are here'}");
    g_assert_cmpuint(carry(world, BOB, TRUE), ==, 1);
}

/* --- a party who wishes ill --- */

#define REPORT "{'product':'tool','description':'It breaks','contact':'here'}"

/* What one without an account says, who opened a case to both sides. */
struct mallory {
    struct signing_key *key;
    char *id, *from;
    struct case_hash nonce, last;
    guint32 seq;
};

static void mallory_begin(struct mallory *mallory)
{
    const guint8 seed[KEY_SEED_SIZE] = { 0x66 };
    g_autofree char *hex = NULL;

    *mallory = (struct mallory){ .key = signing_key_from_seed("reporter", seed, NULL) };
    hex = hex_encode(mallory->key->public->bytes, KEY_PUBLIC_SIZE);
    mallory->from = g_strconcat("key:", hex, NULL);
    mallory->id = case_event_id(mallory->from, &mallory->nonce);
}

static void mallory_end(struct mallory *mallory)
{
    signing_key_free(mallory->key);
    g_free(mallory->from);
    g_free(mallory->id);
}

static GBytes *mallory_says(struct mallory *mallory, struct world *world, const char *step,
                            const char *text, enum tlp tlp)
{
    g_autoptr(GPtrArray) none = g_ptr_array_new();
    g_autoptr(json_t) said = fields(text), value = NULL;
    g_autoptr(GBytes) payload = NULL;
    g_autoptr(dsse_t) dsse = NULL;
    g_autoptr(GError) error = NULL;
    const gboolean red = tlp == TLP_RED;
    char *all[] = { (char *)side_ids[ALICE], (char *)side_ids[BOB], NULL };
    struct case_event event = {
        .log = (char *)ORIGIN,
        .time_us = world->now_us += SECOND,
        .id = mallory->id,
        .kind = (char *)"disclosure",
        .stream = (char *)CASE_STREAM_SHARED,
        .seq = ++mallory->seq,
        .has_previous = mallory->seq > 1,
        .previous = mallory->last,
        .from = mallory->from,
        .to = red ? all + BOB : all,
        .machine = (char *)"report",
        .event = (char *)step,
        .fields = said,
        .attachments = none,
        .tlp = tlp,
    };

    payload = case_event_payload(&event, &error);
    g_assert_no_error(error);
    crypto_hash_sha256(mallory->last.bytes, g_bytes_get_data(payload, NULL),
                       g_bytes_get_size(payload));
    dsse = dsse_new(INTOTO_PAYLOAD_TYPE, payload);
    dsse_sign(dsse, mallory->key);
    value = dsse_to_json(dsse);
    return json_canonical(value, NULL);
}

static void give(struct world *world, guint side, GBytes *envelope)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *why = NULL;
    enum case_verdict verdict =
        cases_take(world->sides[side].cases, envelope, world->now_us, &why, &error);

    g_assert_no_error(error);
    g_assert_cmpstr(why, ==, NULL);
    g_assert_cmpint(verdict, ==, CASE_APPLIED);
}

/* As the courier does with all that is not acknowledged. */
static void hand_on(struct world *world, guint side)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) rows = cases_outbox(world->sides[side].cases, world->now_us, 1000, &error);

    g_assert_no_error(error);
    for (guint i = 0; i < rows->len; i++) {
        cases_hand_on(world->sides[side].cases, rows->pdata[i], world->now_us, &error);
        g_assert_no_error(error);
    }
}

static guint applied(struct world *world, guint side, const char *id)
{
    const struct kase *kase = cases_get(world->sides[side].cases, id, world->now_us, NULL);
    guint count = 0;

    for (guint i = 0; kase && i < kase->entries->len; i++)
        count += ((struct case_entry *)kase->entries->pdata[i])->verdict == CASE_APPLIED &&
                 ((struct case_entry *)kase->entries->pdata[i])->event;
    return count;
}

/* Who tells one of two alone, and has it named to the other, does not part them. */
static void test_a_party_parts_nobody(struct world *world, gconstpointer data)
{
    struct mallory mallory;
    g_autoptr(GBytes) opening = NULL, first = NULL, second = NULL;

    (void)data;
    mallory_begin(&mallory);
    opening = mallory_says(&mallory, world, CASE_EVENT_OPEN, REPORT, TLP_AMBER);
    give(world, ALICE, opening);
    give(world, BOB, opening);
    first = mallory_says(&mallory, world, "message", "{'text':'one'}", TLP_AMBER);
    give(world, BOB, first);
    second = mallory_says(&mallory, world, "message", "{'text':'two'}", TLP_AMBER);
    give(world, BOB, second);
    say(world, BOB, mallory.id, "message", "{'text':'We look at it'}");
    g_assert_cmpuint(carry(world, BOB, FALSE), ==, 0);
    g_assert_cmpuint(applied(world, ALICE, mallory.id), ==, 1);
    hand_on(world, BOB); /* the second, and then what that names */
    carry(world, BOB, FALSE);
    hand_on(world, BOB);
    carry(world, BOB, FALSE);
    g_assert_cmpuint(applied(world, ALICE, mallory.id), ==, 4);
    mallory_end(&mallory);
}

/* The same for the case `id`, signed. */
static GBytes *mallory_moves(struct mallory *mallory, GBytes *envelope, const char *id)
{
    gsize length;
    const void *bytes = g_bytes_get_data(envelope, &length);
    g_autoptr(dsse_t) said = dsse_parse(bytes, length, "event", NULL), dsse = NULL;
    g_autoptr(GString) text = g_string_new_len(g_bytes_get_data(said->payload, NULL),
                                               (gssize)g_bytes_get_size(said->payload));
    g_autofree char *old_sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, mallory->id, -1);
    g_autofree char *new_sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, id, -1);
    g_autoptr(GBytes) payload = NULL;
    g_autoptr(json_t) value = NULL;

    g_assert_cmpuint(g_string_replace(text, mallory->id, id, 0), ==, 2);
    g_assert_cmpuint(g_string_replace(text, old_sum, new_sum, 0), ==, 1);
    payload = g_bytes_new(text->str, text->len);
    dsse = dsse_new(INTOTO_PAYLOAD_TYPE, payload);
    dsse_sign(dsse, mallory->key);
    value = dsse_to_json(dsse);
    return json_canonical(value, NULL);
}

/* Who heard of a case's number cannot be its opener for one who has not seen the opening. */
static void test_nobody_opens_for_another(struct world *world, gconstpointer data)
{
    g_autofree char *id = open_case(world, ALICE, "disclosure", REPORT), *why = NULL;
    struct mallory mallory;
    g_autoptr(GBytes) said = NULL, forged = NULL;
    g_autoptr(GError) error = NULL;

    (void)data;
    mallory_begin(&mallory);
    said = mallory_says(&mallory, world, CASE_EVENT_OPEN, REPORT, TLP_AMBER);
    give(world, BOB, said);
    forged = mallory_moves(&mallory, said, id);
    g_assert_cmpint(cases_take(world->sides[BOB].cases, forged, world->now_us, &why, &error), ==,
                    CASE_MALFORMED);
    g_assert_no_error(error);
    g_assert_cmpuint(carry(world, ALICE, TRUE), ==, 1);
    g_assert_cmpuint(applied(world, BOB, id), ==, 1);
    mallory_end(&mallory);
}

/* What is for one alone may not be handed on: it is not named. */
static void test_nor_with_what_is_for_one_alone(struct world *world, gconstpointer data)
{
    struct mallory mallory;
    g_autoptr(GBytes) opening = NULL, red = NULL, after = NULL;

    (void)data;
    mallory_begin(&mallory);
    opening = mallory_says(&mallory, world, CASE_EVENT_OPEN, REPORT, TLP_AMBER);
    give(world, ALICE, opening);
    give(world, BOB, opening);
    red = mallory_says(&mallory, world, "message", "{'text':'for you'}", TLP_RED);
    give(world, BOB, red);
    after = mallory_says(&mallory, world, "message", "{'text':'for all'}", TLP_AMBER);
    give(world, BOB, after);
    say(world, BOB, mallory.id, "message", "{'text':'We look at it'}");
    hand_on(world, BOB);
    g_assert_cmpuint(carry(world, BOB, TRUE), ==, 1);
    g_assert_cmpuint(applied(world, ALICE, mallory.id), ==, 2);
    mallory_end(&mallory);
}

/* Who says as much as all may together has used up its own share, and nobody else's. */
static void test_a_party_silences_nobody(struct world *world, gconstpointer data)
{
    g_autofree char *id = open_case(world, ALICE, "assistance", HELP);
    g_autoptr(GError) error = NULL;

    (void)data;
    carry(world, ALICE, TRUE);
    g_assert_true(
        cases_do(world->sides[ALICE].cases, &error,
                 "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1) "
                 "INSERT INTO event (number, hash, id, author, stream, seq, verdict, signers, "
                 "received, envelope) SELECT i + (SELECT max(number) FROM event), randomblob(32), "
                 "$2, $3, 'shared', i, $4, 1, $5, NULL FROM n",
                 "ittii", (gint64)CASES_EVENTS_LIMIT, id, side_ids[BOB], (gint64)CASE_APPLIED,
                 world->now_us));
    g_assert_no_error(error);
    say(world, BOB, id, "acknowledge", "{}");
    g_assert_cmpuint(carry(world, BOB, TRUE), ==, 0);
    say(world, ALICE, id, "message", "{'text':'Are you there?'}");
    g_assert_cmpuint(applied(world, ALICE, id), ==, 2);
}

/* What waits in cases that nobody opened has a bound, keeps no opening out, and goes. */
static void test_what_is_never_opened_goes(struct world *world, gconstpointer data)
{
    static const char never[] = "0123456789abcdef0123456789abcdef";
    struct cases *bob = world->sides[BOB].cases;
    struct case_attachment file = { .name = (char *)"file", .size = 5 };
    g_autoptr(GPtrArray) attachments = g_ptr_array_new();
    g_autoptr(GBytes) event = NULL;
    g_autoptr(json_t) before = NULL, after = NULL;
    g_autoptr(GError) error = NULL;
    g_autofree char *id = NULL;
    guint happened;

    (void)data;
    g_ptr_array_add(attachments, &file);
    event = strangers_event(never, 1, 2, world->now_us, attachments);
    g_assert_cmpint(cases_take(bob, event, world->now_us, NULL, &error), ==, CASE_GAP);
    before = cases_attachments(bob, never, &error);
    g_assert_cmpuint(json_array_size(before), ==, 1);
    g_assert_true(
        cases_do(bob, &error,
                 "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1) "
                 "INSERT INTO event (number, hash, id, author, stream, seq, verdict, signers, "
                 "received, envelope) SELECT i + (SELECT max(number) FROM event), randomblob(32), "
                 "lower(hex(randomblob(16))), $2, 'shared', 2, $3, 1, $4, NULL FROM n",
                 "itii", (gint64)CASES_UNOPENED_LIMIT - 1, side_ids[ALICE], (gint64)CASE_GAP,
                 world->now_us));
    g_assert_no_error(error);
    g_assert_cmpuint(send(world, never, 3, 1), ==, 0);
    id = open_case(world, ALICE, "assistance", HELP);
    g_assert_cmpuint(carry(world, ALICE, TRUE), ==, 1);
    world->now_us += (CASES_UNOPENED_DAYS + 1) * DAY;
    for (guint i = 0; i < 6; i++) /* so many in one call */
        g_assert_true(cases_tick(bob, world->now_us, &happened, &error));
    after = cases_attachments(bob, never, &error);
    g_assert_cmpuint(json_array_size(after), ==, 0);
    g_assert_cmpuint(send(world, never, 3, 1), ==, 1);
    g_assert_cmpuint(applied(world, BOB, id), ==, 1);
}

/* --- messages --- */

struct post {
    struct courier courier;
    struct courier_round round;
    struct seal_secret *secret;
    GPtrArray *secrets, *keys;
};

static void post_open(struct post *post, struct world *world)
{
    struct side *side = &world->sides[BOB];
    g_autoptr(GError) error = NULL;

    *post = (struct post){ .secrets = g_ptr_array_new(), .keys = g_ptr_array_new() };
    post->secret = seal_secret_generate();
    g_ptr_array_add(post->secrets, post->secret);
    g_ptr_array_add(post->keys, &post->secret->public);
    post->courier.options.cases = side->cases;
    post->courier.options.seal_keys = post->secrets;
    post->courier.options.ledger = ledger_open(side->folder, &error);
    post->courier.origin = ORIGIN;
    post->courier.incomplete = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    post->courier.round = &post->round;
    g_assert_no_error(error);
}

static void post_close(struct post *post)
{
    ledger_close(post->courier.options.ledger);
    g_hash_table_unref(post->courier.incomplete);
    g_ptr_array_unref(post->secrets);
    g_ptr_array_unref(post->keys);
    seal_secret_free(post->secret);
}

/* Whether the courier goes on to the next message. */
static gboolean goes_on(struct post *post, GBytes *content, gint64 now_us)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) sealed = seal_bytes(content, post->keys, &error);
    gboolean later, done = courier_take(&post->courier, sealed, now_us, &later, &error);

    if (error)
        g_test_message("%s", error->message);
    return done && !later;
}

/* One message of anybody must not stop all that come behind it. */
static void test_no_message_stops_the_next(struct world *world, gconstpointer data)
{
    static const char *const proofs[] = {
        "{'type':'proof','proof':{'x':9007199254740993}}",
        "{'type':'proof','proof':{'x':1e400}}",
        "{'type':'event','envelope':{'x':9007199254740993}}",
    };
    struct post post;

    (void)data;
    post_open(&post, world);
    for (guint i = 0; i < G_N_ELEMENTS(proofs); i++) {
        g_autofree char *text = g_strdelimit(g_strdup(proofs[i]), "'", '"');
        const guint32 length = GUINT32_TO_BE((guint32)strlen(text));
        g_autoptr(GByteArray) content = g_byte_array_new();
        g_autoptr(GBytes) bytes = NULL;

        g_byte_array_append(content, (const guint8 *)&length, sizeof length);
        g_byte_array_append(content, (const guint8 *)text, (guint)strlen(text));
        bytes = g_bytes_new(content->data, content->len);
        g_assert_true(goes_on(&post, bytes, world->now_us));
    }
    post_close(&post);
}

/* Nor a part that would lie further than any file goes. */
static void test_no_part_stops_the_next(struct world *world, gconstpointer data)
{
    g_autofree char *id = open_case(world, ALICE, "assistance", HELP);
    struct case_attachment huge = { .name = (char *)"huge", .size = (guint64)1 << 53 };
    g_autoptr(GPtrArray) attachments = g_ptr_array_new();
    g_autoptr(GBytes) event = NULL, content = NULL, data_of = g_bytes_new_static("x", 1);
    g_autoptr(GError) error = NULL;
    const struct message part = { .type = MESSAGE_PART,
                                  .data = data_of,
                                  .offset = ((guint64)1 << 53) - 1 };
    struct post post;

    (void)data;
    g_ptr_array_add(attachments, &huge);
    event = strangers_event(id, 1, 2, world->now_us, attachments);
    g_assert_cmpint(cases_take(world->sides[BOB].cases, event, world->now_us, NULL, &error), ==,
                    CASE_GAP);
    post_open(&post, world);
    content = message_pack(&part, &error);
    g_assert_no_error(error);
    g_assert_true(goes_on(&post, content, world->now_us));
    post_close(&post);
}

/* Who has more to tell than a round can take does not keep the others waiting. */
static void test_a_round_has_an_end(struct world *world, gconstpointer data)
{
    g_autoptr(mailboxes_t) local = mailboxes_open(world->sides[BOB].folder, NULL, NULL);
    struct post post;

    (void)data;
    post_open(&post, world);
    post.courier.options.local = local;
    post.courier.mailbox = mailbox_id(ORIGIN, side_ids[BOB]);
    post.courier.later = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    post.courier.polled_us = g_get_monotonic_time(); /* no relays now */
    for (guint i = 0; i < JUNK; i++) {
        g_autoptr(GBytes) junk = g_bytes_new(&i, sizeof i);
        guint64 number;

        g_assert_true(mailbox_put(local, post.courier.mailbox, junk, world->now_us, &number, NULL));
    }
    g_assert_true(courier_receive(&post.courier, world->now_us, NULL));
    g_assert_cmpuint(post.round.received, >, 0);
    g_assert_cmpuint(post.round.received, <, JUNK);
    g_assert_true(courier_receive(&post.courier, world->now_us, NULL));
    g_assert_cmpuint(post.round.received, ==, JUNK);
    g_hash_table_unref(post.courier.later);
    g_free(post.courier.mailbox);
    post_close(&post);
}

#define TEST(NAME)                                                                                 \
    g_test_add("/cases/hostile/" #NAME, struct world, NULL, world_set_up, test_##NAME,             \
               world_tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    TEST(strangers_keep_nobody_out);
    TEST(nor_before_it_is_opened);
    TEST(strangers_part_nobody);
    TEST(a_party_parts_nobody);
    TEST(nor_with_what_is_for_one_alone);
    TEST(nobody_opens_for_another);
    TEST(a_party_silences_nobody);
    TEST(what_is_never_opened_goes);
    TEST(no_message_stops_the_next);
    TEST(no_part_stops_the_next);
    TEST(a_round_has_an_end);
    return g_test_run();
}
