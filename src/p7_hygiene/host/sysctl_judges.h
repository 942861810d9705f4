/*
 * sysctl_judges.h: a judge from a table of settings; see the head of sysctl.h for the verdict.
 */
#pragma once
#include "p7_hygiene/host/sysctl.h"

#define SYSCTL_JUDGE(judge, ...)                                                                   \
    void judge(const struct asset_view *view, struct finding *finding)                             \
    {                                                                                              \
        static const struct sysctl_rule rules[] = { __VA_ARGS__ };                                 \
                                                                                                   \
        sysctl_judge(view->host, finding, rules, G_N_ELEMENTS(rules));                             \
    }
