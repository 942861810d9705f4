/* relations_file.c: files of relations, line by line, in a worker or in this process. */
#include "base/decimal.h"
#include "base/error.h"
#include "p2_internet/routes/relations.h"
#include "sandbox/worker.h"
#include "stream/input_stream.h"

#include <string.h>

#define LINE_BYTES 256u /* bytes; no line of such a file comes near it */
#define COLUMNS_MIN 3u  /* serial-1: AS, AS, relation */
#define COLUMNS_MAX 4u  /* serial-2: where it is from */
#define BATCH 16384u    /* pairs of one message */
#define PIECE (1u << 18)
#define WORKER_LIMIT_US (300 * (gint64)G_USEC_PER_SEC)
#define WORKER_MEMORY (G_GUINT64_CONSTANT(512) << 20)
#define WORKER_CPU_S 300u

enum message { MESSAGE_PAIRS, MESSAGE_END, MESSAGE_REFUSED };

/* As it goes from the worker to the parent: what `other` is to `as`. */
struct pair {
    guint32 as, other;
    guint32 is; /* RELATION_CUSTOMER or RELATION_PEER */
};

struct parser {
    gboolean (*take)(const struct pair *pair, gpointer data); /* FALSE: there are too many */
    gpointer data;
    char line[LINE_BYTES];
    guint length; /* of the line so far */
    guint64 number;
    guint64 pairs;
};

/* ---- one line */

static gboolean read_as(const char *text, gsize length, guint32 *as)
{
    guint64 number;

    if (!decimal_parse(text, length, &number) || !number || number > G_MAXUINT32)
        return FALSE;
    *as = (guint32)number;
    return TRUE;
}

/* The problem (static), or NULL. */
static const char *read_pair(const char *line, gsize length, struct pair *pair)
{
    const char *columns[COLUMNS_MAX + 1] = { line };
    gsize lengths[COLUMNS_MAX];
    guint count = 1;

    for (gsize i = 0; i < length; i++)
        if (line[i] == '|') {
            if (count == COLUMNS_MAX)
                return "has more columns than AS|AS|RELATION|SOURCE";
            lengths[count - 1] = (gsize)(line + i - columns[count - 1]);
            columns[count++] = line + i + 1;
        }
    if (count < COLUMNS_MIN)
        return "is not AS|AS|RELATION";
    lengths[count - 1] = (gsize)(line + length - columns[count - 1]);
    if (!read_as(columns[0], lengths[0], &pair->as) ||
        !read_as(columns[1], lengths[1], &pair->other))
        return "has no AS number from 1 to 4294967295 where one belongs";
    if (pair->as == pair->other)
        return "relates an AS to itself";
    if (lengths[2] == 2 && memcmp(columns[2], "-1", 2) == 0)
        pair->is = RELATION_CUSTOMER;
    else if (lengths[2] == 1 && *columns[2] == '0')
        pair->is = RELATION_PEER;
    else
        return "has a relation that is neither -1 (provider and customer) nor 0 (peers)";
    return NULL;
}

static gboolean end_line(struct parser *parser, GError **error)
{
    gsize length = parser->length;
    const char *problem;
    struct pair pair;

    parser->number++;
    parser->length = 0;
    if (length && parser->line[length - 1] == '\r')
        length--;
    if (!length || *parser->line == '#')
        return TRUE;
    problem = read_pair(parser->line, length, &pair);
    if (problem)
        return input_error(error, "line %" G_GUINT64_FORMAT " %s", parser->number, problem);
    parser->pairs++;
    return parser->take(&pair, parser->data) ||
           input_error(error, "line %" G_GUINT64_FORMAT ": too many relations", parser->number);
}

/* ---- the file */

/* Comments may be of any length: what is past LINE_BYTES of one is not kept. */
static gboolean parse(struct parser *parser, const char *bytes, gsize length, GError **error)
{
    for (gsize i = 0; i < length; i++) {
        if (bytes[i] == '\n') {
            if (!end_line(parser, error))
                return FALSE;
        } else if (parser->length < LINE_BYTES) {
            parser->line[parser->length++] = bytes[i];
        } else if (*parser->line != '#') {
            return input_error(error, "line %" G_GUINT64_FORMAT " is longer than %u bytes",
                               parser->number + 1, LINE_BYTES);
        }
    }
    return TRUE;
}

static gboolean parse_end(struct parser *parser, GError **error)
{
    if (parser->length && !end_line(parser, error))
        return FALSE;
    return parser->pairs || input_error(error, "has no relations");
}

static gboolean add(const struct pair *pair, gpointer data)
{
    return relations_add(data, pair->as, pair->other, (enum relation)pair->is);
}

gboolean relations_take(struct relations *relations, const void *bytes, gsize length,
                        const char *name, GError **error)
{
    struct parser parser = { .take = add, .data = relations };

    if (parse(&parser, bytes, length, error) && parse_end(&parser, error))
        return TRUE;
    g_prefix_error(error, "%s: ", name);
    return FALSE;
}

/* ---- in a worker */

struct sender {
    struct worker_pipe *pipe;
    GArray *batch; /* struct pair */
};

static gboolean send_batch(struct sender *sender)
{
    const gboolean sent = worker_send(sender->pipe, MESSAGE_PAIRS, sender->batch->data,
                                      sender->batch->len * sizeof(struct pair));

    g_array_set_size(sender->batch, 0);
    return sent;
}

static gboolean collect(const struct pair *pair, gpointer data)
{
    struct sender *sender = data;

    g_array_append_val(sender->batch, *pair);
    return sender->batch->len < BATCH || send_batch(sender);
}

static void read_job(struct worker_pipe *pipe, gpointer data)
{
    g_autoptr(GArray) batch = g_array_new(FALSE, FALSE, sizeof(struct pair));
    g_autoptr(input_stream_t) stream = input_stream_new(data);
    g_autofree guint8 *piece = g_malloc(PIECE);
    struct sender sender = { pipe, batch };
    struct parser parser = { .take = collect, .data = &sender };
    g_autoptr(GError) error = NULL;
    gboolean going = TRUE;
    gsize got;

    while (going && (got = input_stream_fill(stream, piece, PIECE)) > 0)
        going = parse(&parser, (const char *)piece, got, &error);
    if (going && input_stream_problem(stream))
        input_error(&error, "%s", input_stream_problem(stream));
    else if (going && parse_end(&parser, &error) && send_batch(&sender))
        worker_send(pipe, MESSAGE_END, NULL, 0);
    if (error)
        worker_send(pipe, MESSAGE_REFUSED, error->message, strlen(error->message));
}

/* ---- in the parent */

static gboolean take_pairs(struct relations *relations, const guint8 *body, gsize length,
                           GError **error)
{
    if (length % sizeof(struct pair))
        return system_error(error, "its parser said what cannot be");
    for (gsize at = 0; at + sizeof(struct pair) <= length; at += sizeof(struct pair)) {
        struct pair pair;

        memcpy(&pair, body + at, sizeof pair);
        if (!pair.as || !pair.other || pair.as == pair.other ||
            (pair.is != RELATION_CUSTOMER && pair.is != RELATION_PEER))
            return system_error(error, "its parser said what cannot be");
        if (!add(&pair, relations))
            return input_error(error, "too many relations");
    }
    return TRUE;
}

/* Until the worker says that it is at the end of the file. */
static gboolean listen_to(struct relations *relations, struct worker *worker, GError **error)
{
    const guint8 *body;
    gsize length;
    guint8 kind;

    while (worker_wait(&worker, 1, 0) == 0) {
        while ((body = worker_next(worker, &kind, &length)) != NULL) {
            if (kind == MESSAGE_END)
                return TRUE;
            if (kind == MESSAGE_REFUSED) {
                g_autofree char *raw = g_strndup((const char *)body, length);
                g_autofree char *text = g_utf8_make_valid(raw, -1);

                return input_error(error, "%s", text);
            }
            if (!take_pairs(relations, body, length, error))
                return FALSE;
        }
        if (worker_end(worker) != WORKER_RUNS)
            break;
    }
    return system_error(error, "its parser ended: %s",
                        worker_end_text(worker) ? worker_end_text(worker) : "early");
}

static gboolean read_input(struct relations *relations, struct input *input, GError **error)
{
    static const struct confine_limits limits = { WORKER_MEMORY, WORKER_CPU_S };
    g_autoptr(confinement_t) confinement = confinement_new(0, error);
    g_autoptr(worker_t) worker = NULL;

    if (!confinement)
        return FALSE;
    worker = worker_start_keeping(confinement, -1, &input->fd, 1, &limits,
                                  g_get_monotonic_time() + WORKER_LIMIT_US, read_job, input, error);
    return worker && listen_to(relations, worker, error);
}

gboolean relations_read(struct relations *relations, const char *path, GError **error)
{
    char *paths[] = { (char *)path, NULL };
    g_autoptr(GPtrArray) inputs = inputs_list(paths);

    if (inputs->len != 1)
        return input_error(error, "%s: a folder, where a file belongs", path);
    if (!input_open(inputs->pdata[0]))
        return system_error(error, "%s: %s", path, ((struct input *)inputs->pdata[0])->problem);
    if (read_input(relations, inputs->pdata[0], error))
        return TRUE;
    g_prefix_error(error, "%s: ", path);
    return FALSE;
}
