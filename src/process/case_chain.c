/* case_chain.c: what each author said in each stream: the last of it, and what is missing. */
#include "process/case_private.h"

#include "statement/base64.h"

#include <string.h>

struct chain *case_chain(const struct case_fold *fold, const char *author, const char *stream)
{
    g_autofree char *key = g_strconcat(author, "\n", stream, NULL);

    return g_hash_table_lookup(fold->chains, key);
}

struct chain *case_chain_make(struct case_fold *fold, const char *author, const char *stream)
{
    struct chain *chain = case_chain(fold, author, stream);

    if (chain)
        return chain;
    chain = g_new0(struct chain, 1);
    chain->slots = g_ptr_array_new();
    g_hash_table_insert(fold->chains, g_strconcat(author, "\n", stream, NULL), chain);
    return chain;
}

gboolean case_slot_is_there(const struct slot *slot)
{
    return slot && (slot->placed || slot->forked);
}

/* Whether all who see its stream have an event, or may have it from us (cases_hand_on()). */
static gboolean is_for_all(const struct kase *kase, const struct case_event *event)
{
    g_auto(GStrv) parties = NULL;

    if (event->tlp != TLP_RED)
        return TRUE;
    parties = case_recipients(kase, event->stream, event->from);
    for (char **party = parties; *party; party++)
        if (!case_event_is_for(kase, event, *party))
            return FALSE;
    return TRUE;
}

/*
 * The last event of a chain that all parties have, or can have. What is said by who is no party, or
 * is none any more, may have been sent to us alone, and what is RED may be for us alone: the others
 * would wait for it, and for all that comes after it, for ever.
 */
static const struct case_event *last_of_party(const struct case_fold *fold, const GPtrArray *slots)
{
    const struct case_event *last = NULL;

    for (guint i = 0; i < slots->len; i++) {
        const struct slot *slot = slots->pdata[i];

        if (!kase_party(fold->kase, slot->event->from) || !is_for_all(fold->kase, slot->event))
            break;
        if (slot->fixed == CASE_APPLIED && slot->verdict != CASE_NOT_A_PARTY)
            last = slot->event;
    }
    return last;
}

json_t *case_fold_heads(const struct case_fold *fold, const char *stream, const char *but)
{
    json_t *heads = json_object();
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, fold->chains);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const struct case_event *last = last_of_party(fold, ((struct chain *)value)->slots);
        g_autofree char *hex = NULL;

        if (!last || !g_str_equal(last->stream, stream) || g_strcmp0(last->from, but) == 0)
            continue;
        hex = hex_encode(last->hash.bytes, sizeof last->hash.bytes);
        json_object_set_new(heads, last->from, json_string(hex));
    }
    return heads;
}

const struct case_event *case_fold_event(const struct case_fold *fold, const struct case_hash *hash)
{
    const struct slot *slot = g_hash_table_lookup(fold->slots, hash->bytes);

    return slot ? slot->event : NULL;
}

guint32 case_fold_last(const struct case_fold *fold, const char *author, const char *stream,
                       struct case_hash *hash)
{
    const struct chain *chain = case_chain(fold, author, stream);
    const struct slot *last;

    if (!chain || !chain->slots->len)
        return 0;
    last = chain->slots->pdata[chain->slots->len - 1];
    *hash = last->event->hash;
    return last->event->seq;
}

static gint compare_numbers(gconstpointer a, gconstpointer b)
{
    guint32 left = *(const guint32 *)a, right = *(const guint32 *)b;

    return (left > right) - (left < right);
}

char *case_fold_gaps(const struct case_fold *fold, const char *author, const char *stream)
{
    g_autoptr(GArray) there = g_array_new(FALSE, FALSE, sizeof(guint32));
    g_autoptr(GString) out = g_string_new(NULL);
    const struct chain *chain = case_chain(fold, author, stream);
    guint32 next = chain ? chain->slots->len + 1 : 1;
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, fold->slots);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const struct slot *slot = value;

        if (!case_slot_is_there(slot) && g_str_equal(slot->event->from, author) &&
            g_str_equal(slot->event->stream, stream))
            g_array_append_val(there, slot->event->seq);
    }
    g_array_sort(there, compare_numbers);
    for (guint i = 0; i < there->len; i++) {
        guint32 seq = g_array_index(there, guint32, i);

        if (seq > next)
            g_string_append_printf(out, seq - next > 1 ? "%s%u-%u" : "%s%u", out->len ? ", " : "",
                                   next, seq - 1);
        next = MAX(next, seq + 1);
    }
    return out->len ? g_string_free(g_steal_pointer(&out), FALSE) : NULL;
}
