/*
 * Modules relations and relations_file (p2_internet/routes/): files of who is whose provider, whole
 * and broken ones, and the paths that contradict them.
 */
#include "base/error.h"
#include "p2_internet/routes/relations.h"

#include <string.h>
#include <unistd.h>

/*
 *      1299 ─── 3356 ─── 174       peers
 *       │   \    │        │
 *      3333  \  7018     2914      customers
 *              \ │
 *              64500
 */
static const char serial1[] = "# source: made here\n"
                              "1299|3356|0\n3356|174|0\n"
                              "1299|3333|-1\r\n3356|7018|-1\n174|2914|-1\n"
                              "1299|64500|-1\n7018|64500|-1\n";

static struct relations *relations_from(const char *text)
{
    struct relations *relations = relations_new();
    GError *error = NULL;

    g_assert_true(relations_take(relations, text, strlen(text), "rel", &error));
    g_assert_no_error(error);
    relations_seal(relations);
    return relations;
}

static void test_who_is_what(void)
{
    g_autoptr(relations_t) relations = relations_from(serial1);

    g_assert_cmpuint(relations_count(relations), ==, 7);
    g_assert_cmpint(relations_of(relations, 3333, 1299), ==, RELATION_PROVIDER);
    g_assert_cmpint(relations_of(relations, 1299, 3333), ==, RELATION_CUSTOMER);
    g_assert_cmpint(relations_of(relations, 3356, 1299), ==, RELATION_PEER);
    g_assert_cmpint(relations_of(relations, 1299, 3356), ==, RELATION_PEER);
    g_assert_cmpint(relations_of(relations, 3333, 3356), ==, RELATION_UNKNOWN);
}

/* Lines of serial-2, the same line twice, and a pair of which both is said. */
static void test_serial2_and_contradictions(void)
{
    g_autoptr(relations_t) relations =
        relations_from("1|2|-1|bgp\n1|2|-1|mlp\n2|3|0|bgp\n3|2|-1|bgp\n4294967295|5|0|bgp");

    g_assert_cmpuint(relations_count(relations), ==, 3);
    g_assert_cmpint(relations_of(relations, 2, 1), ==, RELATION_PROVIDER);
    g_assert_cmpint(relations_of(relations, 2, 3), ==, RELATION_UNKNOWN);
    g_assert_cmpint(relations_of(relations, 3, 2), ==, RELATION_UNKNOWN);
    g_assert_cmpint(relations_of(relations, 5, 4294967295), ==, RELATION_PEER);
}

static const struct {
    guint32 hops[6]; /* nearest first */
    guint32 as;      /* who leaks; 0: nobody */
    guint32 from, to;
} paths[] = {
    { { 3333, 1299, 64500 }, 0, 0, 0 },                       /* up, down */
    { { 7018, 3356, 1299, 3333 }, 0, 0, 0 },                  /* up, across, down */
    { { 2914, 174, 3356, 7018, 64500 }, 0, 0, 0 },            /* up, up, across, down */
    { { 3356, 7018, 64500, 1299, 3333 }, 64500, 1299, 7018 }, /* up, down, up: type 1 */
    { { 174, 3356, 1299, 3333 }, 3356, 1299, 174 },           /* across, across: type 2 */
    { { 3356, 1299, 64500, 7018 }, 64500, 7018, 1299 },
    { { 1299, 3356, 174, 2914 }, 3356, 174, 1299 },
    { { 174, 3356, 65000, 1299, 3333 }, 0, 0, 0 }, /* of 65000 nothing is known */
    { { 7018, 64500, 0, 1299, 3333 }, 0, 0, 0 },   /* a set between */
    { { 7018, 64500, 7018 }, 0, 0, 0 },            /* back to whom it came from: a loop */
    { { 3333 }, 0, 0, 0 },
};

static void test_paths(void)
{
    g_autoptr(relations_t) relations = relations_from(serial1);

    for (guint i = 0; i < G_N_ELEMENTS(paths); i++) {
        struct relations_leak leak;
        guint count = 0;

        while (count < G_N_ELEMENTS(paths[i].hops) &&
               (paths[i].hops[count] || (count + 1 < 6 && paths[i].hops[count + 1])))
            count++;
        g_test_message("path %u", i);
        if (!paths[i].as) {
            g_assert_false(relations_leak(relations, paths[i].hops, count, &leak));
            continue;
        }
        g_assert_true(relations_leak(relations, paths[i].hops, count, &leak));
        g_assert_cmpuint(leak.as, ==, paths[i].as);
        g_assert_cmpuint(leak.from, ==, paths[i].from);
        g_assert_cmpuint(leak.to, ==, paths[i].to);
    }
}

static const struct {
    const char *text, *problem;
} broken[] = {
    { "1|2|-1\n1|3", "rel: line 2 is not AS|AS|RELATION" },
    { "1|2|-1|bgp|x\n", "rel: line 1 has more columns than AS|AS|RELATION|SOURCE" },
    { "\n0|2|-1\n", "rel: line 2 has no AS number from 1 to 4294967295 where one belongs" },
    { "1|4294967296|0\n", "rel: line 1 has no AS number from 1 to 4294967295 where one belongs" },
    { "AS1|2|0\n", "rel: line 1 has no AS number from 1 to 4294967295 where one belongs" },
    { "7|7|0\n", "rel: line 1 relates an AS to itself" },
    { "1|2|1\n",
      "rel: line 1 has a relation that is neither -1 (provider and customer) nor 0 (peers)" },
    { "# nothing but a comment\n", "rel: has no relations" },
    { "", "rel: has no relations" },
};

static void test_broken_files(void)
{
    g_autofree char *blanks = g_strnfill(300, ' ');

    for (guint i = 0; i < G_N_ELEMENTS(broken); i++) {
        g_autoptr(relations_t) relations = relations_new();
        g_autoptr(GError) error = NULL;

        g_assert_false(
            relations_take(relations, broken[i].text, strlen(broken[i].text), "rel", &error));
        g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
        g_assert_cmpstr(error->message, ==, broken[i].problem);
    }
    {
        g_autofree char *comment = g_strdup_printf("#%s\n1|2|0\n", blanks);
        g_autofree char *line = g_strdup_printf("1|2|0\n%s\n", blanks);
        g_autoptr(relations_t) relations = relations_from(comment), others = relations_new();
        g_autoptr(GError) error = NULL;

        g_assert_cmpuint(relations_count(relations), ==, 1);
        g_assert_false(relations_take(others, line, strlen(line), "rel", &error));
        g_assert_cmpstr(error->message, ==, "rel: line 2 is longer than 256 bytes");
    }
}

/* From a file, by its worker: as many as need several messages. */
static void test_file(void)
{
    g_autofree char *folder = g_dir_make_tmp("entente-relations-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "as-rel.txt", NULL);
    g_autoptr(relations_t) relations = relations_new(), others = relations_new();
    g_autoptr(GString) text = g_string_new("# many\n");
    g_autoptr(GError) error = NULL;

    for (guint i = 1; i <= 40000; i++)
        g_string_append_printf(text, "%u|%u|%d\n", i, i + 1, i % 2 ? -1 : 0);
    g_assert_true(g_file_set_contents(path, text->str, (gssize)text->len, NULL));
    g_assert_true(relations_read(relations, path, &error));
    g_assert_no_error(error);
    relations_seal(relations);
    g_assert_cmpuint(relations_count(relations), ==, 40000);
    g_assert_cmpint(relations_of(relations, 40000, 39999), ==, RELATION_PROVIDER);
    g_assert_cmpint(relations_of(relations, 40001, 40000), ==, RELATION_PEER);

    g_string_append(text, "what is this?\n");
    g_assert_true(g_file_set_contents(path, text->str, (gssize)text->len, NULL));
    g_assert_false(relations_read(others, path, &error));
    g_assert_nonnull(strstr(error->message, "as-rel.txt: line 40002 is not AS|AS|RELATION"));
    g_clear_error(&error);
    g_assert_cmpint(unlink(path), ==, 0);
    g_assert_false(relations_read(others, path, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_SYSTEM);
    g_assert_cmpint(rmdir(folder), ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/relations/who-is-what", test_who_is_what);
    g_test_add_func("/relations/serial2", test_serial2_and_contradictions);
    g_test_add_func("/relations/paths", test_paths);
    g_test_add_func("/relations/broken", test_broken_files);
    g_test_add_func("/relations/file", test_file);
    return g_test_run();
}
