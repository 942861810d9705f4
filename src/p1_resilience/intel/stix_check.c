/* Checks of STIX objects (STIX 2.1 sections 2, 3, 4, 5 and 6; each table names its own). */
#include "base/error.h"
#include "p1_resilience/hunt/pattern.h"
#include "p1_resilience/intel/stix.h"
#include <string.h>

#define LIST_MAX 10 /* entries of the lists in the rows below, with the NULL at their end */

/* What each type must have: "+" from STIX 2.1 on only. */
static const struct {
    const char *type;
    const char *required[LIST_MAX];
} types[] = {
    { "attack-pattern", { "name" } },
    { "autonomous-system", { "number" } },
    { "campaign", { "name" } },
    { "course-of-action", { "name" } },
    { "directory", { "path" } },
    { "domain-name", { "value" } },
    { "email-addr", { "value" } },
    { "email-message", { "is_multipart" } },
    { "extension-definition",
      { "created_by_ref", "name", "schema", "version", "extension_types" } },
    { "grouping", { "context", "object_refs" } },
    { "identity", { "name" } },
    { "incident", { "name" } },
    { "indicator", { "pattern", "+pattern_type", "valid_from" } },
    { "infrastructure", { "name" } },
    { "intrusion-set", { "name" } },
    { "ipv4-addr", { "value" } },
    { "ipv6-addr", { "value" } },
    { "language-content", { "object_ref", "contents" } },
    { "mac-addr", { "value" } },
    { "malware", { "+is_family" } },
    { "malware-analysis", { "product" } },
    { "mutex", { "name" } },
    { "network-traffic", { "protocols" } },
    { "note", { "content", "object_refs" } },
    { "observed-data", { "first_observed", "last_observed", "number_observed" } },
    { "opinion", { "opinion", "object_refs" } },
    { "relationship", { "relationship_type", "source_ref", "target_ref" } },
    { "report", { "name", "published", "object_refs" } },
    { "sighting", { "sighting_of_ref" } },
    { "software", { "name" } },
    { "threat-actor", { "name" } },
    { "tool", { "name" } },
    { "url", { "value" } },
    { "vulnerability", { "name" } },
};

/* Types that are no domain objects: relations, and what is said about objects. */
#define META "bundle", "marking-definition", "language-content", "extension-definition"

/*
 * Where references lead: to one of the types, or with "!" first, to none of them. Others may lead
 * anywhere.
 */
static const struct {
    const char *type, *property; /* type NULL: any */
    const char *targets[LIST_MAX];
} references[] = {
    { NULL, "created_by_ref", { "identity" } },
    { NULL, "object_marking_refs", { "marking-definition" } },
    { "sighting", "sighting_of_ref", { "!", META, "relationship", "sighting" } },
    { "sighting", "where_sighted_refs", { "identity", "location" } },
    { "sighting", "observed_data_refs", { "observed-data" } },
    { "relationship", "source_ref", { "!", META, "relationship", "sighting" } },
    { "relationship", "target_ref", { "!", META, "relationship", "sighting" } },
    { "malware", "sample_refs", { "artifact", "file" } },
    { "malware", "operating_system_refs", { "software" } },
    { "file", "parent_directory_ref", { "directory" } },
    { "file", "content_ref", { "artifact" } },
    { "email-addr", "belongs_to_ref", { "user-account" } },
    { "email-message", "from_ref", { "email-addr" } },
    { "email-message", "sender_ref", { "email-addr" } },
    { "email-message", "to_refs", { "email-addr" } },
    { "email-message", "cc_refs", { "email-addr" } },
    { "email-message", "bcc_refs", { "email-addr" } },
    { "email-message", "raw_email_ref", { "artifact" } },
    { "domain-name", "resolves_to_refs", { "ipv4-addr", "ipv6-addr", "domain-name" } },
    { "ipv4-addr", "resolves_to_refs", { "mac-addr" } },
    { "ipv4-addr", "belongs_to_refs", { "autonomous-system" } },
    { "ipv6-addr", "resolves_to_refs", { "mac-addr" } },
    { "ipv6-addr", "belongs_to_refs", { "autonomous-system" } },
    { "network-traffic", "src_ref", { "ipv4-addr", "ipv6-addr", "mac-addr", "domain-name" } },
    { "network-traffic", "dst_ref", { "ipv4-addr", "ipv6-addr", "mac-addr", "domain-name" } },
    { "process", "opened_connection_refs", { "network-traffic" } },
    { "process", "image_ref", { "file" } },
    { "process", "parent_ref", { "process" } },
    { "process", "child_refs", { "process" } },
    { "process", "creator_user_ref", { "user-account" } },
    { "windows-registry-key", "creator_user_ref", { "user-account" } },
    { NULL, "object_refs", { "!", "bundle" } },
};

static const char *const times[] = {
    "created",   "modified",       "valid_from",    "valid_until", "first_seen",
    "last_seen", "first_observed", "last_observed", "published",
};

/* The second is not before the first; `apart`: nor at the same moment. */
static const struct {
    const char *first, *second;
    gboolean apart;
} orders[] = {
    { "created", "modified", FALSE },
    { "first_seen", "last_seen", FALSE },
    { "valid_from", "valid_until", TRUE },
    { "first_observed", "last_observed", FALSE },
};

static const struct {
    const char *property;
    gint64 least, most;
} ranges[] = {
    { "confidence", 0, 100 },
    { "count", 0, STIX_COUNT_MAX },
    { "number_observed", 1, STIX_COUNT_MAX },
};

static const char *const hash_names[] = { "MD5",      "SHA-1",    "SHA-256", "SHA-512",
                                          "SHA3-256", "SHA3-512", "SSDEEP",  "TLSH" };

/* What is checked, and who wants to know. */
struct check {
    const json_t *object;
    const char *type, *id;
    gboolean observable, stix_2_1;
    GPtrArray *advice;
    GError **error;
};

static gboolean refuse(const struct check *check, const char *property, const char *rule)
{
    return input_error(check->error, "%.120s: %s: %s", check->id ? check->id : "object", property,
                       rule);
}

/* The version digit of the UUID at the end of an id. */
static char uuid_version(const char *id)
{
    const gsize from_end = strlen("4f5c-8a50-6f5e1d1c7a42"); /* version and what follows */

    return id[strlen(id) - from_end];
}

/* An id of version 5 follows from what the observable is. */
static void advise_on_observable(const struct check *check)
{
    g_autofree char *id = stix_observable_id(check->object, NULL);

    if (id && uuid_version(id) == '5' && strcmp(id, check->id) != 0)
        g_ptr_array_add(check->advice,
                        g_strdup_printf("%s: id: from its properties follows %s", check->id, id));
}

static gboolean check_id(const struct check *check)
{
    const char wanted = check->observable ? '5' : '4';

    if (!check->type || !check->id)
        return refuse(check, check->type ? "id" : "type", "is missing");
    if (!stix_is_id(check->id, NULL))
        return refuse(check, "id", "is no TYPE--UUID");
    if (!stix_is_id(check->id, check->type))
        return refuse(check, "id", "does not begin with the object's type");
    if (check->advice && uuid_version(check->id) != wanted)
        g_ptr_array_add(check->advice, g_strdup_printf("%s: id: its UUID should be of version %c",
                                                       check->id, wanted));
    else if (check->advice && check->observable)
        advise_on_observable(check);
    return TRUE;
}

/* Names of 3 to 250 lower-case letters, digits and underscores (section 3.1). */
static gboolean name_is_sound(const char *name)
{
    const gsize least = 3, most = 250;
    gsize length = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");

    return strcmp(name, "id") == 0 ||
           (name[length] == 0 && length >= least && length <= most && g_ascii_islower(*name));
}

static gboolean has_empty_list(const json_t *value)
{
    json_t *member;
    const char *name;
    size_t index;

    if (json_is_array(value) && json_array_size(value) == 0)
        return TRUE;
    json_array_foreach(value, index, member) if (has_empty_list(member)) return TRUE;
    json_object_foreach((json_t *)value, name, member) if (has_empty_list(member)) return TRUE;
    return FALSE;
}

static gboolean check_properties(const struct check *check)
{
    json_t *value;
    const char *name;

    json_object_foreach((json_t *)check->object, name, value)
    {
        if (!name_is_sound(name))
            return refuse(check, name, "is no name of a property (section 3.1)");
        if (json_is_null(value))
            return refuse(check, name, "is null; what is not known is left out");
        if (has_empty_list(value))
            return refuse(check, name, "holds an empty list; what is empty is left out");
    }
    return TRUE;
}

static gboolean check_required(const struct check *check)
{
    if (!check->observable && !json_object_get(check->object, "created"))
        return refuse(check, "created", "is missing");
    if (!check->observable && strcmp(check->type, "marking-definition") != 0 &&
        !json_object_get(check->object, "modified"))
        return refuse(check, "modified", "is missing");
    for (guint i = 0; i < G_N_ELEMENTS(types); i++) {
        if (strcmp(check->type, types[i].type) != 0)
            continue;
        for (guint j = 0; types[i].required[j]; j++) {
            const char *name = types[i].required[j];

            if (*name == '+' && !check->stix_2_1)
                continue;
            name += *name == '+';
            if (!json_object_get(check->object, name))
                return refuse(check, name, "is missing");
        }
    }
    return TRUE;
}

static gboolean check_times(const struct check *check)
{
    gint64 time_us;

    for (guint i = 0; i < G_N_ELEMENTS(times); i++)
        if (json_object_get(check->object, times[i]) &&
            !stix_time_parse(json_text(check->object, times[i]), &time_us))
            return refuse(check, times[i], "is no time in UTC (2026-11-22T13:00:00.000Z)");
    for (guint i = 0; i < G_N_ELEMENTS(orders); i++) {
        const char *first = json_text(check->object, orders[i].first);
        const char *second = json_text(check->object, orders[i].second);
        int order = first && second ? stix_time_compare(first, second) : -1;

        if (order > 0 || (order == 0 && orders[i].apart))
            return refuse(check, orders[i].second, "lies before the time that it follows");
    }
    return TRUE;
}

static gboolean check_ranges(const struct check *check)
{
    for (guint i = 0; i < G_N_ELEMENTS(ranges); i++) {
        const json_t *value = json_object_get(check->object, ranges[i].property);

        if (value && (!json_is_integer(value) || json_integer_value(value) < ranges[i].least ||
                      json_integer_value(value) > ranges[i].most))
            return refuse(check, ranges[i].property, "is out of its range");
    }
    if (json_object_get(check->object, "revoked") &&
        !json_is_boolean(json_object_get(check->object, "revoked")))
        return refuse(check, "revoked", "is neither true nor false");
    return TRUE;
}

static gboolean target_is_allowed(const char *id, const char *const *targets)
{
    gboolean none_of = strcmp(targets[0], "!") == 0;

    for (guint i = none_of ? 1 : 0; targets[i]; i++)
        if (stix_is_id(id, targets[i]))
            return !none_of;
    return none_of;
}

static gboolean check_reference(const struct check *check, const char *property,
                                const json_t *reference)
{
    const char *id = json_string_value(reference);

    if (!stix_is_id(id, NULL))
        return refuse(check, property, "refers to what is no TYPE--UUID");
    for (guint i = 0; i < G_N_ELEMENTS(references); i++)
        if ((!references[i].type || strcmp(references[i].type, check->type) == 0) &&
            strcmp(references[i].property, property) == 0)
            return target_is_allowed(id, references[i].targets) ||
                   refuse(check, property, "refers to an object of a type that it may not");
    return TRUE;
}

static gboolean check_references(const struct check *check)
{
    const json_t *value, *element;
    const char *name;
    size_t index;

    json_object_foreach((json_t *)check->object, name, value)
    {
        if (g_str_has_suffix(name, "_ref") && !check_reference(check, name, value))
            return FALSE;
        if (!g_str_has_suffix(name, "_refs"))
            continue;
        if (!json_is_array(value))
            return refuse(check, name, "is no list");
        json_array_foreach(value, index,
                           element) if (!check_reference(check, name, element)) return FALSE;
    }
    return TRUE;
}

/* A name that is one of the listed, but for case and hyphens. */
static gboolean is_misspelt(const char *name)
{
    for (guint i = 0; i < G_N_ELEMENTS(hash_names); i++) {
        g_auto(GStrv) listed = g_strsplit(hash_names[i], "-", -1);
        g_auto(GStrv) given = g_strsplit(name, "-", -1);
        g_autofree char *one = g_strjoinv("", listed), *other = g_strjoinv("", given);

        if (g_ascii_strcasecmp(one, other) == 0)
            return strcmp(name, hash_names[i]) != 0;
    }
    return FALSE;
}

static gboolean check_hashes(const struct check *check)
{
    const json_t *value;
    const char *name;

    json_object_foreach(json_object_get(check->object, "hashes"), name, value)
    {
        if (check->stix_2_1 && is_misspelt(name))
            return refuse(check, "hashes", "has a known hash under another spelling");
        if (!json_is_string(value) || !pattern_hash_fits(name, json_string_value(value)))
            return refuse(check, "hashes", "has a value that does not fit its name");
    }
    return TRUE;
}

/* The pattern of an indicator, when it is one of STIX. */
static gboolean check_pattern(const struct check *check)
{
    const char *text = json_text(check->object, "pattern");
    const char *type = json_text(check->object, "pattern_type");
    const char *version = json_text(check->object, "pattern_version");
    gboolean of_2_0 = !check->stix_2_1 || g_strcmp0(version, "2.0") == 0;
    g_autoptr(GError) problem = NULL;
    g_autoptr(pattern_t) pattern = NULL;

    if (strcmp(check->type, "indicator") != 0 || (check->stix_2_1 && g_strcmp0(type, "stix") != 0))
        return TRUE;
    if (!text)
        return refuse(check, "pattern", "is no text");
    pattern = pattern_parse(text, strlen(text), of_2_0 ? PATTERN_STIX_2_0 : PATTERN_STRICT, NULL,
                            &problem);
    return pattern || refuse(check, "pattern", problem->message);
}

gboolean stix_check(const json_t *object, GPtrArray *advice, GError **error)
{
    static gboolean (*const checks[])(const struct check *check) = {
        check_id,     check_properties, check_required, check_times,
        check_ranges, check_references, check_hashes,   check_pattern,
    };
    const char *version = json_text(object, "spec_version");
    struct check check = { .object = object, .advice = advice, .error = error };

    if (!json_is_object(object))
        return input_error(error, "no object of STIX");
    check.type = json_text(object, "type");
    check.id = json_text(object, "id");
    check.observable = stix_is_observable(check.type);
    check.stix_2_1 = g_strcmp0(version, "2.1") == 0 || (!version && check.observable);
    if (version && !check.stix_2_1 && strcmp(version, "2.0") != 0)
        return refuse(&check, "spec_version", "is neither 2.0 nor 2.1");
    for (guint i = 0; i < G_N_ELEMENTS(checks); i++)
        if (!checks[i](&check))
            return FALSE;
    return TRUE;
}
