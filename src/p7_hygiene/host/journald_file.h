/*
 * journald_file.h: the head of a journal file of systemd-journald: whose it is, and when it was
 * last written. Entries are not read. Layout: systemd's JOURNAL_FILE_FORMAT, section "Header";
 * numbers are little-endian.
 */
#pragma once
#include "p7_hygiene/host/host.h"

#define JOURNALD_ID_LENGTH 32 /* hex digits of a machine or boot id */

struct journald_file {
    char machine[JOURNALD_ID_LENGTH + 1];
    char boot[JOURNALD_ID_LENGTH + 1]; /* of the start that wrote it last */
    guint64 entries;
    gint64 last_us; /* time of the last entry */
};

/* FALSE when the bytes are not such a head. */
gboolean journald_file_parse(const guint8 *bytes, gsize length, struct journald_file *file);

/* Reads the head of the file at `path`; `state` says why not. */
gboolean journald_file_read(struct host *host, const char *path, struct journald_file *file,
                            enum host_state *state);
