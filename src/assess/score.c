#include "assess/score.h"

guint score_weight(enum severity severity, guint criticality)
{
    static const guint weights[SEVERITIES] = {
        [SEVERITY_INFO] = 0, [SEVERITY_LOW] = 1,       [SEVERITY_MEDIUM] = 3,
        [SEVERITY_HIGH] = 5, [SEVERITY_CRITICAL] = 10,
    };

    return weights[severity] * criticality;
}

void score_add(struct score *score, enum outcome outcome, enum severity severity, guint criticality)
{
    guint weight = score_weight(severity, criticality);

    score->counts[outcome]++;
    if (outcome == OUTCOME_PASS) {
        score->met2 += 2 * weight;
    } else if (outcome == OUTCOME_WARN) {
        score->met2 += weight;
        score->unmet2 += weight;
    } else if (outcome == OUTCOME_FAIL) {
        score->unmet2 += 2 * weight;
    } else if (outcome != OUTCOME_NOT_APPLICABLE) {
        score->unassessed2 += 2 * weight;
    }
}

int score_value(const struct score *score)
{
    guint64 measured = score->met2 + score->unmet2;

    return measured ? (int)(100 * score->met2 / measured) : SCORE_NONE;
}

int score_coverage(const struct score *score)
{
    guint64 measured = score->met2 + score->unmet2, applicable = measured + score->unassessed2;

    return applicable ? (int)(100 * measured / applicable) : SCORE_NONE;
}
