#include "delivery/courier_private.h"

#include "delivery/commitment_root.h"

struct courier *courier_new(const struct courier_options *options)
{
    struct courier *courier = g_new0(struct courier, 1);

    courier->options = *options;
    courier->origin = community_genesis(options->community)->origin;
    courier->mailbox = mailbox_id(courier->origin, options->self);
    courier->client = mailbox_client_new(&options->http, options->key);
    courier->unreachable = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    courier->incomplete = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    courier->later = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return courier;
}

void courier_free(struct courier *courier)
{
    if (!courier)
        return;
    mailbox_client_free(courier->client);
    g_hash_table_unref(courier->unreachable);
    g_hash_table_unref(courier->later);
    g_hash_table_unref(courier->incomplete);
    g_free(courier->shut_out);
    g_free(courier->mailbox);
    g_free(courier);
}

void courier_cancel(struct courier *courier)
{
    g_atomic_int_set(&courier->cancelled, 1);
    mailbox_client_cancel(courier->client);
}

gboolean courier_is_cancelled(struct courier *courier)
{
    return g_atomic_int_get(&courier->cancelled);
}

/* Received first: an acknowledgement that came makes an attempt needless. */
gboolean courier_run(struct courier *courier, gint64 now_us, struct courier_round *round,
                     GError **error)
{
    gboolean done;

    *round = (struct courier_round){ 0 };
    courier->round = round;
    courier->reg = community_register(courier->options.community, error);
    if (!courier->reg)
        return FALSE;
    g_hash_table_remove_all(courier->unreachable);
    done = courier_receive(courier, now_us, error) && courier_acknowledge(courier, now_us, error) &&
           courier_send(courier, now_us, error) && courier_send_proofs(courier, now_us, error);
    if (round->received || round->sent || round->acknowledged)
        courier->moved_us = g_get_monotonic_time();
    courier->reg = NULL;
    return done;
}

const char *courier_shut_out(const struct courier *courier)
{
    return courier->shut_out;
}

/* --- own events become witnessed --- */

/* An event counts as witnessed by its author's commitment; who has no account makes none. */
static gboolean is_ours_to_prove(const struct courier *courier, const char *author)
{
    return author && (g_str_equal(author, courier->options.self) || case_party_is_key(author));
}

static gboolean settle_hour(struct courier *courier, gint64 hour_us, gint64 time_us, gint64 now_us,
                            guint *witnessed, GError **error)
{
    struct ledger *ledger = courier->options.ledger;
    g_autoptr(GArray) events = ledger_events(ledger, hour_us, error);

    for (guint i = 0; events && i < events->len; i++) {
        const struct case_hash *event = &g_array_index(events, struct case_hash, i);
        g_autofree char *author = cases_author(courier->options.cases, event);
        gboolean fresh;

        if (!is_ours_to_prove(courier, author))
            continue;
        if (!ledger_witness(ledger, event, time_us, &fresh, error) ||
            (fresh && !cases_refresh(courier->options.cases, event, now_us, error)))
            return FALSE;
        *witnessed += fresh;
    }
    return events && ledger_settle(ledger, hour_us, error);
}

gboolean courier_settle(struct courier *courier, gint64 now_us, guint *witnessed, GError **error)
{
    struct community *community = courier->options.community;
    const struct reg *reg = community_register(community, error);
    g_autoptr(GPtrArray) hours = reg ? ledger_unsettled(courier->options.ledger, error) : NULL;

    *witnessed = 0;
    if (!hours)
        return FALSE;
    for (guint i = 0; i < hours->len; i++) {
        const struct ledger_hour *hour = hours->pdata[i];
        guint64 index;
        gint64 time_us = 0;

        if (case_root_entry_index(reg, hour->entry, &index))
            time_us = community_time_us(community, index);
        if (time_us && !settle_hour(courier, hour->hour_us, time_us, now_us, witnessed, error))
            return FALSE;
    }
    return TRUE;
}
