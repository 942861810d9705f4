#include "assess/hunting.h"

#include "assess/hunt_record.h"
#include "p1_resilience/hunt/retro.h"
#include "process/cases.h"

#include <string.h>

#define ALARMS_LOOKED_AT 1000

/* The tables, as one that can be searched with; NULL without an error: none. */
static struct hunt_table *read_tables(const char *data_folder, gint64 now_us, json_t *facts,
                                      GError **error)
{
    g_auto(GStrv) paths = hunt_retro_tables(data_folder);
    g_autoptr(hunt_table_t) table =
        paths[0] ? hunt_table_open_all((const char *const *)paths, error) : NULL;
    gint64 newest_us = 0;
    guint expired = 0;

    if (paths[0] && !table)
        return NULL;
    for (gsize i = 0; table && i < hunt_table_parts(table); i++) {
        const struct table_info *info = table_info(hunt_table_part(table, i));

        newest_us = MAX(newest_us, info->built_us);
        expired += info->expires_us && info->expires_us <= now_us;
    }
    json_object_set_new(facts, "tables",
                        json_integer(table ? (json_int_t)hunt_table_parts(table) : 0));
    json_object_set_new(facts, "expired", json_integer(expired));
    if (table)
        json_object_set_new(facts, "newest_age_s",
                            json_integer((now_us - newest_us) / G_USEC_PER_SEC));
    return g_steal_pointer(&table);
}

static json_t *read_log(struct retro_store *store, const struct asset *log, const guint8 *tables,
                        gint64 now_us, GError **error)
{
    struct retro_log state;
    gboolean known = FALSE;

    if (store && !retro_store_log(store, log->name, &state, &known, error))
        return NULL;
    if (!known)
        return json_pack("{s:s, s:s}", "name", log->name, "state", "never");
    return json_pack("{s:s, s:s, s:I, s:I}", "name", log->name, "state",
                     tables && memcmp(tables, state.tables, RETRO_DIGEST) == 0 ? "current"
                                                                               : "older-tables",
                     "age_s", (json_int_t)((now_us - state.time_us) / G_USEC_PER_SEC), "unread",
                     (json_int_t)state.unread);
}

static json_t *read_logs(struct retro_store *store, const struct profile *profile,
                         const struct hunt_table *table, gint64 now_us, GError **error)
{
    g_autoptr(json_t) list = json_array();
    guint8 tables[RETRO_DIGEST];

    if (table)
        hunt_retro_digest(table, tables);
    for (guint i = 0; i < profile->assets->len; i++) {
        const struct asset *asset = profile->assets->pdata[i];
        json_t *log;

        if (asset->kind != ASSET_LOG)
            continue;
        log = read_log(store, asset, table ? tables : NULL, now_us, error);
        if (!log)
            return NULL;
        json_array_append_new(list, log);
    }
    return json_incref(list);
}

/* Alarms that a hunt opened and nobody acknowledged. */
static json_t *read_alarms(const char *data_folder, gint64 now_us, GError **error)
{
    const struct cases_filter filter = {
        .kind = "alarm",
        .state = "raised",
        .text = RETRO_ALARM_WORDS,
        .open = TRUE,
        .limit = ALARMS_LOOKED_AT,
    };
    GError *failure = NULL;
    g_autoptr(cases_t) cases = cases_open_existing(data_folder, &failure);
    g_autoptr(json_t) list = cases ? cases_list(cases, &filter, now_us, &failure) : NULL;
    const json_t *row;
    guint overdue = 0;
    size_t index;

    if (failure) {
        g_propagate_error(error, failure);
        return NULL;
    }
    if (!cases)
        return json_null();
    json_array_foreach(json_object_get(list, "cases"), index, row)
    {
        overdue += json_is_true(json_object_get(row, "overdue"));
    }
    return json_pack("{s:I, s:i}", "raised", (json_int_t)json_number(list, "total", 0), "overdue",
                     (int)overdue);
}

json_t *hunting_read(const char *data_folder, const struct profile *profile, gint64 now_us,
                     GError **error)
{
    g_autoptr(json_t) facts = json_object();
    GError *failure = NULL;
    g_autoptr(hunt_table_t) table = read_tables(data_folder, now_us, facts, &failure);
    g_autoptr(retro_store_t) store =
        failure ? NULL : retro_store_open_existing(data_folder, &failure);
    json_t *logs = failure ? NULL : read_logs(store, profile, table, now_us, &failure);
    json_t *record = failure ? NULL : hunt_record_read(store, &failure);
    json_t *alarms = failure ? NULL : read_alarms(data_folder, now_us, &failure);

    json_object_set_new(facts, "logs", logs);
    json_object_set_new(facts, "record", record);
    json_object_set_new(facts, "alarms", alarms);
    if (failure) {
        g_propagate_error(error, failure);
        return NULL;
    }
    return table || json_array_size(logs) ? json_incref(facts) : NULL;
}
