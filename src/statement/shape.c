#include "statement/shape.h"

#include "base/clock.h"
#include "base/error.h"
#include "statement/base64.h"
#include "statement/note.h"

#include <string.h>

#define WORDS_NAMED 12 /* as many as a message lists */
#define SHA256_SIZE 32
#define X25519_PREFIX "x25519:"
#define X25519_SIZE 32
#define PARTY_KEY_PREFIX "key:"
#define PARTY_LOCAL "local" /* who endorsed nothing yet, in its own cases */
#define DATE_LENGTH 10
#define DOMAIN_LIMIT 253 /* RFC 1035 section 2.3.4 */
#define LABEL_LIMIT 63

#define LABEL_PATTERN "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
#define BASE64_PATTERN "([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?"
#define VKEY_PATTERN "[^ +]+\\+[0-9a-f]{8}\\+[A-Za-z0-9+/]{44}"

static gboolean is_time(const char *text)
{
    gint64 time_us;

    return strlen(text) > DATE_LENGTH && clock_parse(text, &time_us, NULL);
}

static gboolean is_date(const char *text)
{
    gint64 time_us;

    return strlen(text) == DATE_LENGTH && clock_parse(text, &time_us, NULL);
}

static gboolean is_sha256(const char *text)
{
    guint8 digest[SHA256_SIZE];

    return hex_decode_into(text, digest, sizeof digest);
}

static gboolean is_base64(const char *text)
{
    g_autoptr(GBytes) bytes = base64_decode(text, -1);

    return bytes && g_bytes_get_size(bytes);
}

static gboolean is_label(const char *label)
{
    gsize length = strlen(label);

    return length && length <= LABEL_LIMIT && label[0] != '-' && label[length - 1] != '-' &&
           strspn(label, "abcdefghijklmnopqrstuvwxyz0123456789-") == length;
}

static gboolean is_domain(const char *text)
{
    g_auto(GStrv) labels = g_strsplit(text, ".", -1);
    guint count = g_strv_length(labels);

    for (guint i = 0; i < count; i++)
        if (!is_label(labels[i]))
            return FALSE;
    return count >= 2 && strlen(text) <= DOMAIN_LIMIT;
}

static gboolean is_country(const char *text)
{
    return strlen(text) == 2 && g_ascii_isupper(text[0]) && g_ascii_isupper(text[1]);
}

static gboolean is_language(const char *text)
{
    return g_regex_match_simple("^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", text, G_REGEX_DOLLAR_ENDONLY,
                                0);
}

static gboolean is_uri(const char *text)
{
    const char *colon = strchr(text, ':');

    if (!g_ascii_isalpha(*text) || !colon || !colon[1])
        return FALSE;
    for (const char *at = text; at < colon; at++)
        if (!g_ascii_isalnum(*at) && !strchr("+.-", *at))
            return FALSE;
    for (const char *at = colon; *at; at++)
        if (!g_ascii_isgraph(*at) || strchr("<>\"{}|\\^`", *at))
            return FALSE;
    return TRUE;
}

static gboolean is_vkey(const char *text, guint8 type)
{
    g_autoptr(note_key_t) key = note_key_parse(text, NULL);

    return key && key->type == type;
}

static gboolean is_ed25519(const char *text)
{
    return is_vkey(text, NOTE_KEY_ED25519);
}

static gboolean is_witness(const char *text)
{
    return is_vkey(text, NOTE_KEY_COSIGNATURE);
}

static gboolean is_role_key(const char *text)
{
    guint8 bytes[X25519_SIZE];

    if (g_str_has_prefix(text, X25519_PREFIX))
        return base64_decode_into(text + strlen(X25519_PREFIX), -1, bytes, sizeof bytes);
    return is_ed25519(text) || is_witness(text);
}

static gboolean is_predicate(const char *text)
{
    return g_regex_match_simple("^urn:entente:predicate:[a-z][a-z0-9-]*:[1-9][0-9]*$", text,
                                G_REGEX_DOLLAR_ENDONLY, 0);
}

static gboolean is_party(const char *text)
{
    if (g_str_has_prefix(text, PARTY_KEY_PREFIX))
        text += strlen(PARTY_KEY_PREFIX);
    else if (g_str_equal(text, PARTY_LOCAL))
        return TRUE;
    return is_sha256(text);
}

/* What is a text: how it is checked, what a schema says of it, what a message calls it. */
static const struct {
    gboolean (*is)(const char *text);
    const char *pattern, *what;
} texts[] = {
    [SHAPE_TIME] = { is_time, "^\\d{4}-\\d\\d-\\d\\d[Tt]\\d\\d:\\d\\d:\\d\\d",
                     "a time (RFC 3339)" },
    [SHAPE_DATE] = { is_date, "^\\d{4}-\\d\\d-\\d\\d$", "a date (2027-11-12)" },
    [SHAPE_SHA256] = { is_sha256, "^[0-9a-f]{64}$", "64 lower-case hex digits" },
    [SHAPE_BASE64] = { is_base64, "^(?=.)" BASE64_PATTERN "$", "base64" },
    [SHAPE_DOMAIN] = { is_domain, "^" LABEL_PATTERN "(\\." LABEL_PATTERN ")+$",
                       "a domain in lower-case A-labels" },
    [SHAPE_COUNTRY] = { is_country, "^[A-Z]{2}$", "a country code (ISO 3166-1 alpha-2)" },
    [SHAPE_LANGUAGE] = { is_language, "^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", "a language (BCP 47)" },
    [SHAPE_URI] = { is_uri, "^[A-Za-z][A-Za-z0-9+.-]*:[!-~]+$", "a URI with a scheme" },
    [SHAPE_ED25519] = { is_ed25519, "^" VKEY_PATTERN "$", "a verification key of Ed25519" },
    [SHAPE_WITNESS] = { is_witness, "^" VKEY_PATTERN "$", "a witness' key (type 0x04)" },
    [SHAPE_ROLE_KEY] = { is_role_key, "^(" VKEY_PATTERN "|x25519:[A-Za-z0-9+/]{43}=)$",
                         "a verification key, or x25519: and 32 bytes in base64" },
    [SHAPE_PREDICATE] = { is_predicate, "^urn:entente:predicate:[a-z][a-z0-9-]*:[1-9][0-9]*$",
                          "a predicate type" },
    [SHAPE_PARTY] = { is_party, "^((key:)?[0-9a-f]{64}|local)$",
                      "a party: an id of 64 hex digits, or key: and 64 hex digits" },
    [SHAPE_MAP] = { NULL, NULL, NULL },
};

const char *shape_pattern(enum shape_kind kind)
{
    return texts[kind].pattern;
}

/* Where a value stands; put into words only when it is refused. */
struct place {
    const struct place *up;
    const char *name; /* of a member; NULL: an item of a list */
    gsize index;
};

static void append_place(GString *out, const struct place *place)
{
    if (place->up)
        append_place(out, place->up);
    if (place->name)
        g_string_append_printf(out, "%s%s", place->up ? "." : "", place->name);
    else
        g_string_append_printf(out, "[%" G_GSIZE_FORMAT "]", place->index);
}

static gboolean wrong(GError **error, const struct place *place, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

/* "a.b[2]" and what is wrong with it. */
static gboolean wrong(GError **error, const struct place *place, const char *format, ...)
{
    g_autoptr(GString) where = g_string_new(NULL);
    g_autofree char *what = NULL;
    va_list arguments;

    va_start(arguments, format);
    what = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    append_place(where, place);
    return input_error(error, "\"%s\" %s", where->str, what);
}

static gboolean check_members(const json_t *value, const struct shape *members,
                              const struct place *place, GError **error);
static gboolean check_value(const json_t *value, const struct shape *shape,
                            const struct place *place, GError **error);

/*
 * Control characters (but tab and line feed) and those that turn the direction of what follows
 * (U+202A to U+202E, U+2066 to U+2069) make a text show as another one.
 */
static gboolean shows_as_it_is(const char *text)
{
    for (const guchar *at = (const guchar *)text; *at; at++) {
        if ((*at < 0x20 && *at != '\t' && *at != '\n') || *at == 0x7f)
            return FALSE;
        if (*at == 0xc2 && at[1] < 0xa0) /* U+0080 to U+009F */
            return FALSE;
        if (*at == 0xe2 && ((at[1] == 0x80 && at[2] >= 0xaa && at[2] <= 0xae) ||
                            (at[1] == 0x81 && at[2] >= 0xa6 && at[2] <= 0xa9)))
            return FALSE;
    }
    return TRUE;
}

static gboolean check_text(const json_t *value, const struct shape *shape,
                           const struct place *place, GError **error)
{
    gint64 high = shape->high ? shape->high : SHAPE_TEXT_LIMIT;
    gsize length = json_string_length(value);

    if (!json_is_string(value))
        return wrong(error, place, "is not text");
    /* A NUL within would end the text for whoever reads it as one. */
    if (strlen(json_string_value(value)) != length)
        return wrong(error, place, "is not text without NUL");
    if (!shows_as_it_is(json_string_value(value)))
        return wrong(error, place, "holds control characters or such as turn its direction");
    return (length >= (gsize)shape->low && length <= (gsize)high) ||
           wrong(error, place,
                 "has %" G_GSIZE_FORMAT " bytes; %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT
                 " are allowed",
                 length, shape->low, high);
}

static gboolean is_word(const char *text, const char *const *words)
{
    return words ? g_strv_contains(words, text) : is_language(text);
}

/* A list that one can read at a glance is named whole. */
static gboolean wrong_word(GError **error, const struct place *place, const char *const *words)
{
    g_autofree char *list = words && g_strv_length((char **)words) <= WORDS_NAMED
                                ? g_strjoinv(", ", (char **)words)
                                : NULL;

    if (!list)
        return wrong(error, place, "is not one of the words that may stand there");
    return wrong(error, place, "is none of: %s", list);
}

static gboolean check_list(const json_t *value, const struct shape *shape,
                           const struct place *place, GError **error)
{
    gsize count = json_array_size(value), index;
    const json_t *item;

    if (!json_is_array(value))
        return wrong(error, place, "is not a list");
    if (count < (gsize)shape->low || count > (gsize)shape->high)
        return wrong(error, place,
                     "has %" G_GSIZE_FORMAT " items; %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT
                     " are allowed",
                     count, shape->low, shape->high);
    json_array_foreach(value, index, item)
    {
        const struct place at = { place, NULL, index };

        if (!check_value(item, shape->inside, &at, error))
            return FALSE;
        for (gsize i = 0; i < index && shape->flags & SHAPE_UNIQUE; i++)
            if (json_equal(json_array_get(value, i), item))
                return wrong(error, &at, "repeats an item before it");
    }
    return TRUE;
}

static gboolean check_texts(const json_t *value, const struct shape *shape,
                            const struct place *place, GError **error)
{
    static const struct shape text = { NULL, SHAPE_TEXT, 0, 1, 0, NULL, NULL };
    gsize count = json_object_size(value);
    const char *key;
    json_t *member;

    if (!json_is_object(value) || count < (gsize)shape->low || count > (gsize)shape->high)
        return wrong(error, place,
                     "is not an object of %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT " texts",
                     shape->low, shape->high);
    json_object_foreach((json_t *)value, key, member)
    {
        const struct place at = { place, key, 0 };

        if (!is_word(key, shape->words))
            return wrong(error, &at, "is not known here");
        if (!check_text(member, &text, &at, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean check_map(const json_t *value, const struct shape *shape, const struct place *place,
                          GError **error)
{
    gsize count = json_object_size(value);
    const char *key;
    json_t *member;

    if (!json_is_object(value) || count < (gsize)shape->low || count > (gsize)shape->high)
        return wrong(error, place,
                     "is not an object of %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT " members",
                     shape->low, shape->high);
    json_object_foreach((json_t *)value, key, member)
    {
        const struct place at = { place, key, 0 };

        if (shape->inside && !check_value(member, shape->inside, &at, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean check_value(const json_t *value, const struct shape *shape,
                            const struct place *place, GError **error)
{
    if ((shape->flags & SHAPE_NULLABLE && json_is_null(value)) ||
        (shape->flags & SHAPE_WITHHELD &&
         g_strcmp0(json_string_value(value), SHAPE_WITHHELD_WORD) == 0))
        return TRUE;
    switch (shape->kind) {
    case SHAPE_TEXT:
        return check_text(value, shape, place, error);
    case SHAPE_INTEGER:
        return (json_is_integer(value) && json_integer_value(value) >= shape->low &&
                json_integer_value(value) <= shape->high) ||
               wrong(error, place, "is not an integer of %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT,
                     shape->low, shape->high);
    case SHAPE_BOOLEAN:
        return json_is_boolean(value) || wrong(error, place, "is not true or false");
    case SHAPE_WORD:
        return (json_is_string(value) && is_word(json_string_value(value), shape->words)) ||
               wrong_word(error, place, shape->words);
    case SHAPE_OBJECT:
        return check_members(value, shape->inside, place, error);
    case SHAPE_LIST:
        return check_list(value, shape, place, error);
    case SHAPE_TEXTS:
        return check_texts(value, shape, place, error);
    case SHAPE_MAP:
        return check_map(value, shape, place, error);
    default:
        return (json_is_string(value) && json_string_length(value) <= SHAPE_TEXT_LIMIT &&
                strlen(json_string_value(value)) == json_string_length(value) &&
                texts[shape->kind].is(json_string_value(value))) ||
               wrong(error, place, "is not %s", texts[shape->kind].what);
    }
}

static gboolean check_members(const json_t *value, const struct shape *members,
                              const struct place *place, GError **error)
{
    if (!json_is_object(value))
        return wrong(error, place, "is not an object");
    for (; members->name; members++) {
        const json_t *member = json_object_get(value, members->name);
        const struct place at = { place, members->name, 0 };

        if (!member && members->flags & SHAPE_OPTIONAL)
            continue;
        if (!member)
            return wrong(error, &at, "is missing");
        if (!check_value(member, members, &at, error))
            return FALSE;
    }
    return TRUE;
}

gboolean shape_check(const json_t *value, const struct shape *members, const char *where,
                     GError **error)
{
    const struct place place = { NULL, where, 0 };

    return check_members(value, members, &place, error);
}
