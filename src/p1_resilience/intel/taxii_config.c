/* taxii_config.c: from YAML to what is shared with whom. */
#include "p1_resilience/intel/taxii_config.h"

#include "base/error.h"
#include "base/file.h"
#include "base/uuid.h"
#include "profile/yaml_places.h"
#include "statement/base64.h"

#include <cyaml/cyaml.h>
#include <sodium.h>
#include <stdbool.h>
#include <string.h>

#define CONFIG_MAX (1u << 20) /* bytes of the file */
#define LIST_MAX 10000
#define TEXT_MAX 2000
#define ALIAS_MAX 64
#define TOKEN_PREFIX "sha256:"

struct raw_reader {
    char *name, *ceiling, *token, *key, *signatory;
    bool own;
};

struct raw_collection {
    char *id, *alias, *title, *description, *tlp;
    char **read, **write, **named;
    unsigned n_read, n_write, n_named;
    bool is_public;
};

struct raw_config {
    char *title, *description, *contact, *max_content_length;
    struct raw_collection *collections;
    struct raw_reader *readers;
    unsigned n_collections, n_readers;
};

#define REQUIRED CYAML_FLAG_DEFAULT
#define OPTIONAL CYAML_FLAG_OPTIONAL
#define TEXT(STRUCT, KEY, FLAGS)                                                                   \
    CYAML_FIELD_STRING_PTR(#KEY, CYAML_FLAG_POINTER | (FLAGS), STRUCT, KEY, 1, TEXT_MAX)
#define NAMES(KEY)                                                                                 \
    CYAML_FIELD_SEQUENCE_COUNT(#KEY, CYAML_FLAG_POINTER | OPTIONAL, struct raw_collection, KEY,    \
                               n_##KEY, &text_item, 0, LIST_MAX)

static const cyaml_schema_value_t text_item = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 1, TEXT_MAX),
};
static const cyaml_schema_field_t collection_fields[] = {
    TEXT(struct raw_collection, id, OPTIONAL),
    TEXT(struct raw_collection, alias, REQUIRED),
    TEXT(struct raw_collection, title, REQUIRED),
    TEXT(struct raw_collection, description, OPTIONAL),
    TEXT(struct raw_collection, tlp, OPTIONAL),
    NAMES(read),
    NAMES(write),
    NAMES(named),
    CYAML_FIELD_BOOL("public", OPTIONAL, struct raw_collection, is_public),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t reader_fields[] = {
    TEXT(struct raw_reader, name, REQUIRED),
    TEXT(struct raw_reader, ceiling, OPTIONAL),
    TEXT(struct raw_reader, token, OPTIONAL),
    TEXT(struct raw_reader, key, OPTIONAL),
    TEXT(struct raw_reader, signatory, OPTIONAL),
    CYAML_FIELD_BOOL("own", OPTIONAL, struct raw_reader, own),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t collection_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_collection, collection_fields),
};
static const cyaml_schema_value_t reader_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_reader, reader_fields),
};
static const cyaml_schema_field_t config_fields[] = {
    TEXT(struct raw_config, title, REQUIRED),
    TEXT(struct raw_config, description, OPTIONAL),
    TEXT(struct raw_config, contact, OPTIONAL),
    TEXT(struct raw_config, max_content_length, OPTIONAL),
    CYAML_FIELD_SEQUENCE_COUNT("collections", CYAML_FLAG_POINTER, struct raw_config, collections,
                               n_collections, &collection_schema, 1, LIST_MAX),
    CYAML_FIELD_SEQUENCE_COUNT("readers", CYAML_FLAG_POINTER | OPTIONAL, struct raw_config, readers,
                               n_readers, &reader_schema, 0, LIST_MAX),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t config_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct raw_config, config_fields),
};

static void reader_free(gpointer data)
{
    struct taxii_reader *reader = data;

    g_free(reader->name);
    public_key_free(reader->key);
    g_free(reader->signatory);
    g_free(reader);
}

static void collection_free(gpointer data)
{
    struct taxii_collection *collection = data;

    g_free(collection->id);
    g_free(collection->alias);
    g_free(collection->title);
    g_free(collection->description);
    g_strfreev(collection->read);
    g_strfreev(collection->write);
    g_strfreev(collection->named);
    g_free(collection);
}

void taxii_config_free(struct taxii_config *config)
{
    if (!config)
        return;
    g_free(config->title);
    g_free(config->description);
    g_free(config->contact);
    g_ptr_array_unref(config->collections);
    g_ptr_array_unref(config->readers);
    g_free(config);
}

/* --- from what was written --- */

struct loading {
    struct taxii_config *config;
    const struct yaml_places *places;
    GError **error;
};

#define REFUSE(PLACE, ...) yaml_places_refuse(loading->places, loading->error, PLACE, __VA_ARGS__)

static gboolean take_level(const struct loading *loading, const char *place, const char *text,
                           enum tlp *level)
{
    *level = TLP_AMBER;
    return !text || tlp_parse(text, level) ||
           REFUSE(place, "\"%s\" is no level: clear, green, amber, amber+strict or red", text);
}

static gboolean take_token(const struct loading *loading, const char *place, const char *text,
                           struct taxii_reader *reader)
{
    reader->has_token = text != NULL;
    return !text ||
           (g_str_has_prefix(text, TOKEN_PREFIX) &&
            hex_decode_into(text + strlen(TOKEN_PREFIX), reader->token, TAXII_TOKEN_DIGEST)) ||
           REFUSE(place, "a token stands here as " TOKEN_PREFIX "HEX, as entente intel token says");
}

static gboolean take_key(const struct loading *loading, const char *place, const char *text,
                         struct taxii_reader *reader)
{
    g_autoptr(GError) problem = NULL;

    reader->key = text ? public_key_parse(text, &problem) : NULL;
    return !problem || REFUSE(place, "%s", problem->message);
}

static gboolean add_reader(const struct loading *loading, const struct raw_reader *raw, guint i)
{
    struct taxii_reader *reader = g_new0(struct taxii_reader, 1);
    g_autofree char *name = g_strdup_printf("readers[%u].name", i);
    g_autofree char *ceiling = g_strdup_printf("readers[%u].ceiling", i);
    g_autofree char *token = g_strdup_printf("readers[%u].token", i);
    g_autofree char *key = g_strdup_printf("readers[%u].key", i);
    GPtrArray *readers = loading->config->readers;

    for (guint k = 0; k < readers->len; k++)
        if (g_str_equal(((struct taxii_reader *)readers->pdata[k])->name, raw->name)) {
            g_free(reader);
            return REFUSE(name, "\"%s\" is there twice", raw->name);
        }
    g_ptr_array_add(readers, reader);
    reader->name = g_strdup(raw->name);
    reader->own = raw->own;
    if (strchr(raw->name, ':'))
        return REFUSE(name, "a reader's name has no \":\"");
    reader->signatory = g_strdup(raw->signatory);
    if (!raw->token && !raw->key && !raw->signatory)
        return REFUSE(name, "\"%s\" has neither a token nor a key, and is no signatory", raw->name);
    return take_level(loading, ceiling, raw->ceiling, &reader->ceiling) &&
           take_token(loading, token, raw->token, reader) &&
           take_key(loading, key, raw->key, reader);
}

static gboolean is_reader(const struct taxii_config *config, const char *name)
{
    for (guint i = 0; i < config->readers->len; i++)
        if (g_str_equal(((struct taxii_reader *)config->readers->pdata[i])->name, name))
            return TRUE;
    return FALSE;
}

static gboolean take_names(const struct loading *loading, guint i, const char *member,
                           char *const *names, unsigned count, char ***taken)
{
    *taken = g_new0(char *, count + 1);
    for (unsigned k = 0; k < count; k++) {
        g_autofree char *place = g_strdup_printf("collections[%u].%s[%u]", i, member, k);

        if (!is_reader(loading->config, names[k]))
            return REFUSE(place, "\"%s\" is none of the readers", names[k]);
        (*taken)[k] = g_strdup(names[k]);
    }
    return TRUE;
}

static gboolean is_alias(const char *text)
{
    gsize length = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-_");

    return !text[length] && length <= ALIAS_MAX;
}

char *taxii_collection_uuid(const char *alias)
{
    g_autofree char *text = g_strconcat("taxii-collection\n", alias, NULL);

    return uuid_from_name(text);
}

static gboolean add_collection(const struct loading *loading, const struct raw_collection *raw,
                               guint i)
{
    struct taxii_collection *collection = g_new0(struct taxii_collection, 1);
    g_autofree char *alias = g_strdup_printf("collections[%u].alias", i);
    g_autofree char *id = g_strdup_printf("collections[%u].id", i);
    g_autofree char *tlp = g_strdup_printf("collections[%u].tlp", i);
    gboolean known;

    collection->id = raw->id ? g_ascii_strdown(raw->id, -1) : taxii_collection_uuid(raw->alias);
    known = taxii_config_collection(loading->config, raw->alias) ||
            taxii_config_collection(loading->config, collection->id);
    g_ptr_array_add(loading->config->collections, collection);
    collection->alias = g_strdup(raw->alias);
    collection->title = g_strdup(raw->title);
    collection->description = g_strdup(raw->description);
    collection->is_public = raw->is_public;
    if (known)
        return REFUSE(alias, "\"%s\" is there twice", raw->alias);
    if (!is_alias(raw->alias))
        return REFUSE(alias,
                      "an alias is of lower-case letters, digits, \"-\" and \"_\", %d at "
                      "most",
                      ALIAS_MAX);
    if (!g_uuid_string_is_valid(collection->id))
        return REFUSE(id, "\"%s\" is no UUID", raw->id);
    return take_level(loading, tlp, raw->tlp, &collection->tlp) &&
           take_names(loading, i, "read", raw->read, raw->n_read, &collection->read) &&
           take_names(loading, i, "write", raw->write, raw->n_write, &collection->write) &&
           take_names(loading, i, "named", raw->named, raw->n_named, &collection->named);
}

static gboolean take(const struct loading *loading, const struct raw_config *raw)
{
    struct taxii_config *config = loading->config;

    config->title = g_strdup(raw->title);
    config->description = g_strdup(raw->description);
    config->contact = g_strdup(raw->contact);
    config->max_content_length = TAXII_CONTENT_MAX;
    if (raw->max_content_length &&
        !g_ascii_string_to_unsigned(raw->max_content_length, 10, 1, TAXII_CONTENT_MAX,
                                    &config->max_content_length, NULL))
        return REFUSE("max_content_length", "\"%s\" is not a number from 1 to %u",
                      raw->max_content_length, TAXII_CONTENT_MAX);
    for (unsigned i = 0; i < raw->n_readers; i++)
        if (!add_reader(loading, &raw->readers[i], i))
            return FALSE;
    for (unsigned i = 0; i < raw->n_collections; i++)
        if (!add_collection(loading, &raw->collections[i], i))
            return FALSE;
    return TRUE;
}

/* libcyaml on GLib's allocator. */
static void *allocate(void *context, void *pointer, size_t size)
{
    (void)context;
    if (size == 0) {
        g_free(pointer);
        return NULL;
    }
    return g_realloc(pointer, size);
}

static struct taxii_config *parse(const char *text, gsize length, const char *name, GError **error)
{
    static const cyaml_config_t settings = { .mem_fn = allocate, .flags = CYAML_CFG_NO_ALIAS };
    g_autoptr(yaml_places_t) places = yaml_places_check(text, length, name, &config_schema, error);
    g_autoptr(taxii_config_t) config = g_new0(struct taxii_config, 1);
    const struct loading loading = { config, places, error };
    struct raw_config *raw = NULL;
    cyaml_err_t code;
    gboolean good;

    config->collections = g_ptr_array_new_with_free_func(collection_free);
    config->readers = g_ptr_array_new_with_free_func(reader_free);
    if (!places)
        return NULL;
    code = cyaml_load_data((const uint8_t *)text, length, &settings, &config_schema,
                           (cyaml_data_t **)&raw, NULL);
    if (code != CYAML_OK) {
        input_error(error, "%s: %s", name, cyaml_strerror(code));
        return NULL;
    }
    good = take(&loading, raw);
    cyaml_free(&settings, &config_schema, raw, 0);
    return good ? g_steal_pointer(&config) : NULL;
}

struct taxii_config *taxii_config_load(const char *path, GError **error)
{
    g_autoptr(GBytes) bytes = file_read(path, CONFIG_MAX, error);
    gsize length;
    const char *text = bytes ? g_bytes_get_data(bytes, &length) : NULL;

    return text ? parse(text, length, path, error) : NULL;
}

/* --- who may --- */

const struct taxii_collection *taxii_config_collection(const struct taxii_config *config,
                                                       const char *name)
{
    for (guint i = 0; i < config->collections->len; i++) {
        const struct taxii_collection *collection = config->collections->pdata[i];

        if (g_str_equal(collection->id, name) || g_str_equal(collection->alias, name))
            return collection;
    }
    return NULL;
}

const struct taxii_reader *taxii_config_reader(const struct taxii_config *config, const char *name,
                                               const char *token)
{
    const struct taxii_reader *found = NULL;
    guint8 digest[TAXII_TOKEN_DIGEST];

    crypto_hash_sha256(digest, (const guint8 *)token, strlen(token));
    for (guint i = 0; i < config->readers->len; i++) {
        const struct taxii_reader *reader = config->readers->pdata[i];

        if (reader->has_token && sodium_memcmp(digest, reader->token, sizeof digest) == 0 &&
            (!name || g_str_equal(name, reader->name)))
            found = reader;
    }
    return found;
}

gboolean taxii_may_read(const struct taxii_collection *collection,
                        const struct taxii_reader *reader)
{
    return collection->is_public ||
           (reader && g_strv_contains((const char *const *)collection->read, reader->name));
}

gboolean taxii_may_write(const struct taxii_collection *collection,
                         const struct taxii_reader *reader)
{
    return reader && g_strv_contains((const char *const *)collection->write, reader->name);
}
