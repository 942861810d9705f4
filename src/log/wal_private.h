/* wal_private.h: what the two files of the WAL's code share. */
#pragma once
#include "log/wal.h"

#define WAL_RECORDS_START (2 * WAL_PAGE)
#define WAL_RECORD_HEADER_SIZE 104

guint64 wal_whole_pages(guint64 length);
void wal_sha256(const void *data, gsize length, guint8 digest[MERKLE_HASH_SIZE]);

/* The header of a record, WAL_RECORD_HEADER_SIZE bytes. */
void wal_record_write(guint8 *at, const guint8 *salt, const struct wal_record *record);

/* Reads as many bytes as there are, up to `length`; -1 and an error. */
gssize wal_read_at(int fd, const char *name, guint64 offset, void *data, gsize length,
                   GError **error);
