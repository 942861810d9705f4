/* stranger.h: what one without an account can send to a side of desk_of_two.h. */
#pragma once
#include "desk_of_two.h"
#include "statement/base64.h"
#include "statement/intoto.h"

#include <sodium.h>

/* An event of one without an account, who makes a key for each. */
static inline GBytes *strangers_event(const char *id, guint number, guint32 seq, gint64 now_us,
                                      GPtrArray *attachments)
{
    guint8 seed[KEY_SEED_SIZE] = { 0x77 };
    g_autoptr(signing_key_t) key = NULL;
    g_autoptr(GPtrArray) none = g_ptr_array_new();
    g_autoptr(json_t) said = fields("{'text':'let me in'}"), value = NULL;
    g_autoptr(GBytes) payload = NULL;
    g_autoptr(dsse_t) dsse = NULL;
    g_autoptr(GError) error = NULL;
    g_autofree char *hex = NULL, *from = NULL;
    char *to[] = { (char *)side_ids[BOB], NULL };
    struct case_event event = {
        .log = (char *)ORIGIN,
        .time_us = now_us,
        .id = (char *)id,
        .kind = (char *)"assistance",
        .stream = (char *)CASE_STREAM_SHARED,
        .seq = seq,
        .has_previous = seq > 1,
        .to = to,
        .machine = (char *)"case",
        .event = (char *)"message",
        .fields = said,
        .attachments = attachments ? attachments : none,
        .tlp = TLP_AMBER,
    };

    memcpy(seed + 1, &number, sizeof number);
    key = signing_key_from_seed("reporter", seed, NULL);
    hex = hex_encode(key->public->bytes, KEY_PUBLIC_SIZE);
    event.from = from = g_strconcat("key:", hex, NULL);
    randombytes_buf(event.previous.bytes, sizeof event.previous.bytes);
    payload = case_event_payload(&event, &error);
    g_assert_no_error(error);
    dsse = dsse_new(INTOTO_PAYLOAD_TYPE, payload);
    dsse_sign(dsse, key);
    value = dsse_to_json(dsse);
    return json_canonical(value, NULL);
}
