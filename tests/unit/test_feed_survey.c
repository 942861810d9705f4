/* What the files of one build say of one another's STIX objects (feed_survey.h). */
#include "feed_reading.h"
#include "p1_resilience/hunt/feed_private.h"
#include "p1_resilience/hunt/feed_survey.h"

#include <glib/gstdio.h>

#define ID "indicator--11111111-1111-4111-8111-111111111111"
#define CERT "identity--aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"
#define OTHER "identity--bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb"
#define OLD "2024-01-01T00:00:00.000Z"
#define NEW "2024-01-01T00:00:00.001Z"

#define VERSION(AUTHOR, MODIFIED, MORE)                                                            \
    "{\"type\":\"indicator\",\"id\":\"" ID "\",\"created_by_ref\":\"" AUTHOR "\","                 \
    "\"modified\":\"" MODIFIED "\"" MORE "}"
#define NAME(MODIFIED, TEXT)                                                                       \
    "{\"type\":\"identity\",\"id\":\"" CERT "\",\"modified\":\"" MODIFIED "\",\"name\":\"" TEXT    \
    "\"}"

#define MARKING_ID(NUMBER) "marking-definition--cccccccc-cccc-4ccc-8ccc-cccccccccc0" NUMBER
#define MARKING(NUMBER, TYPE, TEXT)                                                                \
    "{\"type\":\"marking-definition\",\"id\":\"" MARKING_ID(                                       \
        NUMBER) "\",\"definition_type\":\"" TYPE "\",\"definition\":{\"" TYPE "\":\"" TEXT "\"}}"

typedef struct {
    char *folder;
    GPtrArray *paths; /* ends with NULL when surveyed */
    feed_survey_t *survey;
} fixture;

static void set_up(fixture *f, gconstpointer data)
{
    f->folder = g_dir_make_tmp("entente-survey-XXXXXX", NULL);
    f->paths = g_ptr_array_new_with_free_func(g_free);
}

static void tear_down(fixture *f, gconstpointer data)
{
    feed_survey_free(f->survey);
    for (guint i = 0; i < f->paths->len; i++)
        if (f->paths->pdata[i])
            g_unlink(f->paths->pdata[i]);
    g_assert_cmpint(g_rmdir(f->folder), ==, 0); /* nothing else is left */
    g_ptr_array_unref(f->paths);
    g_free(f->folder);
}

static void add(fixture *f, const char *text)
{
    g_autofree char *name = g_strdup_printf("%u.json", f->paths->len);
    char *path = g_build_filename(f->folder, name, NULL);

    g_assert_true(g_file_set_contents(path, text, -1, NULL));
    g_ptr_array_add(f->paths, path);
}

static void add_object(fixture *f, const char *object)
{
    g_autofree char *text = g_strdup_printf("{\"objects\":[%s]}", object);

    add(f, text);
}

static void survey(fixture *f)
{
    const struct feed_options options = defaults();
    GError *error = NULL;

    g_ptr_array_add(f->paths, NULL);
    f->survey =
        feed_survey_new((const char *const *)f->paths->pdata, NULL, f->folder, &options, &error);
    g_assert_no_error(error);
}

/* Whether something newer was found than this version. */
static gboolean is_old(const fixture *f, const char *object)
{
    g_autoptr(json_t) tree = json_parse(object, strlen(object), 1 << 16, "object", NULL);
    const struct feed_version version = feed_version_of(tree);
    const guint64 newest = feed_survey_newest(f->survey, &version);

    g_assert_cmpuint(newest, >=, version.version);
    return newest > version.version;
}

static void test_the_newest_of_all_files_counts(fixture *f, gconstpointer data)
{
    add_object(f, VERSION(CERT, NEW, ""));
    add_object(f, VERSION(CERT, OLD, ""));
    survey(f);
    g_assert_true(is_old(f, VERSION(CERT, OLD, "")));
    g_assert_false(is_old(f, VERSION(CERT, NEW, "")));
}

static void test_a_withdrawal_comes_after_its_moment(fixture *f, gconstpointer data)
{
    add_object(f, VERSION(CERT, OLD, ",\"revoked\":true"));
    add_object(f, VERSION(CERT, OLD, ""));
    survey(f);
    g_assert_true(is_old(f, VERSION(CERT, OLD, "")));
    g_assert_false(is_old(f, VERSION(CERT, OLD, ",\"revoked\":true")));
    g_assert_false(is_old(f, VERSION(CERT, NEW, ""))); /* of a file that came later */
}

static void test_nobody_replaces_what_another_says(fixture *f, gconstpointer data)
{
    add_object(f, VERSION(CERT, OLD, ""));
    add_object(f, VERSION(OTHER, NEW, ",\"revoked\":true"));
    survey(f);
    g_assert_false(is_old(f, VERSION(CERT, OLD, "")));
}

static void test_authors_stand_in_any_file(fixture *f, gconstpointer data)
{
    add_object(f, NAME(NEW, "CERT Example"));
    add_object(f, NAME(OLD, "CERT Former"));
    survey(f);
    g_assert_cmpstr(feed_survey_name(f->survey, CERT), ==, "CERT Example");
    g_assert_null(feed_survey_name(f->survey, OTHER));
    g_assert_null(feed_survey_name(NULL, CERT));
}

static enum tlp level_of(const fixture *f, const char *reference)
{
    g_autoptr(json_t) object =
        json_pack("{s:s, s:[s]}", "type", "indicator", "object_marking_refs", reference);
    const struct marking_context context = { .others = feed_survey_markings(f->survey),
                                             .fallback = TLP_AMBER };

    return marking_level(object, &context);
}

static void test_markings_are_defined_in_any_file(fixture *f, gconstpointer data)
{
    add_object(f, MARKING("1", "tlp", "green") "," MARKING("2", "tlp", "white"));
    add_object(f, MARKING("2", "tlp", "red") "," MARKING("3", "tlp", "ultra"));
    add_object(f, MARKING("2", "tlp", "green") "," MARKING("4", "statement", "ours"));
    add_object(f, "{\"type\":\"marking-definition\",\"id\":\"\"}"); /* of no name */
    survey(f);
    g_assert_cmpint(level_of(f, MARKING_ID("1")), ==, TLP_GREEN);
    g_assert_cmpint(level_of(f, MARKING_ID("2")), ==, TLP_RED);   /* the strictest of them */
    g_assert_cmpint(level_of(f, MARKING_ID("3")), ==, TLP_RED);   /* no level that is known */
    g_assert_cmpint(level_of(f, MARKING_ID("4")), ==, TLP_AMBER); /* it says nothing of it */
    g_assert_cmpint(level_of(f, MARKING_ID("5")), ==, TLP_AMBER); /* defined nowhere */
    g_assert_null(feed_survey_markings(NULL));
}

static void test_of_too_many_markings_none_becomes_more_open(fixture *f, gconstpointer data)
{
    survey(f);
    for (guint i = 0; i < MARKINGS_MAX + 1; i++) {
        g_autofree char *body = g_strdup_printf("\1marking-definition--%u", i);

        g_assert_true(feed_survey_take_marking(f->survey, (const guint8 *)body, strlen(body) + 1));
    }
    g_assert_cmpint(level_of(f, "marking-definition--7"), ==, TLP_CLEAR);
    g_assert_cmpint(level_of(f, "marking-definition--65536"), ==, TLP_RED);
    g_assert_true(
        feed_survey_take_marking(f->survey, (const guint8 *)"\5marking-definition--7", 23));
    g_assert_cmpint(level_of(f, "marking-definition--7"), ==, TLP_RED);
}

static void test_what_cannot_be_read_is_passed_over(fixture *f, gconstpointer data)
{
    add_object(f, VERSION(CERT, OLD, ""));
    add(f, "{\"objects\":[" VERSION(CERT, OLD, "") ", {");
    add(f, "evil.example\n{\n");
    add(f, "{\"Event\":{\"uuid\":\"5c6c7a64-ec9c-425a-a081-2c570a016219\",\"info\":\"x\"}}");
    add(f, "");
    g_ptr_array_add(f->paths, g_build_filename(f->folder, "missing.json", NULL));
    add_object(f, VERSION(CERT, NEW, ""));
    survey(f);
    g_assert_true(is_old(f, VERSION(CERT, OLD, "")));
}

static gboolean stop(guint64 done, guint64 total, const char *path, gpointer data)
{
    return FALSE;
}

static void test_it_can_be_stopped(fixture *f, gconstpointer data)
{
    struct feed_options options = defaults();
    GError *error = NULL;

    options.progress = stop;
    add_object(f, VERSION(CERT, OLD, ""));
    add_object(f, VERSION(CERT, NEW, ""));
    g_ptr_array_add(f->paths, NULL);
    g_assert_null(
        feed_survey_new((const char *const *)f->paths->pdata, NULL, f->folder, &options, &error));
    g_assert_nonnull(error);
    g_clear_error(&error);
}

/* A worker that was taken over may say anything. */
static void test_messages_that_are_none(fixture *f, gconstpointer data)
{
    static const struct {
        const char *body;
        gsize length;
    } names[] = {
        { "", 0 },
        { "01234567", 8 },
        { "01234567\0", 9 },
        { "01234567\0\0x", 11 },
        { "01234567id\0name", 15 },
        { "01234567id\0name\0more", 21 },
        { "01234567idname\0", 15 },
    };
    g_autofree guint8 *body = g_malloc0(sizeof(struct feed_version) + 1);
    gboolean sound = TRUE;

    survey(f);
    for (guint i = 0; i < G_N_ELEMENTS(names); i++)
        g_assert_false(
            feed_survey_take_name(f->survey, (const guint8 *)names[i].body, names[i].length));
    g_assert_true(feed_survey_take_name(f->survey, (const guint8 *)"01234567id\0name", 16));
    g_assert_cmpstr(feed_survey_name(f->survey, "id"), ==, "name");
    g_assert_false(feed_survey_take_marking(f->survey, (const guint8 *)"", 1));
    g_assert_false(feed_survey_take_marking(f->survey, (const guint8 *)"\1", 2));
    g_assert_false(feed_survey_take_marking(f->survey, (const guint8 *)"\1id", 3));
    g_assert_false(feed_survey_take_marking(f->survey, (const guint8 *)"\1id\0x", 6));
    g_assert_false(feed_survey_take_marking(f->survey, (const guint8 *)"\6id", 4));
    g_assert_true(feed_survey_take_marking(f->survey, (const guint8 *)"\5id", 4));
    g_assert_cmpint(level_of(f, "id"), ==, TLP_RED);
    g_assert_false(
        feed_survey_take_versions(f->survey, body, sizeof(struct feed_version) + 1, &sound, NULL));
    g_assert_false(sound);
}

#define TEST(NAME, FUNCTION) g_test_add("/survey/" NAME, fixture, NULL, set_up, FUNCTION, tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    TEST("newest", test_the_newest_of_all_files_counts);
    TEST("withdrawal", test_a_withdrawal_comes_after_its_moment);
    TEST("creator", test_nobody_replaces_what_another_says);
    TEST("authors", test_authors_stand_in_any_file);
    TEST("markings", test_markings_are_defined_in_any_file);
    TEST("markings/many", test_of_too_many_markings_none_becomes_more_open);
    TEST("unread", test_what_cannot_be_read_is_passed_over);
    TEST("stop", test_it_can_be_stopped);
    TEST("messages", test_messages_that_are_none);
    return g_test_run();
}
