#include "p7_hygiene/host/journald_file.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIGNATURE "LPKSHHRH"
#define ID_BYTES 16
#define HEAD_BYTES 208 /* up to and with tail_entry_monotonic: in every version of the format */

enum place {
    AT_MACHINE_ID = 40,
    AT_BOOT_ID = 56,
    AT_ENTRIES = 152,
    AT_LAST_REALTIME = 192,
};

static void put_id(char *text, const guint8 *bytes)
{
    for (guint i = 0; i < ID_BYTES; i++)
        g_snprintf(text + 2 * i, 3, "%02x", bytes[i]);
}

static guint64 number_at(const guint8 *bytes)
{
    guint64 number;

    memcpy(&number, bytes, sizeof number);
    return GUINT64_FROM_LE(number);
}

gboolean journald_file_parse(const guint8 *bytes, gsize length, struct journald_file *file)
{
    if (length < HEAD_BYTES || memcmp(bytes, SIGNATURE, strlen(SIGNATURE)) != 0)
        return FALSE;
    put_id(file->machine, bytes + AT_MACHINE_ID);
    put_id(file->boot, bytes + AT_BOOT_ID);
    file->entries = number_at(bytes + AT_ENTRIES);
    file->last_us = (gint64)MIN(number_at(bytes + AT_LAST_REALTIME), (guint64)G_MAXINT64);
    return TRUE;
}

gboolean journald_file_read(struct host *host, const char *path, struct journald_file *file,
                            enum host_state *state)
{
    guint8 bytes[HEAD_BYTES];
    int fd = host_open(host, path, 0);
    struct stat status;
    ssize_t got = -1;

    *state = fd >= 0                               ? HOST_UNREADABLE
             : errno == ENOENT || errno == ENOTDIR ? HOST_ABSENT
             : errno == EACCES || errno == EPERM   ? HOST_DENIED
                                                   : HOST_UNREADABLE;
    if (fd < 0)
        return FALSE;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
        got = read(fd, bytes, sizeof bytes);
    close(fd);
    if (got < 0 || !journald_file_parse(bytes, (gsize)got, file))
        return FALSE;
    *state = HOST_OK;
    return TRUE;
}
