/*
 * accounts.h: users and groups of a host: passwd(5), shadow(5), group(5), gshadow(5), and what new
 * accounts get (login.defs(5), useradd(8)).
 *
 * Lines for NIS (`+`, `-`) and lines with too few fields are kept apart as `odd`. A password hash
 * never leaves this module but by name of its scheme.
 */
#pragma once
#include "p7_hygiene/host/host.h"

#include <glib.h>

#define ACCOUNT_NONE ((gint64)-1) /* an empty number field */
#define UID_NOBODY 65534u
#define UID_HUMAN_MIN 1000u /* login.defs UID_MIN of Debian */

struct shadow_entry {
    char *name, *hash;
    gint64 changed, least, most, warn, inactive, expire; /* days, since 1970 or long; or NONE */
    guint line;
};

struct account {
    char *name, *password, *gecos, *home, *shell;
    gint64 uid, gid; /* ACCOUNT_NONE when malformed */
    guint line;
    const struct shadow_entry *shadow; /* NULL: none, or unreadable */
};

struct group {
    char *name, *password, **members;
    gint64 gid;
    guint line;
};

struct odd_line {
    const char *path;
    guint line;
    gboolean nis;
    char *text; /* its first field */
};

struct accounts {
    const struct host_file *passwd, *shadow, *group, *gshadow;
    GPtrArray *users;   /* struct account */
    GPtrArray *shadows; /* struct shadow_entry */
    GPtrArray *groups;  /* struct group */
    GPtrArray *odd;     /* struct odd_line */
};
const struct accounts *accounts_of(struct host *host);

const struct account *accounts_user(const struct accounts *accounts, const char *name);
const struct group *accounts_group(const struct accounts *accounts, const char *name);
/* Names of all members, by the group file and by primary group. Free the array only. */
GPtrArray *accounts_members(const struct accounts *accounts, const struct group *group);

/* A person's account: uid from 1000 on, without nobody. */
gboolean account_is_human(const struct account *account);
/* Whether the shell lets somebody work: neither nologin nor false. An empty one is /bin/sh. */
gboolean account_has_shell(const struct account *account);

enum hash_strength { HASH_EMPTY, HASH_LOCKED, HASH_STRONG, HASH_FAIR, HASH_WEAK };
struct hash_scheme {
    const char *name; /* "yescrypt", "DES", "locked" */
    enum hash_strength strength;
    gboolean locked; /* `!` in front of a hash: locked, but the password is still there */
};
struct hash_scheme hash_scheme_of(const char *field);
/* Whether somebody who knows the password gets in: by shadow, or by passwd when it stands there. */
gboolean account_has_password(const struct account *account);

/*
 * The last value of a key in a file of `key value`, `key = value` or `key=value` lines with `#`
 * comments (login.defs, useradd, faillock.conf, pwquality.conf). "" for a bare key, NULL when it is
 * not there; `line` as well. Owned by the caller.
 */
char *key_lookup(const struct host_file *file, const char *key, guint *line);
