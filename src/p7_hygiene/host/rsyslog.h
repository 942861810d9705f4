/*
 * rsyslog.h: the configuration of rsyslogd in both of its languages: "$Directive value" with
 * "selector action" rules, and objects such as action(type="omfwd" ...) (rsyslog.conf(5)).
 *
 * $IncludeConfig and include(file="...") are followed in place. Conditions are not evaluated: an
 * action counts wherever it stands.
 */
#pragma once
#include "p7_hygiene/host/host.h"

#include <glib.h>

enum rsyslog_kind {
    RSYSLOG_DIRECTIVE, /* name "FileCreateMode", value "0640" */
    RSYSLOG_OBJECT,    /* name "action", with parameters */
    RSYSLOG_FORWARD,   /* of a rule: name "@" (UDP), "@@" (TCP) or ":omrelp:", value "host:port" */
};

struct rsyslog_statement {
    enum rsyslog_kind kind;
    char *name, *value;
    GHashTable *parameters; /* of an object: lower-case name -> value; else NULL */
    char *path;
    guint line;
};

struct rsyslog {
    GPtrArray *statements; /* of struct rsyslog_statement, in the order they are read */
    gboolean present;      /* /etc/rsyslog.conf is there */
    enum host_state state; /* the worst of the files */
    char *unread;
};

const struct rsyslog *rsyslog_get(struct host *host);

/* For tests and fuzzing: reads one text; includes are kept as statements, not followed. */
struct rsyslog *rsyslog_new(void);
void rsyslog_free(struct rsyslog *rsyslog);
void rsyslog_add(struct rsyslog *rsyslog, const char *path, const char *text, gsize length);

/* The last directive of that name (case does not matter), or NULL. */
const struct rsyslog_statement *rsyslog_directive(const struct rsyslog *rsyslog, const char *name);
/* A parameter of an object, or NULL. */
const char *rsyslog_parameter(const struct rsyslog_statement *object, const char *name);
