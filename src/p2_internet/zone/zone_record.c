#include "p2_internet/zone/zone_record.h"

#define RECORD_MAX (16u << 20)

static void copy(json_t *into, const json_t *from, const char *member)
{
    json_t *value = json_object_get(from, member);

    if (value)
        json_object_set(into, member, value);
}

json_t *zone_record_last(struct journal *journal, const char *asset, GError **error)
{
    static const char *const kinds[] = { ZONE_CHECK_EVENT, NULL };
    g_autoptr(records_t) records = records_load(journal, kinds, error);
    const struct event *event = records_latest(records, ZONE_CHECK_EVENT, asset);

    return event ? json_parse(g_bytes_get_data(event->body, NULL), g_bytes_get_size(event->body),
                              RECORD_MAX, "the last check", error)
                 : NULL;
}

gboolean zone_record_keep(struct journal *journal, const char *asset, const json_t *document,
                          GError **error)
{
    static const char *const members[] = { "zone",     "time", "verdict",
                                           "verdicts", "keys", "cds_pending_since" };
    g_autoptr(json_t) record = json_object();
    json_t *checks = json_array();
    const json_t *check;
    g_autofree char *text = NULL;
    size_t index;

    for (gsize i = 0; i < G_N_ELEMENTS(members); i++)
        copy(record, document, members[i]);
    json_array_foreach(json_object_get(document, "checks"), index, check)
    {
        json_t *row = json_object();

        copy(row, check, "id");
        copy(row, check, "severity");
        copy(row, check, "outcome");
        if (json_array_size(json_object_get(check, "problems")))
            copy(row, check, "problems");
        json_array_append_new(checks, row);
    }
    json_object_set_new(record, "checks", checks);
    text = json_dumps(record, JSON_COMPACT);
    return journal_note(journal, ZONE_CHECK_EVENT, asset, asset, text, error);
}
