#include "profile/yaml_places.h"

#include "base/error.h"
#include "base/nearest_word.h"

#include <string.h>
#include <yaml.h>

struct yaml_places {
    char *name;
    GHashTable *marks; /* value ("assets.hosts[2]") -> yaml_mark_t */
};

struct walk {
    struct yaml_places *places;
    yaml_parser_t parser;
    GError **error;
};

static gboolean check_value(struct walk *walk, const cyaml_schema_value_t *schema,
                            const yaml_event_t *event, const char *path);

static gboolean refuse(const struct walk *walk, yaml_mark_t mark, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

static gboolean refuse(const struct walk *walk, yaml_mark_t mark, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list arguments;

    va_start(arguments, format);
    text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    return input_error(walk->error, "%s:%zu:%zu: %s", walk->places->name, mark.line + 1,
                       mark.column + 1, text);
}

static gboolean unknown_word(const struct walk *walk, yaml_mark_t mark, const char *what,
                             const char *word, GPtrArray *known)
{
    struct nearest_word nearest = { word, NULL, 0 };
    g_autofree char *list = NULL;

    for (guint i = 0; i < known->len; i++)
        nearest_word_try(&nearest, known->pdata[i]);
    if (nearest.best)
        return refuse(walk, mark, "unknown %s \"%s\"; did you mean \"%s\"?", what, word,
                      nearest.best);
    g_ptr_array_add(known, NULL);
    list = g_strjoinv(", ", (char **)known->pdata);
    return refuse(walk, mark, "unknown %s \"%s\" (known here: %s)", what, word, list);
}

static gboolean next_event(struct walk *walk, yaml_event_t *event)
{
    if (!yaml_parser_parse(&walk->parser, event)) {
        const char *problem = walk->parser.problem ? walk->parser.problem : "out of memory";
        yaml_mark_t mark = walk->parser.problem_mark;

        /* The reader knows no mark, only an offset: bytes that are not UTF-8, control bytes. */
        if (walk->parser.error == YAML_READER_ERROR)
            mark = walk->parser.mark;
        return refuse(walk, mark, "%s", problem);
    }
    if (event->type == YAML_ALIAS_EVENT) {
        refuse(walk, event->start_mark, "aliases (*) are not used here; write the value again");
        yaml_event_delete(event);
        return FALSE;
    }
    return TRUE;
}

static const char *wanted_name(const cyaml_schema_value_t *schema)
{
    static const char *const names[] = {
        [CYAML_INT] = "a whole number",
        [CYAML_UINT] = "a whole number",
        [CYAML_BOOL] = "true or false",
        [CYAML_ENUM] = "a word",
        [CYAML_STRING] = "a text",
        [CYAML_MAPPING] = "members (key: value)",
        [CYAML_SEQUENCE] = "a list (- item)",
    };

    return schema->type < G_N_ELEMENTS(names) && names[schema->type] ? names[schema->type]
                                                                     : "something else";
}

static const char *found_name(const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SEQUENCE_START_EVENT:
        return "a list";
    case YAML_MAPPING_START_EVENT:
        return "members";
    case YAML_SCALAR_EVENT:
        return event->data.scalar.length ? "a text" : "nothing";
    default:
        return "nothing";
    }
}

static const cyaml_schema_field_t *find_field(const cyaml_schema_value_t *schema, const char *key)
{
    for (const cyaml_schema_field_t *field = schema->mapping.fields; field->key; field++)
        if (g_str_equal(field->key, key))
            return field;
    return NULL;
}

static gboolean unknown_key(const struct walk *walk, yaml_mark_t mark, const char *key,
                            const cyaml_schema_value_t *schema)
{
    g_autoptr(GPtrArray) known = g_ptr_array_new();

    for (const cyaml_schema_field_t *field = schema->mapping.fields; field->key; field++)
        g_ptr_array_add(known, (gpointer)field->key);
    return unknown_word(walk, mark, "key", key, known);
}

/* One "key: value" whose key is `event`; `seen` holds the keys before it. */
static gboolean check_member(struct walk *walk, const cyaml_schema_value_t *schema,
                             const yaml_event_t *event, GHashTable *seen, const char *path)
{
    const cyaml_schema_field_t *field;
    g_autofree char *below = NULL;
    yaml_event_t value;
    const char *key;
    gboolean good;

    if (event->type != YAML_SCALAR_EVENT)
        return refuse(walk, event->start_mark, "a key is a word, not %s", found_name(event));
    key = (const char *)event->data.scalar.value;
    if (strlen(key) != event->data.scalar.length)
        return refuse(walk, event->start_mark, "a NUL in a key");
    field = find_field(schema, key);
    if (!field)
        return unknown_key(walk, event->start_mark, key, schema);
    if (!g_hash_table_add(seen, (gpointer)field->key))
        return refuse(walk, event->start_mark, "\"%s\" stands here twice", key);
    below = *path ? g_strdup_printf("%s.%s", path, key) : g_strdup(key);
    if (!next_event(walk, &value))
        return FALSE;
    good = check_value(walk, &field->value, &value, below);
    yaml_event_delete(&value);
    return good;
}

static gboolean check_mapping(struct walk *walk, const cyaml_schema_value_t *schema,
                              yaml_mark_t start, const char *path)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    gboolean good = TRUE;

    for (gboolean end = FALSE; good && !end;) {
        yaml_event_t event;

        if (!next_event(walk, &event))
            return FALSE;
        end = event.type == YAML_MAPPING_END_EVENT;
        if (!end)
            good = check_member(walk, schema, &event, seen, path);
        yaml_event_delete(&event);
    }
    for (const cyaml_schema_field_t *field = schema->mapping.fields; good && field->key; field++)
        if (!(field->value.flags & CYAML_FLAG_OPTIONAL) && !g_hash_table_contains(seen, field->key))
            good = refuse(walk, start, "\"%s\" is missing here", field->key);
    return good;
}

static gboolean check_sequence(struct walk *walk, const cyaml_schema_value_t *schema,
                               const char *path)
{
    gboolean good = TRUE;

    for (guint index = 0; good; index++) {
        g_autofree char *below = g_strdup_printf("%s[%u]", path, index);
        yaml_event_t event;

        if (!next_event(walk, &event))
            return FALSE;
        if (event.type == YAML_SEQUENCE_END_EVENT) {
            yaml_event_delete(&event);
            break;
        }
        if (index >= schema->sequence.max)
            good = refuse(walk, event.start_mark, "more than %u entries", schema->sequence.max);
        else
            good = check_value(walk, schema->sequence.entry, &event, below);
        yaml_event_delete(&event);
    }
    return good;
}

static gboolean check_enumeration(const struct walk *walk, const cyaml_schema_value_t *schema,
                                  const char *text, yaml_mark_t mark)
{
    g_autoptr(GPtrArray) known = g_ptr_array_new();

    for (guint i = 0; i < schema->enumeration.count; i++) {
        if (g_str_equal(schema->enumeration.strings[i].str, text))
            return TRUE;
        g_ptr_array_add(known, (gpointer)schema->enumeration.strings[i].str);
    }
    return unknown_word(walk, mark, "word", text, known);
}

static gboolean check_scalar(const struct walk *walk, const cyaml_schema_value_t *schema,
                             const yaml_event_t *event)
{
    static const char *const booleans[] = { "true", "false", "yes", "no", NULL };
    const char *text = (const char *)event->data.scalar.value;
    gsize length = event->data.scalar.length;

    if (strlen(text) != length)
        return refuse(walk, event->start_mark, "a NUL in a text");
    if (!g_utf8_validate(text, (gssize)length, NULL))
        return refuse(walk, event->start_mark, "the text is not UTF-8");
    switch (schema->type) {
    case CYAML_STRING:
        if (length < schema->string.min)
            return refuse(walk, event->start_mark, "a text is wanted here, not nothing");
        if (length > schema->string.max)
            return refuse(walk, event->start_mark, "the text is longer than %u bytes",
                          schema->string.max);
        return TRUE;
    case CYAML_BOOL:
        if (g_strv_contains(booleans, text))
            return TRUE;
        return refuse(walk, event->start_mark, "\"%s\" is neither true nor false", text);
    case CYAML_ENUM:
        return check_enumeration(walk, schema, text, event->start_mark);
    default:
        return refuse(walk, event->start_mark, "%s is wanted here, not %s", wanted_name(schema),
                      found_name(event));
    }
}

static gboolean check_value(struct walk *walk, const cyaml_schema_value_t *schema,
                            const yaml_event_t *event, const char *path)
{
    g_hash_table_insert(walk->places->marks, g_strdup(path),
                        g_memdup2(&event->start_mark, sizeof event->start_mark));
    if (event->type == YAML_SCALAR_EVENT && event->data.scalar.tag)
        return refuse(walk, event->start_mark, "tags (!) are not used here");
    if (event->type == YAML_SCALAR_EVENT)
        return check_scalar(walk, schema, event);
    if (event->type == YAML_MAPPING_START_EVENT && schema->type == CYAML_MAPPING)
        return check_mapping(walk, schema, event->start_mark, path);
    if (event->type == YAML_SEQUENCE_START_EVENT && schema->type == CYAML_SEQUENCE)
        return check_sequence(walk, schema, path);
    return refuse(walk, event->start_mark, "%s is wanted here, not %s", wanted_name(schema),
                  found_name(event));
}

/* Start of stream and document, one value, and nothing after it. */
static gboolean check_stream(struct walk *walk, const cyaml_schema_value_t *schema)
{
    gboolean good = TRUE, started = FALSE, end = FALSE;

    while (good && !end) {
        yaml_event_t event;

        if (!next_event(walk, &event))
            return FALSE;
        switch (event.type) {
        case YAML_STREAM_START_EVENT:
        case YAML_DOCUMENT_END_EVENT:
            break;
        case YAML_DOCUMENT_START_EVENT:
            if (started)
                good = refuse(walk, event.start_mark, "a second document; one is read");
            started = TRUE;
            break;
        case YAML_STREAM_END_EVENT:
            if (!started)
                good =
                    refuse(walk, event.start_mark, "the file is empty; `entente init` writes one");
            end = TRUE;
            break;
        default:
            good = check_value(walk, schema, &event, "");
        }
        yaml_event_delete(&event);
    }
    return good;
}

struct yaml_places *yaml_places_check(const char *text, gsize length, const char *name,
                                      const cyaml_schema_value_t *schema, GError **error)
{
    g_autoptr(yaml_places_t) places = g_new0(struct yaml_places, 1);
    struct walk walk = { .places = places, .error = error };
    gboolean good;

    places->name = g_strdup(name);
    places->marks = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    if (!yaml_parser_initialize(&walk.parser)) {
        system_error(error, "%s: out of memory", name);
        return NULL;
    }
    yaml_parser_set_input_string(&walk.parser, (const unsigned char *)text, length);
    good = check_stream(&walk, schema);
    yaml_parser_delete(&walk.parser);
    return good ? g_steal_pointer(&places) : NULL;
}

void yaml_places_free(struct yaml_places *places)
{
    if (!places)
        return;
    g_hash_table_unref(places->marks);
    g_free(places->name);
    g_free(places);
}

gboolean yaml_places_refuse(const struct yaml_places *places, GError **error, const char *value,
                            const char *format, ...)
{
    g_autofree char *path = g_strdup(value);
    g_autofree char *text = NULL;
    const yaml_mark_t *mark;
    va_list arguments;

    va_start(arguments, format);
    text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    while (!(mark = g_hash_table_lookup(places->marks, path)) && *path) {
        char *cut = strrchr(path, '.');

        *(cut ? cut : path) = '\0';
    }
    return input_error(error, "%s:%zu:%zu: %s", places->name, mark ? mark->line + 1 : 1,
                       mark ? mark->column + 1 : 1, text);
}
