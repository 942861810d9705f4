/* payload_csv.c: payloads as CSV, whose heading says which column is what. */
#include "base/error.h"
#include "rpki/payload_text.h"

#include <string.h>

#define COLUMNS_MAX 16u

enum column {
    COLUMN_OTHER,
    COLUMN_ASN,
    COLUMN_PREFIX,
    COLUMN_MAX_LENGTH,
    COLUMN_ANCHOR,
    COLUMN_EXPIRES
};

static const struct {
    const char *name;
    enum column column;
} names[] = {
    { "ASN", COLUMN_ASN },
    { "IP Prefix", COLUMN_PREFIX },
    { "Prefix", COLUMN_PREFIX },
    { "Max Length", COLUMN_MAX_LENGTH },
    { "MaxLength", COLUMN_MAX_LENGTH },
    { "Trust Anchor", COLUMN_ANCHOR },
    { "Expires", COLUMN_EXPIRES },
    { "Not After", COLUMN_EXPIRES },
};

struct payload_csv {
    struct payload_out *out;
    struct payload_record record;
    enum column columns[COLUMNS_MAX];
    guint count; /* 0: the heading has not come */
};

struct payload_csv *payload_csv_new(struct payload_out *out)
{
    struct payload_csv *csv = g_new0(struct payload_csv, 1);

    csv->out = out;
    payload_record_init(&csv->record);
    return csv;
}

void payload_csv_free(struct payload_csv *csv)
{
    if (!csv)
        return;
    payload_record_clear(&csv->record);
    g_free(csv);
}

/* Cuts the first field off, without its quotes; NULL: there is none left. */
static char *next_field(char **rest)
{
    char *field = *rest, *end;

    if (!field)
        return NULL;
    if (*field == '"' && (end = strchr(field + 1, '"'))) {
        *end++ = '\0';
        field++;
        end = strchr(end, ',');
    } else {
        end = strchr(field, ',');
    }
    if (end)
        *end = '\0';
    *rest = end ? end + 1 : NULL;
    return g_strstrip(field);
}

static enum column column_of(const char *name)
{
    for (guint i = 0; i < G_N_ELEMENTS(names); i++)
        if (g_ascii_strcasecmp(names[i].name, name) == 0)
            return names[i].column;
    return COLUMN_OTHER;
}

gboolean payload_csv_is_heading(const char *line)
{
    g_autofree char *copy = g_strdup(line);
    char *rest = copy, *field;
    guint known = 0;

    while ((field = next_field(&rest)))
        known |= 1u << column_of(field);
    return known & 1u << COLUMN_ASN && known & 1u << COLUMN_PREFIX;
}

static gboolean take_field(struct payload_record *record, enum column column, const char *field,
                           GError **error)
{
    if (!*field)
        return TRUE;
    switch (column) {
    case COLUMN_ASN:
        record->has_asn = TRUE;
        return payload_read_asn(field, &record->asn, error);
    case COLUMN_PREFIX:
        return ip_prefix_parse(field, &record->prefix, error);
    case COLUMN_MAX_LENGTH:
        record->has_max_length = TRUE;
        return payload_read_number(field, &record->max_length, error);
    case COLUMN_EXPIRES:
        return payload_read_time(field, &record->expires_s, error);
    case COLUMN_ANCHOR:
        g_strlcpy(record->anchor, field, sizeof record->anchor);
        return TRUE;
    case COLUMN_OTHER:
        break;
    }
    return TRUE;
}

gboolean payload_csv_line(struct payload_csv *csv, char *line, GError **error)
{
    const gboolean is_heading = !csv->count;
    char *rest = line, *field;
    guint i = 0;

    payload_record_reset(&csv->record);
    for (; i < COLUMNS_MAX && (field = next_field(&rest)); i++) {
        if (is_heading)
            csv->columns[i] = column_of(field);
        else if (i >= csv->count || !take_field(&csv->record, csv->columns[i], field, error))
            return i < csv->count ? FALSE : input_error(error, "more fields than the heading has");
    }
    if (is_heading) {
        csv->count = i;
        csv->out->end.form = PAYLOAD_CSV;
        return TRUE;
    }
    return payload_put_vrp(csv->out, &csv->record, error);
}
