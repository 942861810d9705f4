/*
 * timesync.h: which program sets the clock, and from which sources.
 *
 * Read are chrony.conf(5) with its include, confdir and sourcedir, ntp.conf of ntpsec and ntp,
 * ntpd.conf of OpenNTPD, and timesyncd.conf(5) with its drop-ins. A program counts when its
 * package is installed.
 */
#pragma once
#include "p7_hygiene/host/host.h"

#include <glib.h>

struct time_source {
    char *address;          /* "ntp.example.org" */
    gboolean pool;          /* a name for many servers */
    gboolean authenticated; /* NTS or a key */
    char *path;
    guint line;
};

struct time_daemon {
    const char *package; /* "chrony" */
    const char *process; /* as in /proc/PID/comm, "chronyd" */
    gboolean can_authenticate;
    GPtrArray *sources; /* of struct time_source */
    char *user;         /* chrony: whom it becomes; NULL: the package's own account */
    char *user_path;
    guint user_line;
};

struct time_setup {
    GPtrArray *daemons;    /* of struct time_daemon: the installed ones */
    enum host_state state; /* HOST_DENIED, HOST_UNREADABLE: a file was not read */
    char *gap;
};

/* Never NULL; borrowed. */
const struct time_setup *time_setup(struct host *host);
/* Processes that set clocks, by their names in /proc/PID/comm; ends with NULL. */
const char *const *time_processes(void);
