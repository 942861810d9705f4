#include "log/quorum.h"
#include "log/quorum_groups.h"

#include <string.h>

/* How far ahead of us a cosigner's clock may be and still count as fresh. */
#define CLOCK_TOLERANCE_S 300

const char *quorum_reason_name(enum quorum_reason reason)
{
    static const char *const names[] = {
        [QUORUM_GOOD] = NULL,
        [QUORUM_MALFORMED] = "malformed",
        [QUORUM_UNKNOWN_LOG] = "unknown-log",
        [QUORUM_SIGNATURE] = "signature",
        [QUORUM_PROOF] = "proof",
        [QUORUM_MISSING] = "quorum",
        [QUORUM_STALE] = "stale",
    };

    return names[reason];
}

void quorum_verdict_clear(struct quorum_verdict *verdict)
{
    g_clear_pointer(&verdict->margins, g_array_unref);
    g_clear_pointer(&verdict->signers, g_array_unref);
}

/*
 * Verifies the note by the log's keys of this origin and all witnesses. What is left in `signers`
 * are the witnesses. FALSE when the log did not sign or a line is false.
 */
static gboolean verify(const struct quorum_policy *policy, const struct note *note,
                       const char *origin, GArray *signers, gboolean *origin_is_known)
{
    g_autoptr(GPtrArray) keys = g_ptr_array_new();
    g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(struct note_signer));
    gboolean log_signed = FALSE;
    guint logs;

    for (guint i = 0; i < policy->logs->len; i++) {
        const struct quorum_log *log = policy->logs->pdata[i];

        if (strcmp(log->key->name, origin) == 0)
            g_ptr_array_add(keys, log->key);
    }
    logs = keys->len;
    *origin_is_known = logs > 0;
    for (guint i = 0; i < policy->witnesses->len; i++)
        g_ptr_array_add(keys, ((const struct quorum_witness *)policy->witnesses->pdata[i])->key);
    if (note_verify(note, keys, all) != NOTE_GOOD)
        return FALSE;
    for (guint i = 0; i < all->len; i++) {
        struct note_signer signer = g_array_index(all, struct note_signer, i);

        if (signer.key < logs) {
            log_signed = TRUE;
            continue;
        }
        signer.key -= logs;
        g_array_append_val(signers, signer);
    }
    return log_signed;
}

/* Whose margin is shown: the groups that the quorum group consists of, else the quorum itself. */
static GArray *margin_members(const struct quorum_policy *policy)
{
    GArray *shown = g_array_new(FALSE, FALSE, sizeof(struct quorum_member));

    if (policy->none)
        return shown;
    if (policy->quorum.is_group) {
        const struct quorum_group *top = policy->groups->pdata[policy->quorum.index];

        for (guint i = 0; i < top->members->len; i++) {
            const struct quorum_member *member =
                &g_array_index(top->members, struct quorum_member, i);

            if (member->is_group)
                g_array_append_val(shown, *member);
        }
    }
    if (!shown->len)
        g_array_append_val(shown, policy->quorum);
    return shown;
}

static struct quorum_margin margin_of(const struct quorum_policy *policy,
                                      struct quorum_member member, const gboolean *cosigned,
                                      const guint *satisfied)
{
    struct quorum_margin margin = { .needed = 1, .members = 1 };

    if (member.is_group) {
        const struct quorum_group *group = policy->groups->pdata[member.index];

        margin.group = group->name;
        margin.needed = group->threshold;
        margin.have = satisfied[member.index];
        margin.members = group->members->len;
    } else {
        margin.group =
            ((const struct quorum_witness *)policy->witnesses->pdata[member.index])->name;
        margin.have = cosigned[member.index] ? 1 : 0;
    }
    margin.margin = (int)margin.have - (int)margin.needed;
    return margin;
}

/*
 * Fills the margins, and takes out of `fresh` the witnesses of groups whose youngest cosignature is
 * too old (or too far in the future to say).
 */
static void fill_margins(const struct quorum_policy *policy, guint64 now_s,
                         struct quorum_verdict *verdict, const gboolean *cosigned, gboolean *fresh)
{
    g_autoptr(GArray) shown = margin_members(policy);
    g_autofree guint *satisfied = quorum_satisfied(policy, cosigned);
    const guint64 max_age = (guint64)MAX(policy->max_age_s, 0);

    for (guint i = 0; i < shown->len; i++) {
        const struct quorum_member member = g_array_index(shown, struct quorum_member, i);
        struct quorum_margin margin = margin_of(policy, member, cosigned, satisfied);
        g_autofree gboolean *inside = g_new0(gboolean, policy->witnesses->len + 1);
        guint64 youngest_fresh = 0;

        quorum_below(policy, member, NULL, inside);
        for (guint j = 0; j < verdict->signers->len; j++) {
            const struct note_signer *signer =
                &g_array_index(verdict->signers, struct note_signer, j);

            if (!inside[signer->key])
                continue;
            margin.youngest_time_s = MAX(margin.youngest_time_s, signer->time_s);
            if (signer->time_s <= now_s + CLOCK_TOLERANCE_S)
                youngest_fresh = MAX(youngest_fresh, signer->time_s);
        }
        g_array_append_val(verdict->margins, margin);
        for (guint j = 0; j < policy->witnesses->len; j++) {
            if (inside[j] && youngest_fresh + max_age < now_s)
                fresh[j] = FALSE;
        }
    }
}

static gint compare_times(gconstpointer a, gconstpointer b)
{
    const guint64 *left = a, *right = b;

    return (*left > *right) - (*left < *right);
}

/* The (lower) median time of the cosignatures that the quorum consists of. */
static guint64 median_time(const struct quorum_policy *policy, const GArray *signers)
{
    g_autofree gboolean *inside = g_new0(gboolean, policy->witnesses->len + 1);
    g_autoptr(GArray) times = g_array_new(FALSE, FALSE, sizeof(guint64));

    if (policy->none)
        return 0;
    quorum_below(policy, policy->quorum, NULL, inside);
    for (guint i = 0; i < signers->len; i++) {
        const struct note_signer *signer = &g_array_index(signers, struct note_signer, i);

        if (inside[signer->key])
            g_array_append_val(times, signer->time_s);
    }
    if (!times->len)
        return 0;
    g_array_sort(times, compare_times);
    return g_array_index(times, guint64, (times->len - 1) / 2);
}

static enum quorum_reason judge(const struct quorum_policy *policy, const struct note *note,
                                const char *origin, guint64 now_s, struct quorum_verdict *verdict)
{
    g_autofree gboolean *cosigned = g_new0(gboolean, policy->witnesses->len + 1);
    g_autofree gboolean *fresh = NULL;
    gboolean origin_is_known;

    if (!verify(policy, note, origin, verdict->signers, &origin_is_known))
        return origin_is_known ? QUORUM_SIGNATURE : QUORUM_UNKNOWN_LOG;
    for (guint i = 0; i < verdict->signers->len; i++)
        cosigned[g_array_index(verdict->signers, struct note_signer, i).key] = TRUE;
    fresh = g_memdup2(cosigned, sizeof *cosigned * (policy->witnesses->len + 1));
    fill_margins(policy, now_s, verdict, cosigned, fresh);
    verdict->log_time_s = median_time(policy, verdict->signers);
    if (!quorum_is_met(policy, cosigned))
        return QUORUM_MISSING;
    if (now_s && policy->max_age_s > 0 && !quorum_is_met(policy, fresh))
        return QUORUM_STALE;
    return QUORUM_GOOD;
}

struct checkpoint *quorum_judge(const struct quorum_policy *policy, const struct note *note,
                                guint64 now_s, struct quorum_verdict *verdict)
{
    gsize length;
    const void *text = g_bytes_get_data(note->text, &length);
    struct checkpoint *checkpoint = checkpoint_parse(text, length, NULL);

    *verdict = (struct quorum_verdict){
        .reason = QUORUM_MALFORMED,
        .margins = g_array_new(FALSE, FALSE, sizeof(struct quorum_margin)),
        .signers = g_array_new(FALSE, FALSE, sizeof(struct note_signer)),
    };
    if (checkpoint)
        verdict->reason = judge(policy, note, checkpoint->origin, now_s, verdict);
    return checkpoint;
}
