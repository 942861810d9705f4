/* Modules dsse, dsse_canonical, intoto, predicate, verifier. */
#include "base/error.h"
#include "base/file.h"
#include "statement/base64.h"
#include "statement/commitment.h"
#include "statement/dsse.h"
#include "statement/intoto.h"
#include "statement/key_pem.h"
#include "statement/predicate.h"
#include "statement/verifier.h"

#include <string.h>

#define HEX "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9"

static void test_pae(void)
{
    g_autoptr(GBytes) body = g_bytes_new_static("hello world", 11);
    g_autoptr(GBytes) pae = dsse_pae("http://example.com/HelloWorld", body);
    static const char wanted[] = "DSSEv1 29 http://example.com/HelloWorld 11 hello world";

    g_assert_cmpmem(g_bytes_get_data(pae, NULL), g_bytes_get_size(pae), wanted, strlen(wanted));
}

static GPtrArray *keys_of(const json_t *pems)
{
    GPtrArray *keys = g_ptr_array_new_with_free_func((GDestroyNotify)public_key_free);
    const char *name;
    json_t *pem;

    json_object_foreach((json_t *)pems, name, pem)
    {
        const char *text = json_string_value(pem);
        struct public_key *key = key_pem_public(text, strlen(text), name, NULL);

        g_assert_nonnull(key);
        g_ptr_array_add(keys, key);
    }
    return keys;
}

/* dsse.jsonl: the whole verification of 34 envelopes has the expected verdict. */
static void test_vectors(void)
{
    g_autofree char *path =
        g_test_build_filename(G_TEST_DIST, "vectors", "tlog", "dsse.jsonl", NULL);
    g_autoptr(GPtrArray) keys = NULL;
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;
    guint judged = 0;

    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    lines = g_strsplit(g_strchomp(text), "\n", -1);
    for (guint i = 0; lines[i]; i++) {
        g_autoptr(json_t) row = json_parse(lines[i], strlen(lines[i]), 1 << 20, "row", NULL);
        g_autoptr(GBytes) envelope = NULL;
        g_autoptr(verification_t) verdict = NULL;
        gsize length;
        const void *data;

        g_assert_nonnull(row);
        if (i == 0) {
            keys = keys_of(json_object_get(row, "keys_pem"));
            continue;
        }
        envelope = base64_decode(json_text(row, "envelope_b64"), -1);
        data = g_bytes_get_data(envelope, &length);
        verdict = verify_envelope(data, length, json_text(row, "id"), keys,
                                  (guint)json_number(row, "threshold", 1), TRUE);
        g_test_message("%s %s: %s", json_text(row, "id"), json_text(row, "why"),
                       verdict->message ? verdict->message : "good");
        g_assert_cmpint(verdict->reason == VERIFY_GOOD, ==,
                        json_is_true(json_object_get(row, "expect")));
        judged++;
    }
    g_assert_cmpuint(judged, ==, 34);
}

static struct dsse *signed_document(const struct signing_key *key)
{
    g_autoptr(json_t) predicate = json_pack("{s:i}", "size", 11);
    g_autoptr(GBytes) payload = intoto_build("hello.txt", HEX, PREDICATE_DOCUMENT, predicate, NULL);
    struct dsse *envelope = dsse_new(INTOTO_PAYLOAD_TYPE, payload);

    dsse_sign(envelope, key);
    return envelope;
}

static char *text_of(const struct dsse *envelope)
{
    g_autoptr(json_t) value = dsse_to_json(envelope);

    return json_pretty(value);
}

static enum verify_reason reason_of(const char *text, const GPtrArray *keys, guint threshold)
{
    g_autoptr(verification_t) verdict =
        verify_envelope(text, strlen(text), "case", keys, threshold, FALSE);

    g_assert_true((verdict->reason == VERIFY_GOOD) == !verdict->message);
    return verdict->reason;
}

static void test_reasons(void)
{
    g_autoptr(signing_key_t) ours = signing_key_generate("example.org", NULL);
    g_autoptr(signing_key_t) theirs = signing_key_generate("other.example", NULL);
    g_autoptr(dsse_t) envelope = signed_document(ours);
    g_autoptr(GPtrArray) keys = g_ptr_array_new();
    g_autoptr(GPtrArray) others = g_ptr_array_new();
    g_autofree char *text = text_of(envelope);
    g_autofree char *unknown = NULL, *both = NULL;
    g_autoptr(json_t) predicate = json_object();
    g_autoptr(GBytes) payload =
        intoto_build("a", HEX, "urn:entente:predicate:new:1", predicate, NULL);
    g_autoptr(dsse_t) strange = dsse_new(INTOTO_PAYLOAD_TYPE, payload);

    g_ptr_array_add(keys, ours->public);
    g_ptr_array_add(others, theirs->public);
    g_assert_cmpint(reason_of(text, keys, 1), ==, VERIFY_GOOD);
    g_assert_cmpint(reason_of(text, keys, 2), ==, VERIFY_THRESHOLD);
    g_assert_cmpint(reason_of(text, others, 1), ==, VERIFY_UNKNOWN_KEY);
    g_assert_cmpint(reason_of("{}", keys, 1), ==, VERIFY_MALFORMED);
    dsse_sign(strange, ours);
    unknown = text_of(strange);
    g_assert_cmpint(reason_of(unknown, keys, 1), ==, VERIFY_UNKNOWN_PREDICATE);

    /* The same key under a second name is still one signer. */
    dsse_sign(envelope, ours);
    {
        g_autoptr(public_key_t) alias = public_key_new("alias", ours->public->bytes, NULL);

        g_ptr_array_add(keys, alias);
        both = text_of(envelope);
        g_assert_cmpint(reason_of(both, keys, 2), ==, VERIFY_THRESHOLD);
    }
}

/* One altered character anywhere in payload, type or signature is never good. */
static void test_every_altered_byte_is_noticed(void)
{
    g_autoptr(signing_key_t) ours = signing_key_generate("example.org", NULL);
    g_autoptr(dsse_t) envelope = signed_document(ours);
    g_autoptr(GPtrArray) keys = g_ptr_array_new();
    g_autofree char *text = text_of(envelope);
    static const char *const members[] = { "\"payload\": \"", "\"sig\": \"",
                                           "\"payloadType\": \"" };
    guint signature = 0;

    g_ptr_array_add(keys, ours->public);
    for (guint i = 0; i < G_N_ELEMENTS(members); i++) {
        char *at = strstr(text, members[i]) + strlen(members[i]);

        for (; *at != '"'; at++) {
            char before = *at;
            enum verify_reason reason;

            *at = before == 'A' ? 'B' : 'A';
            reason = reason_of(text, keys, 1);
            g_assert_true(reason == VERIFY_SIGNATURE || reason == VERIFY_MALFORMED);
            signature += reason == VERIFY_SIGNATURE;
            *at = before;
        }
    }
    g_assert_cmpuint(signature, >, 300);
    g_assert_cmpint(reason_of(text, keys, 1), ==, VERIFY_GOOD);
}

static void test_statement_shape(void)
{
    static const char *const bad[] = {
        "[]",
        "{\"_type\":\"https://in-toto.io/Statement/v1\",\"subject\":[],\"predicateType\":\"x\"}",
        "{\"_type\":\"https://in-toto.io/Statement/v1\",\"subject\":[{\"name\":\"a\"}],"
        "\"predicateType\":\"x\"}",
        "{\"_type\":\"https://in-toto.io/Statement/v1\",\"subject\":[{\"digest\":{\"sha256\":"
        "\"AB\"}}],\"predicateType\":\"x\"}",
        "{\"_type\":\"https://in-toto.io/Statement/v1\",\"subject\":[{\"digest\":{\"sha256\":"
        "\"ab\"}}],\"predicateType\":\"x\",\"predicate\":[]}",
        "{\"_type\":\"https://in-toto.io/Statement/v1\",\"subject\":[{\"digest\":{\"sha256\":"
        "\"ab\"}}]}",
    };
    static const char good[] = "{\"_type\":\"https://in-toto.io/Statement/v1\",\"extra\":1,"
                               "\"subject\":[{\"digest\":{\"sha256\":\"ab\"}}],"
                               "\"predicateType\":\"x\"}";
    g_autoptr(GBytes) payload = g_bytes_new_static(good, strlen(good));
    g_autoptr(json_t) statement = intoto_read(payload, NULL);

    g_assert_cmpstr(intoto_predicate_type(statement), ==, "x");
    g_assert_cmpstr(intoto_subject_name(statement), ==, "");
    g_assert_null(intoto_predicate(statement));
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GBytes) bytes = g_bytes_new_static(bad[i], strlen(bad[i]));
        g_autoptr(GError) error = NULL;

        g_assert_null(intoto_read(bytes, &error));
        g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
    }
}

/* Walks the table: types are well formed and unique, every row says who, where and what. */
static void test_table_of_predicates(void)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(json_t) empty = json_object();

    for (const struct predicate *row = predicates; row->name; row++) {
        g_autofree char *type = g_strconcat(PREDICATE_PREFIX, row->name, ":1", NULL);
        g_autoptr(GError) error = NULL;

        g_assert_cmpstr(row->type, ==, type);
        g_assert_true(g_hash_table_add(seen, (gpointer)row->type));
        g_assert_true(predicate_find(row->type) == row);
        g_assert_nonnull(exposure_name(row->exposure));
        g_assert_cmpuint(row->key_roles, !=, 0);
        g_assert_cmpuint(row->key_roles & ~(KEY_ROLE_SINGLE * 2u - 1), ==, 0);
        g_assert_false(predicate_verify(row, empty, &error));
        g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
    }
    g_assert_cmpstr(exposure_name(predicate_find(PREDICATE_ASSESSMENT)->exposure), ==, "committed");
    g_assert_cmpstr(exposure_name(predicate_find(PREDICATE_DOCUMENT)->exposure), ==, "local");
    g_assert_null(predicate_find("urn:entente:predicate:document:2"));
    g_assert_null(predicate_find(NULL));
}

static void test_reason_names(void)
{
    g_assert_null(verify_reason_name(VERIFY_GOOD));
    g_assert_cmpstr(verify_reason_name(VERIFY_UNKNOWN_KEY), ==, "unknown-key");
    g_assert_cmpint(verify_reason_status(VERIFY_SIGNATURE), ==, EXIT_FOUND);
    g_assert_cmpint(verify_reason_status(VERIFY_MALFORMED), ==, EXIT_INPUT);
    g_assert_cmpint(verify_reason_status(VERIFY_THRESHOLD), ==, EXIT_SYSTEM);
}

/* What the JSON parser and a second writing say about the canonical form; without escapes. */
static gboolean is_canonical(const char *text, gsize length)
{
    g_autoptr(dsse_t) envelope = dsse_parse(text, length, "envelope", NULL);
    g_autoptr(json_t) json = envelope ? dsse_to_json(envelope) : NULL;
    g_autoptr(GBytes) bytes = json ? json_canonical(json, NULL) : NULL;

    return bytes && g_bytes_get_size(bytes) == length &&
           memcmp(g_bytes_get_data(bytes, NULL), text, length) == 0 && !memchr(text, '\\', length);
}

static void assert_same_verdict(const char *text, gsize length)
{
    g_autoptr(dsse_t) canonical = dsse_parse_canonical(text, length);
    g_autoptr(dsse_t) envelope = NULL;

    g_assert_cmpint(canonical != NULL, ==, is_canonical(text, length));
    if (!canonical)
        return;
    envelope = dsse_parse(text, length, "envelope", NULL);
    g_assert_cmpstr(canonical->payload_type, ==, envelope->payload_type);
    g_assert_true(g_bytes_equal(canonical->payload, envelope->payload));
    g_assert_cmpuint(canonical->signatures->len, ==, envelope->signatures->len);
    for (guint i = 0; i < canonical->signatures->len; i++) {
        const struct dsse_signature *one = canonical->signatures->pdata[i];
        const struct dsse_signature *other = envelope->signatures->pdata[i];

        g_assert_cmpstr(one->keyid, ==, other->keyid);
        g_assert_true(g_bytes_equal(one->bytes, other->bytes));
    }
}

/* The reader of the canonical form agrees with the JSON parser about every byte of every place. */
static void test_canonical_form(void)
{
    static const char *const envelopes[] = {
        "{\"payload\":\"aGVsbG8=\",\"payloadType\":\"text/plain\",\"signatures\":"
        "[{\"keyid\":\"a+01\",\"sig\":\"AAECAw==\"},{\"keyid\":\"\",\"sig\":\"////\"}]}",
        "{\"payload\":\"\",\"payloadType\":\"\",\"signatures\":[]}",
        "{\"payload\":\"YQ==\",\"payloadType\":\"\xc3\xa9\",\"signatures\":"
        "[{\"keyid\":\"\xe2\x82\xac\",\"sig\":\"\"}]}",
    };

    for (guint i = 0; i < G_N_ELEMENTS(envelopes); i++) {
        const gsize length = strlen(envelopes[i]);
        g_autofree char *text = g_strdup(envelopes[i]);

        g_assert_true(is_canonical(text, length));
        for (gsize at = 0; at < length; at++) {
            assert_same_verdict(text, at); /* cut short */
            for (guint byte = 0; byte < 256; byte++) {
                text[at] = (char)byte;
                assert_same_verdict(text, length);
            }
            text[at] = envelopes[i][at];
        }
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/dsse/pae", test_pae);
    g_test_add_func("/dsse/vectors", test_vectors);
    g_test_add_func("/dsse/reasons", test_reasons);
    g_test_add_func("/dsse/every-altered-byte-is-noticed", test_every_altered_byte_is_noticed);
    g_test_add_func("/dsse/canonical-form", test_canonical_form);
    g_test_add_func("/intoto/shape", test_statement_shape);
    g_test_add_func("/predicate/table", test_table_of_predicates);
    g_test_add_func("/verifier/reason-names", test_reason_names);
    return g_test_run();
}
