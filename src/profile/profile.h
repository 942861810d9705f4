/*
 * profile.h: `entente.yaml`, the signatory and the assets it answers for.
 *
 * A profile always holds one asset of kind ASSET_SIGNATORY (the organisation itself), the last;
 * it is never written in the file. Texts are UTF-8 and checked: a domain is a domain name in
 * A-label form, a prefix has no host bits, a listener is "tcp/22". What the file does not say is
 * NULL, 0 or FALSE. Everything is owned by the profile.
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
    char *name; /* unique within its kind */
    enum criticality criticality;
    /* host */
    char **roles;     /* "server", "workstation", "router", "mail", "container-host", ... or NULL */
    char **listeners; /* declared listeners, "tcp/22"; NULL: only tcp/22 is declared */
    char **root_ca;   /* SHA-256 (hex) or file names of CA certificates added on purpose, or NULL */
    /* domain: whether it takes mail, whether it serves web pages */
    gboolean mail, web;
    /* domain: which certificates for it are known; NULL: not said */
    char **certificates; /* PEM files, or "sha256:" of the certificate */
    char **keys;         /* "sha256:" of the public key (SPKI) */
    char **issuers;      /* organisations, or "sha256:" of the issuer's public key */
    char **caa;          /* who may issue, as in CAA: "letsencrypt.org", "ca.example=Example CA" */
    /* prefix: "192.0.2.0/24"; AS numbers (guint32) that may originate it, and that stand next to
     * them; the longest that is announced within it (0: itself); TRUE when it is never announced */
    char *prefix;
    GArray *origins, *neighbours;
    guint8 max_length;
    gboolean dormant;
    /* as: numbers (guint32) of those who carry its routes, who exchange with it, whose it carries
     */
    guint32 as_number;
    GArray *upstreams, *peers, *downstreams;
    /* log, documents, software */
    char *path;
    char *format; /* of a log: "syslog", "json", "combined", ... */
    char *purl;   /* of software: "pkg:deb/debian/openssl" */
    /* backup */
    char *backup_tool; /* "restic" or "borg" */
    char *repository;  /* as the tool takes it: a folder, "sftp:...", "rest:https://..." */
    char *password_file, *password_command; /* at most one; NULL: the tool's environment */
    char **paths;                           /* absolute: must be covered; NULL: not said */
    gint64 rpo_us, rto_us;                  /* so much may be lost; so long may a restore take */
    gint64 drill_every_us;                  /* a drill is due so often */
    gboolean append_only, object_lock;      /* what the store is said to refuse */
    gboolean off_host;                      /* a folder that lies on another machine or medium */
    /* election (its day), engagement (agreed period) */
    gint64 date_us, from_us, until_us;
    char *client; /* of an engagement */
};

/* Whether a host was given the role. */
gboolean asset_has_role(const struct asset *asset, const char *role);

enum group { GROUP_UNKNOWN, GROUP_STATE, GROUP_PRIVATE_SECTOR, GROUP_CIVIL_SOCIETY };
const char *group_name(enum group group); /* "state", "private-sector", "civil-society"; or NULL */
gboolean group_parse(const char *text, enum group *group, GError **error);

struct contact {
    char *role;    /* "security", "abuse", "press", ... */
    char *address; /* a URI with scheme: "mailto:...", "tel:...", "https:..." */
};
struct contact *contact_new(const char *role, const char *address);

/* Zeroed, but for `contacts`; signatory_clear() frees what it holds. */
struct signatory {
    char *name;
    enum group group;
    char *subtype; /* "local-government", "public-authority", ... */
    char *country; /* ISO 3166-1 alpha-2, upper case */
    char *domain;
    GPtrArray *contacts; /* of struct contact; never NULL */
};
void signatory_init(struct signatory *signatory);
void signatory_clear(struct signatory *signatory);

/* A log of certificates (static-ct-api) to read. */
struct certificate_log {
    char *place; /* a URL or a folder */
    char *key;   /* its public key: base64 of the SPKI, or a PEM file */
};

struct profile {
    struct signatory signatory;
    GPtrArray *assets;                   /* of struct asset */
    char **time_sources, **time_servers; /* to ask, and our own; NULL: not said */
    GPtrArray *certificate_logs;         /* of struct certificate_log; never NULL */
    char *path;                          /* the file, or NULL */
    char *sha256;                        /* of the file's bytes, hex; or NULL */
};

#define PROFILE_MAX (1u << 20) /* bytes of a profile */

/*
 * Reads and checks a profile. Unknown keys, wrong types, duplicates, missing members and values
 * that are not what they should be are refused with ENTENTE_ERROR_INPUT and "FILE:LINE:COLUMN: ";
 * aliases, tags and a second document are refused, too. Without a host in it, the machine the
 * program runs on is added, so that there is something to assess.
 */
struct profile *profile_load(const char *path, GError **error);
struct profile *profile_parse(const char *text, gsize length, const char *name, GError **error);

/* A signatory without a name, and this host. */
struct profile *profile_default(void);
void profile_free(struct profile *profile);
typedef struct profile profile_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(profile_t, profile_free)

/*
 * The text of a first profile with the host called `host`, for people to go on with. Refuses a
 * signatory without name or group, and values that a profile may not have. Owned by the caller.
 */
char *profile_first_text(const struct signatory *who, const char *host, GError **error);

/* By kind and name (NULL: the first of the kind); NULL when it is not there. */
const struct asset *profile_asset(const struct profile *profile, enum asset_kind kind,
                                  const char *name);

/*
 * The asset for the machine the program runs on: the host named as it, with or without its
 * domain, or "localhost"; one of normal criticality is added when the profile lists none such.
 */
struct asset *profile_this_host(struct profile *profile);

/* The asset of the organisation itself. */
struct asset *profile_self(const struct profile *profile);

/* For profile_load.c: a zeroed asset of normal criticality at the end, before the organisation's.
 */
struct asset *profile_add(struct profile *profile, enum asset_kind kind, const char *name);
