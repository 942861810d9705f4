/* Modules note, checkpoint. */
#include "base/error.h"
#include "log/checkpoint.h"
#include "tlog_vectors.h"

#define NOTES 122
#define SEED "0123456789abcdef0123456789abcdef"

/* The verdict name of a note under the row's keys, and what signed it. */
static const char *judge(const json_t *row, const struct note *note, GPtrArray *signed_by)
{
    g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func((GDestroyNotify)note_key_free);
    g_autoptr(GArray) signers = g_array_new(FALSE, FALSE, sizeof(struct note_signer));
    const json_t *vkeys = json_object_get(row, "vkeys");
    enum note_verdict verdict;

    for (gsize i = 0; i < json_array_size(vkeys); i++) {
        struct note_key *key = note_key_parse(json_string_value(json_array_get(vkeys, i)), NULL);

        if (!key)
            return "bad-key";
        g_ptr_array_add(keys, key);
    }
    if (!note)
        return "malformed";
    verdict = note_verify(note, keys, signers);
    for (guint i = 0; i < signers->len; i++) {
        const struct note_signer *signer = &g_array_index(signers, struct note_signer, i);
        const struct note_key *key = keys->pdata[signer->key];
        g_autofree char *hex = hex_encode(key->id, KEY_ID_SIZE);

        g_assert_cmpint(signer->time_s != 0, ==, key->type == NOTE_KEY_COSIGNATURE);
        g_ptr_array_add(signed_by, g_strdup_printf("%s+%s", key->name, hex));
    }
    return note_verdict_name(verdict);
}

/* notes.jsonl: the verdict that golang/mod and torchwood give, and the keys that signed. */
static void test_vectors(void)
{
    g_autoptr(GPtrArray) rows = vectors_rows("notes.jsonl");

    g_assert_cmpuint(rows->len, ==, NOTES);
    for (guint i = 0; i < rows->len; i++) {
        const json_t *row = rows->pdata[i];
        const json_t *is_checkpoint = json_object_get(row, "is_checkpoint");
        const json_t *verified = json_object_get(row, "verified");
        g_autoptr(GBytes) bytes = vectors_bytes(row, "note_b64");
        g_autoptr(GPtrArray) signed_by = g_ptr_array_new_with_free_func(g_free);
        gsize length, text_length;
        const void *data = g_bytes_get_data(bytes, &length), *text;
        g_autoptr(note_t) note = note_parse(data, length, "note", NULL);
        g_autoptr(checkpoint_t) checkpoint = NULL;

        g_test_message("%s: %s", json_text(row, "id"), json_text(row, "why"));
        g_assert_cmpstr(judge(row, note, signed_by), ==, json_text(row, "expect"));
        if (strcmp(json_text(row, "expect"), "ok") != 0)
            continue;
        g_assert_cmpuint(signed_by->len, ==, json_array_size(verified));
        for (guint j = 0; j < signed_by->len; j++)
            g_assert_cmpstr(signed_by->pdata[j], ==,
                            json_string_value(json_array_get(verified, j)));
        text = g_bytes_get_data(note->text, &text_length);
        checkpoint = checkpoint_parse(text, text_length, NULL);
        if (!json_is_null(is_checkpoint))
            g_assert_cmpint(checkpoint != NULL, ==, json_is_true(is_checkpoint));
    }
}

/* Every text of a key one byte longer or shorter names no key. */
static void test_altered_keys_are_refused(void)
{
    static const char vkey[] =
        "witness.example.org+b8a2cf20+BFLN3yikSfFkVAJtrnh/CiY3Zozkoy7clp+P7XB28qUN";
    g_autoptr(note_key_t) key = note_key_parse(vkey, NULL);
    g_autofree char *text = note_key_text(key);

    g_assert_cmpint(key->type, ==, NOTE_KEY_COSIGNATURE);
    g_assert_cmpstr(text, ==, vkey);
    for (gsize i = 0; i < strlen(vkey); i++) {
        g_autofree char *shorter = g_strndup(vkey, i);
        g_autofree char *altered = g_strdup(vkey);
        g_autofree char *tail = g_strconcat(vkey, "A", NULL);

        altered[i]++;
        g_assert_null(note_key_parse(shorter, NULL));
        g_assert_null(note_key_parse(altered, NULL));
        g_assert_null(note_key_parse(tail, NULL));
    }
}

/* FiloSottile/sunlight's example of a cosignature, and its time. */
static void test_cosignature_example(void)
{
    static const char note_text[] =
        "rome2026h1.example.org\n300\nlCkHUpkmVBEms2r2T1K6Og69+wUuuN3MIEW1/ezu2v0=\n\n"
        "\342\200\224 witness.example.org uKLPIAAAAABpVGeAhm2bOvKc3LaB9PFN1ruG19Y5yqslmcAAbhftnn1Z"
        "znmo0LXFZq4LGvqKqLX8jWlwLKasxEGTLIqAVusneCBmBw==\n";
    g_autoptr(note_t) note = note_parse(note_text, strlen(note_text), "example", NULL);
    g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func((GDestroyNotify)note_key_free);
    g_autoptr(GArray) signers = g_array_new(FALSE, FALSE, sizeof(struct note_signer));

    g_ptr_array_add(
        keys,
        note_key_parse("witness.example.org+b8a2cf20+BFLN3yikSfFkVAJtrnh/CiY3Zozkoy7clp+P7XB28qUN",
                       NULL));
    g_assert_cmpint(note_verify(note, keys, signers), ==, NOTE_GOOD);
    g_assert_cmpuint(g_array_index(signers, struct note_signer, 0).time_s, ==, 1767139200);
}

/* A checkpoint that is signed and cosigned here verifies here, with both keys; a second line of
 * the same witness counts once, a false one spoils the note. */
static void test_round_trip(void)
{
    g_autoptr(signing_key_t) log =
        signing_key_from_seed("log.example/a", (const guint8 *)SEED, NULL);
    g_autoptr(signing_key_t) witness =
        signing_key_from_seed("w.example", (const guint8 *)SEED, NULL);
    const struct merkle_hash root = { { 7 } };
    g_autofree char *text = checkpoint_text("log.example/a", 42, &root);
    g_autofree char *own = note_sign_line(log, text, strlen(text));
    g_autofree char *at_5 = note_cosign_line(witness, text, strlen(text), 5);
    g_autofree char *at_6 = note_cosign_line(witness, text, strlen(text), 6);
    g_autofree char *other = note_cosign_line(witness, text, strlen(text) - 1, 7);
    g_autofree char *lines = g_strconcat(own, at_5, at_6, NULL);
    g_autofree char *false_lines = g_strconcat(lines, other, NULL);
    g_autoptr(GBytes) bytes = note_assemble(text, strlen(text), lines);
    g_autoptr(GBytes) false_bytes = note_assemble(text, strlen(text), false_lines);
    g_autoptr(note_t) note =
        note_parse(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), "note", NULL);
    g_autoptr(note_t) false_note = note_parse(g_bytes_get_data(false_bytes, NULL),
                                              g_bytes_get_size(false_bytes), "note", NULL);
    g_autoptr(checkpoint_t) checkpoint =
        checkpoint_parse(g_bytes_get_data(note->text, NULL), g_bytes_get_size(note->text), NULL);
    g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func((GDestroyNotify)note_key_free);
    g_autoptr(GArray) signers = g_array_new(FALSE, FALSE, sizeof(struct note_signer));

    g_ptr_array_add(keys, note_key_new(NOTE_KEY_ED25519, log->public));
    g_ptr_array_add(keys, note_key_new(NOTE_KEY_COSIGNATURE, witness->public));
    g_assert_cmpint(note_verify(note, keys, signers), ==, NOTE_GOOD);
    g_assert_cmpuint(signers->len, ==, 2);
    g_assert_cmpuint(g_array_index(signers, struct note_signer, 1).time_s, ==, 5);
    g_assert_cmpint(note_verify(false_note, keys, signers), ==, NOTE_INVALID);
    g_assert_cmpuint(signers->len, ==, 0);
    g_assert_cmpstr(checkpoint->origin, ==, "log.example/a");
    g_assert_cmpuint(checkpoint->size, ==, 42);
    g_assert_cmpmem(checkpoint->root.bytes, MERKLE_HASH_SIZE, root.bytes, MERKLE_HASH_SIZE);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/note/vectors", test_vectors);
    g_test_add_func("/note/altered-keys-are-refused", test_altered_keys_are_refused);
    g_test_add_func("/note/cosignature-example", test_cosignature_example);
    g_test_add_func("/note/round-trip", test_round_trip);
    return g_test_run();
}
