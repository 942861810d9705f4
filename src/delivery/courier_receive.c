/* courier_receive.c: the own mailbox, here and at relays, message by message. */
#include "base/error.h"
#include "delivery/courier_private.h"

#include <string.h>

#define LIST_LIMIT 500
#define QUICK_US (1 * (gint64)G_USEC_PER_SEC) /* between two looks at relays, while things move */
#define SLOW_US (10 * (gint64)G_USEC_PER_SEC) /* and when nothing moved for MOVING_US */
#define MOVING_US (600 * (gint64)G_USEC_PER_SEC)
#define LATER_US (20 * (gint64)G_USEC_PER_SEC) /* what cannot be judged yet is looked at again */
#define LATER_LIMIT 10000u
#define ROUND_LIMIT 2000u /* messages of one place in a round: a relay's list may have no end */
#define DAY_US (G_GINT64_CONSTANT(86400) * G_USEC_PER_SEC)

char **courier_own_urls(const struct courier *courier)
{
    const json_t *said = register_mailbox(courier->reg, courier->options.self), *url;
    GPtrArray *urls = g_ptr_array_new();
    size_t i;

    json_array_foreach(json_object_get(said, "urls"), i, url)
    {
        g_ptr_array_add(urls, g_strdup(json_string_value(url)));
    }
    g_ptr_array_add(urls, NULL);
    return (char **)g_ptr_array_free(urls, FALSE);
}

/* A place with messages for us: this node (url NULL) or a relay. */
static GArray *list(struct courier *courier, const char *url, guint64 after, GError **error)
{
    return url ? mailbox_client_list(courier->client, url, courier->mailbox, after, error)
               : mailbox_list(courier->options.local, courier->mailbox, after, LIST_LIMIT, error);
}

static GBytes *get(struct courier *courier, const char *url, guint64 number, GError **error)
{
    return url ? mailbox_client_get(courier->client, url, courier->mailbox, number, error)
               : mailbox_get(courier->options.local, courier->mailbox, number, error);
}

static gboolean drop(struct courier *courier, const char *url, guint64 number, GBytes *sealed)
{
    g_autofree char *sha256 = mailbox_sha256(sealed);

    return url ? mailbox_client_delete(courier->client, url, courier->mailbox, number, sha256, NULL)
               : mailbox_delete(courier->options.local, courier->mailbox, number, sha256, NULL);
}

static gboolean is_for_later(struct courier *courier, const char *place)
{
    const gint64 *until_us = g_hash_table_lookup(courier->later, place);

    return until_us && g_get_monotonic_time() < *until_us;
}

static void put_off(struct courier *courier, const char *place)
{
    gint64 *until_us = g_new(gint64, 1);

    if (g_hash_table_size(courier->later) >= LATER_LIMIT)
        g_hash_table_remove_all(courier->later);
    *until_us = g_get_monotonic_time() + LATER_US;
    g_hash_table_replace(courier->later, g_strdup(place), until_us);
}

/* One message; `looked` counts those that were asked for; `*failed`: its place does not answer any
 * more. FALSE: a database here. */
static gboolean receive_one(struct courier *courier, const char *url, const struct mailbox_row *row,
                            gint64 now_us, guint *looked, gboolean *failed, GError **error)
{
    g_autofree char *place = g_strdup_printf("%s %" G_GUINT64_FORMAT, url ? url : "", row->number);
    g_autoptr(GError) trouble = NULL;
    g_autoptr(GBytes) sealed = NULL;
    const char *later = NULL;

    if (is_for_later(courier, place))
        return TRUE;
    ++*looked;
    sealed = get(courier, url, row->number, &trouble);
    *failed = trouble != NULL;
    if (!sealed)
        return TRUE;
    if (!courier_take(courier, sealed, now_us, &later, error))
        return FALSE;
    if (later && now_us - row->time_us < DAY_US) {
        put_off(courier, place);
        return TRUE;
    }
    if (later && !courier_refuse(courier, sealed, COURIER_UNKNOWN, later, now_us, error))
        return FALSE;
    courier->round->received++;
    g_hash_table_remove(courier->later, place);
    *failed = !drop(courier, url, row->number, sealed);
    return TRUE;
}

/* What is at one place, in the order in which it came; what is left, in the next round. */
static gboolean receive_from(struct courier *courier, const char *url, gint64 now_us,
                             GError **error)
{
    guint64 after = 0;
    gboolean failed = FALSE;
    guint looked = 0;

    while (!failed && looked < ROUND_LIMIT && !courier_is_cancelled(courier)) {
        g_autoptr(GError) trouble = NULL;
        g_autoptr(GArray) rows = list(courier, url, after, &trouble);

        if (url && g_error_matches(trouble, ENTENTE_ERROR, ENTENTE_ERROR_POLICY) &&
            !courier->shut_out)
            courier->shut_out = g_strdup(url);
        if (!rows || !rows->len)
            return TRUE;
        for (guint i = 0;
             i < rows->len && looked < ROUND_LIMIT && !failed && !courier_is_cancelled(courier);
             i++) {
            const struct mailbox_row *row = &g_array_index(rows, struct mailbox_row, i);

            if (row->number <= after)
                return TRUE; /* a relay that goes round in circles */
            after = row->number;
            if (!receive_one(courier, url, row, now_us, &looked, &failed, error))
                return FALSE;
        }
    }
    return TRUE;
}

gboolean courier_receive(struct courier *courier, gint64 now_us, GError **error)
{
    const gint64 clock_us = g_get_monotonic_time();
    const gint64 pause_us =
        courier->moved_us && clock_us - courier->moved_us < MOVING_US ? QUICK_US : SLOW_US;
    g_auto(GStrv) urls = NULL;

    if (!courier->options.seal_keys->len)
        return TRUE; /* nothing can be opened: it waits where it is */
    if (courier->options.local && !receive_from(courier, NULL, now_us, error))
        return FALSE;
    if (courier->polled_us && clock_us - courier->polled_us < pause_us)
        return TRUE;
    courier->polled_us = clock_us;
    g_clear_pointer(&courier->shut_out, g_free);
    urls = courier_own_urls(courier);
    for (char **url = urls; *url && !courier_is_cancelled(courier); url++)
        if (!receive_from(courier, *url, now_us, error))
            return FALSE;
    return TRUE;
}
