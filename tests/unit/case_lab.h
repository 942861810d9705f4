/*
 * case_lab.h: for tests of cases: parties with keys, and events as they would sign them.
 *
 * Party N has the id SHA-256("party N") and two keys. Times begin at LAB_START and are given in
 * seconds after it.
 */
#pragma once
#include "base/clock.h"
#include "process/case.h"
#include "statement/base64.h"
#include "statement/intoto.h"

#include <sodium.h>
#include <string.h>

#define LAB_LOG "call.example/log"
#define LAB_START 1795773600 /* Friday 2026-11-27T10:00:00Z */
#define LAB_PARTIES 12
#define LAB_KEYS 2
#define LAB_SPARE (LAB_PARTIES - 2) /* who is brought in, and those before it */
#define LAB_DAY_S 86400
#define LAB_NOW ((gint64)4000000000 * G_USEC_PER_SEC)

struct lab {
    char *ids[LAB_PARTIES];
    struct signing_key *keys[LAB_PARTIES][LAB_KEYS];
    char *id;         /* of the case */
    gboolean trusted; /* signatures are counted and not made: for walks of thousands of events */
};

static inline gint64 lab_us(gint64 seconds)
{
    return (LAB_START + seconds) * G_USEC_PER_SEC;
}

static inline struct lab *lab_new(void)
{
    struct lab *lab = g_new0(struct lab, 1);

    for (guint i = 0; i < LAB_PARTIES; i++) {
        g_autofree char *name = g_strdup_printf("party %u", i);

        lab->ids[i] = g_compute_checksum_for_string(G_CHECKSUM_SHA256, name, -1);
        for (guint j = 0; j < LAB_KEYS; j++) {
            guint8 seed[KEY_SEED_SIZE] = { (guint8)(i + 1), (guint8)(j + 1) };
            g_autofree char *key = g_strdup_printf("p%u.example", i);

            lab->keys[i][j] = signing_key_from_seed(key, seed, NULL);
        }
    }
    lab->id = g_strdup("00112233445566778899aabbccddeeff");
    return lab;
}

static inline void lab_free(struct lab *lab)
{
    for (guint i = 0; i < LAB_PARTIES; i++) {
        g_free(lab->ids[i]);
        for (guint j = 0; j < LAB_KEYS; j++)
            signing_key_free(lab->keys[i][j]);
    }
    g_free(lab->id);
    g_free(lab);
}
typedef struct lab lab_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lab_t, lab_free)

static inline gint lab_party(const struct lab *lab, const char *id)
{
    for (gint i = 0; i < LAB_PARTIES; i++)
        if (g_strcmp0(lab->ids[i], id) == 0)
            return i;
    return -1;
}

static inline GPtrArray *lab_keys_of(gpointer data, const char *party, gint64 time_us,
                                     const char *hint, enum case_verdict *why)
{
    const struct lab *lab = data;
    gint index = lab_party(lab, party);
    GPtrArray *keys;

    (void)time_us;
    (void)hint;
    *why = CASE_UNKNOWN_KEY;
    if (index < 0)
        return NULL;
    keys = g_ptr_array_new_with_free_func((GDestroyNotify)public_key_free);
    for (guint j = 0; j < LAB_KEYS; j++)
        g_ptr_array_add(keys, public_key_copy(lab->keys[index][j]->public));
    return keys;
}

static inline struct case_fold *lab_fold(struct lab *lab, const char *self)
{
    struct case_options options = { .self = self, .log = LAB_LOG };

    options.keys = (struct case_keys){ lab_keys_of, lab };
    return case_fold_new(&options);
}

#define ASSERT_VERDICT(verdict, wanted)                                                            \
    do {                                                                                           \
        const enum case_verdict came_ = (verdict);                                                 \
        g_assert_cmpstr(case_verdict_name(came_), ==, case_verdict_name(wanted));                  \
    } while (0)

/* What an event says beyond what follows from the fold. */
struct lab_said {
    guint party;
    const char *stream, *machine, *instance, *event;
    json_t *fields; /* taken over; NULL: none */
    const char *kind;
    enum tlp tlp;
    guint signers; /* keys that sign */
    gint64 at_s;
    char **to; /* borrowed; NULL: all of the stream */
};

static inline GBytes *lab_sign(const struct lab *lab, guint party, guint signers, GBytes *payload)
{
    g_autoptr(dsse_t) dsse = dsse_new(INTOTO_PAYLOAD_TYPE, payload);
    g_autoptr(json_t) value = NULL;

    for (guint j = 0; j < signers; j++)
        dsse_sign(dsse, lab->keys[party][j]);
    value = dsse_to_json(dsse);
    return json_canonical(value, NULL);
}

/* The next event of a party, as it stands in `fold`. */
static inline struct case_event *lab_event(struct lab *lab, struct case_fold *fold,
                                           const struct lab_said *said)
{
    struct case_event event = { 0 };
    g_autoptr(GPtrArray) none = g_ptr_array_new();
    g_auto(GStrv) to = NULL;
    g_autoptr(GBytes) payload = NULL, envelope = NULL;
    g_autoptr(GError) error = NULL;
    struct case_event *made;
    const struct kase *kase = case_fold_at(fold, lab_us(said->at_s));

    event.log = (char *)LAB_LOG;
    event.time_us = lab_us(said->at_s);
    if (!g_str_equal(said->event, CASE_EVENT_OPEN))
        event.id = lab->id;
    event.kind = (char *)said->kind;
    event.stream = (char *)(said->stream ? said->stream : CASE_STREAM_SHARED);
    event.seq = 1 + case_fold_last(fold, lab->ids[said->party], event.stream, &event.previous);
    event.has_previous = event.seq > 1;
    event.from = lab->ids[said->party];
    event.heads = g_str_equal(said->event, CASE_EVENT_OPEN)
                      ? NULL
                      : case_fold_heads(fold, event.stream, event.from);
    to = said->to     ? g_strdupv(said->to)
         : kase->kind ? case_recipients(kase, event.stream, event.from)
                      : g_new0(char *, 1);
    event.to = to;
    event.machine = (char *)said->machine;
    event.instance = (char *)said->instance;
    event.event = (char *)said->event;
    event.fields = said->fields ? said->fields : json_object();
    event.tlp = said->tlp;
    event.attachments = none;
    payload = case_event_payload(&event, &error);
    g_assert_no_error(error);
    envelope = lab_sign(lab, said->party, lab->trusted ? 0 : said->signers, payload);
    made = case_event_parse(envelope, &error);
    g_assert_no_error(error);
    if (lab->trusted)
        made->signers = said->signers;
    g_free(lab->id);
    lab->id = g_strdup(made->id);
    json_decref(event.fields);
    json_decref(event.heads);
    return made;
}

static inline enum case_verdict lab_say(struct lab *lab, struct case_fold *fold,
                                        const struct lab_said *said)
{
    g_autoptr(case_event_t) event = lab_event(lab, fold, said);

    return case_fold_add(fold, event, LAB_NOW);
}

/* A value that a field may have; times and dates lie so many days ahead. */
static inline json_t *lab_value(const struct lab *lab, const struct kind *kind,
                                const struct kase *kase, const struct process_field *field,
                                gint64 now_s, gint64 days)
{
    g_autofree char *time = clock_format(lab_us(now_s + days * LAB_DAY_S));
    guint party = LAB_SPARE;

    if (g_str_equal(field->id, "party")) {
        while (kase && case_party_of(kase, lab->ids[party]) &&
               !case_party_of(kase, lab->ids[party])->left)
            party--;
        return json_string(lab->ids[party]);
    }
    if (g_str_equal(field->id, "role")) {
        for (const struct process_role *role = kind->roles; role->id; role++)
            if (role->many)
                return json_string(role->id);
        return json_string(kind->roles[0].id);
    }
    switch (field->type) {
    case FIELD_TEXT:
    case FIELD_LINE:
        return json_string("what there is to say");
    case FIELD_CHOICE:
        return json_string(field->choices[0].id);
    case FIELD_CHOICES:
        return json_pack("[s]", field->choices[0].id);
    case FIELD_YES_NO:
        return json_true();
    case FIELD_NUMBER:
        return json_integer(7);
    case FIELD_TIME:
        return json_string(time);
    case FIELD_DATE:
        time[strlen("2026-11-27")] = '\0';
        return json_string(time);
    case FIELD_COUNTRY:
        return json_string("FR");
    case FIELD_LANGUAGES:
        return json_pack("[s, s]", "fr", "en");
    case FIELD_URI:
        return json_string("https://example.org/a");
    case FIELD_DIGEST:
        return json_string(lab->ids[0]);
    case FIELD_KEY:
        return json_string("x25519:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    }
    return NULL;
}
