/*
 * receipt.h: what a log answers to a submission, signed: that the entry is in, will be in by a
 * time, or is refused and why. One that is not honoured is evidence against the log.
 *
 * A DSSE envelope in its canonical form over a statement of the type receipt:1, by the log's key.
 * It is for its submitter, and never goes into the log.
 */
#pragma once
#include "log/reader.h"

#define RECEIPT_LIMIT 16384
#define RECEIPT_MERGE_DELAY_US (60 * G_TIME_SPAN_SECOND) /* an accepted entry is in by then */

enum receipt_status {
    RECEIPT_INCLUDED, /* committed at `index` */
    RECEIPT_ACCEPTED, /* will be, by `by_us` */
    RECEIPT_REFUSED,  /* for `reason` */
};

struct receipt {
    enum receipt_status status;
    char *log;                /* origin */
    struct merkle_hash entry; /* its leaf hash */
    gint64 time_us;
    guint64 index;
    gint64 by_us;
    char *reason; /* or NULL */
};
typedef struct receipt receipt_t;
void receipt_free(struct receipt *receipt);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(receipt_t, receipt_free)

/* Signs; the member `log` is the key's name. Only what the status calls for is written. NULL and
 * ENTENTE_ERROR_INPUT when it is no whole receipt. */
GBytes *receipt_sign(const struct receipt *receipt, const struct signing_key *log, GError **error);

/*
 * Reads a receipt of the log with one of `keys` (struct public_key *), of which each is named as
 * the log. ENTENTE_ERROR_INPUT: malformed; _FOUND: not signed by the log it names.
 */
struct receipt *receipt_read(const void *data, gsize length, const char *name,
                             const GPtrArray *keys, GError **error);

/* Whether it is about this entry. */
gboolean receipt_is_for(const struct receipt *receipt, const void *entry, gsize length);

enum receipt_verdict {
    RECEIPT_HONOURED, /* the entry is there */
    RECEIPT_PENDING,  /* it need not be there yet */
    RECEIPT_BROKEN,   /* another entry is there, or none though its time is over */
    RECEIPT_IDLE,     /* a refusal promises nothing */
};

/*
 * Judges a receipt by a log that `reader` trusts up to `size`, at the log time `log_time_us` of
 * that size (0: not known, then nothing is overdue). `index`: where the entry is, or where it
 * should be. Without an index in the receipt every entry is looked at. FALSE and an error: it
 * could not be found out.
 */
gboolean receipt_judge(const struct receipt *receipt, struct log_reader *reader, guint64 size,
                       gint64 log_time_us, enum receipt_verdict *verdict, guint64 *index,
                       GError **error);
