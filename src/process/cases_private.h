/*
 * cases_private.h: for process/cases*.c alone: the open database, and its statements in short.
 *
 * Every public function that writes is one transaction. A case is folded once and kept folded
 * (struct folded) as long as it is used; events that others recorded meanwhile are added to it
 * before it is used again, so that several processes see one case alike.
 */
#pragma once
#include "process/cases.h"
#include "process/desk.h"
#include "store/store.h"

#define CASES_FILE "cases.db"
#define CASES_ATTACHMENTS "attachments"
#define CASES_PART_SUFFIX ".part"
#define CASES_NEW_SUFFIX ".new"
#define CASES_FOLDER_MODE 0700
#define CASES_FILE_MODE 0600
#define CASES_FILE_CHUNK (1u << 20)                    /* bytes that are read at once */
#define CASES_TITLE_LENGTH 160u                        /* bytes of a title in lists */
#define CASES_EVENTS_LIMIT 20000u                      /* events of one case, for its parties */
#define CASES_SHARE_LEAST 1000u                        /* of a party, however many there are */
#define CASES_FILE_LIMIT (G_GINT64_CONSTANT(64) << 30) /* bytes of an attachment */
#define CASES_WAITING_LIMIT 1000u  /* of which wait for their causes, of one party */
#define CASES_WAITING_DAYS 60      /* and how long they wait */
#define CASES_UNOPENED_LIMIT 5000u /* that wait in all cases which nobody opened yet */
#define CASES_UNOPENED_DAYS 30     /* and how long they wait */
#define CASES_DRAFT_DAYS 30        /* how long a draft waits for its second signature */
#define CASES_LIST_LIMIT 1000u     /* rows of one answer, at most */
#define CASES_TOPIC_FIELD "key"    /* of an own kind: what it is about; one open case each */
#define CASES_MONTH_US (30 * DAY_US)
#define DAY_US (G_GINT64_CONSTANT(86400) * G_USEC_PER_SEC)

struct folded {
    struct case_fold *fold;
    gint64 number; /* of the last event that is in it */
};

struct cases {
    struct store *store;
    char *data_folder, *self, *origin;
    struct cases_options options; /* as given; self, origin and fold are ours */
    struct case_keys keys;        /* as given, behind cases_keys() */
    GHashTable *folds;            /* case id -> struct folded */
    gint64 fresh_us;              /* when what is judged now came */
    gint64 swept_us;              /* when files that no case has were last looked for */
    gboolean unshed;              /* erased bytes are still in the write-ahead log */
};

/*
 * A statement with its parameters: `types` has a letter for each: t (const char *), i (gint64),
 * h (const struct case_hash *), b (GBytes *; NULL is SQL NULL). Texts are borrowed until the query
 * is done.
 */
struct query *cases_ask(struct cases *cases, GError **error, const char *sql, const char *types,
                        ...);
/* The same for what gives no rows. */
gboolean cases_do(struct cases *cases, GError **error, const char *sql, const char *types, ...);
/* The first number of the first row; `fallback` when there is none. */
gboolean cases_number(struct cases *cases, gint64 *number, gint64 fallback, GError **error,
                      const char *sql, const char *types, ...);
char *cases_text_column(struct query *query, int column); /* a copy; "" for NULL */
gboolean cases_hash_column(struct query *query, int column, struct case_hash *hash);
void cases_set_time(json_t *object, const char *member, gint64 time_us); /* RFC 3339 */
char *case_hash_hex(const struct case_hash *hash);

/* Ends the transaction: keeps what `done` says was done, else nothing, and forgets folded cases
 * that hold what was not kept. */
gboolean cases_finish(struct cases *cases, gboolean done, GError **error);

/* cases_fold.c: the case with all its events; NULL and an error, or NULL: no event of it is here.
 */
struct case_fold *cases_fold(struct cases *cases, const char *id, GError **error);
void cases_fold_forget(struct cases *cases, const char *id);
/* The whole id that begins so. ENTENTE_ERROR_INPUT: none, several. Owned by the caller. */
char *cases_resolve(struct cases *cases, const char *id, GError **error);
/* Keys for events judged now: as the options say, and none that was revoked when they came. */
GPtrArray *cases_keys(gpointer data, const char *party, gint64 time_us, const char *hint,
                      enum case_verdict *why);

/*
 * cases_record.c: judges and records one event inside a transaction, with head, clocks, attachments
 * and, when it is our own, outbox. FALSE: an error of the store.
 */
gboolean cases_record(struct cases *cases, struct case_event *event, gint64 now_us,
                      enum case_verdict *verdict, char **why, GError **error);

/* An event of the case waits in the outbox for `recipient`, unless it is the author or we are. */
gboolean cases_queue(struct cases *cases, const struct case_event *event, const char *recipient,
                     gint64 now_us, GError **error);

/* cases_head.c: what lists need of a case, written anew from the folded case. */
gboolean cases_head_write(struct cases *cases, const struct kase *kase, gint64 now_us,
                          GError **error);

/* cases_erase.c: the content of a case goes, its numbers stay. Inside a transaction; its id is
 * added to `gone`, for cases_files_remove() after the commit. */
gboolean cases_erase_case(struct cases *cases, const char *id, GPtrArray *gone, GError **error);

/* --- cases_files.c --- */

/* "SHA256-SIZE-STREAM", and where it is. Owned by the caller. */
char *cases_file_name(const struct case_file *file);
char *cases_file_path(const struct cases *cases, const struct case_file *file, const char *suffix);
gboolean cases_file_make_folder(const struct cases *cases, const char *id, GError **error);
/* Of open files; FALSE: errno says why. */
gboolean cases_file_write(int file, const void *data, gsize length, gint64 offset);
gboolean cases_file_digest(int file, struct case_hash *sha256); /* from the beginning */

/* Notes what a recorded event announces; an empty file is whole at once, and so is what was
 * attached here when the event is `ours`. Inside a transaction. */
gboolean cases_files_announce(struct cases *cases, const struct case_event *event, gboolean ours,
                              GError **error);

/* --- cases_attach.c --- */

struct attached_file {
    struct case_attachment file;
    char *copy; /* path; NULL: a case has it */
};
/* Copies files to attach into the data folder; gives struct attached_file *. */
GPtrArray *cases_files_keep(struct cases *cases, const char *const *paths, GError **error);
/* They belong to the case and stream of `event` from now on. */
gboolean cases_files_give(struct cases *cases, const GPtrArray *kept,
                          const struct case_event *event, GError **error);
/* A file that was given to its case gets its name; `here`: it has it. */
gboolean cases_file_adopt(struct cases *cases, const struct case_file *file, gboolean *here,
                          GError **error);

/* --- cases_sweep.c --- */

/* The files of cases (ids) go. */
gboolean cases_files_remove(struct cases *cases, const GPtrArray *ids, GError **error);
/* What killed programs and events that went left behind; once an hour, else nothing is done. */
gboolean cases_sweep(struct cases *cases, gint64 now_us, GError **error);

/* cases_rekey.c: gives the files of an older program's store to their cases. */
gboolean cases_rekey(struct cases *cases, GError **error);

/* The role of a party in a case that it did not leave; NULL: none. */
const char *cases_role_of(const struct kase *kase, const char *party);
