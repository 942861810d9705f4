#include "profile/profile.h"

const char *asset_kind_name(enum asset_kind kind)
{
    static const char *const names[] = {
        "host",      "domain",   "prefix",   "as",         "log",       "backup",
        "documents", "software", "election", "engagement", "signatory",
    };

    return names[kind];
}

const char *criticality_name(enum criticality criticality)
{
    static const char *const names[] = { "", "low", "normal", "high" };

    return names[criticality];
}

gboolean asset_has_role(const struct asset *asset, const char *role)
{
    return asset->roles && g_strv_contains((const char *const *)asset->roles, role);
}
