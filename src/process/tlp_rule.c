#include "process/tlp_rule.h"

static const struct tlp_rule rules[TLP_LEVELS] = {
    [TLP_CLEAR] = { TLP_ENTRY_PARTY, FALSE, "public", FALSE, FALSE, "everybody", "tout le monde" },
    [TLP_GREEN] = { TLP_ENTRY_PARTY, FALSE, "community", FALSE, TRUE, "the community",
                    "la communauté" },
    [TLP_AMBER] = { TLP_ENTRY_PARTY, TRUE, "clients", FALSE, TRUE,
                    "the parties' organisations, and their clients as far as they need to know",
                    "les organisations des parties, et leurs clients s'ils ont besoin d'en "
                    "connaître" },
    [TLP_AMBER_STRICT] = { TLP_ENTRY_SOURCE, TRUE, "organisation", TRUE, TRUE,
                           "the parties' organisations alone",
                           "les seules organisations des parties" },
    [TLP_RED] = { TLP_ENTRY_NOBODY, TRUE, NULL, TRUE, TRUE, "those whom it names",
                  "ceux qu'il désigne" },
};

const struct tlp_rule *tlp_rule(enum tlp tlp)
{
    return &rules[tlp];
}

gboolean tlp_audience(const char *audience, enum tlp *tlp)
{
    for (guint i = 0; i < TLP_LEVELS; i++)
        if (g_strcmp0(rules[i].audience, audience) == 0) {
            *tlp = i;
            return audience != NULL;
        }
    return FALSE;
}
