/*
 * Modules taxii_filter, taxii_store, taxii_add, pull_state: pages of a collection, whoever writes
 * meanwhile.
 */
#include "base/error.h"
#include "p1_resilience/intel/pull_state.h"
#include "p1_resilience/intel/taxii_store.h"

#include <glib/gstdio.h>
#include <string.h>

#define COLLECTION "c"
#define WRITERS 3
#define EACH 60

static char *folder;

static struct taxii_store *open_store(const char *name)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    g_autoptr(GError) error = NULL;
    struct taxii_store *store = taxii_store_open(path, &error);

    g_assert_no_error(error);
    return store;
}

/* Adds one version; what became of it. */
static struct taxii_addition add(struct taxii_store *store, const char *text)
{
    g_autoptr(json_t) object = json_loads(text, 0, NULL);
    struct taxii_head head;
    struct taxii_addition addition = { .text = text, .length = strlen(text), .head = &head };
    g_autoptr(GError) error = NULL;

    g_assert_nonnull(object);
    taxii_head_of(object, text, strlen(text), &head);
    taxii_store_add(store, COLLECTION, &addition, 1, FALSE, &error);
    g_assert_no_error(error);
    taxii_head_clear(&head);
    addition.head = NULL;
    return addition;
}

static char *object_text(guint number, const char *modified)
{
    return g_strdup_printf("{\"type\":\"note\",\"spec_version\":\"2.1\",\"id\":\"note--%u\","
                           "\"created\":\"2026-11-01T00:00:00.000Z\",\"modified\":\"%s\"}",
                           number, modified);
}

static const char *nothing(const char *name, gpointer data)
{
    (void)name;
    (void)data;
    return NULL;
}

static void everything(struct taxii_filter *filter)
{
    g_assert_true(taxii_filter_read(filter, 0, nothing, NULL, NULL));
}

static void test_version_keys(void)
{
    static const char *const rising[] = {
        "2026-11-01T00:00:00Z",     "2026-11-01T00:00:00.000000001Z", "2026-11-01T00:00:00.12Z",
        "2026-11-01T00:00:00.123Z", "2026-11-01T00:00:01.000Z",
    };
    g_autofree char *before = NULL;

    for (guint i = 0; i < G_N_ELEMENTS(rising); i++) {
        char *key = taxii_version_key(rising[i]);

        g_assert_nonnull(key);
        g_assert_true(!before || strcmp(before, key) < 0);
        g_free(before);
        before = key;
    }
    g_assert_null(taxii_version_key("yesterday"));
    {
        g_autofree char *one = taxii_version_key("2026-11-01T00:00:00.500Z");
        g_autofree char *other = taxii_version_key("2026-11-01T00:00:00.5Z");

        g_assert_cmpstr(one, ==, other);
    }
}

/* Writers through stores of their own, as processes would. */
static gpointer write_some(gpointer data)
{
    g_autoptr(taxii_store_t) store = open_store("shared.db");

    for (guint i = 0; i < EACH; i++) {
        g_autofree char *text =
            object_text(GPOINTER_TO_UINT(data) * EACH + i, "2026-11-01T00:00:00.000Z");
        const struct taxii_addition added = add(store, text);

        g_assert_true(added.is_new);
    }
    return NULL;
}

static void test_reader_misses_nothing(void)
{
    g_autoptr(taxii_store_t) store = open_store("shared.db");
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_auto(taxii_filter_t) filter = { 0 };
    GThread *writers[WRITERS];
    gint64 at_us = -1, last_us = -1;
    guint looks = 0;

    everything(&filter);
    for (guint i = 0; i < WRITERS; i++)
        writers[i] = g_thread_new("writer", write_some, GUINT_TO_POINTER(i));
    while (g_hash_table_size(seen) < WRITERS * EACH) {
        g_autoptr(GError) error = NULL;
        gboolean more;
        g_autoptr(GPtrArray) rows =
            taxii_store_page(store, COLLECTION, NULL, &filter, at_us, 7, &at_us, &more, &error);

        g_assert_no_error(error);
        looks++;
        g_assert_cmpuint(looks, <, 1000000);
        for (guint i = 0; i < rows->len; i++) {
            const struct taxii_row *row = rows->pdata[i];

            g_assert_cmpint(row->added_us, >, last_us);
            last_us = row->added_us;
            g_assert_true(g_hash_table_add(seen, g_strdup(row->id)));
        }
    }
    for (guint i = 0; i < WRITERS; i++)
        g_thread_join(writers[i]);
}

static void test_secret_stays(void)
{
    g_autoptr(taxii_store_t) one = open_store("secret.db"), other = open_store("secret.db");

    g_assert_cmpmem(taxii_store_secret(one), TAXII_SECRET, taxii_store_secret(other), TAXII_SECRET);
}

static void test_versions_follow(void)
{
    g_autoptr(taxii_store_t) store = open_store("versions.db");
    g_autofree char *newest = object_text(1, "2026-11-03T00:00:00.000Z");
    g_autofree char *oldest = object_text(1, "2026-11-02T00:00:00.000Z");
    g_auto(taxii_filter_t) filter = { 0 };
    g_autoptr(GPtrArray) rows = NULL;
    struct taxii_addition first = add(store, newest), again = add(store, newest), older;
    gboolean more;
    gint64 at_us;
    guint deleted;

    g_assert_true(first.is_new);
    g_assert_false(again.is_new);
    g_assert_cmpint(again.added_us, ==, first.added_us);
    older = add(store, oldest);
    g_assert_true(older.is_new); /* an old version may come later */
    everything(&filter);
    rows = taxii_store_page(store, COLLECTION, "note--1", &filter, -1, 10, &at_us, &more, NULL);
    g_assert_cmpuint(rows->len, ==, 1); /* the last version is not the one that came last */
    g_assert_cmpint(((struct taxii_row *)rows->pdata[0])->added_us, ==, first.added_us);
    filter.versions = TAXII_FIRST;
    g_assert_true(taxii_store_delete(store, COLLECTION, "note--1", &filter, &deleted, NULL));
    g_assert_cmpuint(deleted, ==, 1);
}

static void test_pull_state(void)
{
    g_autofree char *path = g_build_filename(folder, "pull.db", NULL);
    g_autoptr(pull_state_t) state = pull_state_open(path, NULL);
    const struct pull_place place = { 3, (char *)"after", (char *)"last", (char *)"next" };
    g_autoptr(GPtrArray) read = g_ptr_array_new();
    g_auto(pull_place_t) kept = { 0 }, other = { 0 };
    gboolean has;

    g_ptr_array_add(read, (gpointer) "id");
    g_ptr_array_add(read, (gpointer) "1");
    g_assert_true(pull_state_save(state, "here", &place, read, NULL));
    pull_state_close(g_steal_pointer(&state));
    state = pull_state_open(path, NULL);
    g_assert_true(pull_state_load(state, "here", &kept, NULL));
    g_assert_cmpint(kept.number, ==, 3);
    g_assert_cmpstr(kept.next, ==, "next");
    g_assert_true(pull_state_has(state, "here", "id", "1", &has, NULL) && has);
    g_assert_true(pull_state_has(state, "there", "id", "1", &has, NULL) && !has);
    g_assert_true(pull_state_load(state, "there", &other, NULL));
    g_assert_null(other.added_after);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    folder = g_dir_make_tmp("entente-taxii-XXXXXX", NULL);
    g_test_add_func("/taxii/version-keys", test_version_keys);
    g_test_add_func("/taxii/reader-misses-nothing", test_reader_misses_nothing);
    g_test_add_func("/taxii/secret-stays", test_secret_stays);
    g_test_add_func("/taxii/versions-follow", test_versions_follow);
    g_test_add_func("/taxii/pull-state", test_pull_state);
    return g_test_run();
}
