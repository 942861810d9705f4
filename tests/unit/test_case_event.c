/* Modules case_event and case_verify: what is an event, and who signed it. */
#include "base/error.h"
#include "case_lab.h"

#define ID "00112233445566778899aabbccddeeff"

static struct case_event *sample(const struct lab *lab)
{
    struct case_event *event = g_new0(struct case_event, 1);

    event->references = 1;
    event->log = g_strdup(LAB_LOG);
    event->time_us = lab_us(60);
    event->id = g_strdup(ID);
    event->kind = g_strdup("assistance");
    event->stream = g_strdup(CASE_STREAM_SHARED);
    event->seq = 2;
    event->has_previous = TRUE;
    event->previous.bytes[0] = 7;
    event->heads = json_pack("{s:s}", lab->ids[1], lab->ids[2]);
    event->from = g_strdup(lab->ids[0]);
    event->to = g_new0(char *, 2);
    event->to[0] = g_strdup(lab->ids[1]);
    event->machine = g_strdup("call");
    event->event = g_strdup("acknowledge");
    event->fields = json_pack("{s:s}", "text", "we see it");
    event->tlp = TLP_AMBER_STRICT;
    event->attachments = g_ptr_array_new();
    event->anchor_size = 12;
    event->anchor_us = lab_us(10);
    return event;
}

static GBytes *payload_of(const struct case_event *event)
{
    g_autoptr(GError) error = NULL;
    GBytes *payload = case_event_payload(event, &error);

    g_assert_no_error(error);
    return payload;
}

static void test_there_and_back(void)
{
    g_autoptr(lab_t) lab = lab_new();
    g_autoptr(case_event_t) event = sample(lab), back = NULL;
    struct case_attachment attachment = { (char *)"photo.jpg", 12345, { { 9 } } };
    g_autoptr(GBytes) payload = NULL, again = NULL, envelope = NULL;
    g_autoptr(GError) error = NULL;
    g_autofree char *sum = NULL, *hash = NULL;

    g_ptr_array_add(event->attachments, &attachment);
    payload = payload_of(event);
    again = payload_of(event);
    g_assert_false(g_bytes_equal(payload, again)); /* the nonce */
    envelope = lab_sign(lab, 0, 1, payload);
    back = case_event_parse(envelope, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(back->log, ==, LAB_LOG);
    g_assert_cmpint(back->time_us, ==, event->time_us);
    g_assert_cmpstr(back->id, ==, ID);
    g_assert_cmpuint(back->seq, ==, 2);
    g_assert_cmpmem(back->previous.bytes, CASE_HASH_SIZE, event->previous.bytes, CASE_HASH_SIZE);
    g_assert_true(json_equal(back->heads, event->heads));
    g_assert_true(json_equal(back->fields, event->fields));
    g_assert_cmpstr(back->to[0], ==, lab->ids[1]);
    g_assert_null(back->to[1]);
    g_assert_null(back->instance);
    g_assert_cmpint(back->tlp, ==, TLP_AMBER_STRICT);
    g_assert_cmpuint(back->attachments->len, ==, 1);
    g_assert_cmpuint(((struct case_attachment *)back->attachments->pdata[0])->size, ==, 12345);
    g_assert_cmpuint(back->anchor_size, ==, 12);
    g_assert_cmpuint(back->signers, ==, 0);
    /* The hash is that of the payload, whoever signs it. */
    sum = g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, payload);
    hash = hex_encode(back->hash.bytes, CASE_HASH_SIZE);
    g_assert_cmpstr(sum, ==, hash);
}

static void assert_refused(const struct case_event *event, const char *why)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(case_event_payload(event, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
    g_test_message("%s", error->message);
    g_assert_nonnull(strstr(error->message, why));
}

static void replace(char **where, const char *text)
{
    g_free(*where);
    *where = g_strdup(text);
}

static void test_what_is_no_event(void)
{
    static const struct {
        gsize offset;
        const char *text, *good, *why;
    } texts[] = {
        { offsetof(struct case_event, id), "0011", ID, "case" },
        { offsetof(struct case_event, id), "00112233445566778899AABBCCDDEEFF", ID, "hex" },
        { offsetof(struct case_event, stream), "", CASE_STREAM_SHARED, "stream" },
        { offsetof(struct case_event, kind), "a\x1b[2Jb", "assistance", "kind" },
        { offsetof(struct case_event, from), "someone", NULL, "from" },
        { offsetof(struct case_event, from), "key:00", NULL, "from" },
        { offsetof(struct case_event, machine), "", "call", "machine" },
    };
    struct case_attachment attachment = { (char *)"../etc/passwd", 1, { { 0 } } };
    g_autoptr(lab_t) lab = lab_new();
    g_autoptr(case_event_t) event = sample(lab);

    for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
        char **where = (char **)((char *)event + texts[i].offset);

        replace(where, texts[i].text);
        assert_refused(event, texts[i].why);
        replace(where, texts[i].good ? texts[i].good : lab->ids[0]);
    }
    event->time_us++;
    assert_refused(event, "whole seconds");
    event->time_us--;
    event->anchor_us = event->time_us + G_USEC_PER_SEC;
    assert_refused(event, "checkpoint");
    event->anchor_us = event->time_us;
    event->seq = 1;
    assert_refused(event, "previous");
    event->seq = 2;
    event->has_previous = FALSE;
    assert_refused(event, "previous");
    event->has_previous = TRUE;
    json_object_set_new(event->heads, lab->ids[0], json_string(lab->ids[1]));
    assert_refused(event, "author");
    json_object_del(event->heads, lab->ids[0]);
    json_object_set_new(event->heads, "nobody", json_string(lab->ids[1]));
    assert_refused(event, "nobody");
    json_object_del(event->heads, "nobody");
    g_ptr_array_add(event->attachments, &attachment);
    assert_refused(event, "attachment 1");
    attachment.name = (char *)"..";
    assert_refused(event, "attachment 1");
    attachment.name = (char *)"a..b";
    g_bytes_unref(payload_of(event));
}

/* There is one opening of a number: whatever else one says has another, or none. */
static void test_the_number_is_of_the_opening(void)
{
    g_autoptr(lab_t) lab = lab_new();
    g_autoptr(case_event_t) event = sample(lab), opening = NULL;
    g_autoptr(GBytes) payload = NULL, envelope = NULL;
    g_autoptr(json_t) statement = NULL, others = NULL;
    g_autoptr(GError) error = NULL;
    const char *member;
    json_t *other;

    replace(&event->event, CASE_EVENT_OPEN);
    event->seq = 1;
    event->has_previous = FALSE;
    assert_refused(event, "number");
    g_clear_pointer(&event->id, g_free);
    payload = payload_of(event);
    envelope = lab_sign(lab, 0, 1, payload);
    opening = case_event_parse(envelope, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(strlen(opening->id), ==, CASE_ID_SIZE);
    statement = intoto_read(payload, &error);
    g_assert_no_error(error);
    others = json_pack("{s:s, s:s, s:s, s:[s], s:s, s:{s:s}, s:s, s:[{s:s, s:i, s:s}], s:s}", "log",
                       "other.example/log", "time", "2100-01-01T00:00:00Z", "from", lab->ids[2],
                       "to", lab->ids[2], "machine", "report", "fields", "text", "another", "tlp",
                       "red", "attachments", "name", "a", "size", 1, "sha256", lab->ids[2], "nonce",
                       lab->ids[2]);
    json_object_foreach(others, member, other)
    {
        g_autoptr(json_t) changed = json_deep_copy(statement);
        g_autoptr(GBytes) text = NULL, forged = NULL;
        g_autoptr(GError) refused = NULL;

        json_object_set(json_object_get(changed, "predicate"), member, other);
        text = json_canonical(changed, NULL);
        forged = lab_sign(lab, 0, 1, text);
        g_test_message("%s", member);
        g_assert_null(case_event_parse(forged, &refused));
        g_assert_error(refused, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
        g_test_message("%s", refused->message);
        g_assert_nonnull(strstr(refused->message, "number"));
    }
}

static void assert_unreadable(const char *payload_type, const char *text, const char *why)
{
    g_autoptr(GBytes) payload = g_bytes_new(text, strlen(text));
    g_autoptr(dsse_t) dsse = dsse_new(payload_type, payload);
    g_autoptr(json_t) value = dsse_to_json(dsse);
    g_autoptr(GBytes) envelope = json_canonical(value, NULL);
    g_autoptr(GError) error = NULL;

    g_assert_null(case_event_parse(envelope, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
    g_assert_nonnull(strstr(error->message, why));
}

static void test_other_envelopes(void)
{
    g_autoptr(lab_t) lab = lab_new();
    g_autoptr(case_event_t) event = sample(lab);
    g_autoptr(GBytes) payload = payload_of(event), large = NULL;
    g_autofree char *text = g_strndup(g_bytes_get_data(payload, NULL), g_bytes_get_size(payload));
    g_autofree char *other = NULL, *subject = NULL;
    g_auto(GStrv) parts = g_strsplit(text, "case-event:1", 2);
    g_auto(GStrv) names = g_strsplit(text, "case/0011", 2);
    g_autoptr(GError) error = NULL;

    other = g_strjoinv("document:1", parts);
    subject = g_strjoinv("case/1100", names);
    assert_unreadable("text/plain", text, "in-toto");
    assert_unreadable(INTOTO_PAYLOAD_TYPE, "{}", "");
    assert_unreadable(INTOTO_PAYLOAD_TYPE, other, "no event");
    assert_unreadable(INTOTO_PAYLOAD_TYPE, subject, "subject");
    large = g_bytes_new_take(g_malloc0(CASE_EVENT_LIMIT + 1), CASE_EVENT_LIMIT + 1);
    g_assert_null(case_event_parse(large, &error));
    g_assert_nonnull(strstr(error->message, "at most"));
}

/* Keys that may not speak, and why. */
static GPtrArray *no_keys(gpointer data, const char *party, gint64 time_us, const char *hint,
                          enum case_verdict *why)
{
    *why = *(const enum case_verdict *)data;
    return NULL;
}

static enum case_verdict verdict_of(const struct lab *lab, GBytes *envelope, guint *signers)
{
    const struct case_keys keys = { lab_keys_of, (gpointer)lab };
    g_autoptr(case_event_t) event = case_event_parse(envelope, NULL);
    enum case_verdict verdict;

    g_assert_nonnull(event);
    verdict = case_event_verify(event, &keys);
    *signers = event->signers;
    return verdict;
}

static void test_signatures(void)
{
    g_autoptr(lab_t) lab = lab_new();
    g_autoptr(case_event_t) event = sample(lab);
    g_autoptr(GBytes) payload = payload_of(event);
    g_autoptr(GBytes) one = lab_sign(lab, 0, 1, payload), two = lab_sign(lab, 0, 2, payload);
    g_autoptr(GBytes) none = lab_sign(lab, 0, 0, payload), strange = lab_sign(lab, 3, 2, payload);
    g_autoptr(GBytes) forged = NULL, doubled = NULL;
    g_autoptr(dsse_t) dsse = dsse_new(INTOTO_PAYLOAD_TYPE, payload);
    g_autoptr(json_t) value = NULL;
    g_autofree char *text = NULL, *at = NULL;
    char *digit;
    guint signers;

    ASSERT_VERDICT(verdict_of(lab, one, &signers), CASE_APPLIED);
    g_assert_cmpuint(signers, ==, 1);
    ASSERT_VERDICT(verdict_of(lab, two, &signers), CASE_APPLIED);
    g_assert_cmpuint(signers, ==, 2);
    ASSERT_VERDICT(verdict_of(lab, none, &signers), CASE_SIGNATURE);
    ASSERT_VERDICT(verdict_of(lab, strange, &signers), CASE_UNKNOWN_KEY);
    g_assert_cmpuint(signers, ==, 0);
    /* One key twice is one approval. */
    dsse_sign(dsse, lab->keys[0][0]);
    dsse_sign(dsse, lab->keys[0][0]);
    value = dsse_to_json(dsse);
    doubled = json_canonical(value, NULL);
    ASSERT_VERDICT(verdict_of(lab, doubled, &signers), CASE_APPLIED);
    g_assert_cmpuint(signers, ==, 1);
    /* A payload that was changed after it was signed. */
    text = g_strndup(g_bytes_get_data(one, NULL), g_bytes_get_size(one));
    at = g_strdup(strstr(text, "\"sig\":\""));
    digit = text + strlen(text) - strlen(at) + strlen("\"sig\":\"") + 3;
    *digit = *digit == 'A' ? 'B' : 'A';
    forged = g_bytes_new(text, strlen(text));
    ASSERT_VERDICT(verdict_of(lab, forged, &signers), CASE_SIGNATURE);
}

static void test_keys_that_may_not(void)
{
    static const enum case_verdict whys[] = { CASE_REVOKED, CASE_EXPIRED, CASE_ROLE,
                                              CASE_UNKNOWN_KEY };
    g_autoptr(lab_t) lab = lab_new();
    g_autoptr(case_event_t) made = sample(lab), event = NULL;
    g_autoptr(GBytes) payload = payload_of(made), envelope = lab_sign(lab, 0, 1, payload);

    event = case_event_parse(envelope, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(whys); i++) {
        const struct case_keys keys = { no_keys, (gpointer)&whys[i] };

        g_assert_cmpint(case_event_verify(event, &keys), ==, whys[i]);
    }
}

/* Who has no account speaks with the key that is its name. */
static void test_a_party_that_is_a_key(void)
{
    g_autoptr(lab_t) lab = lab_new();
    g_autoptr(case_event_t) event = sample(lab);
    g_autofree char *hex = hex_encode(lab->keys[0][0]->public->bytes, KEY_PUBLIC_SIZE);
    g_autofree char *party = g_strconcat("key:", hex, NULL);
    g_autoptr(GBytes) payload = NULL, own = NULL, other = NULL;
    guint signers;

    replace(&event->from, party);
    g_assert_true(case_party_is_key(party));
    payload = payload_of(event);
    own = lab_sign(lab, 0, 1, payload);
    other = lab_sign(lab, 1, 1, payload);
    ASSERT_VERDICT(verdict_of(lab, own, &signers), CASE_APPLIED);
    ASSERT_VERDICT(verdict_of(lab, other, &signers), CASE_SIGNATURE);
}

static void test_names(void)
{
    g_assert_cmpstr(case_verdict_name(CASE_MIS_ADDRESSED), ==, "mis-addressed");
    for (enum case_verdict verdict = CASE_APPLIED; verdict <= CASE_NOT_ANNOUNCED; verdict++)
        g_assert_nonnull(case_verdict_name(verdict));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/case-event/number", test_the_number_is_of_the_opening);
    g_test_add_func("/case-event/there-and-back", test_there_and_back);
    g_test_add_func("/case-event/no-event", test_what_is_no_event);
    g_test_add_func("/case-event/other-envelopes", test_other_envelopes);
    g_test_add_func("/case-event/signatures", test_signatures);
    g_test_add_func("/case-event/keys-that-may-not", test_keys_that_may_not);
    g_test_add_func("/case-event/key-party", test_a_party_that_is_a_key);
    g_test_add_func("/case-event/names", test_names);
    return g_test_run();
}
