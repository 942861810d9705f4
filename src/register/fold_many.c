/*
 * fold_many.c: folding fast. What needs no state is done on all cores before: reading each entry,
 * and checking its signatures under every key that the signature may mean: those the register
 * knows by that hint, and those that entries of the same batch bring. The fold itself stays one
 * after the other and finds the answers there (entry_is_signed_by()).
 */
#include "register/register_private.h"
#include "statement/intoto.h"

#include <string.h>

#define BATCH 4096u
#define CHUNK 64u /* entries a thread takes at once */

struct batch {
    const struct reg *reg;
    GBytes *const *entries;
    struct entry **parsed;
    GHashTable *brought; /* hint -> GPtrArray of struct public_key * */
    guint count;
    guint next; /* atomic */
    void (*work)(struct batch *batch, guint index);
};

static void read_form(struct batch *batch, guint index)
{
    batch->parsed[index] = entry_parse(batch->entries[index]);
}

static void check_signatures(struct batch *batch, guint index)
{
    struct entry *entry = batch->parsed[index];

    if (entry->verdict != REGISTER_COUNTS)
        return;
    for (guint i = 0; i < entry->envelope->signatures->len; i++) {
        const char *hint = entry_hint(entry, i);
        const GPtrArray *known = g_hash_table_lookup(batch->reg->hints, hint);
        const GPtrArray *brought = g_hash_table_lookup(batch->brought, hint);

        for (guint j = 0; known && j < known->len; j++)
            entry_is_signed_by(entry, i, ((const struct reg_key *)known->pdata[j])->bytes);
        for (guint j = 0; brought && j < brought->len; j++)
            entry_is_signed_by(entry, i, ((const struct public_key *)brought->pdata[j])->bytes);
    }
}

static gpointer work(gpointer data)
{
    struct batch *batch = data;

    for (;;) {
        guint first = (guint)g_atomic_int_add((gint *)&batch->next, CHUNK);

        for (guint i = first; i < first + CHUNK && i < batch->count; i++)
            batch->work(batch, i);
        if (first + CHUNK >= batch->count)
            return NULL;
    }
}

static void run(struct batch *batch, guint threads, void (*step)(struct batch *, guint))
{
    g_autoptr(GPtrArray) started = g_ptr_array_new();

    batch->work = step;
    batch->next = 0;
    for (guint i = 1; i < threads && i * CHUNK < batch->count; i++) {
        GThread *thread = g_thread_try_new("fold", work, batch, NULL);

        if (thread) /* else fewer do it */
            g_ptr_array_add(started, thread);
    }
    work(batch);
    for (guint i = 0; i < started->len; i++)
        g_thread_join(started->pdata[i]);
}

static void bring(GHashTable *brought, const char *text)
{
    g_autoptr(public_key_t) key = text ? public_key_parse(text, NULL) : NULL;
    g_autofree char *hint = key ? public_key_hint(key) : NULL;
    GPtrArray *keys = hint ? g_hash_table_lookup(brought, hint) : NULL;

    if (!key)
        return;
    if (!keys) {
        keys = g_ptr_array_new_with_free_func((GDestroyNotify)public_key_free);
        g_hash_table_insert(brought, g_steal_pointer(&hint), keys);
    }
    for (guint i = 0; i < keys->len; i++)
        if (memcmp(((const struct public_key *)keys->pdata[i])->bytes, key->bytes,
                   KEY_PUBLIC_SIZE) == 0)
            return;
    g_ptr_array_add(keys, g_steal_pointer(&key));
}

/* The keys that an entry names: of a root, or delegated. */
static void bring_keys(struct batch *batch, const struct entry *entry)
{
    const json_t *predicate, *item;
    size_t index;

    if (entry->verdict != REGISTER_COUNTS)
        return;
    predicate = intoto_predicate(entry->statement);
    if (g_str_equal(entry->predicate->type, PREDICATE_DELEGATION))
        bring(batch->brought, json_text(predicate, "key"));
    json_array_foreach(json_object_get(json_object_get(predicate, "root"), "keys"), index, item)
        bring(batch->brought, json_string_value(item));
}

static void fold_batch(struct reg *reg, GBytes *const *entries, const gint64 *times_us, guint count,
                       guint threads)
{
    g_autofree struct entry **parsed = g_new0(struct entry *, count);
    struct batch batch = { .reg = reg, .entries = entries, .parsed = parsed, .count = count };

    batch.brought =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
    run(&batch, threads, read_form);
    for (guint i = 0; i < count; i++)
        bring_keys(&batch, parsed[i]);
    run(&batch, threads, check_signatures);
    for (guint i = 0; i < count; i++) {
        register_fold_parsed(reg, parsed[i], times_us ? times_us[i] : 0);
        entry_free(parsed[i]);
    }
    g_hash_table_unref(batch.brought);
}

void register_fold_many(struct reg *reg, const GPtrArray *entries, const gint64 *times_us,
                        guint threads)
{
    if (!threads)
        threads = g_get_num_processors();
    for (guint first = 0; first < entries->len; first += BATCH)
        fold_batch(reg, (GBytes *const *)entries->pdata + first, times_us ? times_us + first : NULL,
                   MIN(BATCH, entries->len - first), threads);
}
