/*
 * tlog_vectors.h: the vectors of transparency logs: small ones lie in tests/vectors/tlog, big ones
 * are used where ENTENTE_SHARED points, and their tests are skipped where it is not.
 */
#pragma once
#include "base/json.h"
#include "statement/base64.h"
#include "statement/merkle.h"

#include <string.h>

/* The file or folder `name`; NULL when it is nowhere (the test is then marked as skipped). */
static inline char *vectors_path(const char *name)
{
    g_autofree char *own = g_test_build_filename(G_TEST_DIST, "vectors", "tlog", name, NULL);
    const char *shared = g_getenv("ENTENTE_SHARED");
    g_autofree char *big = g_build_filename(shared ? shared : "", "data", "tlog", name, NULL);

    if (g_file_test(own, G_FILE_TEST_EXISTS))
        return g_steal_pointer(&own);
    if (shared && g_file_test(big, G_FILE_TEST_EXISTS))
        return g_steal_pointer(&big);
    g_test_skip("ENTENTE_SHARED has no such vectors");
    return NULL;
}

/* The rows (json_t *) of a file of JSON lines; NULL as above. */
static inline GPtrArray *vectors_rows(const char *name)
{
    g_autofree char *path = vectors_path(name);
    GPtrArray *rows;
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;

    if (!path)
        return NULL;
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    lines = g_strsplit(g_strchomp(text), "\n", -1);
    rows = g_ptr_array_new_with_free_func((GDestroyNotify)json_decref);
    for (guint i = 0; lines[i]; i++) {
        json_t *row = json_loads(lines[i], JSON_ALLOW_NUL, NULL);

        g_assert_nonnull(row);
        g_ptr_array_add(rows, row);
    }
    return rows;
}

static inline GBytes *vectors_bytes(const json_t *row, const char *key)
{
    GBytes *bytes = base64_decode(json_text(row, key), -1);

    g_assert_nonnull(bytes);
    return bytes;
}

/* FALSE when there is no text, or not one of 32 bytes. */
static inline gboolean vectors_hash(const char *base64, struct merkle_hash *hash)
{
    return base64 && base64_decode_into(base64, -1, hash->bytes, sizeof hash->bytes);
}

/* Reads a row's "proof"; FALSE when a hash is not 32 bytes, or there are too many. */
static inline gboolean vectors_proof(const json_t *row, struct merkle_hash *path, guint *length)
{
    const json_t *proof = json_object_get(row, "proof");

    *length = 0;
    if (json_array_size(proof) > MERKLE_PATH_LIMIT)
        return FALSE;
    for (gsize i = 0; i < json_array_size(proof); i++) {
        if (!vectors_hash(json_string_value(json_array_get(proof, i)), &path[(*length)++]))
            return FALSE;
    }
    return TRUE;
}
