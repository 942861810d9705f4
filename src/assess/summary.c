#include "assess/summary.h"

char *summary_of_evidence(const struct evidence *line)
{
    g_autoptr(GString) text = g_string_new(line->path);

    if (line->path && line->line)
        g_string_append_printf(text, ":%u", line->line);
    if (line->key)
        g_string_append_printf(text, "%s%s", text->len ? " " : "", line->key);
    if (line->found)
        g_string_append_printf(text, "%s%s", text->len ? ": " : "", line->found);
    if (line->wanted)
        g_string_append_printf(text, "%s(wanted %s)", text->len ? " " : "", line->wanted);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

const struct evidence *summary_evidence(const struct finding *finding)
{
    for (guint i = 0; i < finding->evidence->len; i++) {
        const struct evidence *line = finding->evidence->pdata[i];

        if (line->outcome == OUTCOME_FAIL || line->outcome == OUTCOME_WARN)
            return line;
    }
    return NULL;
}

char *summary_of_finding(const struct finding *finding)
{
    const struct evidence *line = summary_evidence(finding);
    g_autofree char *evidence = NULL;

    if (!line && finding->outcome == OUTCOME_PASS && finding->evidence->len)
        line = finding->evidence->pdata[0];
    if (line) {
        evidence = summary_of_evidence(line);
        return g_strdup_printf("%s: %s", outcome_name(finding->outcome), evidence);
    }
    if (finding->reason == REASON_NONE)
        return g_strdup(outcome_name(finding->outcome));
    if (!finding->detail)
        return g_strdup_printf("%s: %s", outcome_name(finding->outcome),
                               reason_name(finding->reason));
    return g_strdup_printf("%s: %s (%s)", outcome_name(finding->outcome),
                           reason_name(finding->reason), finding->detail);
}
