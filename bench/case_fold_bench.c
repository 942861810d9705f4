/*
 * case_fold_bench.c: how fast events of cases are folded, on one core: one case of five parties,
 * 10,000 messages and updates with their causes.
 *
 * Prints "name value" lines, events a second of processor time: `parsed` from the bytes as they
 * come (form, shape, hash), `verified` the Ed25519 signature, `folded` the rules and clocks, `all`
 * the three together; `ed25519` is what the machine verifies at most.
 */
#include "process/case.h"
#include "statement/base64.h"
#include "statement/intoto.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LOG "bench.example/log"
#define EVENTS 10000
#define PARTIES 5
#define START ((gint64)1795773600 * G_USEC_PER_SEC)
#define AHEAD ((gint64)3600 * 24 * 365 * G_USEC_PER_SEC)

struct people {
    char *ids[PARTIES];
    struct signing_key *keys[PARTIES];
    char *id; /* of the case; NULL before its opening */
};

static GPtrArray *keys_of(gpointer data, const char *party, gint64 time_us, const char *hint,
                          enum case_verdict *why)
{
    const struct people *people = data;
    GPtrArray *keys = g_ptr_array_new_with_free_func((GDestroyNotify)public_key_free);

    for (guint i = 0; i < PARTIES; i++)
        if (g_str_equal(people->ids[i], party))
            g_ptr_array_add(keys, public_key_copy(people->keys[i]->public));
    return keys;
}

static void make_people(struct people *people)
{
    for (guint i = 0; i < PARTIES; i++) {
        const guint8 seed[KEY_SEED_SIZE] = { (guint8)(i + 1) };
        g_autofree char *name = g_strdup_printf("p%u.example", i);

        people->ids[i] = g_compute_checksum_for_string(G_CHECKSUM_SHA256, name, -1);
        people->keys[i] = signing_key_from_seed(name, seed, NULL);
    }
}

static struct case_fold *fold_for(struct people *people)
{
    const struct case_options options = { .log = LOG, .keys = { keys_of, people } };

    return case_fold_new(&options);
}

/* Event `number` of a case, in the state that `fold` is in; every tenth is an update. */
static GBytes *make_event(const struct people *people, struct case_fold *fold, guint number)
{
    g_autoptr(GPtrArray) none = g_ptr_array_new();
    guint party = number % PARTIES;
    gboolean opens = number == 0, updates = number > 1 && party == 1 && number % 2;
    char *to[PARTIES] = { NULL };
    struct case_event event = { .log = (char *)LOG,
                                .time_us = START + (gint64)number * G_USEC_PER_SEC,
                                .kind = (char *)"disclosure",
                                .stream = (char *)CASE_STREAM_SHARED,
                                .id = people->id,
                                .from = people->ids[party],
                                .to = to,
                                .machine = (char *)"report",
                                .tlp = TLP_AMBER,
                                .attachments = none };
    g_autoptr(GBytes) payload = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(dsse_t) dsse = NULL;
    g_autoptr(json_t) value = NULL, heads = NULL, fields = NULL;
    for (guint i = 0, count = 0; i < PARTIES; i++)
        if (i != party)
            to[count++] = people->ids[i];
    event.seq = 1 + case_fold_last(fold, event.from, event.stream, &event.previous);
    event.has_previous = event.seq > 1;
    heads = opens ? NULL : case_fold_heads(fold, event.stream, event.from);
    event.heads = heads;
    event.event = (char *)(opens         ? CASE_EVENT_OPEN
                           : number == 1 ? "receive"
                           : updates     ? "update"
                                         : "message");
    fields =
        opens ? json_pack("{s:s, s:s, s:s, s:{s:s, s:s, s:s, s:s, s:s}}", "product", "Widget",
                          "description", "overflow", "contact", "a@example.org", "roles",
                          people->ids[0], "finder", people->ids[1], "coordinator", people->ids[2],
                          "vendor", people->ids[3], "vendor", people->ids[4], "deployer")
        : number == 1 ? json_object()
                      : json_pack("{s:s}", "text", "It is as we said: the fix is under way.");
    event.fields = fields;
    payload = case_event_payload(&event, &error);
    if (!payload)
        g_error("event %u: %s", number, error->message);
    dsse = dsse_new(INTOTO_PAYLOAD_TYPE, payload);
    dsse_sign(dsse, people->keys[party]);
    value = dsse_to_json(dsse);
    return json_canonical(value, NULL);
}

/* Of this process: others that run beside it are not its matter. */
static gint64 processor_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (gint64)now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000;
}

static void show(const char *name, guint count, gint64 began_us)
{
    printf("%s_per_second %.0f\n", name, count * 1e6 / (double)(processor_us() - began_us));
}

static void bench_ed25519(const struct people *people, guint count)
{
    guint8 message[1024] = { 0 }, signature[KEY_SIGNATURE_SIZE];
    gint64 began_us;

    signing_key_sign(people->keys[0], message, sizeof message, signature);
    began_us = processor_us();
    for (guint i = 0; i < count; i++)
        public_key_verify(people->keys[0]->public, message, sizeof message, signature);
    show("ed25519", count, began_us);
}

static void bench_fold(guint count)
{
    struct people people = { 0 };
    struct case_fold *making, *fold;
    GPtrArray *bytes = g_ptr_array_new(), *events = g_ptr_array_new();
    const struct case_keys keys = { keys_of, &people };
    gint64 began_us;

    make_people(&people);
    making = fold_for(&people);
    for (guint i = 0; i < count; i++) {
        GBytes *envelope = make_event(&people, making, i);
        struct case_event *event = case_event_parse(envelope, NULL);

        event->signers = 1;
        if (i == 0)
            people.id = g_strdup(event->id);
        if (case_fold_add(making, event, START + AHEAD) != CASE_APPLIED)
            g_error("event %u is refused", i);
        g_ptr_array_add(bytes, envelope);
    }
    bench_ed25519(&people, count);
    began_us = processor_us();
    for (guint i = 0; i < count; i++)
        g_ptr_array_add(events, case_event_parse(bytes->pdata[i], NULL));
    show("parsed", count, began_us);
    began_us = processor_us();
    for (guint i = 0; i < count; i++)
        case_event_verify(events->pdata[i], &keys);
    show("verified", count, began_us);
    fold = fold_for(&people);
    began_us = processor_us();
    for (guint i = 0; i < count; i++)
        case_fold_add(fold, events->pdata[i], START + AHEAD);
    case_fold_at(fold, START + AHEAD);
    show("folded", count, began_us);
    case_fold_free(fold);
    fold = fold_for(&people);
    began_us = processor_us();
    for (guint i = 0; i < count; i++) {
        g_autoptr(case_event_t) event = case_event_parse(bytes->pdata[i], NULL);

        case_fold_add(fold, event, START + AHEAD);
    }
    case_fold_at(fold, START + AHEAD);
    show("all", count, began_us);
}

int main(void)
{
    if (sodium_init() < 0)
        return 1;
    bench_fold(EVENTS);
    return 0;
}
