/* Receipts: what a log promised, and whether it kept it. */
#include "base/clock.h"
#include "base/error.h"
#include "log/receipt.h"
#include "log/writer.h"

#include <sodium.h>
#include <string.h>

#define ORIGIN "log.example/2026"
#define NOON G_GINT64_CONSTANT(1795348800000000) /* 2026-11-22T12:00:00Z */

struct fixture {
    char *folder, *log;
    struct signing_key *key, *other;
    GPtrArray *keys;
    struct log_writer *writer;
    struct log_reader *reader;
    guint64 size;
};

static GBytes *entry_of(guint number)
{
    char *text = g_strdup_printf("entry %u", number);

    return g_bytes_new_take(text, strlen(text));
}

/* A log of three entries, published, and a reader that trusts it. */
static void set_up(struct fixture *fixture, gconstpointer data)
{
    const guint8 seed[KEY_SEED_SIZE] = { 7 }, other[KEY_SEED_SIZE] = { 8 };
    struct log_writer_options options = { .threads = 1 };
    g_autoptr(checkpoint_t) checkpoint = NULL;
    g_autoptr(note_t) note = NULL;
    g_autoptr(GBytes) bytes = NULL;
    g_autoptr(GError) error = NULL;

    fixture->folder = g_dir_make_tmp("entente-log-XXXXXX", NULL);
    fixture->log = g_build_filename(fixture->folder, "log", NULL);
    fixture->key = signing_key_from_seed(ORIGIN, seed, NULL);
    fixture->other = signing_key_from_seed("other.example", other, NULL);
    fixture->keys = g_ptr_array_new();
    g_ptr_array_add(fixture->keys, fixture->key->public);
    options.folder = fixture->log;
    options.key = fixture->key;
    g_assert_true(log_create(&options, NULL));
    fixture->writer = log_writer_open(&options, &error);
    g_assert_no_error(error);
    for (guint i = 0; i < 3; i++) {
        g_autoptr(GBytes) entry = entry_of(i);
        guint64 index;

        g_assert_true(log_writer_add(fixture->writer, entry, &index, NULL));
    }
    bytes = log_writer_checkpoint(fixture->writer);
    g_assert_true(log_writer_publish(fixture->writer, bytes, FALSE, NULL));
    fixture->reader = log_reader_new(log_source_folder(fixture->log));
    note = log_reader_checkpoint(fixture->reader, NULL);
    checkpoint =
        checkpoint_parse(g_bytes_get_data(note->text, NULL), g_bytes_get_size(note->text), NULL);
    fixture->size = checkpoint->size;
    g_assert_cmpuint(fixture->size, ==, 3);
    g_assert_true(log_reader_trust(fixture->reader, checkpoint->size, &checkpoint->root, NULL));
}

static void tear_down(struct fixture *fixture, gconstpointer data)
{
    const char *const command[] = { "rm", "-rf", fixture->folder, NULL };

    log_reader_free(fixture->reader);
    log_writer_close(fixture->writer);
    g_assert_true(g_spawn_sync(NULL, (char **)command, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL,
                               NULL, NULL, NULL));
    g_ptr_array_unref(fixture->keys);
    signing_key_free(fixture->key);
    signing_key_free(fixture->other);
    g_free(fixture->folder);
    g_free(fixture->log);
}

static struct receipt receipt_of(enum receipt_status status, guint number, guint64 index)
{
    g_autoptr(merkle_t) merkle = merkle_new();
    g_autoptr(GBytes) entry = entry_of(number);
    struct receipt receipt = { .status = status,
                               .entry = merkle_leaf(merkle, g_bytes_get_data(entry, NULL),
                                                    g_bytes_get_size(entry)),
                               .time_us = NOON,
                               .index = index,
                               .by_us = NOON + RECEIPT_MERGE_DELAY_US,
                               .reason = (char *)"no member of this community" };

    return receipt;
}

static void test_what_is_signed_is_read(struct fixture *fixture, gconstpointer data)
{
    for (enum receipt_status status = RECEIPT_INCLUDED; status <= RECEIPT_REFUSED; status++) {
        const struct receipt wanted = receipt_of(status, 1, 1);
        g_autoptr(GError) error = NULL;
        g_autoptr(GBytes) bytes = receipt_sign(&wanted, fixture->key, &error);
        g_autoptr(receipt_t) receipt = NULL;
        g_autoptr(GBytes) entry = entry_of(1);

        g_assert_no_error(error);
        receipt = receipt_read(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), "receipt",
                               fixture->keys, &error);
        g_assert_no_error(error);
        g_assert_cmpint(receipt->status, ==, status);
        g_assert_cmpstr(receipt->log, ==, ORIGIN);
        g_assert_cmpint(receipt->time_us, ==, NOON);
        g_assert_true(
            receipt_is_for(receipt, g_bytes_get_data(entry, NULL), g_bytes_get_size(entry)));
        g_assert_false(receipt_is_for(receipt, "entry 2", 7));
        g_assert_cmpuint(receipt->index, ==, status == RECEIPT_INCLUDED ? 1 : 0);
        g_assert_cmpint(receipt->by_us, ==,
                        status == RECEIPT_ACCEPTED ? NOON + RECEIPT_MERGE_DELAY_US : 0);
        g_assert_cmpstr(receipt->reason, ==,
                        status == RECEIPT_REFUSED ? "no member of this community" : NULL);
    }
}

/* The envelope's hints may change; what it says may not. */
static void test_no_byte_changes_what_it_says(struct fixture *fixture, gconstpointer data)
{
    const struct receipt wanted = receipt_of(RECEIPT_INCLUDED, 1, 1);
    g_autoptr(GBytes) bytes = receipt_sign(&wanted, fixture->key, NULL);
    const gsize length = g_bytes_get_size(bytes);
    g_autofree guint8 *copy = g_memdup2(g_bytes_get_data(bytes, NULL), length);
    guint refused = 0;

    for (gsize i = 0; i < length; i++) {
        g_autoptr(receipt_t) receipt = NULL;

        copy[i] ^= 1;
        receipt = receipt_read(copy, length, "receipt", fixture->keys, NULL);
        copy[i] ^= 1;
        refused += !receipt;
        if (!receipt)
            continue;
        g_assert_cmpint(receipt->status, ==, wanted.status);
        g_assert_cmpint(receipt->time_us, ==, wanted.time_us);
        g_assert_cmpuint(receipt->index, ==, wanted.index);
        g_assert_cmpmem(&receipt->entry, MERKLE_HASH_SIZE, &wanted.entry, MERKLE_HASH_SIZE);
    }
    g_assert_cmpuint(refused, >, length / 2);
}

static void test_only_the_log_gives_receipts(struct fixture *fixture, gconstpointer data)
{
    const struct receipt wanted = receipt_of(RECEIPT_INCLUDED, 1, 1);
    g_autoptr(GBytes) bytes = receipt_sign(&wanted, fixture->other, NULL);
    g_autoptr(GError) error = NULL;

    g_assert_null(receipt_read(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), "receipt",
                               fixture->keys, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_FOUND);
}

static void test_whether_it_was_honoured(struct fixture *fixture, gconstpointer data)
{
    static const struct {
        enum receipt_status status;
        guint entry;
        guint64 index;
        gint64 seconds_later; /* of the log, after the receipt; -1: unknown */
        enum receipt_verdict verdict;
        guint64 at;
    } cases[] = {
        { RECEIPT_INCLUDED, 1, 1, 1, RECEIPT_HONOURED, 1 },
        { RECEIPT_INCLUDED, 1, 2, -1, RECEIPT_BROKEN, 2 }, /* another entry is there */
        { RECEIPT_INCLUDED, 9, 0, -1, RECEIPT_BROKEN, 0 },
        { RECEIPT_INCLUDED, 9, 7, -1, RECEIPT_PENDING, 7 }, /* an older checkpoint */
        { RECEIPT_INCLUDED, 9, 7, 1, RECEIPT_BROKEN, 7 },
        { RECEIPT_ACCEPTED, 2, 0, 1, RECEIPT_HONOURED, 2 },
        { RECEIPT_ACCEPTED, 9, 0, 60, RECEIPT_PENDING, 0 },
        { RECEIPT_ACCEPTED, 9, 0, 61, RECEIPT_BROKEN, 0 },
        { RECEIPT_ACCEPTED, 9, 0, -1, RECEIPT_PENDING, 0 },
        { RECEIPT_REFUSED, 9, 0, 100, RECEIPT_IDLE, 0 },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        const struct receipt receipt = receipt_of(cases[i].status, cases[i].entry, cases[i].index);
        const gint64 log_time_us =
            cases[i].seconds_later < 0 ? 0 : NOON + cases[i].seconds_later * G_USEC_PER_SEC;
        g_autoptr(GError) error = NULL;
        enum receipt_verdict verdict;
        guint64 index;

        receipt_judge(&receipt, fixture->reader, fixture->size, log_time_us, &verdict, &index,
                      &error);
        g_assert_no_error(error);
        g_assert_cmpint(verdict, ==, cases[i].verdict);
        g_assert_cmpuint(index, ==, cases[i].at);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    if (sodium_init() < 0)
        return 1;
    g_test_add("/receipt/round", struct fixture, NULL, set_up, test_what_is_signed_is_read,
               tear_down);
    g_test_add("/receipt/every-byte", struct fixture, NULL, set_up,
               test_no_byte_changes_what_it_says, tear_down);
    g_test_add("/receipt/only-the-log", struct fixture, NULL, set_up,
               test_only_the_log_gives_receipts, tear_down);
    g_test_add("/receipt/honoured", struct fixture, NULL, set_up, test_whether_it_was_honoured,
               tear_down);
    return g_test_run();
}
