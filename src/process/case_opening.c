/* case_opening.c: which of several openings of one case counts. */
#include "process/case_private.h"

#include <string.h>

static gboolean is_told(const struct case_event *event, const char *party)
{
    return g_str_equal(event->from, party) ||
           g_strv_contains((const char *const *)event->to, party);
}

/* A key that anybody can make is no witness; and what is for some alone would hold an opening fast
 * for those alone. */
static gboolean may_answer(const struct case_event *event, const struct case_event *opening)
{
    if (case_party_is_key(event->from) || g_str_equal(event->from, opening->from) ||
        !g_strv_contains((const char *const *)opening->to, event->from) ||
        !is_told(event, opening->from) || !g_str_equal(event->stream, opening->stream))
        return FALSE;
    for (char **party = opening->to; *party; party++)
        if (!is_told(event, *party))
            return FALSE;
    return TRUE;
}

void case_opening_answer(const struct case_event *event, const struct slot *head)
{
    if (head->root && may_answer(event, head->root->event))
        head->root->answered = TRUE;
}

static gboolean is_before(const struct slot *a, const struct slot *b)
{
    if (a->answered != b->answered)
        return a->answered;
    if (a->event->time_us != b->event->time_us)
        return a->event->time_us < b->event->time_us;
    return memcmp(a->event->hash.bytes, b->event->hash.bytes, CASE_HASH_SIZE) < 0;
}

struct slot *case_opening_first(const GPtrArray *openings)
{
    struct slot *first = NULL;

    for (guint i = 0; i < openings->len; i++)
        if (!first || is_before(openings->pdata[i], first))
            first = openings->pdata[i];
    return first;
}
