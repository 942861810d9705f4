#include "base/yaml.h"

#include "base/error.h"

#include <string.h>
#include <yaml.h>

struct reader {
    yaml_parser_t parser;
    const char *name;
    GError **error;
};

static json_t *refuse(struct reader *reader, yaml_mark_t mark, const char *what)
{
    input_error(reader->error, "%s:%zu:%zu: %s", reader->name, mark.line + 1, mark.column + 1,
                what);
    return NULL;
}

static gboolean next(struct reader *reader, yaml_event_t *event)
{
    if (yaml_parser_parse(&reader->parser, event))
        return TRUE;
    refuse(reader, reader->parser.problem_mark,
           reader->parser.problem ? reader->parser.problem : "not YAML");
    return FALSE;
}

static json_t *read_plain(const char *text)
{
    gint64 number;

    if (g_str_equal(text, "true") || g_str_equal(text, "false"))
        return json_boolean(*text == 't');
    if (g_str_equal(text, "null") || g_str_equal(text, "~") || !*text)
        return json_null();
    if (g_ascii_string_to_signed(text, 10, G_MININT64, G_MAXINT64, &number, NULL))
        return json_integer(number);
    return json_string(text);
}

static json_t *read_value(struct reader *reader, const yaml_event_t *event, guint depth);

static json_t *read_list(struct reader *reader, guint depth)
{
    g_autoptr(json_t) list = json_array();

    for (;;) {
        yaml_event_t event;
        json_t *item;
        gboolean ends;

        if (!next(reader, &event))
            return NULL;
        ends = event.type == YAML_SEQUENCE_END_EVENT;
        item = ends ? NULL : read_value(reader, &event, depth);
        yaml_event_delete(&event);
        if (ends)
            return g_steal_pointer(&list);
        if (!item || json_array_append_new(list, item) < 0)
            return NULL;
    }
}

static json_t *read_members(struct reader *reader, guint depth)
{
    g_autoptr(json_t) object = json_object();

    for (;;) {
        g_autofree char *key = NULL;
        yaml_mark_t mark;
        yaml_event_t event;
        gboolean ends;
        json_t *value;

        if (!next(reader, &event))
            return NULL;
        ends = event.type == YAML_MAPPING_END_EVENT;
        mark = event.start_mark;
        if (event.type == YAML_SCALAR_EVENT &&
            strlen((char *)event.data.scalar.value) == event.data.scalar.length)
            key = g_strdup((char *)event.data.scalar.value);
        yaml_event_delete(&event);
        if (ends)
            return g_steal_pointer(&object);
        if (!key)
            return refuse(reader, mark, "the name of a member is not text");
        if (json_object_get(object, key))
            return refuse(reader, mark, "this member stands twice");
        if (!next(reader, &event))
            return NULL;
        value = read_value(reader, &event, depth);
        yaml_event_delete(&event);
        if (!value)
            return NULL;
        if (json_object_set_new(object, key, value) < 0)
            return refuse(reader, mark, "the name of a member is not UTF-8");
    }
}

static json_t *read_value(struct reader *reader, const yaml_event_t *event, guint depth)
{
    json_t *value;

    if (depth >= JSON_DEPTH)
        return refuse(reader, event->start_mark, "nested too deeply");
    switch (event->type) {
    case YAML_SEQUENCE_START_EVENT:
        if (event->data.sequence_start.tag || event->data.sequence_start.anchor)
            break;
        return read_list(reader, depth + 1);
    case YAML_MAPPING_START_EVENT:
        if (event->data.mapping_start.tag || event->data.mapping_start.anchor)
            break;
        return read_members(reader, depth + 1);
    case YAML_SCALAR_EVENT:
        if (event->data.scalar.tag || event->data.scalar.anchor)
            break;
        value = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE
                    ? read_plain((char *)event->data.scalar.value)
                    : json_stringn((char *)event->data.scalar.value, event->data.scalar.length);
        return value ? value : refuse(reader, event->start_mark, "not UTF-8");
    default:
        break;
    }
    return refuse(reader, event->start_mark, "anchors, aliases and tags are not read here");
}

static json_t *read_document(struct reader *reader)
{
    g_autoptr(json_t) value = NULL;
    gboolean done = FALSE;

    while (!done) {
        yaml_event_t event;

        if (!next(reader, &event))
            return NULL;
        done = event.type == YAML_STREAM_END_EVENT;
        switch (event.type) {
        case YAML_STREAM_START_EVENT:
        case YAML_STREAM_END_EVENT:
        case YAML_DOCUMENT_START_EVENT:
        case YAML_DOCUMENT_END_EVENT:
            if (event.type == YAML_DOCUMENT_START_EVENT && value) {
                refuse(reader, event.start_mark, "a second document");
                yaml_event_delete(&event);
                return NULL;
            }
            break;
        default:
            value = read_value(reader, &event, 0);
            done = !value;
        }
        yaml_event_delete(&event);
    }
    if (!value && reader->error && !*reader->error)
        input_error(reader->error, "%s: holds nothing", reader->name);
    return g_steal_pointer(&value);
}

json_t *yaml_parse(const void *data, gsize length, gsize limit, const char *name, GError **error)
{
    g_autoptr(GError) problem = NULL;
    struct reader reader = { .name = name, .error = &problem };
    json_t *value;

    if (length > limit) {
        input_error(error, "%s: %" G_GSIZE_FORMAT " bytes of YAML; the limit is %" G_GSIZE_FORMAT,
                    name, length, limit);
        return NULL;
    }
    if (!yaml_parser_initialize(&reader.parser))
        g_error("out of memory");
    yaml_parser_set_input_string(&reader.parser, data ? data : (const guint8 *)"", length);
    value = read_document(&reader);
    yaml_parser_delete(&reader.parser);
    if (!value)
        g_propagate_error(error, g_steal_pointer(&problem));
    return value;
}
