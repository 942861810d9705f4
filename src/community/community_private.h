/* community_private.h: shared by the files of this room. */
#pragma once
#include "community/community.h"
#include "community/replay.h"
#include "log/mirror.h"

#define COMMUNITY_FOLDER_MODE 0700
#define COMMUNITY_FILE_MODE 0644

struct community {
    char *data, *folder; /* DATA and DATA/community */
    char *log_folder, *evidence_folder;
    char *url;
    gboolean local;
    struct community_policy *genesis, *in_force; /* `in_force` NULL: not read yet */
    struct memory *memory;
    struct mirror *copy;       /* NULL for a local log */
    struct log_reader *reader; /* of the log's folder; NULL: not yet */
    struct replay replay;      /* reg NULL: not folded yet */
    guint64 replayed;          /* the size it was folded at */
};

/* Judges receipts that are due, against the log that `reader` trusts at `size`. */
gboolean community_judge_receipts(struct community *community, const struct checkpoint *checkpoint,
                                  GBytes *note, guint64 log_time_s, guint64 *broken,
                                  GError **error);
