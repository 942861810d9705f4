/* Signed notes: what is read is written again the same; a key that signed nothing finds nothing. */
#include "statement/note.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Its text and its signature lines, put together again; their base64 has one form. */
static void check_again(const struct note *note, const uint8_t *data, size_t size)
{
    g_autoptr(GString) lines = g_string_new(NULL);
    g_autoptr(GBytes) again = NULL;
    gsize length;
    const void *text = g_bytes_get_data(note->text, &length);

    for (guint i = 0; i < note->signatures->len; i++) {
        g_autofree char *line = note_signature_line(note->signatures->pdata[i]);

        g_string_append(lines, line);
    }
    again = note_assemble(text, length, lines->str);
    g_assert_cmpmem(g_bytes_get_data(again, NULL), g_bytes_get_size(again), data, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const guint8 bytes[KEY_PUBLIC_SIZE] = { 1, 2, 3 };
    g_autoptr(public_key_t) key = public_key_new("fuzz", bytes, NULL);
    g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func((GDestroyNotify)note_key_free);
    g_autoptr(note_t) note = note_parse(data, size, "fuzz", NULL);
    g_autofree char *vkey = g_strndup((const char *)data, size);
    g_autoptr(note_key_t) parsed = note_key_parse(vkey ? vkey : "", NULL);

    if (parsed) {
        g_autofree char *text = note_key_text(parsed);

        g_assert_cmpstr(text, ==, vkey);
    }
    g_ptr_array_add(keys, note_key_new(NOTE_KEY_ED25519, key));
    g_ptr_array_add(keys, note_key_new(NOTE_KEY_COSIGNATURE, key));
    if (note) {
        check_again(note, data, size);
        g_assert_cmpint(note_verify(note, keys, NULL), !=, NOTE_GOOD);
    }
    return 0;
}
