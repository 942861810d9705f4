/*
 * make_cases.c: cases in a data folder, as of any time, for tests of what is made of them.
 *
 *     make_cases DATA alarm KEY HOURS         raises an alarm about KEY, HOURS ago; or sees it
 * again make_cases DATA step KEY STEP FIELDS    takes a step in the open alarm about KEY, now
 *     make_cases DATA attach KEY FILE         attaches a file to it, now
 *     make_cases DATA tick HOURS              what time does until HOURS from now
 *     make_cases DATA numbers                 prints the numbers of the last year
 *     make_cases DATA check                   prints {"cases", "events", "erased", "attachments"}
 *
 * `check` ends with 1 when anything is half there: a list that says other than the folded case, an
 * attachment that is not what its name says.
 */
#include "base/clock.h"
#include "base/error.h"
#include "process/cases_private.h"
#include "statement/base64.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define HOUR (G_GINT64_CONSTANT(3600) * G_USEC_PER_SEC)

static const char self[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

static GPtrArray *keys_of(gpointer data, const char *party, gint64 time_us, const char *hint,
                          enum case_verdict *why)
{
    const struct signing_key *key = data;
    GPtrArray *keys = g_ptr_array_new_with_free_func((GDestroyNotify)public_key_free);

    (void)party, (void)time_us, (void)hint;
    *why = CASE_APPLIED;
    g_ptr_array_add(keys, public_key_copy(key->public));
    return keys;
}

static char *find_alarm(struct cases *cases, const char *key, GError **error)
{
    g_autoptr(query_t) query =
        cases_ask(cases, error, "SELECT id FROM head WHERE ended = 0 AND topic = $1", "t", key);
    gboolean row;

    return query && query_step(query, &row, error) && row ? cases_text_column(query, 0) : NULL;
}

static gboolean step(struct cases *cases, const struct signing_key *key, const char *topic,
                     const char *event, const char *fields_text, const char *file, GError **error)
{
    g_autofree char *id = find_alarm(cases, topic, error);
    g_autoptr(json_t) fields = json_loads(fields_text, 0, NULL);
    const char *const files[] = { file, NULL };
    const struct case_draft draft = {
        .id = id, .event = event, .fields = fields, .files = file ? files : NULL
    };
    gboolean done;

    return id && cases_say(cases, &draft, key, clock_now_us(), NULL, NULL, &done, error);
}

/* --- check --- */

static gboolean is_what_it_says(struct cases *cases, const char *id, guint *attachments)
{
    g_autoptr(json_t) list = cases_attachments(cases, id, NULL);
    const json_t *item;
    size_t index;

    json_array_foreach(list, index, item)
    {
        struct case_file file = { id, json_text(item, "stream"), { { 0 } }, 0 };
        struct case_hash found;
        g_autofree char *path = NULL, *content = NULL;
        gsize length;

        file.size = (guint64)json_number(item, "size", 0);
        hex_decode_into(json_text(item, "sha256"), file.sha256.bytes, sizeof file.sha256.bytes);
        path = cases_attachment_path(cases, &file);
        if (!path || !g_file_get_contents(path, &content, &length, NULL))
            return FALSE;
        crypto_hash_sha256(found.bytes, (guint8 *)content, length);
        if (memcmp(&file.sha256, &found, sizeof found) != 0)
            return FALSE;
        ++*attachments;
    }
    return list != NULL;
}

static gboolean check(struct cases *cases, GError **error)
{
    const struct cases_filter all = { .open = TRUE, .ended = TRUE, .limit = CASES_LIST_LIMIT };
    const gint64 now_us = clock_now_us();
    g_autoptr(json_t) list = cases_list(cases, &all, now_us, error);
    guint events = 0, erased = 0, attachments = 0;
    const json_t *row;
    size_t index;

    if (!list || !store_check(cases->store, error))
        return FALSE;
    json_array_foreach(json_object_get(list, "cases"), index, row)
    {
        const char *id = json_text(row, "id");
        const struct kase *kase;

        if (json_object_get(row, "erased")) {
            erased++;
            continue;
        }
        kase = cases_get(cases, id, now_us, error);
        if (!kase)
            return FALSE;
        events += kase->entries->len;
        if (!g_str_equal(((struct case_state *)kase->states->pdata[0])->state,
                         json_text(row, "state")) ||
            !is_what_it_says(cases, id, &attachments)) {
            fprintf(stderr, "make_cases: %s is half there\n", id);
            return FALSE;
        }
    }
    printf("{\"cases\": %zu, \"events\": %u, \"erased\": %u, \"attachments\": %u}\n",
           json_array_size(json_object_get(list, "cases")), events, erased, attachments);
    return TRUE;
}

/* --- commands --- */

static gboolean print_numbers(struct cases *cases, GError **error)
{
    const gint64 now_us = clock_now_us();
    g_autoptr(json_t) numbers = cases_numbers(cases, now_us - 365 * DAY_US, now_us, error);
    g_autofree char *text = numbers ? json_pretty(numbers) : NULL;

    return text && fputs(text, stdout) >= 0;
}

static gboolean run(struct cases *cases, const struct signing_key *key, int argc, char **argv,
                    GError **error)
{
    const char *what = argv[2];
    guint happened;

    if (g_str_equal(what, "alarm") && argc == 5)
        return cases_alarm(cases, key, "routes", argv[3], "high", "192.0.2.0/24 is elsewhere",
                           clock_now_us() - atoi(argv[4]) * HOUR, NULL, error);
    if (g_str_equal(what, "step") && argc == 6)
        return step(cases, key, argv[3], argv[4], argv[5], NULL, error);
    if (g_str_equal(what, "attach") && argc == 5)
        return step(cases, key, argv[3], "attach", "{}", argv[4], error);
    if (g_str_equal(what, "tick") && argc == 4)
        return cases_tick(cases, clock_now_us() + atoi(argv[3]) * HOUR, &happened, error);
    if (g_str_equal(what, "numbers") && argc == 3)
        return print_numbers(cases, error);
    if (g_str_equal(what, "check") && argc == 3)
        return check(cases, error);
    return input_error(error, "usage: see make_cases.c");
}

int main(int argc, char **argv)
{
    static const guint8 seed[KEY_SEED_SIZE] = { 42 };
    g_autoptr(signing_key_t) key = signing_key_from_seed("test.example", seed, NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(cases_t) cases = NULL;
    const struct cases_options options = { .self = self,
                                           .origin = "test.example/log",
                                           .fold = { .keys = { keys_of, key } } };

    if (argc < 3) {
        fputs("usage: make_cases DATA alarm|step|attach|tick|numbers|check ...\n", stderr);
        return 2;
    }
    cases = cases_open(argv[1], &options, &error);
    if (!cases || !run(cases, key, argc, argv, &error)) {
        fprintf(stderr, "make_cases: %s\n", error ? error->message : "there is no such alarm");
        return 1;
    }
    return 0;
}
