#include "p7_hygiene/host/logins.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LASTLOG "/var/log/lastlog"
#define USER_PROCESS 7 /* ut_type of a login, utmp(5) */

enum {
    LASTLOG_RECORD = 292,
    WTMP_RECORD = 384,
    WTMP_TYPE = 0,
    WTMP_USER = 44,
    WTMP_USER_SIZE = 32,
    WTMP_SECONDS = 340,
};

static guint32 le32(const guint8 *bytes)
{
    return bytes[0] | bytes[1] << 8 | bytes[2] << 16 | (guint32)bytes[3] << 24;
}

struct logins *logins_new(void)
{
    struct logins *logins = g_new0(struct logins, 1);

    logins->lastlog = logins->wtmp = HOST_ABSENT;
    logins->by_name = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return logins;
}

void logins_free(struct logins *logins)
{
    g_hash_table_unref(logins->by_name);
    g_free(logins);
}

void logins_add_wtmp(struct logins *logins, const guint8 *bytes, gsize length)
{
    for (; length >= WTMP_RECORD; bytes += WTMP_RECORD, length -= WTMP_RECORD) {
        gint64 seconds = le32(bytes + WTMP_SECONDS);
        g_autofree char *name = NULL;
        gint64 *last;

        if (seconds == 0)
            continue;
        if (logins->oldest_s == 0 || seconds < logins->oldest_s)
            logins->oldest_s = seconds;
        if (bytes[WTMP_TYPE] != USER_PROCESS || bytes[WTMP_TYPE + 1] != 0)
            continue;
        name = g_strndup((const char *)bytes + WTMP_USER, WTMP_USER_SIZE);
        last = g_hash_table_lookup(logins->by_name, name);
        if (!last) {
            last = g_new0(gint64, 1);
            g_hash_table_insert(logins->by_name, g_steal_pointer(&name), last);
        }
        *last = MAX(*last, seconds);
    }
}

/* The youngest records of a file, one buffer at a time. */
static enum host_state read_wtmp(struct host *host, const char *path, struct logins *logins)
{
    enum { AT_ONCE = 256 };
    g_autofree guint8 *buffer = NULL;
    const struct host_file *file = host_stat(host, path);
    off_t at = 0;
    ssize_t got = 0;
    int fd;

    if (file->state != HOST_OK)
        return file->state;
    if (!S_ISREG(file->mode))
        return HOST_UNREADABLE;
    fd = host_open(host, path, 0);
    if (fd < 0)
        return errno == EACCES || errno == EPERM ? HOST_DENIED : HOST_UNREADABLE;
    if (file->size / WTMP_RECORD > LOGIN_RECORDS_MAX)
        at = (off_t)(file->size / WTMP_RECORD - LOGIN_RECORDS_MAX) * WTMP_RECORD;
    buffer = g_malloc(AT_ONCE * WTMP_RECORD);
    while ((got = pread(fd, buffer, AT_ONCE * WTMP_RECORD, at)) >= WTMP_RECORD) {
        logins_add_wtmp(logins, buffer, got);
        at += got / WTMP_RECORD * WTMP_RECORD;
    }
    close(fd);
    return got < 0 ? HOST_UNREADABLE : HOST_OK;
}

static gpointer logins_load(struct host *host)
{
    struct logins *logins = logins_new();

    logins->lastlog = host_stat(host, LASTLOG)->state;
    read_wtmp(host, "/var/log/wtmp.1", logins);
    logins->wtmp = read_wtmp(host, "/var/log/wtmp", logins);
    return logins;
}

static void logins_unload(gpointer fact)
{
    logins_free(fact);
}

static const struct fact_kind logins_kind = { "logins", logins_load, logins_unload };

const struct logins *logins_of(struct host *host)
{
    return host_fact(host, &logins_kind);
}

gint64 logins_lastlog(struct host *host, gint64 uid)
{
    const struct host_file *file = host_stat(host, LASTLOG);
    guint8 seconds[4];
    ssize_t got;
    int fd;

    if (file->state != HOST_OK || !S_ISREG(file->mode))
        return -1;
    fd = host_open(host, LASTLOG, 0);
    if (fd < 0)
        return -1;
    got = pread(fd, seconds, sizeof seconds, (off_t)uid * LASTLOG_RECORD);
    close(fd);
    /* Behind the end lie users who never logged in, when anybody did. */
    if (got == 0 && file->size > 0)
        return 0;
    return got == sizeof seconds ? (gint64)le32(seconds) : -1;
}
