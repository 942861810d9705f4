/*
 * answer.h: what a backup tool answers, taken apart by a confined worker.
 *
 * The answer is kept in a file without a name until the tool has ended; a worker reads that and
 * sends what is told in it, piece by piece. Of the worker only the form of its messages is
 * believed: one that was taken over can lie about its own repository, and nothing more.
 */
#pragma once
#include <glib.h>

enum told_kind { TOLD_FILE, TOLD_SNAPSHOT, TOLD_ID, TOLD_TIME, TOLD_KINDS };

/* One thing that an answer tells; borrowed. */
struct told {
    enum told_kind kind;
    const char *name;         /* file: its path as the tool wrote it; snapshot, id: its id */
    const char *alias;        /* file: the one that it is a further name of; or NULL */
    const char *const *paths; /* snapshot: what it was asked to cover; NULL: not said */
    gint64 time_us;           /* 0: not said */
    gint64 size;              /* file: -1: not said */
    char type;                /* file: '-', 'd', 'l', '?' */
    gboolean damaged;         /* file: the tool says that bytes of it are lost */
};
typedef void (*told_fn)(const struct told *told, gpointer data);

/* Reads a line, or the whole answer. FALSE: it is not what it should be. */
typedef gboolean (*answer_read_fn)(const char *text, gsize length, told_fn tell, gpointer data);

struct answer_form {
    answer_read_fn read;
    gboolean whole; /* not line by line */
};

#define ANSWER_LINE_LIMIT (1u << 20)
#define ANSWER_WHOLE_LIMIT (64u << 20)

/* What a running tool says, in a file below `folder`. */
struct spool;
struct spool *spool_new(const char *folder, const struct answer_form *form, GError **error);
void spool_free(struct spool *spool);
typedef struct spool spool_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(spool_t, spool_free)
/* FALSE without an error: more than an answer may have. _SYSTEM: it cannot be written. */
gboolean spool_add(struct spool *spool, const void *bytes, gsize length, GError **error);
gboolean spool_is_full(const struct spool *spool); /* no space was left for it */
/* A worker reads it. ENTENTE_ERROR_INPUT: it is no such answer; _SYSTEM: the worker ended. */
gboolean spool_read(struct spool *spool, told_fn tell, gpointer data, GError **error);

/* The same in this process: what the worker does, and tests. */
gboolean answer_read(const struct answer_form *form, int fd, told_fn tell, gpointer data);

/* The wire. `answer_decode`: FALSE: it is none; what was told before that is told. */
void answer_encode(GByteArray *batch, const struct told *told);
gboolean answer_decode(const guint8 *bytes, gsize length, told_fn tell, gpointer data);
