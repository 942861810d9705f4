#include "p1_resilience/recover/drill_record.h"

#include "base/clock.h"

#define MS_A_US 1000
#define EVERY_US                                                                                   \
    (G_GINT64_CONSTANT(30) * 86400 * G_USEC_PER_SEC) /* where the profile is silent                \
                                                      */

gint64 drill_every_us(const struct asset *asset)
{
    return asset->drill_every_us ? asset->drill_every_us : EVERY_US;
}

json_t *drill_sample_json(const struct drill *drill)
{
    return json_pack("{s:I, s:I, s:I, s:I}", "wanted", (json_int_t)drill->wanted, "intact",
                     (json_int_t)drill->intact, "damaged", (json_int_t)drill->bad, "changed",
                     (json_int_t)drill->skipped);
}

json_t *drill_restored_json(const struct drill *drill)
{
    return json_pack("{s:I, s:I}", "bytes", (json_int_t)drill->bytes, "milliseconds",
                     (json_int_t)(drill->restore_us / MS_A_US));
}

json_t *drill_record(const struct drill *drill, const struct asset *asset, const char *id)
{
    g_autofree char *time = clock_format(drill->started_us);
    json_t *record = json_pack(
        "{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:i, s:I, s:I}", "drill", id, "tool",
        asset->backup_tool, "time", time, "verdict", drill_verdict_name(drill_verdict(drill)),
        "aspects", drill_findings_json(drill, FALSE), "sample", drill_sample_json(drill),
        "restored", drill_restored_json(drill), "snapshots", (int)drill->snapshots, "total_files",
        (json_int_t)drill->total_files, "total_bytes", (json_int_t)drill->total_bytes);

    if (drill->snapshot) {
        g_autofree char *snapshot = clock_format(drill->snapshot_us);

        json_object_set_new(record, "snapshot_time", json_string(snapshot));
    }
    if (drill->projected_us)
        json_object_set_new(record, "projected_s",
                            json_integer(drill->projected_us / G_USEC_PER_SEC));
    return record;
}

json_t *drill_record_latest(const struct records *records, const char *backup)
{
    const struct event *event = records_latest(records, DRILL_EVENT, backup);
    gsize length;
    const void *body = event ? g_bytes_get_data(event->body, &length) : NULL;

    return body ? json_parse(body, length, JOURNAL_BODY_MAX, "journal", NULL) : NULL;
}

const char *drill_record_verdict(const json_t *record, enum drill_aspect aspect,
                                 const char **reason)
{
    const json_t *item;
    size_t i;

    json_array_foreach(json_object_get(record, "aspects"), i, item)
    {
        if (g_strcmp0(json_text(item, "aspect"), drill_aspect_name(aspect)) != 0)
            continue;
        if (reason)
            *reason = json_text(item, "reason");
        return json_text(item, "verdict");
    }
    return NULL;
}

gint64 drill_record_time(const json_t *record, const char *member)
{
    const char *text = json_text(record, member);
    gint64 time_us;

    return text && clock_parse(text, &time_us, NULL) ? time_us : 0;
}
