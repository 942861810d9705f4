#include "p9_norms/contacts.h"

#include "base/error.h"
#include "statement/base64.h"
#include "statement/commitment.h"
#include "statement/shape.h"

#include <string.h>

#define MOST_CONTACTS 100
#define SHORT_TEXT 300

static const char *const kinds[] = { "24x7",   "abuse", "assistance", "diplomatic", "legal",
                                     "policy", "press", "technical",  NULL };
static const char *const tlps[] = { "amber", "amber+strict", "clear", "green", "red", NULL };

static const struct shape language = { NULL, SHAPE_LANGUAGE, 0, 0, 0, NULL, NULL };
static const struct shape short_text = { NULL, SHAPE_TEXT, 0, 1, SHORT_TEXT, NULL, NULL };
static const struct shape key_text = { NULL, SHAPE_TEXT, 0, 1, 0, NULL, NULL };

static const struct shape contact_members[] = {
    { "kind", SHAPE_WORD, 0, 0, 0, kinds, NULL },
    { "role", SHAPE_TEXT, 0, 1, 40, NULL, NULL },
    { "institution", SHAPE_TEXT, SHAPE_OPTIONAL, 1, SHORT_TEXT, NULL, NULL },
    { "email", SHAPE_TEXT, SHAPE_OPTIONAL, 3, SHORT_TEXT, NULL, NULL },
    { "phone", SHAPE_TEXT, SHAPE_OPTIONAL, 3, 40, NULL, NULL },
    { "time_zone", SHAPE_TEXT, SHAPE_OPTIONAL, 1, 60, NULL, NULL },
    { "hours", SHAPE_TEXT, SHAPE_OPTIONAL, 1, 100, NULL, NULL },
    { "languages", SHAPE_LIST, SHAPE_OPTIONAL | SHAPE_UNIQUE, 0, 30, NULL, &language },
    { "channels", SHAPE_LIST, SHAPE_OPTIONAL | SHAPE_UNIQUE, 0, 30, NULL, &short_text },
    { "keys", SHAPE_LIST, SHAPE_OPTIONAL | SHAPE_UNIQUE, 0, 30, NULL, &key_text },
    { "tlp", SHAPE_WORD, SHAPE_OPTIONAL, 0, 0, tlps, NULL },
    { "valid_from", SHAPE_DATE, SHAPE_OPTIONAL, 0, 0, NULL, NULL },
    { "last_verified", SHAPE_DATE, SHAPE_OPTIONAL, 0, 0, NULL, NULL },
    { "nominated_by", SHAPE_TEXT, SHAPE_OPTIONAL, 1, SHORT_TEXT, NULL, NULL },
    { 0 },
};
static const struct shape contact = { NULL, SHAPE_OBJECT, 0, 0, 0, NULL, contact_members };

enum { RECORD_SALT, RECORD_CHANGED, RECORD_PUBLISHED, RECORD_CONTACTS, RECORD_MEMBERS };

static const struct shape record_members[RECORD_MEMBERS + 1] = {
    [RECORD_SALT] = { "salt", SHAPE_SHA256, 0, 0, 0, NULL, NULL }, /* as long as one */
    [RECORD_CHANGED] = { "changed", SHAPE_DATE, 0, 0, 0, NULL, NULL },
    [RECORD_PUBLISHED] = { "published", SHAPE_DATE, SHAPE_OPTIONAL, 0, 0, NULL, NULL },
    [RECORD_CONTACTS] = { "contacts", SHAPE_LIST, 0, 1, MOST_CONTACTS, NULL, &contact },
    [RECORD_MEMBERS] = { 0 },
};

/* A member that no table knows is a mistyped one here: the file is people's own. */
static gboolean check_known(const json_t *value, GError **error)
{
    const char *name;
    json_t *member;

    json_object_foreach((json_t *)value, name, member)
    {
        const struct shape *known = contact_members;

        while (known->name && !g_str_equal(known->name, name))
            known++;
        if (!known->name)
            return input_error(error, "a contact has no member \"%s\"", name);
    }
    return TRUE;
}

static gboolean check_addresses(const json_t *value, GError **error)
{
    const char *email = json_text(value, "email"), *phone = json_text(value, "phone");
    const char *at = email ? strchr(email, '@') : NULL;

    if (email && (!at || at == email || !at[1] || strpbrk(email, " \t\n")))
        return input_error(error, "\"%s\" is no e-mail address", email);
    if (phone && (phone[0] != '+' || strspn(phone + 1, "0123456789 ") != strlen(phone + 1)))
        return input_error(error, "\"%s\": a phone number begins with + and the country's code",
                           phone);
    return email || phone || json_array_size(json_object_get(value, "channels")) ||
           input_error(error, "the contact \"%s\" has neither e-mail, phone nor another channel",
                       json_text(value, "role"));
}

static gboolean check_each(const json_t *contacts, GError **error)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    const json_t *value;
    size_t index;

    json_array_foreach(contacts, index, value)
    {
        char *id = g_strdup_printf("%s %s", json_text(value, "kind"), json_text(value, "role"));

        if (!g_hash_table_add(seen, id))
            return input_error(error, "the contact \"%s\" stands twice", json_text(value, "role"));
        if (!check_known(value, error) || !check_addresses(value, error))
            return FALSE;
    }
    return TRUE;
}

gboolean contacts_check(const json_t *contacts, GError **error)
{
    const struct shape members[] = { record_members[RECORD_CONTACTS], { 0 } };
    g_autoptr(json_t) whole = json_pack("{s:O?}", "contacts", contacts);

    return shape_check(whole, members, "the record", error) && check_each(contacts, error);
}

json_t *contacts_record(const json_t *contacts, const char *day, GError **error)
{
    g_autoptr(commitment_t) commitment = commitment_new();
    g_autoptr(json_t) opening = NULL;

    if (!contacts_check(contacts, error) || !commitment_add(commitment, (json_t *)contacts, error))
        return NULL;
    opening = commitment_open(commitment, 0);
    return json_pack("{s:s, s:O, s:s, s:o}", "schema", CONTACTS_SCHEMA, "salt",
                     json_object_get(opening, "salt"), "changed", day, "contacts",
                     json_deep_copy(contacts));
}

gboolean contacts_record_check(const json_t *record, GError **error)
{
    if (g_strcmp0(json_text(record, "schema"), CONTACTS_SCHEMA) != 0)
        return input_error(error, "it is no record of contacts (" CONTACTS_SCHEMA ")");
    return shape_check(record, record_members, "the record", error) &&
           check_each(json_object_get(record, "contacts"), error);
}

char *contacts_digest(const json_t *record, GError **error)
{
    g_autoptr(GBytes) canonical = json_canonical(json_object_get(record, "contacts"), error);
    g_autoptr(merkle_t) merkle = merkle_new();
    g_autoptr(GByteArray) entry = g_byte_array_new();
    guint8 salt[COMMITMENT_SALT_SIZE];
    struct merkle_hash leaf;

    if (!canonical)
        return NULL;
    if (!hex_decode_into(json_text(record, "salt"), salt, sizeof salt)) {
        input_error(error, "the record's salt is malformed");
        return NULL;
    }
    g_byte_array_append(entry, salt, sizeof salt);
    g_byte_array_append(entry, g_bytes_get_data(canonical, NULL),
                        (guint)g_bytes_get_size(canonical));
    leaf = merkle_leaf(merkle, entry->data, entry->len);
    return hex_encode(leaf.bytes, sizeof leaf.bytes);
}

json_t *contacts_roles(const json_t *record)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    json_t *roles = json_array();
    const json_t *value;
    size_t index;

    json_array_foreach(json_object_get(record, "contacts"), index, value)
    {
        if (g_hash_table_add(seen, (char *)json_text(value, "role")))
            json_array_append(roles, json_object_get(value, "role"));
    }
    return roles;
}

json_t *contacts_of_profile(const struct signatory *signatory)
{
    json_t *list = json_array();

    for (guint i = 0; i < signatory->contacts->len; i++) {
        const struct contact *given = signatory->contacts->pdata[i];
        const char *kind = g_strv_contains(kinds, given->role) ? given->role : "technical";
        json_t *value = json_pack("{s:s, s:s}", "kind", kind, "role", given->role);

        if (signatory->name)
            json_object_set_new(value, "institution", json_safe_string(signatory->name));
        if (g_str_has_prefix(given->address, "mailto:"))
            json_object_set_new(value, "email",
                                json_safe_string(given->address + strlen("mailto:")));
        else if (g_str_has_prefix(given->address, "tel:+"))
            json_object_set_new(value, "phone", json_safe_string(given->address + strlen("tel:")));
        else
            json_object_set_new(value, "channels", json_pack("[s]", given->address));
        json_array_append_new(list, value);
    }
    return list;
}
