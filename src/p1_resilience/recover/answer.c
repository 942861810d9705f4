#include "p1_resilience/recover/answer.h"

#include "base/error.h"
#include "sandbox/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINES_LIMIT (G_GUINT64_CONSTANT(16) << 30) /* bytes of an answer of lines */
#define ANSWER_NAME "the answer"
#define PIECE (256u << 10)
#define BATCH (512u << 10)     /* bytes sent at once, about */
#define PATHS_LIMIT (1u << 20) /* bytes of a snapshot's paths: more are as if it said nothing */
#define WORKER_MEMORY (G_GUINT64_CONSTANT(1) << 30)
#define WORKER_CPU_S 900
#define WORKER_LIMIT_US (G_GINT64_CONSTANT(1800) * G_USEC_PER_SEC)

enum { MESSAGE_BATCH = 1, MESSAGE_END };

struct spool {
    const struct answer_form *form;
    int fd;
    guint64 length;
    gboolean full;
};

/* --- the wire --- */

/* Its strings follow, each ending in NUL. In native order: both ends are one program. */
struct record {
    gint64 time_us, size;
    guint32 name, alias, paths; /* bytes with the NULs; 0: none */
    guint8 kind, type, damaged, zero;
};

static guint32 size_of(const char *text)
{
    return text ? (guint32)strlen(text) + 1 : 0;
}

void answer_encode(GByteArray *batch, const struct told *told)
{
    struct record record = { .time_us = told->time_us,
                             .size = told->size,
                             .name = size_of(told->name),
                             .alias = size_of(told->alias),
                             .kind = (guint8)told->kind,
                             .type = (guint8)told->type,
                             .damaged = told->damaged != FALSE };
    guint64 paths = 0;

    for (guint i = 0; told->paths && told->paths[i]; i++)
        paths += size_of(told->paths[i]);
    record.paths = paths <= PATHS_LIMIT ? (guint32)paths : 0;
    g_byte_array_append(batch, (const guint8 *)&record, sizeof record);
    g_byte_array_append(batch, (const guint8 *)told->name, record.name);
    g_byte_array_append(batch, (const guint8 *)told->alias, record.alias);
    for (guint i = 0; record.paths && told->paths[i]; i++)
        g_byte_array_append(batch, (const guint8 *)told->paths[i], size_of(told->paths[i]));
}

/* One string of so many bytes; TRUE also for none. */
static gboolean take_string(const char **at, guint32 size, const char **text)
{
    *text = size ? *at : NULL;
    if (size && memchr(*at, '\0', size) != *at + size - 1)
        return FALSE;
    *at += size;
    return TRUE;
}

static gboolean take_paths(const char *at, guint32 size, GPtrArray *paths)
{
    const char *end = at + size;

    if (size == 0)
        return TRUE;
    if (end[-1] != '\0')
        return FALSE;
    for (; at < end; at += strlen(at) + 1)
        g_ptr_array_add(paths, (char *)at);
    g_ptr_array_add(paths, NULL);
    return TRUE;
}

static gboolean take_record(const struct record *record, const char *at, told_fn tell,
                            gpointer data)
{
    g_autoptr(GPtrArray) paths = g_ptr_array_new();
    struct told told = { .kind = record->kind,
                         .time_us = record->time_us,
                         .size = record->size,
                         .type = (char)record->type,
                         .damaged = record->damaged };

    if (record->kind >= TOLD_KINDS || !take_string(&at, record->name, &told.name) ||
        !take_string(&at, record->alias, &told.alias) || !take_paths(at, record->paths, paths) ||
        (record->kind != TOLD_TIME && !told.name))
        return FALSE;
    told.paths = paths->len ? (const char *const *)paths->pdata : NULL;
    tell(&told, data);
    return TRUE;
}

gboolean answer_decode(const guint8 *bytes, gsize length, told_fn tell, gpointer data)
{
    while (length) {
        struct record record;
        guint64 strings;

        if (length < sizeof record)
            return FALSE;
        memcpy(&record, bytes, sizeof record);
        strings = (guint64)record.name + record.alias + record.paths;
        bytes += sizeof record;
        length -= sizeof record;
        if (strings > length || !take_record(&record, (const char *)bytes, tell, data))
            return FALSE;
        bytes += strings;
        length -= strings;
    }
    return TRUE;
}

/* --- reading --- */

struct reading {
    const struct answer_form *form;
    told_fn tell;
    gpointer data;
    GString *text; /* the line that is not whole yet; or all of it */
};

/* Takes whole lines out of what is there. */
static gboolean read_lines(struct reading *reading, const char *bytes, gsize length)
{
    const char *at = bytes, *end;
    gsize left = length;

    while ((end = memchr(at, '\n', left))) {
        gboolean good;

        g_string_append_len(reading->text, at, end - at);
        good =
            reading->text->len <= ANSWER_LINE_LIMIT &&
            (reading->text->len == 0 || reading->form->read(reading->text->str, reading->text->len,
                                                            reading->tell, reading->data));
        g_string_truncate(reading->text, 0);
        if (!good)
            return FALSE;
        left -= (gsize)(end - at) + 1;
        at = end + 1;
    }
    g_string_append_len(reading->text, at, (gssize)left);
    return reading->text->len <= ANSWER_LINE_LIMIT;
}

static gboolean read_piece(struct reading *reading, const char *bytes, gsize length)
{
    if (!reading->form->whole)
        return read_lines(reading, bytes, length);
    g_string_append_len(reading->text, bytes, (gssize)length);
    return reading->text->len <= ANSWER_WHOLE_LIMIT;
}

gboolean answer_read(const struct answer_form *form, int fd, told_fn tell, gpointer data)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *buffer = g_malloc(PIECE);
    struct reading reading = { form, tell, data, text };
    guint64 done = 0;
    ssize_t got;

    while ((got = pread(fd, buffer, PIECE, (off_t)done)) > 0) {
        if (!read_piece(&reading, buffer, (gsize)got))
            return FALSE;
        done += (guint64)got;
    }
    return got == 0 &&
           (text->len == 0 ? !form->whole : form->read(text->str, text->len, tell, data));
}

/* --- the worker --- */

struct job {
    const struct spool *spool;
    struct worker_pipe *out;
    GByteArray *batch;
};

static void flush(struct job *job)
{
    if (!worker_send(job->out, MESSAGE_BATCH, job->batch->data, job->batch->len))
        _exit(EXIT_FAILURE); /* nobody listens any more */
    g_byte_array_set_size(job->batch, 0);
}

static void send_told(const struct told *told, gpointer data)
{
    struct job *job = data;

    answer_encode(job->batch, told);
    if (job->batch->len >= BATCH)
        flush(job);
}

static void work(struct worker_pipe *out, gpointer data)
{
    struct job *job = data;
    guint8 good;

    job->out = out;
    job->batch = g_byte_array_new();
    good = answer_read(job->spool->form, job->spool->fd, send_told, job);
    flush(job);
    worker_send(out, MESSAGE_END, &good, sizeof good);
}

struct hearing {
    told_fn tell;
    gpointer data;
    gboolean ended, good;
};

static gboolean take(guint8 kind, const guint8 *body, gsize length, gpointer data, GError **error)
{
    struct hearing *hearing = data;

    if (hearing->ended)
        return FALSE;
    if (kind == MESSAGE_BATCH)
        return answer_decode(body, length, hearing->tell, hearing->data);
    hearing->ended = kind == MESSAGE_END && length == 1;
    hearing->good = hearing->ended && body[0] == TRUE;
    return hearing->ended;
}

gboolean spool_read(struct spool *spool, told_fn tell, gpointer data, GError **error)
{
    static const struct confine_limits limits = { WORKER_MEMORY, WORKER_CPU_S };
    g_autoptr(confinement_t) confinement = confinement_new(0, error);
    struct job job = { .spool = spool };
    struct hearing hearing = { tell, data, FALSE, FALSE };
    g_autoptr(worker_t) worker = NULL;

    if (!confinement)
        return FALSE;
    worker = worker_start_keeping(confinement, -1, &spool->fd, 1, &limits,
                                  g_get_monotonic_time() + WORKER_LIMIT_US, work, &job, error);
    if (!worker || !worker_hear(worker, ANSWER_NAME, take, &hearing, error))
        return FALSE;
    if (!hearing.ended)
        return system_error(error, ANSWER_NAME ": its parser ended early");
    return hearing.good || input_error(error, "more, or other, than can be read");
}

/* --- the spool --- */

struct spool *spool_new(const char *folder, const struct answer_form *form, GError **error)
{
    struct spool *spool = g_new0(struct spool, 1);

    spool->form = form;
    spool->fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (spool->fd < 0) { /* a file system without them */
        g_autofree char *path = g_build_filename(folder, "answer-XXXXXX", NULL);

        spool->fd = g_mkstemp_full(path, O_RDWR | O_CLOEXEC, 0600);
        if (spool->fd >= 0)
            unlink(path);
    }
    if (spool->fd >= 0)
        return spool;
    errno_error(error, errno, "%s", folder);
    spool_free(spool);
    return NULL;
}

void spool_free(struct spool *spool)
{
    if (!spool)
        return;
    if (spool->fd >= 0)
        close(spool->fd);
    g_free(spool);
}

gboolean spool_add(struct spool *spool, const void *bytes, gsize length, GError **error)
{
    const char *at = bytes;

    spool->length += length;
    if (spool->length > (spool->form->whole ? ANSWER_WHOLE_LIMIT : LINES_LIMIT))
        return FALSE;
    while (length) {
        ssize_t put = write(spool->fd, at, length);

        spool->full = put < 0 && (errno == ENOSPC || errno == EDQUOT);
        if (put < 0 && errno != EINTR)
            return errno_error(error, errno, "what the backup tool says cannot be kept");
        if (put > 0) {
            at += put;
            length -= (gsize)put;
        }
    }
    return TRUE;
}

gboolean spool_is_full(const struct spool *spool)
{
    return spool->full;
}
