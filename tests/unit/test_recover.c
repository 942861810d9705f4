/* Modules manifest, sample, program, borg: what a backup must give back, and which of it is tried.
 */
#include "base/error.h"
#include "base/file.h"
#include "p1_resilience/recover/borg.h"
#include "p1_resilience/recover/manifest.h"
#include "p1_resilience/recover/sample.h"
#include "sandbox/program.h"

#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- samples --- */

/* The figures of the digest: 1 % and 0.1 % damage at 95 % and 99 %. */
static void test_the_sample_is_as_large_as_the_confidence_needs(void)
{
    g_assert_cmpuint(sample_size(0.95, 0.01, 1000000), ==, 299);
    g_assert_cmpuint(sample_size(0.99, 0.01, 1000000), ==, 459);
    g_assert_cmpuint(sample_size(0.95, 0.001, 1000000), ==, 2995);
    g_assert_cmpuint(sample_size(0.95, 0.01, 40), ==, 40);
    g_assert_cmpuint(sample_size(1, 0.01, 40), ==, 40);
}

static void test_the_same_dice_draw_the_same_files(void)
{
    const guint8 root[DICE_SEED] = { 1, 2, 3 };
    guint8 seed[DICE_SEED], other[DICE_SEED];
    g_autoptr(sample_t) first = NULL, second = NULL, third = NULL;
    gboolean seen[1000] = { FALSE };
    guint64 a, b, c;
    guint differ = 0;

    sample_seed(root, "one", seed);
    sample_seed(root, "two", other);
    first = sample_new(seed, G_N_ELEMENTS(seen));
    second = sample_new(seed, G_N_ELEMENTS(seen));
    third = sample_new(other, G_N_ELEMENTS(seen));
    for (guint i = 0; i < G_N_ELEMENTS(seen); i++) {
        g_assert_true(sample_next(first, &a) && sample_next(second, &b) && sample_next(third, &c));
        g_assert_cmpuint(a, ==, b);
        g_assert_cmpuint(a, <, G_N_ELEMENTS(seen));
        g_assert_false(seen[a]); /* without replacement */
        seen[a] = TRUE;
        differ += a != c;
    }
    g_assert_false(sample_next(first, &a));
    g_assert_cmpuint(differ, >, G_N_ELEMENTS(seen) / 2);
}

/* --- manifests --- */

struct folder {
    char *path, *manifest;
};

static void set_up(struct folder *folder, gconstpointer data)
{
    g_autofree char *sub = NULL, *odd = NULL, *newline = NULL, *link = NULL;

    (void)data;
    folder->path = g_dir_make_tmp("entente-manifest-XXXXXX", NULL);
    folder->manifest = g_strconcat(folder->path, ".manifest", NULL);
    sub = g_build_filename(folder->path, "sub", NULL);
    odd = g_build_filename(sub, "not \xff utf-8", NULL);
    newline = g_build_filename(sub, "two\nlines", NULL);
    link = g_build_filename(folder->path, "link", NULL);
    g_assert_cmpint(g_mkdir(sub, 0700), ==, 0);
    g_assert_true(g_file_set_contents(odd, "odd", -1, NULL));
    g_assert_true(g_file_set_contents(newline, "newline", -1, NULL));
    g_assert_cmpint(symlink("/nowhere", link), ==, 0);
}

static void tear_down(struct folder *folder, gconstpointer data)
{
    g_autofree char *command = g_strdup_printf("rm -rf '%s' '%s'", folder->path, folder->manifest);

    (void)data;
    g_assert_cmpint(system(command), ==, 0);
    g_free(folder->path);
    g_free(folder->manifest);
}

static void test_a_manifest_comes_back_as_it_was(struct folder *folder, gconstpointer data)
{
    const char *const roots[] = { folder->path, folder->path, NULL }; /* one twice */
    g_autoptr(GError) error = NULL;
    g_autoptr(manifest_t) made = manifest_walk(roots, NULL, NULL, &error), read = NULL;
    struct merkle_hash root, again;
    const struct manifest_record *last;

    (void)data;
    g_assert_no_error(error);
    g_assert_cmpuint(made->records->len, ==, 5);
    g_assert_cmpuint(made->files, ==, 2);
    g_assert_cmpuint(made->bytes, ==, strlen("odd") + strlen("newline"));
    g_assert_true(manifest_write(made, folder->manifest, &error));
    read = manifest_read(folder->manifest, &error);
    g_assert_no_error(error);
    root = manifest_root(made);
    again = manifest_root(read);
    g_assert_cmpmem(&root, sizeof root, &again, sizeof again);
    last = &g_array_index(read->records, struct manifest_record, 4);
    g_assert_true(g_str_has_suffix(last->path, "/sub/two\nlines"));
    g_assert_cmpuint(read->files, ==, 2);
}

/* Whatever byte is changed, either the file is refused or its root is another. */
static void test_no_byte_can_be_changed_unseen(struct folder *folder, gconstpointer data)
{
    const char *const roots[] = { folder->path, NULL };
    g_autoptr(manifest_t) made = manifest_walk(roots, NULL, NULL, NULL);
    struct merkle_hash root = manifest_root(made);
    g_autofree char *bytes = NULL;
    gsize length;

    (void)data;
    g_assert_true(manifest_write(made, folder->manifest, NULL));
    g_assert_true(g_file_get_contents(folder->manifest, &bytes, &length, NULL));
    for (gsize i = 0; i < length; i++) {
        g_autoptr(manifest_t) changed = NULL;
        struct merkle_hash other;

        bytes[i] ^= 0x01;
        changed = manifest_parse(bytes, length, "changed", NULL);
        bytes[i] ^= 0x01;
        if (!changed)
            continue;
        other = manifest_root(changed);
        g_assert_cmpint(memcmp(&root, &other, sizeof root), !=, 0);
    }
    g_assert_null(manifest_parse(bytes, length - 1, "short", NULL));
}

static void test_two_walks_of_the_same_have_different_roots(struct folder *folder,
                                                            gconstpointer data)
{
    const char *const roots[] = { folder->path, NULL };
    g_autoptr(manifest_t) first = manifest_walk(roots, NULL, NULL, NULL);
    g_autoptr(manifest_t) second = manifest_walk(roots, NULL, NULL, NULL);
    struct merkle_hash one = manifest_root(first), two = manifest_root(second);

    (void)data;
    g_assert_cmpint(memcmp(&one, &two, sizeof one), !=, 0); /* salted: nobody can try a guess */
}

/* --- programs --- */

static gboolean gather(const void *bytes, gsize length, gpointer data, GError **error)
{
    (void)error;
    g_string_append_len(data, bytes, (gssize)length);
    return TRUE;
}

static gboolean stop(const void *bytes, gsize length, gpointer data, GError **error)
{
    (void)bytes;
    (void)length;
    (void)data;
    (void)error;
    return FALSE;
}

#define ENVIRONMENT ((const char *const[]){ "PATH=/usr/bin:/bin", "WORD=secret", NULL })
#define SHELL(TEXT) ((const char *const[]){ "sh", "-c", TEXT, NULL })

static void test_a_program_says_and_ends(void)
{
    g_autoptr(GString) heard = g_string_new(NULL);
    const struct program program = { SHELL("echo $WORD; echo no >&2; exit 7"), ENVIRONMENT,
                                     10 * G_USEC_PER_SEC, gather, heard };
    g_auto(program_result_t) result = { 0 };

    g_assert_true(program_run(&program, &result, NULL));
    g_assert_cmpint(result.end, ==, PROGRAM_EXITED);
    g_assert_cmpint(result.status, ==, 7);
    g_assert_cmpstr(heard->str, ==, "secret\n");
    g_assert_cmpstr(result.said, ==, "no\n");
}

/* Its child holds the pipe open: the whole group goes. */
static void test_a_program_that_hangs_is_killed_with_its_children(void)
{
    const struct program program = { SHELL("sleep 60 & sleep 60"), ENVIRONMENT, G_USEC_PER_SEC / 5,
                                     NULL, NULL };
    g_auto(program_result_t) result = { 0 };

    g_assert_true(program_run(&program, &result, NULL));
    g_assert_cmpint(result.end, ==, PROGRAM_LATE);
    g_assert_cmpint(result.elapsed_us, <, 10 * G_USEC_PER_SEC);
}

static void test_a_program_is_stopped_or_missing(void)
{
    const struct program endless = { SHELL("yes"), ENVIRONMENT, 10 * G_USEC_PER_SEC, stop, NULL };
    const struct program none = { (const char *const[]){ "no-such-program-here", NULL },
                                  ENVIRONMENT, G_USEC_PER_SEC, NULL, NULL };
    g_auto(program_result_t) stopped = { 0 }, missing = { 0 };

    g_assert_true(program_run(&endless, &stopped, NULL));
    g_assert_cmpint(stopped.end, ==, PROGRAM_STOPPED);
    g_assert_true(program_run(&none, &missing, NULL));
    g_assert_cmpint(missing.end, ==, PROGRAM_MISSING);
}

/* --- what borg says --- */

#define SAYS(LEVEL, MESSAGE)                                                                       \
    "{\"type\": \"log_message\", \"time\": 1.5, \"message\": \"" MESSAGE                           \
    "\", \"levelname\": \"" LEVEL "\", \"name\": \"borg.archiver\"}\n"

static void test_borg_is_told_as_a_sentence(void)
{
    static const struct {
        const char *said, *sentence;
    } rows[] = {
        { SAYS("ERROR", "Repository /srv/r does not exist."), "Repository /srv/r does not exist." },
        { SAYS("WARNING", "a: file changed") SAYS("ERROR", "Data integrity error")
              SAYS("ERROR", "Index object count mismatch."),
          "Data integrity error (and 1 more)" },
        { SAYS("WARNING", "Include pattern 'f' never matched."),
          "Include pattern 'f' never matched." },
        { SAYS("ERROR", "Traceback (most recent call last):\\n  File \\\"a.py\\\", line 1\\n    "
                        "run()\\nconfigparser.Error: no section\\n\\nPlatform: Linux\\n"),
          "configparser.Error: no section" },
        { "sh/archiver.py\", \"levelname\": \"ERROR\"}\n" SAYS("ERROR", "errors found."),
          "errors found." },
        { "{\"type\": \"progress_percent\", \"message\": \"\"}\nssh: Connection refused\r\n",
          "ssh: Connection refused" },
        { "cut\", \"levelname\": \"ERROR\"}\n",
          "borg ended with an error, and said nothing that can be read" },
        { "", "" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *sentence = borg_sentence(rows[i].said);

        g_assert_cmpstr(sentence, ==, rows[i].sentence);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/recover/sample/size", test_the_sample_is_as_large_as_the_confidence_needs);
    g_test_add_func("/recover/sample/same", test_the_same_dice_draw_the_same_files);
    g_test_add("/recover/manifest/back", struct folder, NULL, set_up,
               test_a_manifest_comes_back_as_it_was, tear_down);
    g_test_add("/recover/manifest/unseen", struct folder, NULL, set_up,
               test_no_byte_can_be_changed_unseen, tear_down);
    g_test_add("/recover/manifest/salted", struct folder, NULL, set_up,
               test_two_walks_of_the_same_have_different_roots, tear_down);
    g_test_add_func("/recover/borg/sentence", test_borg_is_told_as_a_sentence);
    g_test_add_func("/recover/program/says", test_a_program_says_and_ends);
    g_test_add_func("/recover/program/hangs",
                    test_a_program_that_hangs_is_killed_with_its_children);
    g_test_add_func("/recover/program/stopped", test_a_program_is_stopped_or_missing);
    return g_test_run();
}
