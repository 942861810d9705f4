/*
 * entries.h: the entries of an open folder, one by one, in the order of the file system. As
 * readdir(3), without the three system calls and the allocation of opendir(3) for each folder.
 */
#pragma once
#include <glib.h>
#include <sys/types.h>

#define ENTRIES_ROOM 16384 /* some hundred entries a system call */

struct entries {
    int fd;
    gsize at, length; /* in `room` */
    guint8 room[ENTRIES_ROOM] __attribute__((aligned(8)));
};

void entries_begin(struct entries *entries, int fd);
/*
 * The next name but "." and "..", valid until the one after it, and its S_IFREG, S_IFDIR, ...: 0
 * where the file system does not tell. NULL at the end, and where the folder cannot be read on.
 */
const char *entries_next(struct entries *entries, mode_t *type);
