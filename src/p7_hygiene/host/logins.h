/*
 * logins.h: when somebody last logged in, from lastlog(5) and wtmp(5) as glibc writes them.
 *
 * /var/log/lastlog is an array of 292-byte records by uid, mostly a hole; /var/log/wtmp and its
 * older part wtmp.1 are 384-byte records in order of time. Numbers are little-endian, times are
 * 32-bit seconds since 1970 (struct lastlog, struct utmp of x86-64 and arm64).
 */
#pragma once
#include "p7_hygiene/host/host.h"

#include <glib.h>

#define LOGIN_RECORDS_MAX 200000u /* of wtmp that are read, the youngest */

struct logins {
    enum host_state lastlog, wtmp;
    GHashTable *by_name; /* name -> gint64 *: seconds of the last login in wtmp */
    gint64 oldest_s;     /* of the first record of wtmp; 0 when there is none */
};
const struct logins *logins_of(struct host *host);

/* Seconds since 1970 of the last login of a user by lastlog; 0 never, -1 when there is no record.
 */
gint64 logins_lastlog(struct host *host, gint64 uid);

/* Takes the records of a wtmp file; for tests. */
void logins_add_wtmp(struct logins *logins, const guint8 *bytes, gsize length);
struct logins *logins_new(void);
void logins_free(struct logins *logins);
