#include "p2_internet/ct/ct_record.h"

#include "base/clock.h"

json_t *ct_record_log(const struct ct_result *result)
{
    json_t *log =
        json_pack("{s:o, s:I, s:I, s:I, s:s, s:I}", "log", json_safe_string(result->place), "size",
                  (json_int_t)result->size, "from", (json_int_t)result->from, "until",
                  (json_int_t)result->until, "past", ct_consistency_name(result->consistency),
                  "unreadable", (json_int_t)result->unreadable);

    if (result->origin)
        json_object_set_new(log, "origin", json_safe_string(result->origin));
    if (result->evidence)
        json_object_set_new(log, "evidence", json_safe_string(result->evidence));
    if (result->error)
        json_object_set_new(log, "problem", json_safe_string(result->error->message));
    return log;
}

json_t *ct_record(const struct ct_tally *tally, json_t *logs, gint64 now_us)
{
    g_autofree char *time = clock_format(now_us);
    json_t *record = json_pack("{s:s, s:O}", "time", time, "logs", logs);

    for (guint i = 0; i < G_N_ELEMENTS(tally->verdicts); i++)
        json_object_set_new(record, ct_verdict_name(i), json_integer(tally->verdicts[i]));
    return record;
}
