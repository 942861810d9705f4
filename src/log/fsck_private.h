/* fsck_private.h: what the parts of fsck share. */
#pragma once
#include "log/fsck.h"
#include "log/tree.h"

/* Notes what differs; the smallest index stays. Gives FALSE and ENTENTE_ERROR_FOUND. */
gboolean fsck_differs(struct log_fsck_finding *finding, guint64 index, GError **error,
                      const char *format, ...) G_GNUC_PRINTF(4, 5);

/* The roots of full tiles that an earlier run found good; NULL without an error: none. */
GByteArray *fsck_resume_read(const char *file, const struct checkpoint *checkpoint, GError **error);
gboolean fsck_resume_write(const char *file, const struct checkpoint *checkpoint,
                           const struct merkle_hash *roots, guint64 tiles, GError **error);

/* Holds the history and the WAL against the tree. */
gboolean fsck_records(const struct log_fsck_options *options, const struct checkpoint *checkpoint,
                      struct log_fsck_counts *counts, struct log_fsck_finding *finding,
                      GError **error);
