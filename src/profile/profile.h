/*
 * profile.h: `entente.yaml`, the signatory and the assets it answers for.
 */
#pragma once
#include <glib.h>

enum asset_kind {
    ASSET_HOST,
    ASSET_DOMAIN,
    ASSET_PREFIX,
    ASSET_AS,
    ASSET_LOG,
    ASSET_BACKUP,
    ASSET_DOCUMENTS,
    ASSET_SOFTWARE,
    ASSET_ELECTION,
    ASSET_ENGAGEMENT,
    ASSET_SIGNATORY, /* the organisation itself: what only people can answer */
};
const char *asset_kind_name(enum asset_kind kind); /* "host", "domain", ... "signatory" */

enum criticality { CRITICALITY_LOW = 1, CRITICALITY_NORMAL = 2, CRITICALITY_HIGH = 3 };
const char *criticality_name(enum criticality criticality);

struct asset {
    enum asset_kind kind;
    char *name;
    enum criticality criticality;
    /* host */
    char **roles;     /* "server", "workstation", "router", "mail", "container-host", ... or NULL */
    char **listeners; /* declared listeners, "tcp/22"; NULL: only tcp/22 is declared */
    char **root_ca;   /* SHA-256 (hex) or file names of CA certificates added on purpose, or NULL */
};

gboolean asset_has_role(const struct asset *asset, const char *role);
