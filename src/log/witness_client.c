#include "log/witness_client.h"

#include "base/error.h"

#include <string.h>

#define RETRY_US G_USEC_PER_SEC                      /* after a first failure; doubles */
#define RETRY_LIMIT_US (60 * (gint64)G_USEC_PER_SEC) /* also for a log that is not accepted */
#define ROUNDS_LIMIT 4 /* answers 409 in a row before a witness counts as unreachable */
#define REQUEST_TIMEOUT_US (5 * (gint64)G_USEC_PER_SEC)
#define ADD_CHECKPOINT "add-checkpoint"

/* One witness and its thread. Guarded by the client's lock, but for what is marked. */
struct slot {
    struct witness_client *client;
    guint index;                    /* into the policy's witnesses; changes with it */
    struct witness_numbers numbers; /* name and url unused */
    /* fixed */
    char *name, *url;
    struct note_key *key;
    struct http *http;
    GThread *thread;
    /* state */
    gboolean stopped;
    guint64 asked;  /* the number of the target that was dealt with */
    guint64 size;   /* known to be cosigned */
    guint failures; /* in a row */
    char *line;     /* cosignature of the target; NULL: none yet */
};

/* What is to be cosigned. */
struct target {
    guint64 number; /* 0: none yet; each ask counts */
    GBytes *note, *text;
    guint64 size;
};

struct witness_client {
    struct witness_client_options options;
    GMutex lock;
    GCond changed;
    GPtrArray *slots; /* struct slot * */
    struct target target;
    const struct quorum_policy *policy; /* borrowed */
};

static void witness_numbers_free(struct witness_numbers *numbers)
{
    g_free(numbers->name);
    g_free(numbers->url);
    g_free(numbers->message);
    g_free(numbers);
}

/* --- one witness (its thread) --- */

/* A copy of the target, taken under the lock. */
struct errand {
    guint64 number, size, old_size;
    GBytes *note, *text;
};

typedef struct errand errand_t;

static void errand_clear(struct errand *errand)
{
    g_clear_pointer(&errand->note, g_bytes_unref);
    g_clear_pointer(&errand->text, g_bytes_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(errand_t, errand_clear)

/* Asks until the answer is another one than "I hold another size". */
static void ask(struct slot *slot, struct errand *errand, struct cosigning_answer *answer)
{
    const struct witness_client_options *options = &slot->client->options;
    struct merkle_hash path[MERKLE_PATH_LIMIT];
    g_autofree char *url = g_strconcat(slot->url, ADD_CHECKPOINT, NULL);

    for (guint round = 0; round < ROUNDS_LIMIT; round++) {
        g_autoptr(GBytes) body = NULL;
        g_autoptr(GError) error = NULL;
        struct http_answer http;
        struct http_request request = { .method = "POST", .url = url };
        guint length = 0;

        cosigning_answer_clear(answer);
        answer->outcome = COSIGNING_BROKEN;
        if (errand->old_size > 0 && errand->old_size < errand->size &&
            !options->consistency(errand->old_size, errand->size, path, &length, options->data,
                                  &error)) {
            answer->message = g_strdup(error->message);
            return;
        }
        request.body = body = cosigning_request(errand->old_size, path, length, errand->note);
        if (!http_fetch(slot->http, &request, &http, &error)) {
            answer->message = g_strdup(error->message);
            return;
        }
        cosigning_read(&http, errand->text, slot->key, answer);
        http_answer_clear(&http);
        if (answer->outcome != COSIGNING_OTHER_SIZE || answer->size > errand->size)
            return;
        errand->old_size = answer->size;
    }
    answer->outcome = COSIGNING_BROKEN;
    answer->message = g_strdup("it names another size each time");
}

static void fail(struct slot *slot, enum witness_state state, const char *message)
{
    slot->numbers.state = state;
    slot->numbers.failed++;
    slot->failures++;
    g_free(slot->numbers.message);
    slot->numbers.message = g_strdup(message);
}

/* Takes an answer in, under the lock. TRUE: the alarm is to be raised. */
static gboolean take(struct slot *slot, const struct errand *errand,
                     struct cosigning_answer *answer)
{
    const struct target *target = &slot->client->target;

    switch (answer->outcome) {
    case COSIGNING_GOOD:
        slot->numbers.state = WITNESS_GOOD;
        slot->numbers.good++;
        slot->numbers.cosigned_s = (gint64)answer->time_s;
        slot->failures = 0;
        slot->size = errand->size;
        slot->asked = errand->number;
        /* Another checkpoint may have been asked for meanwhile. */
        if (g_bytes_equal(errand->text, target->text)) {
            g_free(slot->line);
            slot->line = g_steal_pointer(&answer->line);
        }
        return FALSE;
    case COSIGNING_OTHER_SIZE: /* larger than what we asked for */
        slot->size = answer->size;
        if (answer->size <= target->size)
            return FALSE;
        answer->message = g_strdup_printf("it cosigned size %" G_GUINT64_FORMAT
                                          ", and this log has only %" G_GUINT64_FORMAT,
                                          answer->size, target->size);
        fail(slot, WITNESS_CONFLICT, answer->message);
        return TRUE;
    case COSIGNING_CONFLICT:
        fail(slot, WITNESS_CONFLICT, answer->message);
        return TRUE;
    case COSIGNING_NOT_ACCEPTED:
        fail(slot, WITNESS_NOT_ACCEPTED, answer->message);
        return FALSE;
    case COSIGNING_BROKEN:
        fail(slot, WITNESS_UNREACHABLE, answer->message);
        return FALSE;
    }
    return FALSE;
}

static gint64 retry_delay_us(const struct slot *slot)
{
    gint64 delay_us = RETRY_US;

    if (slot->numbers.state == WITNESS_NOT_ACCEPTED)
        return RETRY_LIMIT_US;
    for (guint i = 1; i < slot->failures && delay_us < RETRY_LIMIT_US; i++)
        delay_us *= 2;
    return MIN(delay_us, RETRY_LIMIT_US);
}

static void wait_until(struct slot *slot, gint64 end_us)
{
    while (!slot->stopped && g_cond_wait_until(&slot->client->changed, &slot->client->lock, end_us))
        continue;
}

static gboolean has_work(const struct slot *slot)
{
    return slot->client->target.number != slot->asked && slot->numbers.state != WITNESS_CONFLICT;
}

/* One errand; enters and leaves with the lock held. */
static void run_errand(struct slot *slot)
{
    struct witness_client *client = slot->client;
    const struct target *target = &client->target;
    g_auto(errand_t) errand = { target->number, target->size, MIN(slot->size, target->size),
                                g_bytes_ref(target->note), g_bytes_ref(target->text) };
    struct cosigning_answer answer = { 0 };
    gint64 start_us = g_get_monotonic_time();
    gboolean alarm;

    g_mutex_unlock(&client->lock);
    ask(slot, &errand, &answer);
    g_mutex_lock(&client->lock);
    slot->numbers.latency_us = g_get_monotonic_time() - start_us;
    alarm = !slot->stopped && take(slot, &errand, &answer);
    g_cond_broadcast(&client->changed);
    if (alarm && client->options.alarm) {
        g_mutex_unlock(&client->lock);
        client->options.alarm(slot->name, answer.size, answer.message, client->options.data);
        g_mutex_lock(&client->lock);
    }
    cosigning_answer_clear(&answer);
    if (slot->failures > 0 && slot->numbers.state != WITNESS_CONFLICT)
        wait_until(slot, g_get_monotonic_time() + retry_delay_us(slot));
}

static gpointer slot_run(gpointer data)
{
    struct slot *slot = data;
    struct witness_client *client = slot->client;

    g_mutex_lock(&client->lock);
    while (!slot->stopped) {
        if (has_work(slot))
            run_errand(slot);
        else
            g_cond_wait(&client->changed, &client->lock);
    }
    g_mutex_unlock(&client->lock);
    return NULL;
}

/* Its thread starts with the lock held by the caller. */
static struct slot *slot_new(struct witness_client *client, const struct quorum_witness *witness)
{
    struct slot *slot = g_new0(struct slot, 1);

    slot->client = client;
    slot->name = g_strdup(witness->name);
    slot->url = g_strconcat(witness->url, g_str_has_suffix(witness->url, "/") ? "" : "/", NULL);
    slot->key = note_key_copy(witness->key);
    slot->http = http_new(&client->options.http);
    slot->thread = g_thread_new("witness", slot_run, slot);
    return slot;
}

/* Without the lock. */
static void slot_free(struct slot *slot)
{
    struct witness_client *client = slot->client;

    g_mutex_lock(&client->lock);
    slot->stopped = TRUE;
    g_cond_broadcast(&client->changed);
    g_mutex_unlock(&client->lock);
    http_cancel(slot->http);
    g_thread_join(slot->thread);
    http_free(slot->http);
    note_key_free(slot->key);
    g_free(slot->line);
    g_free(slot->numbers.message);
    g_free(slot->name);
    g_free(slot->url);
    g_free(slot);
}

/* --- the log's side --- */

struct witness_client *witness_client_new(const struct witness_client_options *options)
{
    struct witness_client *client = g_new0(struct witness_client, 1);

    client->options = *options;
    if (client->options.http.limit == 0)
        client->options.http.limit = COSIGNING_ANSWER_LIMIT;
    if (client->options.http.timeout_us == 0)
        client->options.http.timeout_us = REQUEST_TIMEOUT_US;
    client->slots = g_ptr_array_new();
    g_mutex_init(&client->lock);
    g_cond_init(&client->changed);
    return client;
}

void witness_client_free(struct witness_client *client)
{
    if (!client)
        return;
    g_ptr_array_foreach(client->slots, (GFunc)(void (*)(void))slot_free, NULL);
    g_ptr_array_unref(client->slots);
    g_clear_pointer(&client->target.note, g_bytes_unref);
    g_clear_pointer(&client->target.text, g_bytes_unref);
    g_cond_clear(&client->changed);
    g_mutex_clear(&client->lock);
    g_free(client);
}

static gboolean is_of(const struct slot *slot, const struct quorum_witness *witness)
{
    return memcmp(slot->key->bytes, witness->key->bytes, sizeof slot->key->bytes) == 0 &&
           g_str_equal(slot->key->name, witness->key->name) &&
           g_str_has_prefix(slot->url, witness->url) &&
           strlen(slot->url) - strlen(witness->url) <= 1;
}

static struct slot *steal_slot(GPtrArray *slots, const struct quorum_witness *witness)
{
    for (guint i = 0; i < slots->len; i++)
        if (is_of(slots->pdata[i], witness))
            return g_ptr_array_steal_index(slots, i);
    return NULL;
}

void witness_client_set_policy(struct witness_client *client, const struct quorum_policy *policy)
{
    g_autoptr(GPtrArray) old = NULL;

    g_mutex_lock(&client->lock);
    old = client->slots;
    client->slots = g_ptr_array_new();
    client->policy = policy;
    for (guint i = 0; i < policy->witnesses->len; i++) {
        const struct quorum_witness *witness = policy->witnesses->pdata[i];
        struct slot *slot;

        if (!witness->url)
            continue;
        slot = steal_slot(old, witness);
        if (!slot)
            slot = slot_new(client, witness);
        slot->index = i;
        g_ptr_array_add(client->slots, slot);
    }
    g_cond_broadcast(&client->changed);
    g_mutex_unlock(&client->lock);
    g_ptr_array_foreach(old, (GFunc)(void (*)(void))slot_free, NULL);
}

gboolean witness_client_ask(struct witness_client *client, GBytes *note, GError **error)
{
    g_autoptr(note_t) parsed =
        note_parse(g_bytes_get_data(note, NULL), g_bytes_get_size(note), "checkpoint", error);
    g_autoptr(checkpoint_t) checkpoint =
        parsed ? checkpoint_parse(g_bytes_get_data(parsed->text, NULL),
                                  g_bytes_get_size(parsed->text), error)
               : NULL;
    struct target *target = &client->target;

    if (!checkpoint)
        return FALSE;
    g_mutex_lock(&client->lock);
    if (target->number > 0 && checkpoint->size < target->size) {
        g_mutex_unlock(&client->lock);
        return input_error(error, "a checkpoint of size %" G_GUINT64_FORMAT " after one of larger",
                           checkpoint->size);
    }
    if (!target->text || !g_bytes_equal(target->text, parsed->text))
        for (guint i = 0; i < client->slots->len; i++)
            g_clear_pointer(&((struct slot *)client->slots->pdata[i])->line, g_free);
    g_clear_pointer(&target->note, g_bytes_unref);
    g_clear_pointer(&target->text, g_bytes_unref);
    target->number++;
    target->note = g_bytes_ref(note);
    target->text = g_bytes_ref(parsed->text);
    target->size = checkpoint->size;
    g_cond_broadcast(&client->changed);
    g_mutex_unlock(&client->lock);
    return TRUE;
}

static gboolean makes_quorum(const struct witness_client *client)
{
    g_autofree gboolean *cosigned = NULL;

    if (!client->policy)
        return FALSE;
    cosigned = g_new0(gboolean, client->policy->witnesses->len + 1);
    for (guint i = 0; i < client->slots->len; i++) {
        const struct slot *slot = client->slots->pdata[i];

        cosigned[slot->index] = slot->line != NULL;
    }
    return quorum_is_met(client->policy, cosigned);
}

/* Whether a witness that has not failed is still being asked. */
static gboolean may_improve(const struct witness_client *client)
{
    for (guint i = 0; i < client->slots->len; i++) {
        const struct slot *slot = client->slots->pdata[i];

        if (has_work(slot) && slot->failures == 0)
            return TRUE;
    }
    return FALSE;
}

static GBytes *with_cosignatures(const struct witness_client *client, guint *cosignatures)
{
    gsize length;
    const char *note = g_bytes_get_data(client->target.note, &length);
    GString *whole = g_string_new_len(note, (gssize)length);

    for (guint i = 0; i < client->slots->len; i++) {
        const struct slot *slot = client->slots->pdata[i];

        if (!slot->line)
            continue;
        g_string_append(whole, slot->line);
        (*cosignatures)++;
    }
    return g_string_free_to_bytes(whole);
}

GBytes *witness_client_collect(struct witness_client *client, gint64 limit_us, guint *cosignatures,
                               gboolean *quorum)
{
    gint64 end_us = g_get_monotonic_time() + limit_us;
    GBytes *note = NULL;

    *cosignatures = 0;
    g_mutex_lock(&client->lock);
    while (limit_us > 0 && !makes_quorum(client) && may_improve(client))
        if (!g_cond_wait_until(&client->changed, &client->lock, end_us))
            break;
    *quorum = makes_quorum(client);
    if (client->target.number > 0)
        note = with_cosignatures(client, cosignatures);
    g_mutex_unlock(&client->lock);
    return note;
}

GPtrArray *witness_client_numbers(struct witness_client *client)
{
    GPtrArray *all = g_ptr_array_new_with_free_func((GDestroyNotify)witness_numbers_free);

    g_mutex_lock(&client->lock);
    for (guint i = 0; i < client->slots->len; i++) {
        const struct slot *slot = client->slots->pdata[i];
        struct witness_numbers *numbers = g_memdup2(&slot->numbers, sizeof slot->numbers);

        numbers->name = g_strdup(slot->name);
        numbers->url = g_strdup(slot->url);
        numbers->message = g_strdup(slot->numbers.message);
        numbers->size = slot->size;
        g_ptr_array_add(all, numbers);
    }
    g_mutex_unlock(&client->lock);
    return all;
}
