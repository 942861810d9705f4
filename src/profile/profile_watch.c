#include "profile/profile_watch.h"

#include "base/error.h"

#include <string.h>

#define SOURCES_MAX 64 /* of time, and logs */
#define TEXT_MAX 1000
#define DIGEST "sha256:"
#define DIGEST_DIGITS 64

static const cyaml_schema_value_t text_item = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 1, TEXT_MAX),
};

const cyaml_schema_field_t profile_time_fields[] = {
    CYAML_FIELD_SEQUENCE_COUNT("sources", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw_time,
                               sources, n_sources, &text_item, 0, SOURCES_MAX),
    CYAML_FIELD_SEQUENCE_COUNT("servers", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw_time,
                               servers, n_servers, &text_item, 0, SOURCES_MAX),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t log_fields[] = {
    CYAML_FIELD_STRING_PTR("log", CYAML_FLAG_POINTER, struct raw_log, place, 1, TEXT_MAX),
    CYAML_FIELD_STRING_PTR("key", CYAML_FLAG_POINTER, struct raw_log, key, 1, TEXT_MAX),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t log_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_log, log_fields),
};

const cyaml_schema_field_t profile_transparency_fields[] = {
    CYAML_FIELD_SEQUENCE_COUNT("logs", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
                               struct raw_transparency, logs, n_logs, &log_schema, 0, SOURCES_MAX),
    CYAML_FIELD_END,
};

void profile_set_transparency(struct profile *profile, const struct raw_transparency *raw)
{
    for (unsigned i = 0; raw && i < raw->n_logs; i++) {
        struct certificate_log *log = g_new0(struct certificate_log, 1);

        log->place = g_strdup(raw->logs[i].place);
        log->key = g_strdup(raw->logs[i].key);
        g_ptr_array_add(profile->certificate_logs, log);
    }
}

gboolean profile_check_source(const char *text, GError **error)
{
    return g_str_has_prefix(text, "nts://") || g_str_has_prefix(text, "ntp://") ||
           input_error(error, "\"%s\" is no source of time; write nts://HOST or ntp://HOST", text);
}

gboolean profile_check_digest(const char *text, GError **error)
{
    const char *digits = text + strlen(DIGEST);

    return (g_str_has_prefix(text, DIGEST) && strlen(digits) == DIGEST_DIGITS &&
            strspn(digits, "0123456789abcdef") == DIGEST_DIGITS) ||
           input_error(error, "\"%s\" is no digest; write sha256: and 64 lower-case hex digits",
                       text);
}
