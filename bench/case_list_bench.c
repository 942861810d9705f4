/*
 * case_list_bench.c: how long lists, inbox, overdue and a start take with many open cases.
 *
 *     case_list_bench FOLDER CASES ROUNDS
 *
 * Fills FOLDER with CASES calls for help from 1,000 signatories, as they come over the wire
 * (signed, verified, folded, recorded); a third is overdue. Prints "name milliseconds" lines: the
 * median of ROUNDS, as name_most the largest, and as name_cpu the median of the processor's time
 * alone, which a busy machine changes less.
 */
#include "base/clock.h"
#include "process/cases_private.h"
#include "process/triage.h"
#include "statement/base64.h"
#include "statement/intoto.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define ORIGIN "bench.example/log"
#define SIGNATORIES 1000
#define START (G_GINT64_CONSTANT(1793000000) * G_USEC_PER_SEC)
#define HOUR (G_GINT64_CONSTANT(3600) * G_USEC_PER_SEC)
#define PAGE 50

struct bench {
    const char *folder;
    struct signing_key *key; /* of all signatories */
    char *ids[SIGNATORIES];
    const char *self;
    struct cases *cases;
    gint64 now_us;
};

static GPtrArray *keys_of(gpointer data, const char *party, gint64 time_us, const char *hint,
                          enum case_verdict *why)
{
    const struct bench *bench = data;
    GPtrArray *keys = g_ptr_array_new_with_free_func((GDestroyNotify)public_key_free);

    (void)party, (void)time_us, (void)hint;
    *why = CASE_APPLIED;
    g_ptr_array_add(keys, public_key_copy(bench->key->public));
    return keys;
}

static void fail(const GError *error)
{
    fprintf(stderr, "case_list_bench: %s\n", error->message);
    exit(1);
}

static void open_cases(struct bench *bench)
{
    g_autoptr(GError) error = NULL;
    const struct cases_options options = {
        .self = bench->self,
        .origin = ORIGIN,
        .fold = { .keys = { keys_of, bench }, .data = bench },
    };

    bench->cases = cases_open(bench->folder, &options, &error);
    if (!bench->cases)
        fail(error);
}

static GBytes *call_for_help(const struct bench *bench, guint number, GError **error)
{
    static const char *const harms[] = { "life", "essential-service", "data", "money", "other" };
    const char *const to[] = { bench->self, NULL };
    g_autofree char *what = g_strdup_printf("Call %u: files on the server are encrypted", number);
    struct case_event event = {
        .log = (char *)ORIGIN,
        .time_us = START + number * (HOUR / 1000) / G_USEC_PER_SEC * G_USEC_PER_SEC,
        .kind = (char *)"assistance",
        .stream = (char *)CASE_STREAM_SHARED,
        .seq = 1,
        .from = bench->ids[1 + number % (SIGNATORIES - 1)],
        .to = (char **)to,
        .machine = (char *)kind_find("assistance")->machines->id,
        .event = (char *)CASE_EVENT_OPEN,
        .tlp = TLP_AMBER,
    };
    g_autoptr(json_t) fields = NULL, json = NULL;
    g_autoptr(GBytes) payload = NULL;
    g_autoptr(dsse_t) dsse = NULL;

    fields = json_pack("{ssssssss}", "what", what, "continuing", number % 3 ? "yes" : "no",
                       "channel", "+33 1 23 45 67 89", "harm", harms[number % 5]);
    event.fields = fields;
    payload = case_event_payload(&event, error);
    if (!payload)
        return NULL;
    dsse = dsse_new(INTOTO_PAYLOAD_TYPE, payload);
    dsse_sign(dsse, bench->key);
    json = dsse_to_json(dsse);
    return json_canonical(json, error);
}

/* Without waiting for the disk: this fills, it is not what is measured. */
static void fill(struct bench *bench, guint count)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(query_t) query = store_query(bench->cases->store, "PRAGMA synchronous = OFF", &error);
    gboolean row;

    if (!query || !query_step(query, &row, &error))
        fail(error);
    for (guint i = 0; i < count; i++) {
        g_autoptr(GBytes) envelope = call_for_help(bench, i, &error);
        g_autofree char *why = NULL;

        if (!envelope)
            fail(error);
        if (cases_take(bench->cases, envelope, bench->now_us, &why, &error) != CASE_APPLIED) {
            fprintf(stderr, "case_list_bench: refused: %s\n", error ? error->message : why);
            exit(1);
        }
    }
}

/* --- what is measured --- */

static json_t *list(struct bench *bench, struct cases_filter filter)
{
    g_autoptr(GError) error = NULL;
    json_t *result;

    filter.limit = PAGE;
    result = cases_list(bench->cases, &filter, bench->now_us, &error);
    if (!result)
        fail(error);
    return result;
}

static json_t *list_open(struct bench *bench)
{
    return list(bench, (struct cases_filter){ 0 });
}

static json_t *list_kind(struct bench *bench)
{
    return list(bench, (struct cases_filter){ .kind = "assistance", .state = "new" });
}

static json_t *list_party(struct bench *bench)
{
    return list(bench, (struct cases_filter){ .party = bench->ids[7] });
}

static json_t *list_text(struct bench *bench)
{
    return list(bench, (struct cases_filter){ .text = "call 77" });
}

static json_t *list_page(struct bench *bench)
{
    return list(bench, (struct cases_filter){ .offset = 50000 });
}

static json_t *list_overdue(struct bench *bench)
{
    return list(bench, (struct cases_filter){ .overdue = TRUE });
}

static json_t *list_mine(struct bench *bench)
{
    return list(bench, (struct cases_filter){ .mine = TRUE });
}

static json_t *inbox(struct bench *bench)
{
    return cases_inbox(bench->cases, PAGE, bench->now_us, NULL);
}

static json_t *queue(struct bench *bench)
{
    return triage_queue(bench->cases, PAGE, bench->now_us, NULL);
}

static json_t *start(struct bench *bench)
{
    cases_close(bench->cases);
    open_cases(bench);
    return list_open(bench);
}

static const struct {
    const char *name;
    json_t *(*run)(struct bench *bench);
} measured[] = {
    { "list", list_open },       { "list_kind", list_kind }, { "list_party", list_party },
    { "list_text", list_text },  { "list_page", list_page }, { "overdue", list_overdue },
    { "mine", list_mine },       { "inbox", inbox },         { "queue", queue },
    { "start_and_list", start },
};

static int compare_times(gconstpointer a, gconstpointer b)
{
    const gint64 left = *(const gint64 *)a, right = *(const gint64 *)b;

    return left < right ? -1 : left > right;
}

static gint64 cpu_us(void)
{
    struct timespec time;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return time.tv_sec * G_USEC_PER_SEC + time.tv_nsec / 1000;
}

static void print_time(const char *name, const char *suffix, const GArray *sorted, guint rank)
{
    printf("%s%s %.3f\n", name, suffix, (double)g_array_index(sorted, gint64, rank) / 1000);
}

static void measure(struct bench *bench, guint which, guint rounds)
{
    g_autoptr(GArray) times = g_array_new(FALSE, FALSE, sizeof(gint64));
    g_autoptr(GArray) cpu = g_array_new(FALSE, FALSE, sizeof(gint64));

    for (guint i = 0; i < rounds; i++) {
        const gint64 begun = g_get_monotonic_time(), cpu_begun = cpu_us();
        g_autoptr(json_t) result = measured[which].run(bench);
        const gint64 took = g_get_monotonic_time() - begun, worked = cpu_us() - cpu_begun;

        if (!result || json_number(result, "total", 0) == 0) {
            fprintf(stderr, "case_list_bench: %s found nothing\n", measured[which].name);
            exit(1);
        }
        g_array_append_val(times, took);
        g_array_append_val(cpu, worked);
    }
    g_array_sort(times, compare_times);
    g_array_sort(cpu, compare_times);
    print_time(measured[which].name, "", times, rounds / 2);
    print_time(measured[which].name, "_most", times, rounds - 1);
    print_time(measured[which].name, "_cpu", cpu, rounds / 2);
}

int main(int argc, char **argv)
{
    struct bench bench = { .now_us = START + 100 * HOUR };
    guint8 seed[KEY_SEED_SIZE] = { 7 };
    guint count, rounds;
    gint64 begun;

    if (argc != 4 || !(count = (guint)atoi(argv[2])) || !(rounds = (guint)atoi(argv[3]))) {
        fputs("usage: case_list_bench FOLDER CASES ROUNDS\n", stderr);
        return 2;
    }
    bench.folder = argv[1];
    bench.key = signing_key_from_seed("bench.example", seed, NULL);
    for (guint i = 0; i < SIGNATORIES; i++)
        bench.ids[i] = g_strdup_printf("%064x", i + 1);
    bench.self = bench.ids[0];
    open_cases(&bench);
    begun = g_get_monotonic_time();
    fill(&bench, count);
    printf("taken_per_second %.0f\n",
           count * (double)G_USEC_PER_SEC / (double)(g_get_monotonic_time() - begun));
    bench.now_us = START + count / 3 * (HOUR / 1000) + 4 * HOUR;
    for (guint i = 0; i < G_N_ELEMENTS(measured); i++)
        measure(&bench, i, rounds);
    cases_close(bench.cases);
    for (guint i = 0; i < SIGNATORIES; i++)
        g_free(bench.ids[i]);
    signing_key_free(bench.key);
    return 0;
}
