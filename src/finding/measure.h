/*
 * measure.h: one automated judgement under one principle.
 *
 * The rows come from data/measures/ (texts in English and French, mappings, fixes); the catalogue
 * joins each with its judge, a function named after the id: `host.ssh.root-login` is judged by
 * judge_host_ssh_root_login(). A judge is pure: facts in, one finding out. It runs in a worker.
 */
#pragma once
#include "finding/finding.h"

#include <glib.h>

enum severity { SEVERITY_INFO, SEVERITY_LOW, SEVERITY_MEDIUM, SEVERITY_HIGH, SEVERITY_CRITICAL };
#define SEVERITIES (SEVERITY_CRITICAL + 1)
const char *severity_name(enum severity severity);                  /* "info" ... "critical" */
const char *severity_word(enum severity severity, gboolean french); /* for people: "élevée" */
gboolean severity_parse(const char *text, enum severity *severity, GError **error);

/* Functions of the NIST Cybersecurity Framework 2.0. */
enum function {
    FUNCTION_GOVERN,
    FUNCTION_IDENTIFY,
    FUNCTION_PROTECT,
    FUNCTION_DETECT,
    FUNCTION_RESPOND,
    FUNCTION_RECOVER,
};
const char *function_name(enum function function);

/* What a measure needs beyond reading files; the runner answers not-measured when it is missing. */
enum needs {
    NEEDS_LIVE = 1 << 0, /* the running machine, not a tree (--root) */
    NEEDS_WALK = 1 << 1, /* the file-system walk (not with --no-walk) */
    NEEDS_BUS = 1 << 2,  /* the system bus: judged in a worker of its own that may reach it */
};

/* The bit's name: "live", "walk", "bus". */
const char *needs_name(enum needs need);

struct text {
    const char *en, *fr;
};

/* One step of a fix, as data. Which members count depends on the kind; the others are NULL or 0. */
enum fix_kind {
    FIX_SYSCTL,       /* key, value: a line in sysctl.d/99-zz-entente.conf, and the live value */
    FIX_SSHD_OPTION,  /* key, value: first in sshd_config.d/00-entente.conf */
    FIX_SET_LINE,     /* path, key, value, separator: the line "key<separator>value" */
    FIX_DELETE_LINE,  /* path, key: lines whose first word is key */
    FIX_INI_OPTION,   /* path (may be a pattern), section, key, value: an ini file or drop-in */
    FIX_PUT_FILE,     /* path, value (content), mode */
    FIX_MAKE_FILE,    /* as FIX_PUT_FILE, but only when nothing is there */
    FIX_DELETE_FILE,  /* path: a file or a link */
    FIX_MODE,         /* path (may be a pattern), mode: bits beyond it are removed; "@evidence": the
                         finding's paths */
    FIX_OWNER,        /* path, owner, group; "@evidence" as above */
    FIX_BLOCK_MODULE, /* key: kernel module name, in modprobe.d/entente.conf */
    FIX_UNIT_OPTION,  /* path (unit name), section, key, value: drop-in unit.d/entente.conf */
    FIX_MASK_UNIT,    /* path (unit name): link to /dev/null */
    FIX_MOUNT_OPTION, /* path (mount point), value (options, comma separated): /etc/fstab */
    FIX_KERNEL_OPTION, /* value: words for the kernel's command line; key: words or names to remove
                        */
};
const char *fix_kind_name(enum fix_kind kind); /* as in the YAML: "sysctl", "sshd_option" */

struct fix_action {
    enum fix_kind kind;
    const char *path, *section, *key, *value, *separator, *owner, *group;
    guint mode;
};

struct asset_view; /* below */

struct measure {
    const char *id, *catalogue_id; /* "host.ssh.root-login", "SSHD-01" */
    guint8 principle;              /* 1..9 */
    guint16 version;               /* grows when the judgement changes */
    enum severity severity;
    enum function function;
    guint needs;            /* enum needs */
    const char *asset_kind; /* "host", "signatory" */
    struct text title, why, fix;
    const char *const *references; /* "cis-debian12:5.1.20", "man:sshd_config(5)"; ends with NULL */
    const struct fix_action *actions;
    gsize n_actions;
    void (*judge)(const struct asset_view *view, struct finding *finding);
};

struct asset;   /* profile/profile.h */
struct host;    /* p7_hygiene/host/host.h */
struct records; /* journal/records.h */

/* What a judge may look at. Everything is borrowed; what does not apply is NULL. */
struct asset_view {
    const struct asset *asset;     /* with roles, declared listeners, ... */
    struct host *host;             /* facts of a host, loaded when first asked for */
    const struct records *journal; /* this organisation's own records (answers, drills) */
    gint64 now_us;
    const struct json_t *cooperation; /* what we owe others (assess/cooperation.h); or NULL */
};
