/* What one who wishes ill can do to a case of others: nothing that stays. */
#include "desk_of_two.h"
#include "statement/base64.h"
#include "statement/intoto.h"

#include <sodium.h>

#define SENT 1100 /* more than may wait */

/* An event of one without an account, who makes a key for each. */
static GBytes *strangers_event(const char *id, guint number, guint32 seq, gint64 now_us)
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
        .attachments = none,
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
        g_autoptr(GBytes) event = strangers_event(id, i, seq, world->now_us);
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

#define TEST(NAME)                                                                                 \
    g_test_add("/cases/hostile/" #NAME, struct world, NULL, world_set_up, test_##NAME,             \
               world_tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    TEST(strangers_keep_nobody_out);
    TEST(nor_before_it_is_opened);
    TEST(strangers_part_nobody);
    return g_test_run();
}
