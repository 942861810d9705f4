/*
 * seal_tool.c: the C side of test_seal_web.py.
 *
 *     seal_tool seal KEY...       seals standard input to x25519:... keys
 *     seal_tool open HEX...       opens standard input with private keys
 *     seal_tool reporter WORDS    what follows of a receipt, as JSON
 *     seal_tool size N RECIPIENTS
 *     seal_tool event             judges the envelope of a case's event, by an author without
 *                                 account, and prints its members
 */
#include "base/error.h"
#include "base/file.h"
#include "process/case_event.h"
#include "seal/reporter.h"
#include "seal/seal.h"
#include "statement/base64.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT (64u << 20)

static int put(GBytes *bytes)
{
    gsize length;
    const void *data;

    if (!bytes)
        return EXIT_FOUND;
    data = g_bytes_get_data(bytes, &length);
    return fwrite(data, 1, length, stdout) == length && fflush(stdout) == 0 ? EXIT_DONE
                                                                            : EXIT_SYSTEM;
}

static int run_seal(char **keys, GError **error)
{
    g_autoptr(GPtrArray) recipients = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GBytes) content = file_read("-", LIMIT, error);
    g_autoptr(GBytes) sealed = NULL;

    for (; content && *keys; keys++) {
        struct seal_public *key = g_new0(struct seal_public, 1);

        g_ptr_array_add(recipients, key);
        if (!seal_public_parse(*keys, key, error))
            return EXIT_INPUT;
    }
    sealed = content ? seal_bytes(content, recipients, error) : NULL;
    return put(sealed);
}

static int run_open(char **digits, GError **error)
{
    g_autoptr(GPtrArray) secrets = g_ptr_array_new_with_free_func((GDestroyNotify)seal_secret_free);
    g_autoptr(GBytes) sealed = file_read("-", LIMIT, error);
    g_autoptr(GBytes) content = NULL;

    for (; sealed && *digits; digits++) {
        guint8 private[SEAL_KEY_SIZE];

        if (!hex_decode_into(*digits, private, sizeof private))
            return EXIT_INPUT;
        g_ptr_array_add(secrets, seal_secret_new(private));
    }
    content = sealed ? seal_open(sealed, secrets, error) : NULL;
    return put(content);
}

static int run_reporter(char **words, GError **error)
{
    g_autoptr(secret_t) bits = words[0] ? reporter_parse(words[0], error) : NULL;
    g_autoptr(reporter_t) reporter = bits ? reporter_new(bits) : NULL;
    g_autoptr(secret_t) text = bits ? reporter_words(bits) : NULL;
    g_autofree char *seal = NULL, *sign = NULL, *hint = NULL, *fingerprint = NULL;
    json_t *value;

    if (!reporter)
        return EXIT_INPUT;
    seal = seal_public_text(&reporter->seal->public);
    sign = hex_encode(reporter->key->public->bytes, KEY_PUBLIC_SIZE);
    hint = public_key_hint(reporter->key->public);
    fingerprint = seal_public_fingerprint(&reporter->seal->public);
    value = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "words", text->bytes, "reply_key",
                      seal, "sign", sign, "hint", hint, "fingerprint", fingerprint, "box",
                      reporter->box, "number", reporter->number);
    json_dumpf(value, stdout, JSON_SORT_KEYS);
    json_decref(value);
    return EXIT_DONE;
}

static int run_size(char **numbers, GError **error)
{
    if (!numbers[0] || !numbers[1])
        return EXIT_INPUT;
    printf("%" G_GUINT64_FORMAT "\n",
           seal_size(g_ascii_strtoull(numbers[0], NULL, 10), (guint)atoi(numbers[1])));
    return EXIT_DONE;
}

/* The one key that a reporter without account speaks with. */
static GPtrArray *keys_of(gpointer data, const char *author, gint64 time_us, const char *hint,
                          enum case_verdict *why)
{
    GPtrArray *keys = g_ptr_array_new_with_free_func((GDestroyNotify)public_key_free);
    guint8 bytes[KEY_PUBLIC_SIZE];

    *why = CASE_UNKNOWN_KEY;
    if (case_party_is_key(author) && hex_decode_into(strchr(author, ':') + 1, bytes, sizeof bytes))
        g_ptr_array_add(keys, public_key_new(REPORTER_KEY_NAME, bytes, NULL));
    return keys;
}

static int run_event(char **arguments, GError **error)
{
    const struct case_keys keys = { keys_of, NULL };
    g_autoptr(GBytes) bytes = file_read("-", LIMIT, error);
    g_autoptr(case_event_t) event = bytes ? case_event_parse(bytes, error) : NULL;
    enum case_verdict verdict = event ? case_event_verify(event, &keys) : CASE_MALFORMED;
    const struct kind *kind = event ? kind_find(event->kind) : NULL;
    json_t *value;

    if (!event)
        return EXIT_INPUT;
    if (verdict != CASE_APPLIED)
        return found_error(error, "%s", case_verdict_name(verdict));
    if (!kind)
        return input_error(error, "%s: no such kind", event->kind);
    if (g_str_equal(event->event, CASE_EVENT_OPEN) &&
        !kind_fields_check(kind, event->fields, kind->opens_with, kind->opens_may, error))
        return EXIT_INPUT;
    value = case_event_json(event);
    json_dumpf(value, stdout, JSON_SORT_KEYS);
    json_decref(value);
    return EXIT_DONE;
}

static const struct {
    const char *name;
    int (*run)(char **arguments, GError **error);
} tools[] = {
    { "event", run_event }, { "open", run_open }, { "reporter", run_reporter },
    { "seal", run_seal },   { "size", run_size },
};

int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;

    for (guint i = 0; argc > 1 && i < G_N_ELEMENTS(tools); i++)
        if (g_str_equal(argv[1], tools[i].name)) {
            int status = tools[i].run(argv + 2, &error);

            if (error)
                fprintf(stderr, "%s\n", error->message);
            return error ? error_exit_status(error) : status;
        }
    return EXIT_INPUT;
}
