#include "log/cosigning.h"

#include "base/decimal.h"

#include <string.h>

GBytes *cosigning_request(guint64 old_size, const struct merkle_hash *path, guint length,
                          GBytes *note)
{
    GString *body = g_string_new(NULL);

    g_string_append_printf(body, "old %" G_GUINT64_FORMAT "\n", old_size);
    for (guint i = 0; i < length; i++) {
        g_autofree char *hash = g_base64_encode(path[i].bytes, MERKLE_HASH_SIZE);

        g_string_append_printf(body, "%s\n", hash);
    }
    g_string_append_c(body, '\n');
    g_string_append_len(body, g_bytes_get_data(note, NULL), (gssize)g_bytes_get_size(note));
    return g_string_free_to_bytes(body);
}

const char *cosigning_outcome_name(enum cosigning_outcome outcome)
{
    static const char *const names[] = { "good", "other-size", "conflict", "not-accepted",
                                         "broken" };

    return names[outcome];
}

void cosigning_answer_clear(struct cosigning_answer *answer)
{
    g_clear_pointer(&answer->line, g_free);
    g_clear_pointer(&answer->message, g_free);
}

static char *line_of(const struct note_signature *signature)
{
    gsize length;
    const guint8 *bytes = g_bytes_get_data(signature->bytes, &length);
    g_autofree guint8 *blob = g_malloc(KEY_ID_SIZE + length);
    g_autofree char *text = NULL;

    memcpy(blob, signature->id, KEY_ID_SIZE);
    memcpy(blob + KEY_ID_SIZE, bytes, length);
    text = g_base64_encode(blob, KEY_ID_SIZE + length);
    return g_strdup_printf("\xe2\x80\x94 %s %s\n", signature->name, text);
}

static gboolean is_of(const struct note_signature *signature, const struct note_key *key)
{
    return g_str_equal(signature->name, key->name) &&
           memcmp(signature->id, key->id, KEY_ID_SIZE) == 0;
}

/* The answer's lines, under the text they are meant for. */
static void read_cosignature(GBytes *lines, GBytes *text, const struct note_key *witness,
                             struct cosigning_answer *answer)
{
    g_autofree char *copy = g_strndup(g_bytes_get_data(lines, NULL), g_bytes_get_size(lines));
    g_autoptr(GBytes) whole =
        note_assemble(g_bytes_get_data(text, NULL), g_bytes_get_size(text), copy);
    g_autoptr(GPtrArray) keys = g_ptr_array_new();
    g_autoptr(GArray) signers = g_array_new(FALSE, FALSE, sizeof(struct note_signer));
    g_autoptr(GError) error = NULL;
    g_autoptr(note_t) note =
        note_parse(g_bytes_get_data(whole, NULL), g_bytes_get_size(whole), witness->name, &error);

    answer->outcome = COSIGNING_BROKEN;
    if (!note || !g_bytes_equal(note->text, text)) {
        answer->message = g_strdup(note ? "the answer is no signature line" : error->message);
        return;
    }
    g_ptr_array_add(keys, (gpointer)witness);
    if (note_verify(note, keys, signers) != NOTE_GOOD) {
        answer->message = g_strdup("the answer holds no cosignature that verifies");
        return;
    }
    for (guint i = 0; i < note->signatures->len && !answer->line; i++)
        if (is_of(note->signatures->pdata[i], witness))
            answer->line = line_of(note->signatures->pdata[i]);
    answer->outcome = COSIGNING_GOOD;
    answer->time_s = g_array_index(signers, struct note_signer, 0).time_s;
}

static void read_size(GBytes *body, struct cosigning_answer *answer)
{
    gsize length;
    const char *text = g_bytes_get_data(body, &length);

    if (length > 1 && text[length - 1] == '\n' && decimal_parse(text, length - 1, &answer->size)) {
        answer->outcome = COSIGNING_OTHER_SIZE;
        return;
    }
    answer->outcome = COSIGNING_CONFLICT;
    answer->message = g_strdup("409 without a size: it holds another history of this log");
}

void cosigning_read(const struct http_answer *http, GBytes *text, const struct note_key *witness,
                    struct cosigning_answer *answer)
{
    static const struct {
        guint status;
        enum cosigning_outcome outcome;
        const char *message;
    } statuses[] = {
        { 403, COSIGNING_NOT_ACCEPTED, "403: it does not accept this log's key" },
        { 404, COSIGNING_NOT_ACCEPTED, "404: it does not know this log" },
        { 422, COSIGNING_CONFLICT, "422: it does not accept the consistency proof" },
    };

    memset(answer, 0, sizeof *answer);
    if (http->status == 200) {
        read_cosignature(http->body, text, witness, answer);
        return;
    }
    if (http->status == 409) {
        read_size(http->body, answer);
        return;
    }
    for (guint i = 0; i < G_N_ELEMENTS(statuses); i++) {
        if (statuses[i].status != http->status)
            continue;
        answer->outcome = statuses[i].outcome;
        answer->message = g_strdup(statuses[i].message);
        return;
    }
    answer->outcome = COSIGNING_BROKEN;
    answer->message = g_strdup_printf("status %u", http->status);
}
