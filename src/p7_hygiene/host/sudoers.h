/*
 * sudoers.h: who may run what as whom through sudo (sudoers(5) of sudo 1.9).
 *
 * Reads /etc/sudoers and what it includes: continuation lines, `#include` and `@include` (which are
 * no comments), includedir that skips names with a dot or a final tilde, aliases, Defaults with
 * their scopes, tags that last for the rest of a list, negation. Bounds: SUDO_DEPTH_MAX nested
 * files, SUDO_FILES_MAX files, SUDO_RULES_MAX commands; `problem` says what lies beyond.
 */
#pragma once
#include "p7_hygiene/host/host.h"

#include <glib.h>

#define SUDO_DEPTH_MAX 16u
#define SUDO_FILES_MAX 256u
#define SUDO_RULES_MAX 20000u
#define SUDO_ALIAS_DEPTH_MAX 16

/* One command that some users may, or (negated) may not, run. */
struct sudo_rule {
    char **users;     /* as written: "bob", "%sudo", "#1000", "ADMINS", "!eve", "ALL" */
    char **hosts;     /* as written */
    char *runas;      /* "ALL:ALL", "www-data"; "root" when none is named */
    char *command;    /* "ALL", "/usr/bin/less /var/log/syslog", "sudoedit /etc/motd" */
    gboolean negated; /* "!/bin/sh" */
    gboolean no_password, no_exec;
    const char *path;
    guint line;
};

struct sudo_default {
    char scope;        /* 0 for all, or one of @ : ! > */
    char *scope_names; /* "bob,%admin", or NULL */
    char *name;        /* "use_pty" */
    char *value;       /* after = += -=; NULL for a flag */
    gboolean off;      /* "!use_pty" */
    const char *path;
    guint line;
};

struct sudoers {
    const struct host_file *file; /* /etc/sudoers */
    GPtrArray *rules;             /* struct sudo_rule, aliases of commands already replaced */
    GPtrArray *defaults;          /* struct sudo_default */
    GHashTable *aliases;          /* "User_Alias NAME" -> char ** of items */
    GPtrArray *files;             /* const struct host_file that were read */
    GPtrArray *folders;           /* char *: folders of includedir */
    char *problem;
    char *denied; /* a folder of includedir that could not be listed, or NULL */
};
const struct sudoers *sudoers_of(struct host *host);

/* Names a list of users stands for, aliases replaced; negated ones keep their `!`. Owned. */
char **sudoers_users(const struct sudoers *sudoers, char *const *users);

/* The last Defaults for everybody with this name, or NULL. */
const struct sudo_default *sudoers_default(const struct sudoers *sudoers, const char *name);
