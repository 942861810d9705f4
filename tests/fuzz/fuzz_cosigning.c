/* Answers of witnesses: nothing unsigned is a cosignature, and a size is one number. */
#include "log/cosigning.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const guint8 bytes[KEY_PUBLIC_SIZE] = { 1, 2, 3 };
    static const char text[] =
        "call.example/2026\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";
    static const guint statuses[] = { 200, 403, 404, 409, 422, 500 };
    g_autoptr(public_key_t) stranger = public_key_new("w.example/witness", bytes, NULL);
    g_autoptr(note_key_t) key = note_key_new(NOTE_KEY_COSIGNATURE, stranger);
    g_autoptr(GBytes) checkpoint = g_bytes_new_static(text, strlen(text));
    g_autoptr(GBytes) body = g_bytes_new_static(data, size);

    for (guint i = 0; i < G_N_ELEMENTS(statuses); i++) {
        const struct http_answer http = { .status = statuses[i], .body = body };
        struct cosigning_answer answer;

        cosigning_read(&http, checkpoint, key, &answer);
        g_assert_cmpint(answer.outcome, !=, COSIGNING_GOOD);
        g_assert_null(answer.line);
        if (answer.outcome == COSIGNING_OTHER_SIZE) {
            g_autofree char *again = g_strdup_printf("%" G_GUINT64_FORMAT "\n", answer.size);

            g_assert_cmpuint(statuses[i], ==, 409);
            g_assert_cmpmem(again, strlen(again), data, size);
        }
        cosigning_answer_clear(&answer);
    }
    return 0;
}
