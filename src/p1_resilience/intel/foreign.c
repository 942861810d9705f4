#include "p1_resilience/intel/foreign.h"

#include "base/error.h"
#include "p1_resilience/intel/stix.h"
#include "sandbox/worker.h"

#include <string.h>

#define WORKER_LIMIT_US (60 * (gint64)G_USEC_PER_SEC)
#define WORKER_MEMORY (G_GUINT64_CONSTANT(2) << 30)
#define WORKER_CPU_S 60u
#define TEXT_MAX 4096u /* bytes of an id, a version, a token */
#define DOCUMENT_MAX STIX_LIMIT

/* The end: more, successes, failures, pendings as u64, and what is next. */
enum message { MESSAGE_ITEM = 1, MESSAGE_END, MESSAGE_REFUSED };
#define NUMBERS 4u

static void item_clear(gpointer data)
{
    struct foreign_item *item = data;

    g_free(item->id);
    g_free(item->version);
}

void foreign_document_clear(struct foreign_document *document)
{
    g_clear_pointer(&document->items, g_array_unref);
    g_clear_pointer(&document->next, g_free);
}

static void begin(struct foreign_document *document)
{
    *document =
        (struct foreign_document){ .items = g_array_new(FALSE, TRUE, sizeof(struct foreign_item)) };
    g_array_set_clear_func(document->items, item_clear);
}

static gboolean add_item(struct foreign_document *document, gsize offset, gsize length,
                         const char *id, const char *version, GError **error)
{
    struct foreign_item item = { offset, length, g_strdup(id), g_strdup(version ? version : "") };

    if (strlen(id) > TEXT_MAX || strlen(item.version) > TEXT_MAX) {
        item_clear(&item);
        return input_error(error, "an id or version of more than %u bytes", TEXT_MAX);
    }
    g_array_append_val(document->items, item);
    return TRUE;
}

/* --- envelopes --- */

struct reading {
    struct foreign_document *document;
    const char *from;
};

static gboolean take_object(const struct stix_object *object, gpointer data, GError **error)
{
    const struct reading *reading = data;

    return add_item(reading->document, (gsize)(object->text - reading->from), object->length,
                    json_text(object->json, "id"), stix_version(object->json), error);
}

static gboolean parse_envelope(GBytes *bytes, const char *name, struct foreign_document *document,
                               GError **error)
{
    g_auto(stix_document_t) around = { 0 };
    gsize length;
    const char *text = g_bytes_get_data(bytes, &length);
    struct reading reading = { document, text };
    const char *next;

    if (!stix_read(text, length, name, &around, take_object, &reading, error))
        return FALSE;
    if (around.id || json_object_get(around.around, "type"))
        return input_error(error, "%s: no envelope of TAXII", name);
    next = json_text(around.around, "next");
    document->more = json_is_true(json_object_get(around.around, "more"));
    if (next && strlen(next) > TEXT_MAX)
        return input_error(error, "%s: \"next\" has more than %u bytes", name, TEXT_MAX);
    document->next = g_strdup(next);
    return TRUE;
}

/* --- what became of what was pushed --- */

#define FAILURE_ID 120 /* characters that are kept */
#define FAILURE_WHY 300

static gboolean add_failures(struct foreign_document *document, const json_t *failures,
                             GError **error)
{
    const json_t *failure;
    size_t i;

    json_array_foreach(failures, i, failure)
    {
        const char *id = json_text(failure, "id"), *why = json_text(failure, "message");
        g_autofree char *short_id =
            g_utf8_substring(id ? id : "?", 0, id ? MIN(FAILURE_ID, g_utf8_strlen(id, -1)) : 1);
        g_autofree char *short_why =
            why ? g_utf8_substring(why, 0, MIN(FAILURE_WHY, g_utf8_strlen(why, -1))) : NULL;

        if (i >= FOREIGN_FAILURES)
            return TRUE;
        if (!add_item(document, 0, 0, short_id, short_why, error))
            return FALSE;
    }
    return TRUE;
}

static guint64 count_of(const json_t *status, const char *name)
{
    return (guint64)MAX(json_number(status, name, 0), 0);
}

static gboolean parse_status(GBytes *bytes, const char *name, struct foreign_document *document,
                             GError **error)
{
    g_autoptr(json_t) status = json_parse(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes),
                                          DOCUMENT_MAX, name, error);
    const char *id = json_text(status, "id"), *state = json_text(status, "status");

    if (!status)
        return FALSE;
    if (!id || !state || strlen(id) > TEXT_MAX)
        return input_error(error, "%s: answers with no status of TAXII", name);
    document->next = g_strdup(id);
    document->more = g_str_equal(state, "pending");
    document->successes = count_of(status, "success_count");
    document->failures = count_of(status, "failure_count");
    document->pendings = count_of(status, "pending_count");
    return add_failures(document, json_object_get(status, "failures"), error);
}

/* --- MISP --- */

/* A number, or digits in a text (MISP writes both). NULL: neither. Owned by the caller. */
static char *number_of(const json_t *value)
{
    const char *text = json_string_value(value);

    if (json_is_integer(value))
        return g_strdup_printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
    return text && *text && strspn(text, "0123456789") == strlen(text) ? g_strdup(text) : NULL;
}

static gboolean add_event(struct foreign_document *document, const char *uuid, const json_t *event,
                          GError **error)
{
    g_autofree char *timestamp = number_of(json_object_get(event, "timestamp"));

    if (!uuid || !g_uuid_string_is_valid(uuid) || !timestamp)
        return input_error(error, "an event without a UUID or a timestamp");
    return add_item(document, 0, 0, uuid, timestamp, error);
}

static gboolean parse_manifest(GBytes *bytes, const char *name, struct foreign_document *document,
                               GError **error)
{
    g_autoptr(json_t) json = json_parse(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes),
                                        DOCUMENT_MAX, name, error);
    const char *uuid;
    json_t *event;

    if (!json)
        return FALSE;
    if (!json_is_object(json))
        return input_error(error, "%s: no manifest of MISP", name);
    json_object_foreach(json, uuid, event) if (!add_event(document, uuid, event, error))
    {
        g_prefix_error(error, "%s: ", name);
        return FALSE;
    }
    return TRUE;
}

static gboolean parse_event(GBytes *bytes, const char *name, struct foreign_document *document,
                            GError **error)
{
    g_autoptr(json_t) json = json_parse(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes),
                                        DOCUMENT_MAX, name, error);
    const json_t *event = json_object_get(json, "Event");

    if (!json)
        return FALSE;
    if (json_is_object(event) && add_event(document, json_text(event, "uuid"), event, error))
        return TRUE;
    if (error && *error)
        g_prefix_error(error, "%s: ", name);
    return json_is_object(event) ? FALSE : input_error(error, "%s: no event of MISP", name);
}

gboolean foreign_parse(enum foreign_kind kind, GBytes *bytes, const char *name,
                       struct foreign_document *document, GError **error)
{
    static gboolean (*const parsers[])(GBytes *, const char *, struct foreign_document *,
                                       GError **) = {
        [FOREIGN_ENVELOPE] = parse_envelope,
        [FOREIGN_STATUS] = parse_status,
        [FOREIGN_MISP_MANIFEST] = parse_manifest,
        [FOREIGN_MISP_EVENT] = parse_event,
    };

    begin(document);
    return parsers[kind](bytes, name, document, error);
}

/* --- the worker, and what it says --- */

struct job {
    enum foreign_kind kind;
    GBytes *bytes;
    const char *name;
};

/* offset, length, id NUL version NUL */
static gboolean send_item(struct worker_pipe *out, const struct foreign_item *item)
{
    g_autoptr(GByteArray) body = g_byte_array_new();
    const guint64 place[] = { item->offset, item->length };

    g_byte_array_append(body, (const guint8 *)place, sizeof place);
    g_byte_array_append(body, (const guint8 *)item->id, strlen(item->id) + 1);
    g_byte_array_append(body, (const guint8 *)item->version, strlen(item->version) + 1);
    return worker_send(out, MESSAGE_ITEM, body->data, body->len);
}

static void work(struct worker_pipe *out, gpointer data)
{
    const struct job *job = data;
    g_auto(foreign_document_t) document = { 0 };
    g_autoptr(GError) error = NULL;
    g_autoptr(GByteArray) end = g_byte_array_new();

    if (!foreign_parse(job->kind, job->bytes, job->name, &document, &error)) {
        worker_send(out, MESSAGE_REFUSED, error->message, strlen(error->message));
        return;
    }
    for (guint i = 0; i < document.items->len; i++)
        if (!send_item(out, &g_array_index(document.items, struct foreign_item, i)))
            return;
    {
        const guint64 numbers[NUMBERS] = { document.more, document.successes, document.failures,
                                           document.pendings };

        g_byte_array_append(end, (const guint8 *)numbers, sizeof numbers);
    }
    if (document.next)
        g_byte_array_append(end, (const guint8 *)document.next, strlen(document.next));
    worker_send(out, MESSAGE_END, end->data, end->len);
}

static gboolean take_item(const guint8 *body, gsize length, gsize size,
                          struct foreign_document *document)
{
    const char *end = (const char *)body + length, *id, *version;
    guint64 place[2];

    if (length < sizeof place + 2 || end[-1])
        return FALSE;
    memcpy(place, body, sizeof place);
    id = (const char *)body + sizeof place;
    version = id + strlen(id) + 1;
    return place[0] <= size && place[1] <= size - place[0] && version < end &&
           version + strlen(version) + 1 == end &&
           add_item(document, place[0], place[1], id, version, NULL);
}

struct hearing {
    gsize size; /* of what is read */
    struct foreign_document *document;
    gboolean ended;
};

static gboolean take(guint8 kind, const guint8 *body, gsize length, gpointer data, GError **error)
{
    struct hearing *hearing = data;
    struct foreign_document *document = hearing->document;
    guint64 numbers[NUMBERS];

    if (hearing->ended)
        return FALSE;
    if (kind == MESSAGE_ITEM)
        return take_item(body, length, hearing->size, document);
    hearing->ended = TRUE;
    if (kind == MESSAGE_REFUSED) {
        g_autofree char *raw = g_strndup((const char *)body, length);
        g_autofree char *text = g_utf8_make_valid(raw, -1);

        return input_error(error, "%s", text);
    }
    if (kind != MESSAGE_END || length < sizeof numbers || length > TEXT_MAX + sizeof numbers)
        return FALSE;
    memcpy(numbers, body, sizeof numbers);
    document->more = numbers[0] != 0;
    document->successes = numbers[1];
    document->failures = numbers[2];
    document->pendings = numbers[3];
    document->next = length > sizeof numbers
                         ? g_strndup((const char *)body + sizeof numbers, length - sizeof numbers)
                         : NULL;
    return TRUE;
}

gboolean foreign_read(enum foreign_kind kind, GBytes *bytes, const char *name,
                      struct foreign_document *document, GError **error)
{
    static const struct confine_limits limits = { WORKER_MEMORY, WORKER_CPU_S };
    g_autoptr(confinement_t) confinement = confinement_new(0, error);
    struct job job = { kind, bytes, name };
    struct hearing hearing = { g_bytes_get_size(bytes), document, FALSE };
    g_autoptr(worker_t) worker = NULL;

    begin(document);
    if (!confinement)
        return FALSE;
    worker = worker_start(confinement, -1, &limits, g_get_monotonic_time() + WORKER_LIMIT_US, work,
                          &job, error);
    if (!worker || !worker_hear(worker, name, take, &hearing, error))
        return FALSE;
    return hearing.ended || system_error(error, "%s: its parser ended early", name);
}
