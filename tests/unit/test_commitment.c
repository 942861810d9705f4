/* Modules merkle and commitment. */
#include "base/error.h"
#include "base/json.h"
#include "statement/base64.h"
#include "statement/commitment.h"

#include <string.h>

/* transparency-dev/merkle: eight leaves and the roots of the first n (RFC 6962 section 2.1). */
static const char *const leaf_inputs[] = {
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
};
static const char *const roots[] = {
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
};

static void fill_leaves(struct merkle *merkle, struct merkle_hash *leaves)
{
    for (guint i = 0; i < G_N_ELEMENTS(leaf_inputs); i++) {
        guint8 entry[16];
        gsize length = strlen(leaf_inputs[i]) / 2;

        g_assert_true(hex_decode_into(leaf_inputs[i], entry, length));
        leaves[i] = merkle_leaf(merkle, entry, length);
    }
}

static void test_roots(void)
{
    g_autoptr(merkle_t) merkle = merkle_new();
    struct merkle_hash leaves[8], leaf;
    g_autofree char *hex = NULL;

    fill_leaves(merkle, leaves);
    for (guint n = 0; n < G_N_ELEMENTS(roots); n++) {
        struct merkle_hash root = merkle_root(merkle, leaves, n);
        g_autofree char *text = hex_encode(root.bytes, sizeof root.bytes);

        g_assert_cmpstr(text, ==, roots[n]);
    }
    leaf = merkle_leaf(merkle, "leaf 0", 6);
    hex = hex_encode(leaf.bytes, sizeof leaf.bytes);
    g_assert_cmpstr(hex, ==, "1bb97dcc21635d47e2663efdfd0a174686d98dd701352dd2cd06e8b43fd3d305");
}

/* Every path of every tree up to 70 leaves verifies, at its own index and size alone. */
static void test_paths(void)
{
    enum { LEAVES = 70 };
    g_autoptr(merkle_t) merkle = merkle_new();
    struct merkle_hash leaves[LEAVES], path[MERKLE_PATH_LIMIT + 1];

    for (guint8 i = 0; i < LEAVES; i++)
        leaves[i] = merkle_leaf(merkle, &i, 1);
    for (guint n = 1; n <= LEAVES; n++) {
        struct merkle_hash root = merkle_root(merkle, leaves, n);

        for (guint i = 0; i < n; i++) {
            guint length = merkle_path(merkle, leaves, n, i, path);

            g_assert_true(merkle_includes(merkle, &leaves[i], i, n, path, length, &root));
            g_assert_false(merkle_includes(merkle, &leaves[i], i + 1, n, path, length, &root));
            g_assert_false(
                merkle_includes(merkle, &leaves[(i + 1) % LEAVES], i, n, path, length, &root));
            path[length] = root;
            g_assert_false(merkle_includes(merkle, &leaves[i], i, n, path, length + 1, &root));
            if (length)
                g_assert_false(merkle_includes(merkle, &leaves[i], i, n, path, length - 1, &root));
        }
    }
}

/* One proof: base64 hashes; a hash of another size is refused before anything is computed. */
static gboolean judge(struct merkle *merkle, const char *leaf_text, gint64 index, gint64 size,
                      const json_t *proof, const char *root_text)
{
    struct merkle_hash leaf, root, path[MERKLE_PATH_LIMIT];
    const json_t *item;
    size_t i;

    if (index < 0 || size < 0 || json_array_size(proof) > MERKLE_PATH_LIMIT ||
        !base64_decode_into(leaf_text, -1, leaf.bytes, sizeof leaf.bytes) ||
        !base64_decode_into(root_text, -1, root.bytes, sizeof root.bytes))
        return FALSE;
    json_array_foreach(proof, i,
                       item) if (!base64_decode_into(json_string_value(item), -1, path[i].bytes,
                                                     MERKLE_HASH_SIZE)) return FALSE;
    return merkle_includes(merkle, &leaf, (guint64)index, (guint64)size, path,
                           (guint)json_array_size(proof), &root);
}

static const char *shared(void)
{
    const char *folder = g_getenv("ENTENTE_SHARED");

    if (folder && g_file_test(folder, G_FILE_TEST_IS_DIR))
        return folder;
    g_test_skip("no shared data");
    return NULL;
}

static json_t *read_row(const char *path)
{
    g_autofree char *text = NULL;
    char *big;

    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    big = strstr(text, "18446744073709551615");
    if (big)
        memcpy(big, "-1                  ", strlen("18446744073709551615"));
    return json_parse(text, strlen(text), 1 << 20, path, NULL);
}

static void test_merkle_proofs(void)
{
    g_autoptr(merkle_t) merkle = merkle_new();
    guint good = 0, bad = 0;

    if (!shared())
        return;
    for (char group = '0'; group <= '2'; group++) {
        const char part[] = { group, 0 };
        g_autofree char *folder =
            g_build_filename(shared(), "data", "tlog", "merkle-proofs", "inclusion", part, NULL);
        g_autoptr(GDir) entries = g_dir_open(folder, 0, NULL);
        const char *name;

        while ((name = g_dir_read_name(entries))) {
            g_autofree char *path = g_build_filename(folder, name, NULL);
            /* An index past 2^63 is no JSON integer of ours: read as -1, which is refused. */
            g_autoptr(json_t) row = read_row(path);
            gboolean wanted = !json_is_true(json_object_get(row, "wantErr"));
            const char *leaf = json_text(row, "leafHash"), *root = json_text(row, "root");

            g_assert_nonnull(row);
            g_assert_cmpint(judge(merkle, leaf ? leaf : "", json_number(row, "leafIdx", -1),
                                  json_number(row, "treeSize", -1), json_object_get(row, "proof"),
                                  root ? root : ""),
                            ==, wanted);
            good += wanted;
            bad += !wanted;
        }
    }
    g_assert_cmpuint(good, >=, 3);
    g_assert_cmpuint(bad, >, 30);
}

/* proofs.jsonl: the inclusion proofs judged by golang/mod, valid and broken. */
static void test_peer_proofs(void)
{
    g_autoptr(merkle_t) merkle = merkle_new();
    g_autofree char *path = NULL, *text = NULL;
    g_auto(GStrv) lines = NULL;
    guint good = 0, bad = 0;

    if (!shared())
        return;
    path = g_build_filename(shared(), "data", "tlog", "proofs.jsonl", NULL);
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    lines = g_strsplit(g_strchomp(text), "\n", -1);
    for (guint i = 0; lines[i]; i++) {
        g_autoptr(json_t) row = json_parse(lines[i], strlen(lines[i]), 1 << 20, "row", NULL);
        gboolean wanted = json_is_true(json_object_get(row, "expect"));

        g_assert_nonnull(row);
        if (g_strcmp0(json_text(row, "type"), "inclusion") != 0)
            continue;
        g_assert_cmpint(judge(merkle, json_text(row, "leaf_hash"), json_number(row, "index", -1),
                              json_number(row, "size", -1), json_object_get(row, "proof"),
                              json_text(row, "root")),
                        ==, wanted);
        good += wanted;
        bad += !wanted;
    }
    g_assert_cmpuint(good, >, 100);
    g_assert_cmpuint(bad, >, 500);
}

static struct commitment *sample(void)
{
    struct commitment *commitment = commitment_new();

    for (int i = 0; i < 11; i++) {
        g_autoptr(json_t) value = json_pack("{s:s, s:i}", "type", "score", "score", i);

        g_assert_true(commitment_add(commitment, value, NULL));
    }
    return commitment;
}

static void test_openings(void)
{
    g_autoptr(commitment_t) commitment = sample();
    struct commitment_root root = commitment_root(commitment), other;
    g_autoptr(commitment_t) again = sample();

    g_assert_cmpuint(root.count, ==, 11);
    other = commitment_root(again); /* fresh salts: equal values, another root */
    g_assert_cmpint(memcmp(&root.hash, &other.hash, sizeof root.hash), !=, 0);
    for (gsize i = 0; i < 11; i++) {
        g_autoptr(json_t) opening = commitment_open(commitment, i);
        g_autoptr(GError) error = NULL;

        g_assert_true(commitment_verify(opening, &root, &error));
        g_assert_false(commitment_verify(opening, &other, &error));
        g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_FOUND);
        g_clear_error(&error);
        json_object_set_new(json_object_get(opening, "value"), "score", json_integer(99));
        g_assert_false(commitment_verify(opening, &root, &error));
        g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_FOUND);
        g_clear_error(&error);
        json_object_del(opening, "salt");
        g_assert_false(commitment_verify(opening, &root, &error));
        g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
    }
}

static void test_openings_file(void)
{
    g_autoptr(commitment_t) commitment = sample();
    g_autoptr(json_t) openings = commitment_openings(commitment);
    g_autoptr(GError) error = NULL;
    g_autoptr(commitment_t) again = commitment_from_openings(openings, &error);
    struct commitment_root root = commitment_root(commitment), same;
    json_t *first;

    g_assert_no_error(error);
    same = commitment_root(again);
    g_assert_cmpmem(&root.hash, sizeof root.hash, &same.hash, sizeof same.hash);
    g_assert_cmpuint(commitment_count(again), ==, 11);
    g_assert_cmpint(json_number(commitment_value(again, 3), "score", -1), ==, 3);
    first = json_array_get(json_object_get(openings, "entries"), 0);
    json_object_set_new(first, "value", json_integer(1));
    g_assert_null(commitment_from_openings(openings, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
}

static void test_root_text(void)
{
    static const char *const bad[] = {
        "{}",
        "{\"algorithm\":\"other\",\"root\":\"00\",\"count\":1}",
        "{\"algorithm\":\"" COMMITMENT_ALGORITHM "\",\"root\":\"00\",\"count\":1}",
    };
    struct commitment_root root;

    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(json_t) value = json_parse(bad[i], strlen(bad[i]), 4096, "root", NULL);

        g_assert_false(commitment_root_read(value, &root, NULL));
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/merkle/roots", test_roots);
    g_test_add_func("/merkle/paths", test_paths);
    g_test_add_func("/merkle/proof-vectors", test_merkle_proofs);
    g_test_add_func("/merkle/peer-proofs", test_peer_proofs);
    g_test_add_func("/commitment/openings", test_openings);
    g_test_add_func("/commitment/openings-file", test_openings_file);
    g_test_add_func("/commitment/root-text", test_root_text);
    return g_test_run();
}
