#include "p7_hygiene/host/entries.h"

#include <dirent.h>
#include <sys/syscall.h>
#include <unistd.h>

void entries_begin(struct entries *entries, int fd)
{
    entries->fd = fd;
    entries->at = entries->length = 0;
}

static gboolean is_self_or_parent(const char *name)
{
    return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

const char *entries_next(struct entries *entries, mode_t *type)
{
    for (;;) {
        const struct dirent64 *entry;

        if (entries->at == entries->length) {
            long got = syscall(SYS_getdents64, entries->fd, entries->room, sizeof entries->room);

            if (got <= 0)
                return NULL;
            entries->at = 0;
            entries->length = got;
        }
        entry = (const struct dirent64 *)(entries->room + entries->at);
        entries->at += entry->d_reclen;
        if (is_self_or_parent(entry->d_name))
            continue;
        if (type)
            *type = entry->d_type == DT_UNKNOWN ? 0 : DTTOIF(entry->d_type);
        return entry->d_name;
    }
}
