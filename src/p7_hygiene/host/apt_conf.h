/*
 * apt_conf.h: the configuration of APT (apt.conf(5)): nested blocks, "A::B "v";", lists ("A::
 * "v";"), #clear, comments (//, #, C style).
 *
 * Files are read as APT does: /etc/apt/apt.conf.d by name, then /etc/apt/apt.conf; a later value
 * replaces an earlier one, list items add up. #include is not followed (its files are unread).
 */
#pragma once
#include "p7_hygiene/host/host.h"

#include <glib.h>

struct apt_item {
    char *name; /* "APT::Periodic::Unattended-Upgrade"; of a list item it ends with "::" */
    char *value;
    const char *path; /* of the file; borrowed from the host */
    guint line;
};

struct apt_conf {
    GPtrArray *items;      /* of struct apt_item, in the order they took effect; one a plain name */
    enum host_state state; /* of the worst file: DENIED or UNREADABLE hides settings */
    const char *unread;    /* that file, or NULL */
};

const struct apt_conf *apt_conf_get(struct host *host);

/* For tests and fuzzing: a configuration with one text in it, and more texts added to it. */
struct apt_conf *apt_conf_new(void);
void apt_conf_free(struct apt_conf *conf);
void apt_conf_add(struct apt_conf *conf, const char *path, const char *text, gsize length);

/* The item of that name (case does not matter); NULL when it is not set. */
const struct apt_item *apt_conf_find(const struct apt_conf *conf, const char *name);
/* Whether a value says yes: 1, true, yes, on, with, enable (StringToBool of apt-pkg). */
gboolean apt_conf_is_true(const char *value);
