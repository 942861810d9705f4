/*
 * Events of cases: what is read is written and read again the same; nothing that a stranger sent
 * has an effect; folding what only says that it is signed never fails.
 */
#include "process/case.h"
#include "statement/intoto.h"

#include <stdint.h>

#define NOW ((gint64)4000000000 * G_USEC_PER_SEC)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static GPtrArray *no_keys(gpointer data, const char *party, gint64 time_us, const char *hint,
                          enum case_verdict *why)
{
    *why = CASE_UNKNOWN_KEY;
    return NULL;
}

/* The same statement again: all but the nonce, and the number that an opening has of it. */
static void write_again(const struct case_event *event)
{
    struct case_event plain = *event;
    g_autoptr(GBytes) payload = NULL, envelope = NULL;
    g_autoptr(dsse_t) dsse = NULL;
    g_autoptr(json_t) value = NULL, left = case_event_json(event), right = NULL;
    g_autoptr(case_event_t) again = NULL;

    if (case_event_opens(event))
        plain.id = NULL;
    payload = case_event_payload(&plain, NULL);
    if (!payload) /* a number beyond 2^53 has no canonical form */
        return;
    dsse = dsse_new(INTOTO_PAYLOAD_TYPE, payload);
    value = dsse_to_json(dsse);
    envelope = json_canonical(value, NULL);
    again = case_event_parse(envelope, NULL);
    if (!again) /* the canonical form of what was larger than it need be */
        return;
    right = case_event_json(again);
    if (case_event_opens(event)) {
        json_object_del(left, "case");
        json_object_del(right, "case");
    }
    g_assert_true(json_equal(left, right));
}

static void fold(struct case_event *event)
{
    struct case_options options = { .log = event->log, .keys = { no_keys, NULL } };
    g_autoptr(case_fold_t) fold = case_fold_new(&options);
    g_autoptr(json_t) value = NULL;
    g_autofree char *gaps = NULL;

    if (!case_party_is_key(event->from))
        g_assert_cmpint(case_fold_add(fold, event, NOW), !=, CASE_APPLIED);
    event->signers = 2;
    case_fold_add(fold, event, NOW);
    value = case_json(case_fold_at(fold, NOW), NULL);
    g_assert_nonnull(value);
    gaps = case_fold_gaps(fold, event->from, event->stream);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GBytes) bytes = g_bytes_new(data, size);
    g_autoptr(GError) error = NULL;
    g_autoptr(case_event_t) event = case_event_parse(bytes, &error);

    if (!event) {
        g_assert_nonnull(error);
        return 0;
    }
    write_again(event);
    fold(event);
    return 0;
}
