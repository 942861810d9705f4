/* Modules tree, tile. */
#include "base/error.h"
#include "log/tile.h"
#include "log/tree.h"
#include "tlog_vectors.h"

#include <glib/gstdio.h>

#define LEAVES 300u

/* All perfect nodes of a small tree, level by level. */
struct nodes {
    struct merkle_hash levels[10][LEAVES];
};

static gboolean stored_node(gpointer data, guint level, guint64 index, struct merkle_hash *hash,
                            GError **error)
{
    struct nodes *nodes = data;

    (void)error;
    g_assert_cmpuint(index, <, LEAVES >> level);
    *hash = nodes->levels[level][index];
    return TRUE;
}

/*
 * A tree that grows leaf by leaf has at each size the root that merkle_root() gives, and all its
 * proofs hold: every leaf's, and from every earlier size.
 */
static void test_growing(void)
{
    g_autoptr(merkle_t) merkle = merkle_new();
    g_autofree struct nodes *nodes = g_new0(struct nodes, 1);
    struct merkle_hash roots[LEAVES + 1], path[MERKLE_PATH_LIMIT], root, completed[TREE_LEVELS];
    struct tree_edge edge = { 0 };
    g_autoptr(GError) error = NULL;
    guint length;

    roots[0] = tree_root(&edge, merkle);
    for (guint i = 0; i < LEAVES; i++) {
        guint levels;

        nodes->levels[0][i] = merkle_leaf(merkle, &i, sizeof i);
        levels = tree_append(&edge, merkle, &nodes->levels[0][i], completed);
        for (guint level = 1; level <= levels; level++)
            nodes->levels[level][i >> level] = completed[level - 1];
        roots[i + 1] = tree_root(&edge, merkle);
        root = merkle_root(merkle, nodes->levels[0], i + 1);
        g_assert_cmpmem(&roots[i + 1], sizeof root, &root, sizeof root);
    }
    for (guint size = 1; size <= LEAVES; size += size < 70 ? 1 : 23) {
        tree_root_of(merkle, size, stored_node, nodes, &root, &error);
        g_assert_no_error(error);
        g_assert_cmpmem(&roots[size], sizeof root, &root, sizeof root);
        for (guint i = 0; i < size; i++) {
            tree_inclusion(merkle, i, size, stored_node, nodes, path, &length, &error);
            g_assert_no_error(error);
            g_assert_true(
                merkle_includes(merkle, &nodes->levels[0][i], i, size, path, length, &roots[size]));
        }
        for (guint old = 0; old <= size; old++) {
            tree_consistency(merkle, old, size, stored_node, nodes, path, &length, &error);
            g_assert_no_error(error);
            g_assert_true(
                tree_is_consistent(merkle, old, &roots[old], size, &roots[size], path, length));
            if (old && old < size)
                g_assert_false(tree_is_consistent(merkle, old, &roots[old - 1], size, &roots[size],
                                                  path, length));
        }
    }
    tree_inclusion(merkle, 5, 5, stored_node, nodes, path, &length, &error);
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
    g_clear_error(&error);
    tree_consistency(merkle, 6, 5, stored_node, nodes, path, &length, &error);
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
    g_clear_error(&error);
}

static gboolean zero_node(gpointer data, guint level, guint64 index, struct merkle_hash *hash,
                          GError **error)
{
    (void)data;
    (void)level;
    (void)index;
    (void)error;
    memset(hash, 0, sizeof *hash);
    return TRUE;
}

/* The largest trees there can be: no proof overflows its room; the one consistency proof that is
 * a hash too long is refused. */
static void test_largest_trees(void)
{
    static const guint64 sizes[] = { G_MAXINT64, G_GUINT64_CONSTANT(1) << 62, 3 };
    g_autoptr(merkle_t) merkle = merkle_new();
    struct merkle_hash path[MERKLE_PATH_LIMIT], root;
    guint length;

    for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_autoptr(GError) error = NULL;

        tree_inclusion(merkle, 0, sizes[i], zero_node, NULL, path, &length, &error);
        g_assert_no_error(error);
        tree_inclusion(merkle, sizes[i] - 1, sizes[i], zero_node, NULL, path, &length, &error);
        g_assert_no_error(error);
        tree_root_of(merkle, sizes[i], zero_node, NULL, &root, &error);
        g_assert_no_error(error);
        if (!tree_consistency(merkle, sizes[i] - 2, sizes[i], zero_node, NULL, path, &length,
                              &error))
            g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
    }
}

/* The two files name their members differently; one has 2^64 - 1, which jansson reads as a real. */
static guint64 number(const json_t *row, const char *key, const char *other)
{
    const double value =
        json_number_value(json_object_get(row, json_object_get(row, key) ? key : other));

    return value >= (double)G_MAXINT64 ? G_MAXUINT64 : (guint64)value;
}

static gboolean row_holds(struct merkle *merkle, const json_t *row)
{
    struct merkle_hash path[MERKLE_PATH_LIMIT], leaf, root, old;
    guint length;

    if (!vectors_proof(row, path, &length))
        return FALSE;
    if (json_object_get(row, "root1"))
        return vectors_hash(json_text(row, "root1"), &old) &&
               vectors_hash(json_text(row, "root2"), &root) &&
               tree_is_consistent(merkle, number(row, "size1", ""), &old, number(row, "size2", ""),
                                  &root, path, length);
    return vectors_hash(json_text(row, "root"), &root) &&
           vectors_hash(json_text(row, json_object_get(row, "leafHash") ? "leafHash" : "leaf_hash"),
                        &leaf) &&
           merkle_includes(merkle, &leaf, number(row, "leafIdx", "index"),
                           number(row, "treeSize", "size"), path, length, &root);
}

/* proofs.jsonl: 448 proofs hold and 2014 broken ones do not, as golang/mod says. */
static void test_proof_vectors(void)
{
    g_autoptr(GPtrArray) rows = vectors_rows("proofs.jsonl");
    g_autoptr(merkle_t) merkle = merkle_new();
    guint good = 0;

    for (guint i = 0; rows && i < rows->len; i++) {
        const gboolean holds = row_holds(merkle, rows->pdata[i]);

        g_test_message("%s: %s", json_text(rows->pdata[i], "id"), json_text(rows->pdata[i], "why"));
        g_assert_cmpint(holds, ==, json_is_true(json_object_get(rows->pdata[i], "expect")));
        good += holds;
    }
    if (rows) {
        g_assert_cmpuint(good, ==, 448);
        g_assert_cmpuint(rows->len, ==, 2462);
    }
}

/* Judges every file of a folder of merkle-proofs; gives how many there were. */
static guint judge_folder(struct merkle *merkle, const char *folder)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name;
    guint count = 0;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        g_autoptr(json_t) row = NULL;

        if (g_file_test(path, G_FILE_TEST_IS_DIR)) {
            count += judge_folder(merkle, path);
            continue;
        }
        row = json_load_file(path, JSON_DECODE_INT_AS_REAL, NULL);
        g_assert_nonnull(row);
        g_test_message("%s", path);
        g_assert_cmpint(row_holds(merkle, row), !=, json_is_true(json_object_get(row, "wantErr")));
        count++;
    }
    return count;
}

/* The cases of transparency-dev/merkle. */
static void test_merkle_cases(void)
{
    g_autofree char *folder = vectors_path("merkle-proofs");
    g_autoptr(merkle_t) merkle = merkle_new();

    if (folder)
        g_assert_cmpuint(judge_folder(merkle, folder), ==, 92);
}

/* ---- tiles ---- */

static void test_tile_paths(void)
{
    static const struct {
        const char *path;
        struct tile tile;
    } good[] = {
        { "tile/0/000", { 0, 0, 256 } },
        { "tile/0/000.p/1", { 0, 0, 1 } },
        { "tile/63/999.p/255", { 63, 999, 255 } },
        { "tile/0/x001/000", { 0, 1000, 256 } },
        { "tile/1/x001/x234/067.p/112", { 1, 1234067, 112 } },
        { "tile/entries/x123/x456/078", { TILE_ENTRIES, 123456078, 256 } },
        { "tile/0/x009/x223/x372/x036/x854/x775/807", { 0, G_MAXINT64, 256 } },
    };
    static const char *const bad[] = {
        "",
        "tile",
        "tile/",
        "tile/0",
        "tile/0/",
        "tile/64/000",
        "tile/00/000",
        "tile/01/000",
        "tile/-1/000",
        "tile/+1/000",
        "tile/0/0",
        "tile/0/0000",
        "tile/0/x001",
        "tile/0/x001/",
        "tile/0/123/456/078",
        "tile/0/x123/456/078",
        "tile/0/x000/001",
        "tile/0/x001/01",
        "tile/0/X001/001",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/012",
        "tile/0/000.p/",
        "tile/0/000.p",
        "tile/0/000.p/-1",
        "tile/0/000.p/1/",
        "tile/0/000/",
        "tile/0/../000",
        "tile/0/000\n",
        "/tile/0/000",
        "Tile/0/000",
        "tile/entries",
        "tile/entries/",
        "tile/entry/000",
        "tile/data/000",
        "tile/0/x009/x223/x372/x036/x854/x775/808",
        "tile/0/x999/x999/x999/x999/x999/x999/999",
    };

    for (guint i = 0; i < G_N_ELEMENTS(good); i++) {
        g_autofree char *path = tile_path(&good[i].tile);
        struct tile tile;

        g_assert_cmpstr(path, ==, good[i].path);
        g_assert_true(tile_parse(path, &tile, NULL));
        g_assert_cmpint(tile.level, ==, good[i].tile.level);
        g_assert_cmpuint(tile.index, ==, good[i].tile.index);
        g_assert_cmpuint(tile.width, ==, good[i].tile.width);
    }
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        struct tile tile;

        g_assert_false(tile_parse(bad[i], &tile, &error));
        g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
    }
}

/* The specification's example of 70,000 entries, and the edges of a level. */
static void test_tile_widths(void)
{
    g_assert_cmpuint(tile_width(0, 272, 70000), ==, 256);
    g_assert_cmpuint(tile_width(0, 273, 70000), ==, 112);
    g_assert_cmpuint(tile_width(TILE_ENTRIES, 273, 70000), ==, 112);
    g_assert_cmpuint(tile_width(0, 274, 70000), ==, 0);
    g_assert_cmpuint(tile_width(1, 0, 70000), ==, 256);
    g_assert_cmpuint(tile_width(1, 1, 70000), ==, 17);
    g_assert_cmpuint(tile_width(2, 0, 70000), ==, 1);
    g_assert_cmpuint(tile_width(3, 0, 70000), ==, 0);
    g_assert_cmpuint(tile_width(0, 0, 0), ==, 0);
    g_assert_cmpuint(tile_width(1, 0, 255), ==, 0);
    g_assert_cmpuint(tile_width(1, 0, 256), ==, 1);
    g_assert_cmpuint(tile_width(63, 0, G_MAXINT64), ==, 0);
    g_assert_cmpuint(tile_width(0, G_MAXUINT64, G_MAXINT64), ==, 0);
}

static void test_tile_of_node(void)
{
    guint first, count;
    struct tile tile = tile_of_node(3, 5, 70000, &first, &count);

    g_assert_cmpint(tile.level, ==, 0);
    g_assert_cmpuint(tile.index, ==, 0);
    g_assert_cmpuint(tile.width, ==, 256);
    g_assert_cmpuint(first, ==, 40);
    g_assert_cmpuint(count, ==, 8);
    tile = tile_of_node(8, 260, 70000, &first, &count);
    g_assert_cmpint(tile.level, ==, 1);
    g_assert_cmpuint(tile.index, ==, 1);
    g_assert_cmpuint(tile.width, ==, 17);
    g_assert_cmpuint(first, ==, 4);
    g_assert_cmpuint(count, ==, 1);
}

static void test_bundles(void)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    g_autofree guint8 *large = g_malloc0(ENTRY_LIMIT);
    g_autoptr(GBytes) bundle = NULL, longer = NULL, shorter = NULL;
    g_autoptr(GPtrArray) entries = NULL;

    bundle_append(bytes, "a", 1);
    bundle_append(bytes, "", 0);
    bundle_append(bytes, large, ENTRY_LIMIT);
    bundle = g_bytes_new(bytes->data, bytes->len);
    shorter = g_bytes_new(bytes->data, bytes->len - 1);
    g_byte_array_append(bytes, large, 1);
    longer = g_bytes_new(bytes->data, bytes->len);
    entries = bundle_split(bundle, 3, NULL);
    g_assert_cmpuint(entries->len, ==, 3);
    g_assert_cmpuint(g_bytes_get_size(entries->pdata[0]), ==, 1);
    g_assert_cmpuint(g_bytes_get_size(entries->pdata[1]), ==, 0);
    g_assert_cmpuint(g_bytes_get_size(entries->pdata[2]), ==, ENTRY_LIMIT);
    g_assert_null(bundle_split(bundle, 2, NULL));
    g_assert_null(bundle_split(bundle, 4, NULL));
    g_assert_null(bundle_split(shorter, 3, NULL));
    g_assert_null(bundle_split(longer, 3, NULL));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/log-tree/growing", test_growing);
    g_test_add_func("/log-tree/largest", test_largest_trees);
    g_test_add_func("/log-tree/proof-vectors", test_proof_vectors);
    g_test_add_func("/log-tree/merkle-cases", test_merkle_cases);
    g_test_add_func("/tile/paths", test_tile_paths);
    g_test_add_func("/tile/widths", test_tile_widths);
    g_test_add_func("/tile/of-node", test_tile_of_node);
    g_test_add_func("/tile/bundles", test_bundles);
    return g_test_run();
}
