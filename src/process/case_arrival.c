/*
 * case_arrival.c: whether another signatory may come into a case, by the levels of what is in it.
 *
 * Who marks what it says is its source: who opened the case, who set its level (set-tlp), who said
 * something above it. What is said at the level of the case follows that level. A mark is kept for
 * its party until it sets the level anew; one in a stream of its own stays.
 */
#include "process/case_private.h"

gboolean case_step_brings_in(const struct process_step *step)
{
    return step->effect == EFFECT_ADD_PARTY || step->effect == EFFECT_OFFER;
}

void case_mark(struct kase *kase, const struct case_event *event, const struct process_step *step)
{
    struct case_party *party = kase_party(kase, event->from);

    if (g_str_equal(event->stream, CASE_STREAM_LOCAL))
        return;
    if (!step || step->effect == EFFECT_SET_TLP)
        party->marked = event->tlp;
    else if (event->tlp <= kase->tlp)
        return;
    else if (g_str_equal(event->stream, CASE_STREAM_SHARED))
        party->marked = MAX(party->marked, event->tlp);
    else
        party->marked_apart = MAX(party->marked_apart, event->tlp);
}

void case_hand_marks_on(struct case_party *from, struct case_party *to)
{
    to->marked = MAX(to->marked, from->marked);
    to->marked_apart = MAX(to->marked_apart, from->marked_apart);
    from->marked = from->marked_apart = TLP_CLEAR;
}

struct case_arrival case_arrival(const struct kase *kase, const char *by, enum tlp said,
                                 const char *role)
{
    const struct process_role *comes = kind_role(kase->kind, role);
    struct case_arrival arrival = { .level = kase->red ? TLP_RED : MAX(kase->tlp, said) };

    for (guint i = 0; i < kase->parties->len; i++) {
        const struct case_party *party = kase->parties->pdata[i];
        const enum tlp level =
            comes && comes->sees_all ? MAX(party->marked, party->marked_apart) : party->marked;

        arrival.level = MAX(arrival.level, level);
        if (!g_str_equal(party->id, by) && tlp_rule(level)->entry != TLP_ENTRY_PARTY)
            arrival.source = party;
    }
    arrival.closed = tlp_rule(arrival.level)->entry == TLP_ENTRY_NOBODY;
    arrival.reason = tlp_rule(arrival.level)->reason;
    return arrival;
}
