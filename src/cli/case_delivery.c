/* case_delivery.c: which events of a case their recipients do not have (yet), and why. */
#include "base/clock.h"
#include "cli/case_text.h"
#include "statement/base64.h"

#include <string.h>

#define REFUSALS_LIMIT 1000u

/* Nothing that the node tries reaches them: the log does not say how. */
static gboolean is_unreachable(const struct casework *work, const char *party)
{
    return casework_register(work) && !case_party_is_key(party) &&
           !g_str_equal(party, OFFICE_LOCAL) && !casework_can_reach(work, party);
}

/* What a recipient answered to an event of ours; NULL: nothing that is remembered. */
static const char *refusal_of(const json_t *refusals, const char *event, const char *party)
{
    const json_t *refusal;
    size_t index;

    json_array_foreach(refusals, index, refusal)
    {
        if (json_is_true(json_object_get(refusal, "ours")) &&
            g_strcmp0(json_text(refusal, "what"), event) == 0 &&
            g_strcmp0(json_text(refusal, "who"), party) == 0)
            return json_text(refusal, "reason");
    }
    return NULL;
}

static void add_to_parties(const struct casework *work, json_t *view)
{
    json_t *party;
    size_t index;

    json_array_foreach(json_object_get(view, "parties"), index, party)
    {
        const char *id = json_text(party, "id");

        if (!json_object_get(party, "left") && !g_str_equal(id, work->self) &&
            is_unreachable(work, id))
            json_object_set_new(party, "unreachable", json_true());
    }
}

gboolean case_delivery_add(const struct casework *work, json_t *view, GError **error)
{
    g_autoptr(json_t) list = cases_undelivered(work->cases, json_text(view, "id"), error);
    g_autoptr(json_t) refusals = NULL;
    json_t *item;
    size_t index;

    if (!list)
        return FALSE;
    refusals = ledger_refusals(work->office->ledger, REFUSALS_LIMIT, error);
    if (!refusals)
        return FALSE;
    json_array_foreach(list, index, item)
    {
        const char *to = json_text(item, "to");
        const char *reason = refusal_of(refusals, json_text(item, "event"), to);

        if (reason)
            json_object_set_new(item, "refused", json_safe_string(reason));
        if (is_unreachable(work, to))
            json_object_set_new(item, "unreachable", json_true());
    }
    if (json_array_size(list))
        json_object_set(view, "undelivered", list);
    add_to_parties(work, view);
    return TRUE;
}

static void put_line(const struct casework *work, const json_t *item, GString *text)
{
    const char *refused = json_text(item, "refused");
    g_autofree char *name = casework_name(work, json_text(item, "to"));
    const int attempts = (int)json_number(item, "attempts", 0);

    if (refused)
        g_string_append_printf(
            text, work->french ? "    refusé par %s\u202f: %s\n" : "    refused by %s: %s\n", name,
            refused);
    else if (json_is_true(json_object_get(item, "unreachable")))
        g_string_append_printf(
            text,
            work->french ? "    ne peut être remis à %s\u202f: ni clé de scellement ni boîte dans "
                           "le journal\n"
                         : "    cannot be delivered to %s: no seal key or no mailbox in the log\n",
            name);
    else
        g_string_append_printf(text,
                               work->french ? "    pas encore remis à %s (essais\u202f: %d)\n"
                                            : "    not delivered to %s yet (tries: %d)\n",
                               name, attempts);
}

void case_delivery_text(const struct casework *work, const json_t *view, const char *event,
                        GString *text)
{
    const json_t *item;
    size_t index;

    json_array_foreach(json_object_get(view, "undelivered"), index, item)
    {
        if (g_strcmp0(json_text(item, "event"), event) == 0)
            put_line(work, item, text);
    }
}
