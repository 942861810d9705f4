/* Modules courier_take, courier_receive: what anybody may put into a mailbox stops and fills
 * nothing. */
#include "delivery/courier_private.h"
#include "process/cases_private.h"
#include "seal/content.h"
#include "stranger.h"

#define JUNK 2100 /* messages; more than one round takes */

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

static guint refusals(struct post *post, const char *reason)
{
    g_autoptr(json_t) list = ledger_refusals(post->courier.options.ledger, 100, NULL);
    const json_t *row;
    guint count = 0;
    size_t i;

    json_array_foreach(list, i, row)
    {
        count += g_strcmp0(json_text(row, "reason"), reason) == 0;
    }
    return count;
}

/* Whether the courier goes on to the next message. */
static gboolean goes_on(struct post *post, GBytes *content, gint64 now_us)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) sealed = seal_bytes(content, post->keys, &error);
    const char *later;
    const gboolean done = courier_take(&post->courier, sealed, now_us, &later, &error);

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

/* As if those who may say so had said what strangers did. */
static void accept_all(struct world *world)
{
    g_autoptr(GError) error = NULL;

    cases_do(world->sides[BOB].cases, &error, "UPDATE event SET verdict = $1", "i",
             (gint64)CASE_APPLIED);
    g_assert_no_error(error);
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
                                  .id = id,
                                  .stream = (char *)CASE_STREAM_SHARED,
                                  .data = data_of,
                                  .size = huge.size,
                                  .offset = huge.size - 1 };
    struct post post;

    (void)data;
    g_ptr_array_add(attachments, &huge);
    event = strangers_event(id, 1, 2, world->now_us, attachments);
    g_assert_cmpint(cases_take(world->sides[BOB].cases, event, world->now_us, NULL, &error), ==,
                    CASE_GAP);
    accept_all(world);
    post_open(&post, world);
    content = message_pack(&part, &error);
    g_assert_no_error(error);
    g_assert_true(goes_on(&post, content, world->now_us));
    g_assert_cmpuint(refusals(&post, "too-large"), ==, 1);
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

/* --- files that are waited for --- */

#define FLOOD (COURIER_INCOMPLETE_LIMIT / CASE_ATTACHMENTS_LIMIT + 10) /* events */

static void comes(struct post *post, const struct message *message, gint64 now_us)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) content = message_pack(message, &error);

    g_assert_no_error(error);
    g_assert_true(goes_on(post, content, now_us));
}

/* An event of a stranger that names files of which none will ever come. */
static void junk_comes(struct post *post, const char *id, guint number, gint64 now_us)
{
    struct case_attachment files[CASE_ATTACHMENTS_LIMIT] = { 0 };
    g_autoptr(GPtrArray) attachments = g_ptr_array_new();
    g_auto(message_t) message = { .type = MESSAGE_EVENT };

    for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
        files[i].name = (char *)"file";
        files[i].size = 1;
        randombytes_buf(files[i].sha256.bytes, sizeof files[i].sha256.bytes);
        g_ptr_array_add(attachments, &files[i]);
    }
    message.envelope = strangers_event(id, number, 2, now_us, attachments);
    comes(post, &message, now_us);
}

/* How many acknowledgements are due; none is left. */
static guint take_due(struct post *post)
{
    g_autoptr(GError) error = NULL;
    struct ledger *ledger = post->courier.options.ledger;
    g_autoptr(GPtrArray) due = ledger_all_due(ledger, 2 * FLOOD, &error);

    g_assert_no_error(error);
    for (guint i = 0; i < due->len; i++)
        g_assert_true(ledger_done(ledger, due->pdata[i], &error));
    return due->len;
}

/* What is remembered of files that never come has a bound; what was forgotten over it is due once
 * its author, unanswered, sends the event again. */
static void test_files_that_never_come_fill_nothing(struct world *world, gconstpointer data)
{
    g_autofree char *id = open_case(world, ALICE, "assistance", HELP);
    struct case_attachment file = { .name = (char *)"file", .size = 1 };
    g_autoptr(GPtrArray) attachments = g_ptr_array_new();
    g_auto(message_t) event = { .type = MESSAGE_EVENT }, part = { .type = MESSAGE_PART };
    guint most = 0;
    struct post post;

    (void)data;
    post_open(&post, world);
    crypto_hash_sha256(file.sha256.bytes, (const guint8 *)"x", 1);
    g_ptr_array_add(attachments, &file);
    event.envelope = strangers_event(id, FLOOD, 2, world->now_us, attachments);
    part.id = g_strdup(id);
    part.stream = g_strdup(CASE_STREAM_SHARED);
    part.size = file.size;
    part.attachment = file.sha256;
    part.data = g_bytes_new_static("x", 1);
    comes(&post, &event, world->now_us);
    for (guint i = 0; i < FLOOD; i++) {
        junk_comes(&post, id, i, world->now_us);
        most = MAX(most, g_hash_table_size(post.courier.incomplete));
    }
    g_assert_cmpuint(most, <=, COURIER_INCOMPLETE_LIMIT);
    g_assert_cmpuint(most, >, COURIER_INCOMPLETE_LIMIT / 2);
    g_assert_cmpuint(take_due(&post), ==, FLOOD + 1);
    comes(&post, &event, world->now_us);
    g_assert_cmpuint(take_due(&post), ==, 1);
    accept_all(world);
    comes(&post, &part, world->now_us); /* now it is whole */
    g_assert_cmpuint(take_due(&post), ==, 1);
    post_close(&post);
}

/* --- files of nobody --- */

/* A part of `file` comes; gives what the courier would refuse it for later, when it waits. */
static const char *part_comes(struct post *post, const struct case_file *file, const char *bytes,
                              gint64 now_us)
{
    g_autoptr(GBytes) data = g_bytes_new_static(bytes, strlen(bytes)), content = NULL;
    g_autoptr(GBytes) sealed = NULL;
    g_autoptr(GError) error = NULL;
    const struct message part = { .type = MESSAGE_PART,
                                  .id = (char *)file->id,
                                  .stream = (char *)file->stream,
                                  .attachment = file->sha256,
                                  .size = file->size,
                                  .data = data };
    const char *later;

    content = message_pack(&part, &error);
    g_assert_no_error(error);
    sealed = seal_bytes(content, post->keys, &error);
    g_assert_true(courier_take(&post->courier, sealed, now_us, &later, &error));
    g_assert_no_error(error);
    return later;
}

static struct case_attachment file_of(const char *name, const char *bytes)
{
    struct case_attachment file = { .name = (char *)name, .size = strlen(bytes) };

    crypto_hash_sha256(file.sha256.bytes, (const guint8 *)bytes, strlen(bytes));
    return file;
}

/* Who is no party announces what it likes: nothing of it is taken, and it is said why. */
static void test_files_of_strangers_are_refused(struct world *world, gconstpointer data)
{
    g_autofree char *id = open_case(world, ALICE, "assistance", HELP);
    struct cases *bob = world->sides[BOB].cases;
    struct case_attachment hostile = file_of("hostile", "of a stranger");
    struct case_file file = { id, CASE_STREAM_SHARED, hostile.sha256, hostile.size };
    struct case_file waiting = { "0123456789abcdef0123456789abcdef", CASE_STREAM_SHARED,
                                 hostile.sha256, hostile.size };
    g_autoptr(GPtrArray) attachments = g_ptr_array_new();
    g_autoptr(GBytes) event = NULL, early = NULL;
    g_autoptr(GError) error = NULL;
    struct post post;

    (void)data;
    carry(world, ALICE, TRUE);
    g_ptr_array_add(attachments, &hostile);
    event = strangers_event(id, 1, 1, world->now_us, attachments);
    g_assert_cmpint(cases_take(bob, event, world->now_us, NULL, &error), ==, CASE_NOT_A_PARTY);
    early = strangers_event(waiting.id, 1, 2, world->now_us, attachments);
    g_assert_cmpint(cases_take(bob, early, world->now_us, NULL, &error), ==, CASE_GAP);
    post_open(&post, world);
    g_assert_null(part_comes(&post, &file, "of a stranger", world->now_us));
    g_assert_cmpuint(refusals(&post, "not-announced"), ==, 1);
    /* What may still be announced waits, and is kept nowhere. */
    g_assert_cmpstr(part_comes(&post, &waiting, "of a stranger", world->now_us), ==,
                    "not-announced");
    g_assert_cmpuint(refusals(&post, "not-announced"), ==, 1);
    g_assert_null(cases_attachment_path(bob, &file));
    g_assert_null(cases_attachment_path(bob, &waiting));
    post_close(&post);
}

#define TEST(NAME)                                                                                 \
    g_test_add("/courier/hostile/" #NAME, struct world, NULL, world_set_up, test_##NAME,           \
               world_tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    TEST(no_message_stops_the_next);
    TEST(no_part_stops_the_next);
    TEST(a_round_has_an_end);
    TEST(files_that_never_come_fill_nothing);
    TEST(files_of_strangers_are_refused);
    return g_test_run();
}
