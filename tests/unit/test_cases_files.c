/*
 * Files of cases (cases_files, cases_attach, cases_sweep, cases_rekey): a file is one of a stream
 * of a case, arrives in parts, is there when all of it is, and goes with its case.
 */
#include "desk_of_two.h"
#include "process/cases_private.h"

#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utime.h>

#define LARGE (3 * 1024 * 1024 + 17)
#define TEXT "what only Alice and Bob have"

/* Says a step with a file of these bytes; gives the file as the case has it. */
static struct case_file attach(struct world *world, guint side, const char *id, const char *event,
                               const char *text, const void *bytes, gsize length)
{
    g_autofree char *path = g_build_filename(world->sides[side].folder, "evidence.bin", NULL);
    const char *const files[] = { path, NULL };
    g_autoptr(json_t) members = fields(text);
    const struct case_draft draft = { .id = id, .event = event, .fields = members, .files = files };
    struct case_file file = { .id = id, .stream = CASE_STREAM_SHARED, .size = length };
    g_autoptr(GError) error = NULL;
    gboolean done;

    world->now_us += SECOND;
    crypto_hash_sha256(file.sha256.bytes, bytes, length);
    g_assert_true(g_file_set_contents(path, bytes, (gssize)length, NULL));
    g_assert_true(cases_say(world->sides[side].cases, &draft, world->sides[side].keys[0],
                            world->now_us, NULL, NULL, &done, &error));
    g_assert_no_error(error);
    g_remove(path);
    return file;
}

static gboolean has(struct world *world, guint side, const struct case_file *file)
{
    g_autofree char *path = cases_attachment_path(world->sides[side].cases, file);

    return path && access(path, F_OK) == 0;
}

static void assert_bytes(struct world *world, guint side, const struct case_file *file,
                         const void *bytes, gsize length)
{
    g_autofree char *path = cases_attachment_path(world->sides[side].cases, file), *content = NULL;
    gsize found;

    g_assert_nonnull(path);
    g_assert_true(g_file_get_contents(path, &content, &found, NULL));
    g_assert_cmpmem(content, found, bytes, length);
}

static enum case_verdict add(struct world *world, guint side, const struct case_file *file,
                             guint64 offset, const void *bytes, gsize length, gboolean *whole)
{
    g_autoptr(GBytes) part = g_bytes_new(bytes, length);
    g_autoptr(GError) error = NULL;
    enum case_verdict verdict =
        cases_attachment_add(world->sides[side].cases, file, offset, part, whole, &error);

    g_assert_no_error(error);
    return verdict;
}

static void arrives(struct world *world, guint side, const struct case_file *file, const char *text)
{
    gboolean whole;

    g_assert_cmpint(add(world, side, file, 0, text, strlen(text), &whole), ==, CASE_APPLIED);
    g_assert_true(whole);
}

static void tick(struct world *world, guint side)
{
    g_autoptr(GError) error = NULL;
    guint happened;

    g_assert_true(cases_tick(world->sides[side].cases, world->now_us, &happened, &error));
    g_assert_no_error(error);
}

/* How many files lie in the folder of a case. */
static guint files_of(struct world *world, guint side, const char *id)
{
    g_autofree char *folder =
        g_build_filename(world->sides[side].folder, CASES_ATTACHMENTS, id, NULL);
    g_autoptr(GDir) directory = g_dir_open(folder, 0, NULL);
    guint count = 0;

    while (directory && g_dir_read_name(directory))
        count++;
    return count;
}

static char *put(struct world *world, guint side, const char *id, const char *file_name,
                 gint64 age_us)
{
    const struct utimbuf times = { (world->now_us - age_us) / SECOND,
                                   (world->now_us - age_us) / SECOND };
    g_autofree char *folder =
        g_build_filename(world->sides[side].folder, CASES_ATTACHMENTS, id, NULL);
    char *path = g_build_filename(folder, file_name, NULL);

    g_mkdir_with_parents(folder, 0700);
    g_assert_true(g_file_set_contents(path, "stray", -1, NULL));
    g_assert_cmpint(utime(path, &times), ==, 0);
    return path;
}

/* --- they arrive --- */

static void test_in_parts(struct world *world, gconstpointer data)
{
    static const gsize order[] = { 2, 0, 3, 1 }; /* MiB at which parts begin */
    g_autofree char *id = open_case(world, ALICE, "assistance", HELP);
    g_autofree guint8 *bytes = g_malloc(LARGE);
    g_autoptr(json_t) list = NULL;
    gboolean whole = FALSE;
    struct case_file file;

    (void)data;
    randombytes_buf(bytes, LARGE);
    file = attach(world, ALICE, id, "attach", "{}", bytes, LARGE);
    g_assert_true(has(world, ALICE, &file));
    carry(world, ALICE, TRUE);
    g_assert_false(has(world, BOB, &file));
    for (guint i = 0; i < G_N_ELEMENTS(order); i++) {
        const gsize start = order[i] << 20, length = MIN(1 << 20, LARGE - start);

        g_assert_false(whole);
        for (guint twice = 0; twice < 2; twice++)
            g_assert_cmpint(add(world, BOB, &file, start, bytes + start, length, &whole), ==,
                            CASE_APPLIED);
    }
    g_assert_true(whole);
    assert_bytes(world, BOB, &file, bytes, LARGE);
    list = cases_attachments(world->sides[BOB].cases, id, NULL);
    g_assert_cmpuint(json_array_size(list), ==, 1);
    g_assert_cmpstr(json_text(json_array_get(list, 0), "name"), ==, "evidence.bin");
    g_assert_cmpstr(json_text(json_array_get(list, 0), "stream"), ==, "shared");
    g_assert_true(json_is_true(json_object_get(json_array_get(list, 0), "whole")));
}

/* No part of it ever comes: it is there with the event that names it. */
static void test_an_empty_file_is_whole_at_once(struct world *world, gconstpointer data)
{
    g_autofree char *id = open_case(world, ALICE, "assistance", HELP);
    struct case_file file = attach(world, ALICE, id, "attach", "{}", "", 0);

    (void)data;
    assert_bytes(world, ALICE, &file, "", 0);
    carry(world, ALICE, TRUE);
    assert_bytes(world, BOB, &file, "", 0);
}

static void test_wrong_bytes_never_become_visible(struct world *world, gconstpointer data)
{
    g_autofree char *id = open_case(world, ALICE, "assistance", HELP);
    struct case_file file = attach(world, ALICE, id, "attach", "{}", "hello", 5);
    gboolean whole;

    (void)data;
    carry(world, ALICE, TRUE);
    g_assert_cmpint(add(world, BOB, &file, 0, "hello!", 6, &whole), ==, CASE_MALFORMED);
    g_assert_cmpint(add(world, BOB, &file, 5, "!", 1, &whole), ==, CASE_MALFORMED);
    g_assert_cmpint(add(world, BOB, &file, 0, "evil!", 5, &whole), ==, CASE_MALFORMED);
    g_assert_false(whole);
    g_assert_false(has(world, BOB, &file));
    arrives(world, BOB, &file, "hello");
    assert_bytes(world, BOB, &file, "hello", 5);
}

/* Killed in the middle: what was said to be there is, and the rest completes it. */
static void test_a_half_file_goes_on(struct world *world, gconstpointer data)
{
    g_autofree char *id = open_case(world, ALICE, "assistance", HELP);
    struct case_file file = attach(world, ALICE, id, "attach", "{}", "hello", 5);
    g_autofree char *path = NULL, *part = NULL;
    gboolean whole;

    (void)data;
    carry(world, ALICE, TRUE);
    g_assert_cmpint(add(world, BOB, &file, 0, "hel", 3, &whole), ==, CASE_APPLIED);
    cases_close(world->sides[BOB].cases);
    side_open(world, BOB);
    g_assert_cmpint(add(world, BOB, &file, 3, "lo", 2, &whole), ==, CASE_APPLIED);
    g_assert_true(whole);
    path = cases_attachment_path(world->sides[BOB].cases, &file);
    /* After it was recorded as whole, and before it had its name. */
    part = g_strconcat(path, CASES_PART_SUFFIX, NULL);
    g_assert_cmpint(g_rename(path, part), ==, 0);
    world->now_us += 2 * DAY;
    tick(world, BOB);
    assert_bytes(world, BOB, &file, "hello", 5);
    g_assert_cmpint(access(part, F_OK), !=, 0);
}

/* --- whose they are --- */

/* Who names what is here for another case gets nothing by it, and has to send it. */
static void test_a_file_belongs_to_its_case(struct world *world, gconstpointer data)
{
    g_autofree char *first = open_case(world, ALICE, "assistance", HELP);
    g_autofree char *second = open_case(world, BOB, "assistance", HELP);
    struct case_file file = attach(world, ALICE, first, "attach", "{}", TEXT, strlen(TEXT));
    struct case_file named = file;
    g_autoptr(json_t) list = NULL;

    (void)data;
    carry(world, ALICE, TRUE);
    carry(world, BOB, TRUE);
    arrives(world, BOB, &file, TEXT);
    attach(world, ALICE, second, "attach", "{}", TEXT, strlen(TEXT));
    carry(world, ALICE, TRUE);
    named.id = second;
    g_assert_false(has(world, BOB, &named));
    list = cases_attachments(world->sides[BOB].cases, second, NULL);
    g_assert_cmpint(json_number(json_array_get(list, 0), "have", 0), ==, 0);
    g_assert_false(json_is_true(json_object_get(json_array_get(list, 0), "whole")));
    arrives(world, BOB, &named, TEXT);
    /* Each goes with its own case. */
    say(world, ALICE, first, "withdraw", "{'reason':'it was a mistake'}");
    carry(world, ALICE, TRUE);
    g_assert_true(cases_erase(world->sides[BOB].cases, first, NULL));
    g_assert_cmpuint(files_of(world, BOB, first), ==, 0);
    g_assert_false(has(world, BOB, &file));
    assert_bytes(world, BOB, &named, TEXT, strlen(TEXT));
}

/* Nor what is here in a stream that its author does not read. */
static void test_a_file_belongs_to_its_stream(struct world *world, gconstpointer data)
{
    g_autofree char *id = open_case(world, ALICE, "assistance", HELP);
    struct case_file inside, named;

    (void)data;
    carry(world, ALICE, TRUE);
    inside = attach(world, BOB, id, "note", "{'text':'for us'}", TEXT, strlen(TEXT));
    inside.stream = CASE_STREAM_LOCAL;
    g_assert_true(has(world, BOB, &inside));
    named = attach(world, ALICE, id, "attach", "{}", TEXT, strlen(TEXT));
    carry(world, ALICE, TRUE);
    g_assert_false(has(world, BOB, &named));
    arrives(world, BOB, &named, TEXT);
    assert_bytes(world, BOB, &named, TEXT, strlen(TEXT));
}

static void test_the_size_is_part_of_the_name(struct world *world, gconstpointer data)
{
    g_autofree char *id = open_case(world, ALICE, "assistance", HELP);
    struct case_file file = attach(world, ALICE, id, "attach", "{}", TEXT, strlen(TEXT));
    struct case_file longer = file;
    gboolean whole;

    (void)data;
    carry(world, ALICE, TRUE);
    arrives(world, BOB, &file, TEXT);
    longer.size++;
    g_assert_false(has(world, BOB, &longer));
    g_assert_cmpint(add(world, BOB, &longer, 0, TEXT, strlen(TEXT), &whole), ==, CASE_GAP);
    g_assert_false(whole);
}

static void test_what_no_event_announces(struct world *world, gconstpointer data)
{
    g_autofree char *id = open_case(world, ALICE, "assistance", HELP);
    struct case_file file = attach(world, ALICE, id, "attach", "{}", TEXT, strlen(TEXT));
    struct case_file other = file;
    gboolean whole;

    (void)data;
    carry(world, ALICE, TRUE);
    other.sha256.bytes[0] ^= 1;
    g_assert_cmpint(add(world, BOB, &other, 0, "x", 1, &whole), ==, CASE_GAP);
    g_assert_cmpuint(files_of(world, BOB, id), ==, 0);
    say(world, ALICE, id, "withdraw", "{'reason':'it was a mistake'}");
    carry(world, ALICE, TRUE);
    g_assert_true(cases_erase(world->sides[BOB].cases, id, NULL));
    g_assert_cmpint(add(world, BOB, &file, 0, TEXT, strlen(TEXT), &whole), ==, CASE_NOT_ANNOUNCED);
    g_assert_cmpuint(files_of(world, BOB, id), ==, 0);
}

/* A draft's file is not here for others, and is there when the second person has signed. */
static void test_a_draft_keeps_its_file(struct world *world, gconstpointer data)
{
    g_autofree char *id = open_case(world, ALICE, "assistance", HELP), *draft = NULL;
    struct case_file file, named;
    g_autoptr(GError) error = NULL;
    g_autoptr(query_t) query = NULL;
    struct cases *bob = world->sides[BOB].cases;
    gboolean done, row;

    (void)data;
    carry(world, ALICE, TRUE);
    say(world, BOB, id, "acknowledge", "{}");
    file = attach(world, BOB, id, "decline", "{'reason':'no people','referral':'CERT'}", TEXT,
                  strlen(TEXT));
    g_assert_false(has(world, BOB, &file));
    named = attach(world, ALICE, id, "attach", "{}", TEXT, strlen(TEXT));
    carry(world, ALICE, TRUE);
    g_assert_false(has(world, BOB, &named));
    world->now_us += 3 * DAY;
    tick(world, BOB);
    query = cases_ask(bob, &error, "SELECT id FROM draft", "");
    g_assert_true(query_step(query, &row, &error) && row);
    draft = cases_text_column(query, 0);
    g_clear_pointer(&query, query_done);
    g_assert_true(
        cases_approve(bob, draft, world->sides[BOB].keys[1], world->now_us, &done, &error));
    g_assert_no_error(error);
    g_assert_true(done);
    assert_bytes(world, BOB, &file, TEXT, strlen(TEXT));
}

/* --- what is left behind --- */

static void test_strays_go_after_a_day(struct world *world, gconstpointer data)
{
    g_autofree char *id = open_case(world, ALICE, "assistance", HELP);
    struct case_file file = attach(world, ALICE, id, "attach", "{}", TEXT, strlen(TEXT));
    g_autofree char *old = NULL, *fresh = NULL, *nobodys = NULL, *copy = NULL, *folder = NULL;
    const gint64 old_us = DAY + HOUR;

    (void)data;
    world->now_us = clock_now_us();
    old = put(world, ALICE, id, "stray.part", old_us);
    fresh = put(world, ALICE, id, "stray.new", HOUR);
    nobodys = put(world, ALICE, "0123456789abcdef0123456789abcdef", "stray", old_us);
    copy = put(world, ALICE, "", "copy-abcdef.new", old_us);
    tick(world, ALICE);
    g_assert_cmpint(access(old, F_OK), !=, 0);
    g_assert_cmpint(access(nobodys, F_OK), !=, 0);
    g_assert_cmpint(access(copy, F_OK), !=, 0);
    g_assert_cmpint(access(fresh, F_OK), ==, 0);
    assert_bytes(world, ALICE, &file, TEXT, strlen(TEXT));
    /* Empty folders, too. */
    folder = g_path_get_dirname(nobodys);
    world->now_us += 2 * DAY;
    tick(world, ALICE);
    g_assert_cmpint(access(fresh, F_OK), !=, 0);
    g_assert_cmpint(access(folder, F_OK), !=, 0);
    assert_bytes(world, ALICE, &file, TEXT, strlen(TEXT));
}

/* --- a store of before --- */

/* Makes the store one of version 1, in which files are known by their digest alone. */
static void make_old(struct world *world, guint side, const struct case_file *file)
{
    static const char *const steps[] = {
        "DROP TABLE part",
        "DROP TABLE attached",
        "CREATE TABLE attached (id TEXT NOT NULL, sha256 BLOB NOT NULL, name TEXT NOT NULL, "
        "PRIMARY KEY (id, sha256)) STRICT",
        "INSERT INTO attached SELECT id, sha256, 'evidence.bin' FROM attachment",
        "DROP TABLE attachment",
        "CREATE TABLE attachment (sha256 BLOB PRIMARY KEY NOT NULL, size INTEGER NOT NULL, "
        "whole INTEGER NOT NULL) STRICT",
        "CREATE INDEX attached_where ON attached (sha256)",
        "CREATE TABLE part (sha256 BLOB NOT NULL, start INTEGER NOT NULL, stop INTEGER NOT NULL, "
        "PRIMARY KEY (sha256, start)) STRICT",
        "PRAGMA user_version = 1",
    };
    struct cases *cases = world->sides[side].cases;
    g_autofree char *hex = case_hash_hex(&file->sha256), *new_path = NULL, *old_path = NULL;
    g_autoptr(GError) error = NULL;

    new_path = cases_attachment_path(cases, file);
    old_path = g_build_filename(world->sides[side].folder, CASES_ATTACHMENTS, hex, NULL);
    g_assert_cmpint(g_rename(new_path, old_path), ==, 0);
    for (guint i = 0; i < G_N_ELEMENTS(steps); i++) {
        g_assert_true(cases_do(cases, &error, steps[i], ""));
        g_assert_no_error(error);
    }
    g_assert_true(cases_do(cases, &error, "INSERT INTO attachment VALUES ($1, $2, 1)", "hi",
                           &file->sha256, (gint64)file->size));
    cases_close(cases);
}

/* Its files go to the case that they came for, and not to who named them afterwards. */
static void test_a_store_of_before(struct world *world, gconstpointer data)
{
    g_autofree char *first = open_case(world, ALICE, "assistance", HELP);
    g_autofree char *second = open_case(world, ALICE, "assistance", HELP);
    g_autofree char *third = open_case(world, ALICE, "assistance", HELP);
    struct case_file file = attach(world, ALICE, first, "attach", "{}", TEXT, strlen(TEXT));
    struct case_file named = attach(world, ALICE, second, "attach", "{}", TEXT, strlen(TEXT));
    struct case_file empty = attach(world, ALICE, second, "attach", "{}", "", 0), own;
    g_autofree char *hex = case_hash_hex(&file.sha256), *old = NULL;
    struct stat status;

    (void)data;
    carry(world, ALICE, TRUE);
    arrives(world, BOB, &file, TEXT);
    own = attach(world, BOB, third, "attach", "{}", TEXT, strlen(TEXT));
    make_old(world, BOB, &file);
    side_open(world, BOB);
    assert_bytes(world, BOB, &file, TEXT, strlen(TEXT));
    assert_bytes(world, BOB, &own, TEXT, strlen(TEXT));
    assert_bytes(world, BOB, &empty, "", 0);
    g_assert_false(has(world, BOB, &named));
    arrives(world, BOB, &named, TEXT);
    old = g_build_filename(world->sides[BOB].folder, CASES_ATTACHMENTS, hex, NULL);
    g_assert_cmpint(stat(old, &status), !=, 0);
    /* And once only. */
    cases_close(world->sides[BOB].cases);
    side_open(world, BOB);
    assert_bytes(world, BOB, &named, TEXT, strlen(TEXT));
}

#define TEST(NAME)                                                                                 \
    g_test_add("/cases-files/" #NAME, struct world, NULL, world_set_up, test_##NAME,               \
               world_tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    TEST(in_parts);
    TEST(an_empty_file_is_whole_at_once);
    TEST(wrong_bytes_never_become_visible);
    TEST(a_half_file_goes_on);
    TEST(a_file_belongs_to_its_case);
    TEST(a_file_belongs_to_its_stream);
    TEST(the_size_is_part_of_the_name);
    TEST(what_no_event_announces);
    TEST(a_draft_keeps_its_file);
    TEST(strays_go_after_a_day);
    TEST(a_store_of_before);
    return g_test_run();
}
