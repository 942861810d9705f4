#include "base/json_stream.h"

#include "base/error.h"

#include <errno.h>
#include <string.h>
#include <yajl/yajl_parse.h>

/* Rough cost of one value in memory, so that a million empty arrays count too. */
#define VALUE_COST 64

/* One open object or array. */
struct frame {
    gboolean is_array;
    gsize index;       /* elements so far */
    GHashTable *names; /* members so far; NULL for an array, and where `building` has them */
    char *component;   /* the current member's name, or the element's index as text */
    json_t *building;  /* the tree node of this container inside a wanted value; borrowed */
};

struct json_stream {
    yajl_handle parser;
    char *name;
    const struct json_want *wants;
    char ***patterns; /* of each want, split */
    gsize value_limit, kept;
    gpointer data;
    GArray *frames;
    json_t *value;                /* the wanted value being built, or NULL */
    const struct json_want *want; /* whose it is */
    guint value_depth;            /* frames open when it began */
    GError *error;
};

static struct frame *top(struct json_stream *stream)
{
    return stream->frames->len
               ? &g_array_index(stream->frames, struct frame, stream->frames->len - 1)
               : NULL;
}

static gboolean refuse(struct json_stream *stream, const char *message)
{
    if (!stream->error)
        input_error(&stream->error, "%s: byte %zu: %s", stream->name,
                    (size_t)yajl_get_bytes_consumed(stream->parser), message);
    return FALSE;
}

static gboolean path_matches(const struct json_stream *stream, char *const *pattern)
{
    guint i;

    for (i = 0; i < stream->frames->len; i++) {
        const struct frame *frame = &g_array_index(stream->frames, struct frame, i);

        if (!pattern[i] ||
            (!g_str_equal(pattern[i], "*") && !g_str_equal(pattern[i], frame->component)))
            return FALSE;
    }
    return !pattern[i];
}

/* Steps to the next element; members are named by on_key(). */
static void next_element(struct json_stream *stream)
{
    struct frame *frame = top(stream);

    /* Inside a wanted value nobody asks where it stands. */
    if (frame && frame->is_array && !stream->value) {
        g_free(frame->component);
        frame->component = g_strdup_printf("%" G_GSIZE_FORMAT, frame->index++);
    }
}

static gboolean give(struct json_stream *stream)
{
    g_autofree const char **path = g_new0(const char *, stream->frames->len + 1);
    g_autoptr(json_t) value = g_steal_pointer(&stream->value);

    for (guint i = 0; i < stream->frames->len; i++)
        path[i] = g_array_index(stream->frames, struct frame, i).component;
    stream->kept = 0;
    return stream->want->take(path, value, stream->data, &stream->error);
}

/* Puts a value (owned) where it belongs; `cost` counts against the limit. */
static gboolean put(struct json_stream *stream, json_t *value, gsize cost)
{
    struct frame *frame = top(stream);

    stream->kept += cost + VALUE_COST;
    if (stream->kept > stream->value_limit) {
        json_decref(value);
        return refuse(stream, "a value is larger than the limit");
    }
    if (!stream->value || stream->frames->len == stream->value_depth) {
        stream->value = value;
        return TRUE;
    }
    if (frame->is_array ? json_array_append_new(frame->building, value) < 0
                        : json_object_set_new(frame->building, frame->component, value) < 0)
        return refuse(stream, "a string is not UTF-8 text without NUL");
    return TRUE;
}

/* Called at the start of every value; whether it is to be kept. */
static gboolean is_kept(struct json_stream *stream)
{
    next_element(stream);
    if (stream->value)
        return TRUE;
    for (guint i = 0; stream->wants[i].path; i++) {
        if (path_matches(stream, stream->patterns[i])) {
            stream->want = &stream->wants[i];
            stream->value_depth = stream->frames->len;
            return TRUE;
        }
    }
    return FALSE;
}

static gboolean on_scalar(struct json_stream *stream, json_t *value, gsize cost)
{
    if (!value)
        return refuse(stream, "a string is not UTF-8 text without NUL");
    if (!put(stream, value, cost))
        return FALSE;
    return stream->frames->len == stream->value_depth ? give(stream) : TRUE;
}

static int on_null(void *data)
{
    return !is_kept(data) || on_scalar(data, json_null(), 0);
}

static int on_boolean(void *data, int truth)
{
    return !is_kept(data) || on_scalar(data, json_boolean(truth), 0);
}

static int on_number(void *data, const char *text, size_t length)
{
    g_autofree char *digits = NULL;
    gint64 integer;
    double real;

    if (!is_kept(data))
        return 1;
    digits = g_strndup(text, length);
    if (!strpbrk(digits, ".eE")) {
        errno = 0;
        integer = g_ascii_strtoll(digits, NULL, 10);
        if (errno == 0)
            return on_scalar(data, json_integer(integer), 0);
    }
    real = g_ascii_strtod(digits, NULL);
    if (real != real || real - real != 0)
        return refuse(data, "a number is too large");
    return on_scalar(data, json_real(real), 0);
}

static int on_string(void *data, const unsigned char *text, size_t length)
{
    if (!is_kept(data))
        return 1;
    if (memchr(text, 0, length))
        return refuse(data, "a string is not UTF-8 text without NUL");
    return on_scalar(data, json_stringn((const char *)text, length), length);
}

static gboolean open_container(struct json_stream *stream, gboolean is_array)
{
    gboolean kept = is_kept(stream);
    struct frame frame = { .is_array = is_array };

    if (stream->frames->len >= JSON_DEPTH)
        return refuse(stream, "nested too deeply");
    if (kept) {
        frame.building = is_array ? json_array() : json_object();
        if (!put(stream, frame.building, 0))
            return FALSE;
    }
    if (!is_array && !kept)
        frame.names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_array_append_val(stream->frames, frame);
    /* cppcheck-suppress memleak ; the array has taken it */
    return TRUE;
}

static void frame_clear(gpointer data)
{
    struct frame *frame = data;

    g_clear_pointer(&frame->names, g_hash_table_unref);
    g_clear_pointer(&frame->component, g_free);
}

static gboolean close_container(struct json_stream *stream)
{
    g_array_set_size(stream->frames, stream->frames->len - 1);
    return stream->value && stream->frames->len == stream->value_depth ? give(stream) : TRUE;
}

static int on_open_object(void *data)
{
    return open_container(data, FALSE);
}

static int on_open_array(void *data)
{
    return open_container(data, TRUE);
}

static int on_close(void *data)
{
    return close_container(data);
}

static int on_key(void *data, const unsigned char *text, size_t length)
{
    struct json_stream *stream = data;
    struct frame *frame = top(stream);

    if (memchr(text, 0, length))
        return refuse(stream, "a member name holds a NUL");
    g_free(frame->component);
    frame->component = g_strndup((const char *)text, length);
    if (frame->building ? json_object_get(frame->building, frame->component) != NULL
                        : !g_hash_table_add(frame->names, g_strdup(frame->component)))
        return refuse(stream, "a member name stands twice in one object");
    return 1;
}

static const yajl_callbacks callbacks = {
    .yajl_null = on_null,
    .yajl_boolean = on_boolean,
    .yajl_number = on_number,
    .yajl_string = on_string,
    .yajl_start_map = on_open_object,
    .yajl_map_key = on_key,
    .yajl_end_map = on_close,
    .yajl_start_array = on_open_array,
    .yajl_end_array = on_close,
};

struct json_stream *json_stream_new(const char *name, const struct json_want *wants,
                                    gsize value_limit, gpointer data)
{
    struct json_stream *stream = g_new0(struct json_stream, 1);
    guint count = 0;

    while (wants[count].path)
        count++;
    stream->name = g_strdup(name);
    stream->wants = wants;
    stream->patterns = g_new0(char **, count + 1);
    for (guint i = 0; i < count; i++)
        stream->patterns[i] = g_strsplit(wants[i].path, "/", -1);
    stream->value_limit = value_limit;
    stream->data = data;
    stream->frames = g_array_new(FALSE, FALSE, sizeof(struct frame));
    g_array_set_clear_func(stream->frames, frame_clear);
    stream->parser = yajl_alloc(&callbacks, NULL, stream);
    return stream;
}

static gboolean judge(struct json_stream *stream, yajl_status status, const void *bytes,
                      gsize length, GError **error)
{
    unsigned char *text;

    if (status == yajl_status_ok)
        return TRUE;
    if (!stream->error) {
        text = yajl_get_error(stream->parser, 0, bytes, length);
        g_strchomp((char *)text);
        refuse(stream, (const char *)text);
        yajl_free_error(stream->parser, text);
    }
    g_propagate_error(error, g_steal_pointer(&stream->error));
    return FALSE;
}

gboolean json_stream_feed(struct json_stream *stream, const void *bytes, gsize length,
                          GError **error)
{
    return judge(stream, yajl_parse(stream->parser, bytes, length), bytes, length, error);
}

gboolean json_stream_end(struct json_stream *stream, GError **error)
{
    return judge(stream, yajl_complete_parse(stream->parser), "", 0, error);
}

void json_stream_free(struct json_stream *stream)
{
    for (guint i = 0; stream->wants[i].path; i++)
        g_strfreev(stream->patterns[i]);
    g_free(stream->patterns);
    g_array_unref(stream->frames);
    if (stream->value)
        json_decref(stream->value);
    yajl_free(stream->parser);
    g_clear_error(&stream->error);
    g_free(stream->name);
    g_free(stream);
}
