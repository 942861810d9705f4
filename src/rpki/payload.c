#include "rpki/payload_private.h"

#include "base/error.h"
#include "sandbox/worker.h"
#include "stream/input_stream.h"

#include <string.h>

#define WORKER_LIMIT_US (300 * (gint64)G_USEC_PER_SEC)
#define WORKER_MEMORY (G_GUINT64_CONSTANT(1) << 30)
#define WORKER_CPU_S 300u
#define PIECE (1u << 18)
#define VRPS_MAX 16000000u /* of all files: twenty times what the Internet has */
#define ASPAS_MAX 4000000u

struct payload {
    gint64 now_us;
    struct vrp_set *vrps;
    struct aspa_set *aspas;
    gboolean is_finished;
    guint64 vrp_count, aspa_count;
    GPtrArray *files;           /* struct payload_file */
    GArray *vrp_filters;        /* struct payload_filter */
    GArray *vrp_assertions;     /* struct vrp */
    GHashTable *aspa_filters;   /* customers, as pointers */
    GPtrArray *aspa_assertions; /* GArray of guint32: customer, expiry, providers */
    guint64 filtered, asserted;
};

static const char *const form_names[PAYLOAD_FORMS] = {
    [PAYLOAD_RPKI_CLIENT] = "rpki-client JSON",
    [PAYLOAD_ROUTINATOR] = "Routinator JSON",
    [PAYLOAD_CSV] = "CSV",
    [PAYLOAD_OPENBGPD] = "OpenBGPD configuration",
    [PAYLOAD_BIRD] = "BIRD configuration",
    [PAYLOAD_SLURM] = "SLURM",
};

const char *payload_form_name(enum payload_form form)
{
    return form < PAYLOAD_FORMS ? form_names[form] : "?";
}

static void file_free(gpointer data)
{
    struct payload_file *file = data;

    g_free(file->name);
    g_free(file);
}

static void array_unref(gpointer data)
{
    g_array_unref(data);
}

struct payload *payload_new(gint64 now_us)
{
    struct payload *payload = g_new0(struct payload, 1);

    payload->now_us = now_us;
    payload->vrps = vrp_set_new();
    payload->aspas = aspa_set_new();
    payload->files = g_ptr_array_new_with_free_func(file_free);
    payload->vrp_filters = g_array_new(FALSE, FALSE, sizeof(struct payload_filter));
    payload->vrp_assertions = g_array_new(FALSE, FALSE, sizeof(struct vrp));
    payload->aspa_filters = g_hash_table_new(NULL, NULL);
    payload->aspa_assertions = g_ptr_array_new_with_free_func(array_unref);
    return payload;
}

void payload_free(struct payload *payload)
{
    if (!payload)
        return;
    vrp_set_unref(payload->vrps);
    aspa_set_unref(payload->aspas);
    g_ptr_array_unref(payload->files);
    g_array_unref(payload->vrp_filters);
    g_array_unref(payload->vrp_assertions);
    g_hash_table_unref(payload->aspa_filters);
    g_ptr_array_unref(payload->aspa_assertions);
    g_free(payload);
}

/* --- what a parser says --- */

struct receiver {
    struct payload *payload;
    struct payload_file *file;      /* taken by the payload at its end; NULL by then */
    guint8 anchors[G_MAXUINT8 + 1]; /* of the parser's numbers: those of the set */
    guint anchor_count;
    GError *refused;
};

static gboolean take_anchor(struct receiver *receiver, const guint8 *body, gsize length)
{
    g_autofree char *raw = g_strndup((const char *)body, length);
    g_autofree char *name = g_utf8_make_valid(raw, -1);

    if (receiver->anchor_count == G_MAXUINT8 || length >= PAYLOAD_TEXT_MAX * 3)
        return FALSE;
    receiver->anchors[++receiver->anchor_count] = vrp_set_anchor(receiver->payload->vrps, name);
    return TRUE;
}

static gboolean take_vrps(struct receiver *receiver, const guint8 *body, gsize length)
{
    struct payload *payload = receiver->payload;

    if (length % sizeof(struct vrp))
        return FALSE;
    for (gsize at = 0; at < length; at += sizeof(struct vrp)) {
        struct vrp vrp;

        memcpy(&vrp, body + at, sizeof vrp);
        if (vrp.anchor > receiver->anchor_count)
            return FALSE;
        vrp.anchor = receiver->anchors[vrp.anchor];
        if (++payload->vrp_count > VRPS_MAX)
            return input_error(&receiver->refused, "more than %u payloads", VRPS_MAX);
        if (!vrp_set_add(payload->vrps, &vrp))
            return FALSE;
        receiver->file->vrps++;
    }
    return TRUE;
}

static gboolean take_aspa(struct receiver *receiver, const guint8 *body, gsize length)
{
    struct payload *payload = receiver->payload;
    g_autofree guint32 *numbers = g_memdup2(body, length);

    if (length % sizeof *numbers || length < 2 * sizeof *numbers)
        return FALSE;
    payload->aspa_count += length / sizeof *numbers - 1;
    if (payload->aspa_count > ASPAS_MAX)
        return input_error(&receiver->refused, "more than %u ASPA providers", ASPAS_MAX);
    aspa_set_add(payload->aspas, numbers[0], numbers + 2, length / sizeof *numbers - 2, numbers[1]);
    receiver->file->aspas++;
    return TRUE;
}

static gboolean take_vrp_filter(struct receiver *receiver, const guint8 *body, gsize length)
{
    struct payload_filter filter;
    struct vrp like = { 0 };

    if (length != sizeof filter)
        return FALSE;
    memcpy(&filter, body, sizeof filter);
    like.prefix = filter.prefix;
    like.max_length = filter.prefix.length;
    g_array_append_val(receiver->payload->vrp_filters, filter);
    return (!filter.prefix.family || vrp_is_sound(&like)) &&
           receiver->payload->vrp_filters->len <= ASPAS_MAX;
}

static gboolean take_aspa_filter(struct receiver *receiver, const guint8 *body, gsize length)
{
    guint32 customer;

    if (length != sizeof customer)
        return FALSE;
    memcpy(&customer, body, sizeof customer);
    g_hash_table_add(receiver->payload->aspa_filters, GUINT_TO_POINTER(customer));
    return TRUE;
}

static gboolean take_vrp_assertion(struct receiver *receiver, const guint8 *body, gsize length)
{
    struct vrp vrp;

    if (length != sizeof vrp)
        return FALSE;
    memcpy(&vrp, body, sizeof vrp);
    vrp.anchor = 0;
    g_array_append_val(receiver->payload->vrp_assertions, vrp);
    receiver->file->vrps++;
    return vrp_is_sound(&vrp) && receiver->payload->vrp_assertions->len <= VRPS_MAX;
}

static gboolean take_aspa_assertion(struct receiver *receiver, const guint8 *body, gsize length)
{
    GArray *numbers = g_array_new(FALSE, FALSE, sizeof(guint32));

    g_array_append_vals(numbers, body, (guint)(length / sizeof(guint32)));
    g_ptr_array_add(receiver->payload->aspa_assertions, numbers);
    receiver->file->aspas++;
    return length % sizeof(guint32) == 0 && numbers->len >= 2 &&
           receiver->payload->aspa_assertions->len <= ASPAS_MAX;
}

static gboolean take_end(struct receiver *receiver, const guint8 *body, gsize length)
{
    struct payload *payload = receiver->payload;
    struct payload_file *file = receiver->file;
    struct payload_end end;

    if (length != sizeof end)
        return FALSE;
    memcpy(&end, body, sizeof end);
    if ((guint)end.form >= PAYLOAD_FORMS)
        return FALSE;
    file->form = end.form;
    file->built_us = end.built_us;
    file->router_keys = end.router_keys;
    file->expired = end.expired;
    file->is_stale =
        end.built_us && end.built_us < payload->now_us - PAYLOAD_STALE_S * G_USEC_PER_SEC;
    g_ptr_array_add(payload->files, g_steal_pointer(&receiver->file));
    return TRUE;
}

static gboolean take_refused(struct receiver *receiver, const guint8 *body, gsize length)
{
    g_autofree char *raw = g_strndup((const char *)body, length);
    g_autofree char *text = g_utf8_make_valid(raw, -1);

    return input_error(&receiver->refused, "%s", text);
}

/* FALSE: what cannot be, or `refused` is set. */
static gboolean receive(gpointer data, guint8 kind, gconstpointer body, gsize length)
{
    static gboolean (*const takers[])(struct receiver *, const guint8 *, gsize) = {
        [PAYLOAD_ANCHOR] = take_anchor,
        [PAYLOAD_VRPS] = take_vrps,
        [PAYLOAD_ASPA] = take_aspa,
        [PAYLOAD_VRP_FILTER] = take_vrp_filter,
        [PAYLOAD_ASPA_FILTER] = take_aspa_filter,
        [PAYLOAD_VRP_ASSERTION] = take_vrp_assertion,
        [PAYLOAD_ASPA_ASSERTION] = take_aspa_assertion,
        [PAYLOAD_END] = take_end,
        [PAYLOAD_REFUSED] = take_refused,
    };
    struct receiver *receiver = data;

    return receiver->file && kind < G_N_ELEMENTS(takers) && takers[kind] &&
           takers[kind](receiver, body, length);
}

static void begin_file(struct receiver *receiver, struct payload *payload, const char *name)
{
    g_assert(!payload->is_finished);
    *receiver = (struct receiver){ .payload = payload, .file = g_new0(struct payload_file, 1) };
    receiver->file->name = g_strdup(name);
}

static gboolean end_file(struct receiver *receiver, const char *name, GError **error)
{
    if (!receiver->file)
        return TRUE;
    g_clear_pointer(&receiver->file, file_free);
    if (!receiver->refused)
        return FALSE;
    g_propagate_prefixed_error(error, g_steal_pointer(&receiver->refused), "%s: ", name);
    return FALSE;
}

/* --- parsing --- */

/* The first byte that says something: "{" or "[" begins JSON, anything else is text. */
struct parse {
    struct payload_out *out;
    const struct payload_parser *parser;
    gpointer state;
};

static gboolean parse_piece(struct parse *parse, const char *bytes, gsize length, GError **error)
{
    static const char mark[] = "\xef\xbb\xbf";

    if (!parse->parser) {
        if (length >= 3 && memcmp(bytes, mark, 3) == 0) {
            bytes += 3;
            length -= 3;
        }
        while (length && g_ascii_isspace(*bytes) && *bytes != '\n') {
            bytes++;
            length--;
        }
        if (!length)
            return TRUE;
        parse->parser = *bytes == '{' || *bytes == '[' ? &payload_json : &payload_text;
        parse->state = parse->parser->begin(parse->out);
    }
    return parse->parser->feed(parse->state, bytes, length, error);
}

static gboolean parse_end(struct parse *parse, GError **error)
{
    if (!parse->parser)
        return input_error(error, "is empty");
    return parse->parser->finish(parse->state, error) && payload_put_end(parse->out);
}

static void parse_clear(struct parse *parse)
{
    if (parse->parser)
        parse->parser->end(parse->state);
}

gboolean payload_take(struct payload *payload, const void *bytes, gsize length, const char *name,
                      GError **error)
{
    struct receiver receiver;
    g_autoptr(payload_out_t) out = payload_out_new(receive, &receiver, payload->now_us);
    struct parse parse = { .out = out };
    GError *refused = NULL;

    begin_file(&receiver, payload, name);
    if (parse_piece(&parse, bytes, length, &refused))
        parse_end(&parse, &refused);
    parse_clear(&parse);
    if (refused && !receiver.refused)
        receiver.refused = refused;
    else
        g_clear_error(&refused);
    return end_file(&receiver, name, error);
}

/* --- in a worker --- */

struct job {
    struct input *input;
    gint64 now_us;
};

static gboolean to_pipe(gpointer pipe, guint8 kind, gconstpointer body, gsize length)
{
    return worker_send(pipe, kind, body, length);
}

static void read_job(struct worker_pipe *pipe, gpointer data)
{
    const struct job *job = data;
    g_autoptr(payload_out_t) out = payload_out_new(to_pipe, pipe, job->now_us);
    g_autoptr(input_stream_t) stream = input_stream_new(job->input);
    g_autofree guint8 *piece = g_malloc(PIECE);
    struct parse parse = { .out = out };
    g_autoptr(GError) error = NULL;
    gboolean going = TRUE;
    gsize got;

    while (going && (got = input_stream_fill(stream, piece, PIECE)) > 0)
        going = parse_piece(&parse, (const char *)piece, got, &error);
    if (going && input_stream_problem(stream))
        input_error(&error, "%s", input_stream_problem(stream));
    else if (going)
        parse_end(&parse, &error);
    parse_clear(&parse);
    if (error)
        worker_send(pipe, PAYLOAD_REFUSED, error->message, strlen(error->message));
}

static gboolean listen_to(struct worker *worker, struct receiver *receiver)
{
    while (worker_wait(&worker, 1, 0) == 0) {
        const guint8 *body;
        guint8 kind;
        gsize length;

        while ((body = worker_next(worker, &kind, &length)))
            if (!receive(receiver, kind, body, length))
                return FALSE;
        if (worker_end(worker) != WORKER_RUNS)
            break;
    }
    return worker_end(worker) == WORKER_DONE;
}

static gboolean read_input(struct payload *payload, struct input *input, GError **error)
{
    static const struct confine_limits limits = { WORKER_MEMORY, WORKER_CPU_S };
    g_autoptr(confinement_t) confinement = confinement_new(0, error);
    struct job job = { input, payload->now_us };
    g_autoptr(worker_t) worker = NULL;
    struct receiver receiver;

    if (!confinement)
        return FALSE;
    worker = worker_start_keeping(confinement, -1, &input->fd, 1, &limits,
                                  g_get_monotonic_time() + WORKER_LIMIT_US, read_job, &job, error);
    if (!worker)
        return FALSE;
    begin_file(&receiver, payload, input->name);
    if (!listen_to(worker, &receiver) && !receiver.refused)
        system_error(&receiver.refused, "its parser ended: %s",
                     worker_end_text(worker) ? worker_end_text(worker) : "it said what cannot be");
    else if (receiver.file && !receiver.refused)
        system_error(&receiver.refused, "its parser ended early");
    return end_file(&receiver, input->name, error);
}

gboolean payload_read(struct payload *payload, const char *path, GError **error)
{
    char *paths[] = { (char *)path, NULL };
    g_autoptr(GPtrArray) inputs = inputs_list(paths);
    struct input *input;

    if (inputs->len != 1)
        return input_error(error, "%s: a folder, where a file belongs", path);
    input = inputs->pdata[0];
    if (!input_open(input))
        return system_error(error, "%s: %s", path, input->problem);
    return read_input(payload, input, error);
}

/* --- the sets --- */

static void add_vrps(struct vrp_set *to, const struct vrp_set *from)
{
    struct vrp vrp;

    for (gsize i = 0; vrp_set_at(from, i, &vrp); i++) {
        const char *anchor = vrp_set_anchor_name(from, vrp.anchor);

        vrp.anchor = anchor ? vrp_set_anchor(to, anchor) : 0;
        vrp_set_add(to, &vrp);
    }
    vrp_set_say(to, vrp_set_about(from));
}

void payload_add(struct payload *payload, const struct vrp_set *vrps, const struct aspa_set *aspas)
{
    const guint32 *providers;
    guint32 customer;
    gsize count;

    if (vrps)
        add_vrps(payload->vrps, vrps);
    for (gsize i = 0; aspas && aspa_set_at(aspas, i, &customer, &providers, &count); i++)
        aspa_set_add(payload->aspas, customer, providers, count, aspa_set_horizon(aspas));
}

static gboolean is_filtered(const struct payload *payload, const struct vrp *vrp)
{
    for (guint i = 0; i < payload->vrp_filters->len; i++) {
        const struct payload_filter *filter =
            &g_array_index(payload->vrp_filters, struct payload_filter, i);

        if ((!filter->prefix.family || ip_prefix_covers(&filter->prefix, &vrp->prefix)) &&
            (!filter->has_asn || filter->asn == vrp->asn))
            return TRUE;
    }
    return FALSE;
}

static struct vrp_set *except_vrps(struct payload *payload)
{
    struct vrp_set *left = vrp_set_new();
    struct vrp vrp;

    for (guint i = 1; i <= vrp_set_anchors(payload->vrps); i++)
        vrp_set_anchor(left, vrp_set_anchor_name(payload->vrps, i));
    for (gsize i = 0; vrp_set_at(payload->vrps, i, &vrp); i++)
        if (is_filtered(payload, &vrp))
            payload->filtered++;
        else
            vrp_set_add(left, &vrp);
    for (guint i = 0; i < payload->vrp_assertions->len; i++)
        vrp_set_add(left, &g_array_index(payload->vrp_assertions, struct vrp, i));
    payload->asserted += payload->vrp_assertions->len;
    vrp_set_say(left, vrp_set_about(payload->vrps));
    vrp_set_seal(left);
    return left;
}

static struct aspa_set *except_aspas(struct payload *payload)
{
    const guint32 horizon = aspa_set_horizon(payload->aspas);
    struct aspa_set *left = aspa_set_new();
    const guint32 *providers;
    guint32 customer;
    gsize count;

    for (gsize i = 0; aspa_set_at(payload->aspas, i, &customer, &providers, &count); i++)
        if (g_hash_table_contains(payload->aspa_filters, GUINT_TO_POINTER(customer)))
            payload->filtered++;
        else
            aspa_set_add(left, customer, providers, count, horizon);
    for (guint i = 0; i < payload->aspa_assertions->len; i++) {
        const GArray *numbers = payload->aspa_assertions->pdata[i];
        const guint32 *all = (const guint32 *)numbers->data;

        aspa_set_add(left, all[0], all + 2, numbers->len - 2, 0);
    }
    payload->asserted += payload->aspa_assertions->len;
    aspa_set_seal(left);
    return left;
}

void payload_finish(struct payload *payload)
{
    struct vrp_set *vrps;
    struct aspa_set *aspas;

    payload->is_finished = TRUE;
    vrp_set_seal(payload->vrps);
    aspa_set_seal(payload->aspas);
    if (payload->vrp_filters->len || payload->vrp_assertions->len) {
        vrps = except_vrps(payload);
        vrp_set_unref(payload->vrps);
        payload->vrps = vrps;
    }
    if (g_hash_table_size(payload->aspa_filters) || payload->aspa_assertions->len) {
        aspas = except_aspas(payload);
        aspa_set_unref(payload->aspas);
        payload->aspas = aspas;
    }
}

struct vrp_set *payload_vrps(struct payload *payload)
{
    g_assert(payload->is_finished);
    return payload->vrps;
}

struct aspa_set *payload_aspas(struct payload *payload)
{
    g_assert(payload->is_finished);
    return payload->aspas;
}

const GPtrArray *payload_files(const struct payload *payload)
{
    return payload->files;
}

guint64 payload_filtered(const struct payload *payload)
{
    return payload->filtered;
}

guint64 payload_asserted(const struct payload *payload)
{
    return payload->asserted;
}
