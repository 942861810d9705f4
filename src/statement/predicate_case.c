#include "base/error.h"
#include "statement/base64.h"
#include "statement/intoto.h"
#include "statement/predicate_shapes.h"

#include <sodium.h>
#include <string.h>

#define INDEX_LIMIT (G_GINT64_CONSTANT(1) << 53)
#define CASE_ID_LENGTH 32 /* hex digits */
#define SEQ_LIMIT G_MAXINT32
#define PARTIES_LIMIT 256
#define FIELDS_LIMIT 64
#define ATTACHMENTS_LIMIT 64
#define NAME_LIMIT 255
#define WORD_LIMIT 40
#define STREAM_LIMIT 80 /* "vendor:" and an id of 64 digits */
#define SUBJECT_PREFIX "case/"

static const char *const levels[] = { "clear", "green", "amber", "amber+strict", "red", NULL };

static const struct shape party = { NULL, SHAPE_PARTY, 0, 0, 0, NULL, NULL };
static const struct shape head = { NULL, SHAPE_SHA256, 0, 0, 0, NULL, NULL };

static const struct shape attachment_members[] = {
    { "name", SHAPE_TEXT, 0, 1, NAME_LIMIT, NULL, NULL },
    { "size", SHAPE_INTEGER, 0, 0, INDEX_LIMIT, NULL, NULL },
    { "sha256", SHAPE_SHA256, 0, 0, 0, NULL, NULL },
    { 0 },
};
static const struct shape attachment = { NULL, SHAPE_OBJECT, 0, 0, 0, NULL, attachment_members };

static const struct shape anchor[] = {
    { "size", SHAPE_INTEGER, 0, 1, INDEX_LIMIT, NULL, NULL },
    { "root", SHAPE_SHA256, 0, 0, 0, NULL, NULL },
    { "time", SHAPE_TIME, 0, 0, 0, NULL, NULL },
    { 0 },
};

#define SHAPE_OF_A_CASE                                                                            \
    SHAPE_OF_PROTOCOL, { "case", SHAPE_TEXT, 0, CASE_ID_LENGTH, CASE_ID_LENGTH, NULL, NULL },      \
        { "stream", SHAPE_TEXT, 0, 1, STREAM_LIMIT, NULL, NULL },                                  \
    {                                                                                              \
        "seq", SHAPE_INTEGER, 0, 1, SEQ_LIMIT, NULL, NULL                                          \
    }

const struct shape shape_case_ack[] = {
    SHAPE_OF_A_CASE,
    { "author", SHAPE_PARTY, 0, 0, 0, NULL, NULL },
    { "hash", SHAPE_SHA256, 0, 0, 0, NULL, NULL },
    { "refused", SHAPE_TEXT, SHAPE_OPTIONAL, 1, WORD_LIMIT, NULL, NULL },
    { 0 },
};

const struct shape shape_case_event[] = {
    SHAPE_OF_A_CASE,
    { "kind", SHAPE_TEXT, 0, 1, WORD_LIMIT, NULL, NULL },
    { "previous", SHAPE_SHA256, SHAPE_OPTIONAL, 0, 0, NULL, NULL },
    { "heads", SHAPE_MAP, SHAPE_OPTIONAL, 0, PARTIES_LIMIT, NULL, &head },
    { "from", SHAPE_PARTY, 0, 0, 0, NULL, NULL },
    { "to", SHAPE_LIST, SHAPE_UNIQUE, 0, PARTIES_LIMIT, NULL, &party },
    { "machine", SHAPE_TEXT, 0, 1, WORD_LIMIT, NULL, NULL },
    { "instance", SHAPE_PARTY, SHAPE_OPTIONAL, 0, 0, NULL, NULL },
    { "event", SHAPE_TEXT, 0, 1, WORD_LIMIT, NULL, NULL },
    { "fields", SHAPE_MAP, 0, 0, FIELDS_LIMIT, NULL, NULL },
    { "tlp", SHAPE_WORD, 0, 0, 0, levels, NULL },
    { "attachments", SHAPE_LIST, SHAPE_OPTIONAL, 0, ATTACHMENTS_LIMIT, NULL, &attachment },
    { "anchor", SHAPE_OBJECT, SHAPE_OPTIONAL, 0, 0, NULL, anchor },
    { "nonce", SHAPE_SHA256, 0, 0, 0, NULL, NULL },
    { 0 },
};

gboolean rules_case(const json_t *statement, GError **error)
{
    const char *id = json_text(intoto_predicate(statement), "case");
    const char *name = intoto_subject_name(statement);
    guint8 bytes[CASE_ID_LENGTH / 2], digest[crypto_hash_sha256_BYTES], said[sizeof digest];

    if (!hex_decode_into(id, bytes, sizeof bytes))
        return input_error(error, "\"case\" is not %d lower-case hex digits", CASE_ID_LENGTH);
    crypto_hash_sha256(digest, (const guint8 *)id, CASE_ID_LENGTH);
    return (g_str_has_prefix(name, SUBJECT_PREFIX) &&
            g_str_equal(name + strlen(SUBJECT_PREFIX), id) &&
            hex_decode_into(intoto_subject_sha256(statement), said, sizeof said) &&
            memcmp(digest, said, sizeof said) == 0) ||
           input_error(error, "the subject is not the case that the statement is about");
}

/* A name that is a file's, in no other folder. */
static gboolean is_file_name(const char *name)
{
    return !strchr(name, '/') && !g_str_equal(name, ".") && !g_str_equal(name, "..");
}

gboolean rules_case_event(const json_t *statement, GError **error)
{
    const json_t *predicate = intoto_predicate(statement), *item;
    gboolean first = json_number(predicate, "seq", 0) == 1;
    size_t index;

    if (!rules_case(statement, error))
        return FALSE;
    if (first == !!json_object_get(predicate, "previous"))
        return input_error(error, "\"previous\" is there from the second event on, not before");
    json_array_foreach(json_object_get(predicate, "attachments"), index, item)
    {
        if (!is_file_name(json_text(item, "name")))
            return input_error(error, "attachment %" G_GSIZE_FORMAT " has no name of a file",
                               index + 1);
    }
    return TRUE;
}
