/*
 * audit.h: the rules of the audit daemon as augenrules(8) puts them together: rules.d/NAME.rules by
 * name, else audit.rules (auditctl(8), audit.rules(7)).
 */
#pragma once
#include "p7_hygiene/host/host.h"

#include <glib.h>

struct audit_rule {
    char *watch;      /* of -w PATH, -F path=, -F dir=; or NULL */
    char **syscalls;  /* of -S, also comma separated; never NULL */
    gboolean writes;  /* a watch with w or a in -p (or without -p); always TRUE for syscalls */
    const char *path; /* of the file; borrowed */
    guint line;
};

struct audit_rules {
    GPtrArray *rules;          /* of struct audit_rule, after the last -D */
    int enabled;               /* of the last -e; -1 when there is none */
    gboolean rules_after_lock; /* rules behind "-e 2" are refused by the kernel */
    const char *lock_path;
    guint lock_line;
    gboolean present; /* some rules file is there */
    enum host_state state;
    const char *unread;
};

const struct audit_rules *audit_rules_get(struct host *host);

struct audit_rules *audit_rules_new(void);
void audit_rules_free(struct audit_rules *rules);
void audit_rules_add(struct audit_rules *rules, const struct host_file *file);

/* The first rule that watches writes to `path` (or a folder above it); NULL. */
const struct audit_rule *audit_watches(const struct audit_rules *rules, const char *path);
/* The first rule on that system call; NULL. */
const struct audit_rule *audit_traces(const struct audit_rules *rules, const char *syscall);
