/*
 * mallory.h: a party of both sides of desk_of_two.h that wishes ill, and what is seen of what it
 * does.
 */
#pragma once
#include "desk_of_two.h"
#include "process/cases_private.h"
#include "statement/base64.h"
#include "statement/intoto.h"

#include <sodium.h>

#define REPORT "{'product':'tool','description':'It breaks','contact':'here'}"

/* What one without an account says, who opened a case to both sides. */
struct mallory {
    struct signing_key *key;
    char *id, *from;
    struct case_hash last;
    guint32 seq;
    GPtrArray *files; /* struct case_attachment * of what is said next; or NULL */
};

static G_GNUC_UNUSED void mallory_begin(struct mallory *mallory)
{
    const guint8 seed[KEY_SEED_SIZE] = { 0x66 };
    g_autofree char *hex = NULL;

    *mallory = (struct mallory){ .key = signing_key_from_seed("reporter", seed, NULL) };
    hex = hex_encode(mallory->key->public->bytes, KEY_PUBLIC_SIZE);
    mallory->from = g_strconcat("key:", hex, NULL);
}

static G_GNUC_UNUSED void mallory_end(struct mallory *mallory)
{
    signing_key_free(mallory->key);
    g_free(mallory->from);
    g_free(mallory->id);
}

static G_GNUC_UNUSED GBytes *mallory_says(struct mallory *mallory, struct world *world,
                                          const char *step, const char *text, enum tlp tlp)
{
    g_autoptr(GPtrArray) none = g_ptr_array_new();
    g_autoptr(json_t) said = fields(text), value = NULL;
    g_autoptr(GBytes) payload = NULL, envelope = NULL;
    g_autoptr(dsse_t) dsse = NULL;
    g_autoptr(GError) error = NULL;
    const gboolean red = tlp == TLP_RED, opens = g_str_equal(step, CASE_EVENT_OPEN);
    char *all[] = { (char *)side_ids[ALICE], (char *)side_ids[BOB], NULL };
    struct case_event event = {
        .log = (char *)ORIGIN,
        .time_us = world->now_us += SECOND,
        .id = opens ? NULL : mallory->id,
        .kind = (char *)"disclosure",
        .stream = (char *)CASE_STREAM_SHARED,
        .seq = ++mallory->seq,
        .has_previous = mallory->seq > 1,
        .previous = mallory->last,
        .from = mallory->from,
        .to = red ? all + BOB : all,
        .machine = (char *)"report",
        .event = (char *)step,
        .fields = said,
        .attachments = mallory->files ? mallory->files : none,
        .tlp = tlp,
    };

    payload = case_event_payload(&event, &error);
    g_assert_no_error(error);
    crypto_hash_sha256(mallory->last.bytes, g_bytes_get_data(payload, NULL),
                       g_bytes_get_size(payload));
    dsse = dsse_new(INTOTO_PAYLOAD_TYPE, payload);
    dsse_sign(dsse, mallory->key);
    value = dsse_to_json(dsse);
    envelope = json_canonical(value, NULL);
    if (opens) {
        g_autoptr(case_event_t) opening = case_event_parse(envelope, &error);

        g_assert_no_error(error);
        g_free(mallory->id);
        mallory->id = g_strdup(opening->id);
    }
    return g_steal_pointer(&envelope);
}

static G_GNUC_UNUSED void give(struct world *world, guint side, GBytes *envelope)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *why = NULL;
    enum case_verdict verdict =
        cases_take(world->sides[side].cases, envelope, world->now_us, &why, &error);

    g_assert_no_error(error);
    g_assert_cmpstr(why, ==, NULL);
    g_assert_cmpint(verdict, ==, CASE_APPLIED);
}

/* As the courier does with all that is not acknowledged. */
static G_GNUC_UNUSED void hand_on(struct world *world, guint side)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) rows = cases_outbox(world->sides[side].cases, world->now_us, 1000, &error);

    g_assert_no_error(error);
    for (guint i = 0; i < rows->len; i++) {
        cases_hand_on(world->sides[side].cases, rows->pdata[i], world->now_us, &error);
        g_assert_no_error(error);
    }
}

static G_GNUC_UNUSED guint applied(struct world *world, guint side, const char *id)
{
    const struct kase *kase = cases_get(world->sides[side].cases, id, world->now_us, NULL);
    guint count = 0;

    for (guint i = 0; kase && i < kase->entries->len; i++)
        count += ((struct case_entry *)kase->entries->pdata[i])->verdict == CASE_APPLIED &&
                 ((struct case_entry *)kase->entries->pdata[i])->event;
    return count;
}

static G_GNUC_UNUSED gint64 verdict_of(struct world *world, guint side, GBytes *envelope)
{
    g_autoptr(case_event_t) event = case_event_parse(envelope, NULL);
    gint64 verdict;

    g_assert_true(cases_number(world->sides[side].cases, &verdict, -1, NULL,
                               "SELECT verdict FROM event WHERE hash = $1", "h", &event->hash));
    return verdict;
}
