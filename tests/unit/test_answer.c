/* Modules answer, restic, borg, listing: what backup tools answer, and the worker that reads it. */
#include "base/error.h"
#include "p1_resilience/recover/borg.h"
#include "p1_resilience/recover/restic.h"

#include <stdlib.h>
#include <string.h>

#define NODE                                                                                       \
    "{\"name\":\"a\",\"type\":\"file\",\"path\":\"/src/%s\",\"size\":3,"                           \
    "\"mtime\":\"2026-11-22T14:44:10.067512296Z\",\"struct_type\":\"node\"}\n"
#define ARCHIVES                                                                                   \
    "{\"archives\":[{\"name\":\"one\",\"time\":\"2026-11-22T14:44:25.000000\"},"                   \
    "{\"name\":\"two.checkpoint\",\"time\":\"2026-11-22T14:44:25.000000\"}]}"

static const struct answer_form restic_lines = { restic_read_node, FALSE };
static const struct answer_form borg_lines = { borg_read_item, FALSE };
static const struct answer_form borg_archives = { borg_read_archives, TRUE };
static const struct answer_form restic_ids = { restic_read_id, FALSE };
static const struct answer_form restic_snapshots = { restic_read_snapshots, TRUE };

/* What a worker reads out of pieces of this size. */
static gboolean read_in_pieces(const struct answer_form *form, const char *text, gsize piece,
                               told_fn tell, gpointer data, GError **error)
{
    g_autoptr(spool_t) spool = spool_new(g_get_tmp_dir(), form, error);
    gsize left = strlen(text);

    g_assert_nonnull(spool);
    for (const char *at = text; left; at += piece, left -= MIN(piece, left))
        g_assert_true(spool_add(spool, at, MIN(piece, left), error));
    return spool_read(spool, tell, data, error);
}

static void test_a_listing_is_read_from_any_pieces(void)
{
    for (gsize piece = 1; piece < 400; piece += 37) {
        g_autoptr(GString) text = g_string_new("{\"struct_type\":\"snapshot\"}\n\n");
        g_autoptr(listing_t) listing = listing_new();
        g_autoptr(GError) error = NULL;
        const struct listed *listed;

        g_string_append_printf(text, NODE NODE, "one", "two\\nlines");
        g_string_truncate(text, text->len - 1); /* the last line has no end */
        g_assert_true(
            read_in_pieces(&restic_lines, text->str, piece, listing_tell, listing, &error));
        g_assert_cmpuint(listing->files, ==, 2);
        listed = listing_find(listing, "src/two\nlines");
        g_assert_nonnull(listed);
        g_assert_cmpint(listed->size, ==, 3);
        g_assert_cmpint(listed->mtime_us % G_USEC_PER_SEC, ==, 67512);
    }
}

static void test_many_files_come_in_many_messages(void)
{
    const guint count = 40000; /* some megabytes */
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(listing_t) listing = listing_new();
    g_autoptr(GError) error = NULL;

    for (guint i = 0; i < count; i++) {
        g_autofree char *name = g_strdup_printf("folder/%u", i);

        g_string_append_printf(text, NODE, name);
    }
    g_assert_true(
        read_in_pieces(&restic_lines, text->str, 1u << 16, listing_tell, listing, &error));
    g_assert_cmpuint(listing->files, ==, count);
    g_assert_nonnull(listing_find(listing, "src/folder/39999"));
}

static void test_further_names_and_lost_bytes_are_borgs_own_words(void)
{
    g_autoptr(listing_t) listing = listing_new();

    g_assert_true(read_in_pieces(
        &borg_lines,
        "{\"type\":\"-\",\"mode\":\"hrw-r--r--\",\"path\":\"a\",\"healthy\":true,\"source\":\"b\","
        "\"size\":0,\"mtime\":\"2026-11-22T14:44:10.067251\"}\n"
        "{\"type\":\"-\",\"mode\":\"-rw-r--r--\",\"path\":\"b\",\"healthy\":false,\"size\":1}\n",
        7, listing_tell, listing, NULL));
    g_assert_cmpstr(listing_alias_of(listing, "a"), ==, "b");
    g_assert_cmpint(listing_find(listing, "a")->size, ==, -1);
    g_assert_cmpuint(listing->damaged, ==, 1);
}

static void test_snapshots_are_read_whole(void)
{
    g_autoptr(GPtrArray) snapshots = g_ptr_array_new_with_free_func((GDestroyNotify)snapshot_free);
    const struct snapshot *snapshot;

    g_assert_true(read_in_pieces(&borg_archives, ARCHIVES, 11, snapshots_tell, snapshots, NULL));
    g_assert_cmpuint(snapshots->len, ==, 1); /* a checkpoint is no snapshot */
    g_assert_true(read_in_pieces(
        &restic_snapshots,
        "[{\"time\":\"2026-11-22T14:44:11Z\",\"id\":\"c1f5330c\",\"paths\":[\"/a\",\"/b c\"]},"
        "{\"time\":\"2026-11-22T14:44:12Z\",\"id\":\"c1f5330d\",\"tags\":[\"entente-canary\"]}]",
        5, snapshots_tell, snapshots, NULL));
    g_assert_cmpuint(snapshots->len, ==, 2);
    snapshot = snapshots->pdata[1];
    g_assert_cmpstr(snapshot->id, ==, "c1f5330c");
    g_assert_cmpstr(snapshot->paths[1], ==, "/b c");
    g_assert_null(snapshot->paths[2]);
}

static void nothing(const struct told *told, gpointer data)
{
    (void)told;
    (void)data;
}

static void test_what_is_no_answer_is_refused(void)
{
    static const struct {
        const struct answer_form *form;
        const char *text;
    } rows[] = {
        { &restic_lines, "not JSON\n" },
        { &restic_lines, "{\"struct_type\":\"node\"}\n" },
        { &borg_lines, "{\"path\":\"a\"}" },
        { &borg_archives, "{\"archives\":7}" },
        { &borg_archives, "" },
        { &restic_snapshots, "{}" },
        { &restic_ids, "../../etc/shadow\n" },
        { &restic_ids, "abc\n" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_false(read_in_pieces(rows[i].form, rows[i].text, 100, nothing, NULL, &error));
        g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
    }
}

static void test_a_line_has_a_bound(void)
{
    g_autofree char *line = g_strnfill(ANSWER_LINE_LIMIT + 1, ' ');
    g_autoptr(GError) error = NULL;

    g_assert_false(read_in_pieces(&restic_lines, line, 1u << 18, nothing, NULL, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
}

static gboolean crash(const char *text, gsize length, told_fn tell, gpointer data)
{
    (void)text;
    (void)length;
    (void)tell;
    (void)data;
    _Exit(EXIT_FAILURE);
}

static void test_a_parser_that_breaks_is_an_error(void)
{
    static const struct answer_form form = { crash, TRUE };
    g_autoptr(GError) error = NULL;

    g_assert_false(read_in_pieces(&form, "{}", 2, nothing, NULL, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_SYSTEM);
}

/* Whatever a worker that was taken over sends, nothing is read behind its end. */
static void test_the_wire_is_held_to_its_form(void)
{
    const char *const paths[] = { "/a", "/b", NULL };
    const struct told told = { .kind = TOLD_SNAPSHOT, .name = "id", .paths = paths };
    g_autoptr(GByteArray) wire = g_byte_array_new();

    answer_encode(wire, &told);
    g_assert_true(answer_decode(wire->data, wire->len, nothing, NULL));
    for (guint length = 1; length < wire->len; length++) {
        g_autofree guint8 *exact = g_memdup2(wire->data, length); /* so that sanitizers see */

        g_assert_false(answer_decode(exact, length, nothing, NULL));
    }
    for (guint i = 0; i < wire->len; i++) {
        g_autofree guint8 *exact = g_memdup2(wire->data, wire->len);

        exact[i] ^= 0xff;
        answer_decode(exact, wire->len, nothing, NULL);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/answer/pieces", test_a_listing_is_read_from_any_pieces);
    g_test_add_func("/answer/many", test_many_files_come_in_many_messages);
    g_test_add_func("/answer/borg", test_further_names_and_lost_bytes_are_borgs_own_words);
    g_test_add_func("/answer/snapshots", test_snapshots_are_read_whole);
    g_test_add_func("/answer/refused", test_what_is_no_answer_is_refused);
    g_test_add_func("/answer/bound", test_a_line_has_a_bound);
    g_test_add_func("/answer/breaks", test_a_parser_that_breaks_is_an_error);
    g_test_add_func("/answer/wire", test_the_wire_is_held_to_its_form);
    return g_test_run();
}
