#include "node/uptime.h"

#include <string.h>

#define LENGTH_SIZE 4 /* be32 before each note */
#define TIME_SIZE 8   /* be64 before a cosignature */
#define DAY_S 86400

struct record {
    gboolean *cosigned; /* by each member of the policy */
    gint64 day;
};

static guint64 read_be(const guint8 *at, guint size)
{
    guint64 value = 0;

    for (guint i = 0; i < size; i++)
        value = value << 8 | at[i];
    return value;
}

static gboolean is_by(const struct note_signature *line, const struct note_key *key)
{
    return key && g_str_equal(line->name, key->name) && !memcmp(line->id, key->id, KEY_ID_SIZE) &&
           g_bytes_get_size(line->bytes) > TIME_SIZE;
}

/* Who cosigned a record, and the day of its last cosignature; FALSE when nobody of the policy. */
static gboolean read_record(const guint8 *data, gsize length, const struct community_policy *policy,
                            struct record *record)
{
    g_autoptr(note_t) note = note_parse(data, length, "history", NULL);
    guint64 latest_s = 0;

    for (guint i = 0; note && i < note->signatures->len; i++) {
        const struct note_signature *line = note->signatures->pdata[i];

        for (guint m = 0; m < policy->members->len; m++) {
            const struct community_member *member = policy->members->pdata[m];

            if (!is_by(line, member->witness))
                continue;
            record->cosigned[m] = TRUE;
            latest_s = MAX(latest_s, read_be(g_bytes_get_data(line->bytes, NULL), TIME_SIZE));
        }
    }
    record->day = (gint64)(latest_s / DAY_S);
    return latest_s != 0;
}

struct tally {
    guint checkpoints[UPTIME_DAYS];
    guint *cosigned; /* [member * UPTIME_DAYS + day] */
};

static void count(struct tally *tally, const struct record *record, guint members, gint64 first_day)
{
    gint64 day = record->day - first_day;

    if (day < 0 || day >= UPTIME_DAYS)
        return;
    tally->checkpoints[day]++;
    for (guint m = 0; m < members; m++)
        tally->cosigned[m * UPTIME_DAYS + day] += record->cosigned[m];
}

static json_t *witness_json(const struct community_member *member, const struct tally *tally,
                            const guint *cosigned, gint64 first_day)
{
    json_t *days = json_array();
    guint all = 0, with = 0;

    for (guint day = 0; day < UPTIME_DAYS; day++) {
        g_autoptr(GDateTime) date = NULL;
        g_autofree char *text = NULL;

        if (!tally->checkpoints[day])
            continue;
        date = g_date_time_new_from_unix_utc((first_day + day) * DAY_S);
        text = g_date_time_format(date, "%Y-%m-%d");
        all += tally->checkpoints[day];
        with += cosigned[day];
        json_array_append_new(days, json_pack("{s:s, s:i, s:i}", "day", text, "checkpoints",
                                              (int)tally->checkpoints[day], "cosigned",
                                              (int)cosigned[day]));
    }
    return json_pack("{s:s, s:o, s:s, s:i, s:i, s:o}", "name", member->witness->name, "domain",
                     json_safe_string(member->domain), "group", group_name(member->group),
                     "checkpoints", (int)all, "cosigned", (int)with, "days", days);
}

json_t *uptime_of(GBytes *history, const struct community_policy *policy, gint64 now_us)
{
    const guint members = policy->members->len;
    const gint64 first_day = now_us / G_USEC_PER_SEC / DAY_S - UPTIME_DAYS + 1;
    g_autofree gboolean *cosigned = g_new0(gboolean, members + 1);
    g_autofree guint *by_day = g_new0(guint, (gsize)(members + 1) * UPTIME_DAYS);
    struct tally tally = { .cosigned = by_day };
    struct record record = { .cosigned = cosigned };
    json_t *list = json_array();
    gsize size, at = 0;
    const guint8 *bytes = g_bytes_get_data(history, &size);

    while (size - at >= LENGTH_SIZE) {
        gsize length = read_be(bytes + at, LENGTH_SIZE);

        at += LENGTH_SIZE;
        if (!length || length > size - at)
            break;
        memset(cosigned, 0, (members + 1) * sizeof *cosigned);
        if (read_record(bytes + at, length, policy, &record))
            count(&tally, &record, members, first_day);
        at += length;
    }
    for (guint m = 0; m < members; m++) {
        const struct community_member *member = policy->members->pdata[m];

        if (member->witness)
            json_array_append_new(
                list, witness_json(member, &tally, by_day + (gsize)m * UPTIME_DAYS, first_day));
    }
    return list;
}
