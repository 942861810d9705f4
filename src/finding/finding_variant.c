#include "finding/finding.h"

#define EVIDENCE_FORMAT "(yyumsmsmsms)"
/* Outcome, reason, detail, omitted, evidence. */
#define FINDING_FORMAT "(yymsua" EVIDENCE_FORMAT ")"

GVariant *finding_to_variant(const struct finding *finding)
{
    GVariantBuilder lines;

    g_variant_builder_init(&lines, G_VARIANT_TYPE("a" EVIDENCE_FORMAT));
    for (guint i = 0; i < finding->evidence->len; i++) {
        const struct evidence *line = finding->evidence->pdata[i];

        g_variant_builder_add(&lines, EVIDENCE_FORMAT, (guchar)line->kind, (guchar)line->outcome,
                              line->line, line->path, line->key, line->found, line->wanted);
    }
    return g_variant_new(FINDING_FORMAT, (guchar)finding->outcome, (guchar)finding->reason,
                         finding->detail, finding->omitted, &lines);
}

GVariant *finding_variant_from_bytes(GBytes *bytes)
{
    return g_variant_new_from_bytes(G_VARIANT_TYPE(FINDING_FORMAT), bytes, FALSE);
}

struct finding *finding_from_variant(GVariant *variant, const char *measure, guint asset)
{
    g_autoptr(finding_t) finding = finding_new(measure, asset);
    g_autoptr(GVariantIter) lines = NULL;
    guchar outcome, reason, kind, line_outcome;
    struct evidence line;

    if (!g_variant_is_of_type(variant, G_VARIANT_TYPE(FINDING_FORMAT)) ||
        !g_variant_is_normal_form(variant))
        return NULL;
    g_variant_get(variant, FINDING_FORMAT, &outcome, &reason, &finding->detail, &finding->omitted,
                  &lines);
    if (outcome > OUTCOME_ERROR || reason > REASON_SILENT ||
        g_variant_iter_n_children(lines) > EVIDENCE_MAX)
        return NULL;
    finding->outcome = outcome;
    finding->reason = reason;
    while (g_variant_iter_next(lines, EVIDENCE_FORMAT, &kind, &line_outcome, &line.line, &line.path,
                               &line.key, &line.found, &line.wanted)) {
        line.kind = MIN(kind, EVIDENCE_REDACTED);
        line.outcome = MIN(line_outcome, OUTCOME_FAIL);
        g_ptr_array_add(finding->evidence, g_memdup2(&line, sizeof line));
    }
    return g_steal_pointer(&finding);
}
