/* entente policy margin: how many witnesses a policy, or a checkpoint under it, may lose. */
#include "base/terminal.h"
#include "cli/policy_command.h"
#include "cli/policy_judged.h"
#include "log/quorum_groups.h"

#include <string.h>

/* What the policy bears by itself: each group of the quorum, and how many failures stop it. */
struct bearing {
    const struct quorum_policy *policy;
    gboolean *inside;
    guint64 *breaking, *smallest;
};

static void bearing_init(struct bearing *bearing, const struct quorum_policy *policy)
{
    bearing->policy = policy;
    bearing->inside = g_new0(gboolean, policy->groups->len + 1);
    bearing->breaking = quorum_breaking_points(policy);
    bearing->smallest = quorum_smallest(policy);
    if (!policy->none)
        quorum_below(policy, policy->quorum, bearing->inside, NULL);
}

static void bearing_clear(struct bearing *bearing)
{
    g_free(bearing->inside);
    g_free(bearing->breaking);
    g_free(bearing->smallest);
}

static char *bearing_json(const struct bearing *bearing)
{
    g_autoptr(json_t) list = json_array();

    for (guint i = 0; i < bearing->policy->groups->len; i++) {
        const struct quorum_group *group = bearing->policy->groups->pdata[i];

        if (bearing->inside[i])
            json_array_append_new(list, json_pack("{s:o, s:i, s:i, s:I, s:I}", "group",
                                                  json_safe_string(group->name), "needed",
                                                  (int)group->threshold, "members",
                                                  (int)group->members->len, "may_fail",
                                                  (json_int_t)bearing->breaking[i] - 1, "suffice",
                                                  (json_int_t)bearing->smallest[i]));
    }
    return json_pretty(list);
}

static char *bearing_text(const struct bearing *bearing)
{
    static const char *const headings[] = { "GROUP", "NEEDED", "OF", "MAY FAIL", "SUFFICE", NULL };
    g_autoptr(text_table_t) table = text_table_new(headings);

    for (guint i = 0; i < bearing->policy->groups->len; i++) {
        const struct quorum_group *group = bearing->policy->groups->pdata[i];
        g_autofree char *needed = g_strdup_printf("%u", group->threshold);
        g_autofree char *members = g_strdup_printf("%u", group->members->len);
        g_autofree char *may_fail = g_strdup_printf("%" G_GUINT64_FORMAT, bearing->breaking[i] - 1);
        g_autofree char *suffice = g_strdup_printf("%" G_GUINT64_FORMAT, bearing->smallest[i]);
        const char *const cells[] = { group->name, needed, members, may_fail, suffice };

        if (bearing->inside[i])
            text_table_row(table, cells, NULL);
    }
    return text_table_format(table, FALSE, 0);
}

static char *describe(const struct context *context, const struct policy_judged *judged)
{
    const gboolean is_json = cli_format_is(context, "json", FALSE);
    struct bearing bearing;
    char *text;

    if (judged->has_note) {
        g_autoptr(json_t) margins = policy_margins_json(judged);

        return is_json ? json_pretty(margins) : policy_margins_text(judged);
    }
    bearing_init(&bearing, judged->file->quorum);
    text = is_json ? bearing_json(&bearing) : bearing_text(&bearing);
    bearing_clear(&bearing);
    return text;
}

static int run(const struct context *context, gconstpointer shared, char **arguments,
               GError **error)
{
    const struct policy_state *state = shared;
    struct policy_judged judged = { 0 };
    int status = EXIT_SYSTEM;

    (void)state;
    if (!arguments[0] || (arguments[1] && arguments[2])) {
        input_error(error, "policy margin takes a policy and at most one checkpoint");
        return EXIT_INPUT;
    }
    if (policy_judged_read(arguments[0], arguments[1], &judged, error)) {
        g_autofree char *text = describe(context, &judged);

        if (cli_output(context, text, strlen(text), error))
            status = EXIT_DONE;
        for (guint i = 0; judged.has_note && i < judged.verdict.margins->len; i++) {
            if (policy_judged_margin(&judged, i)->margin < 0)
                status = MAX(status, EXIT_FOUND);
        }
    }
    policy_judged_clear(&judged);
    return status;
}

const struct subcommand policy_subcommand_margin = { "margin", run };
