/* growth.c: the register over time: what it was at the end of each of some steps. */
#include "base/clock.h"
#include "register/document.h"
#include "register/listing.h"
#include "register/register_private.h"

#include <string.h>

#define HOUR_S 3600
#define DAY_S 86400
#define BUCKETS_LIMIT 26

static const gint64 steps_s[] = { HOUR_S,     6 * HOUR_S, DAY_S,      7 * DAY_S,
                                  30 * DAY_S, 91 * DAY_S, 365 * DAY_S };

struct bucket {
    gint64 end_us;
    guint by_group[GROUP_CIVIL_SOCIETY + 1];
    guint commitments[PREDICATE_PRINCIPLES], assessed[PREDICATE_PRINCIPLES];
    guint fresh, ageing, stale, none;
    guint64 size;
};

static gint64 first_time(const struct reg *reg)
{
    for (guint i = 0; i < reg->entries->len; i++) {
        const struct reg_entry *entry = reg->entries->pdata[i];

        if (entry->time_us)
            return entry->time_us;
    }
    return 0;
}

static gint64 choose_step(gint64 span_us)
{
    for (guint i = 0; i < G_N_ELEMENTS(steps_s); i++)
        if (span_us / (steps_s[i] * G_USEC_PER_SEC) < BUCKETS_LIMIT)
            return steps_s[i];
    return steps_s[G_N_ELEMENTS(steps_s) - 1];
}

static gboolean was_there(const struct reg_entry *entry, gint64 at_us)
{
    return entry && entry->time_us && entry->time_us <= at_us;
}

static gboolean was_removed(const struct reg *reg, const struct reg_signatory *signatory,
                            gint64 at_us)
{
    return signatory->removed_at < reg->entries->len &&
           was_there(reg->entries->pdata[signatory->removed_at], at_us);
}

/* The assessment that was the latest then. */
static const struct reg_entry *latest_at(const struct reg_signatory *signatory, gint64 at_us)
{
    for (guint i = signatory->assessments->len; i; i--) {
        const struct reg_entry *entry = signatory->assessments->pdata[i - 1];

        if (!entry->disputed && was_there(entry, at_us))
            return entry;
    }
    return NULL;
}

static void count_freshness(struct bucket *bucket, const struct reg_entry *latest)
{
    const char *class = latest ? freshness_class(document_age_us(latest, bucket->end_us)) : "none";

    bucket->fresh += g_str_equal(class, "fresh");
    bucket->ageing += g_str_equal(class, "ageing");
    bucket->stale += g_str_equal(class, "stale");
    bucket->none += g_str_equal(class, "none");
}

static void count_signatory(struct bucket *bucket, const struct reg *reg,
                            const struct reg_signatory *signatory)
{
    const struct reg_entry *latest = latest_at(signatory, bucket->end_us);
    /* Founders need not endorse: the policy of the first entry brings them. */
    gboolean joined = signatory->joined ? was_there(signatory->joined, bucket->end_us)
                                        : signatory->member && bucket->size > 0;

    if (!joined || was_removed(reg, signatory, bucket->end_us))
        return;
    bucket->by_group[signatory->group]++;
    count_freshness(bucket, latest);
    for (guint i = 0; latest && i < PREDICATE_PRINCIPLES; i++)
        bucket->assessed[i] += latest->assessment->bands[i] >= 0;
    for (guint i = 0; i < signatory->commitments->len; i++) {
        const struct reg_entry *entry = signatory->commitments->pdata[i];
        gint64 n = json_number(entry->said, "principle", 0);

        if (n >= 1 && n <= PREDICATE_PRINCIPLES && was_there(entry, bucket->end_us) &&
            !json_object_get(entry->said, "of"))
            bucket->commitments[n - 1]++;
    }
}

static json_t *nine(const guint numbers[PREDICATE_PRINCIPLES])
{
    json_t *list = json_array();

    for (guint i = 0; i < PREDICATE_PRINCIPLES; i++)
        json_array_append_new(list, json_integer(numbers[i]));
    return list;
}

static json_t *bucket_json(const struct bucket *bucket)
{
    g_autofree char *time = clock_format(bucket->end_us);
    json_t *groups = json_object();

    for (guint group = GROUP_STATE; group <= GROUP_CIVIL_SOCIETY; group++)
        json_object_set_new(groups, group_name((enum group)group),
                            json_integer(bucket->by_group[group]));
    return json_pack("{s:s, s:o, s:o, s:o, s:{s:i, s:i, s:i, s:i}, s:I}", "time", time, "by_group",
                     groups, "commitments", nine(bucket->commitments), "assessed",
                     nine(bucket->assessed), "freshness", "fresh", (int)bucket->fresh, "ageing",
                     (int)bucket->ageing, "stale", (int)bucket->stale, "none", (int)bucket->none,
                     "size", (json_int_t)bucket->size);
}

static guint64 size_at(const struct reg *reg, gint64 at_us)
{
    guint64 size = 0;

    for (guint i = 0; reg->moments && i < reg->moments->len; i++) {
        const struct log_moment *moment = &g_array_index(reg->moments, struct log_moment, i);

        if (moment->time_s * G_USEC_PER_SEC <= at_us)
            size = moment->size;
    }
    return MIN(size, reg->entries->len);
}

json_t *register_growth(const struct reg *reg, gint64 now_us)
{
    const gint64 first_us = first_time(reg);
    const gint64 step_s = choose_step(now_us - first_us), step_us = step_s * G_USEC_PER_SEC;
    json_t *buckets = json_array();

    /* Ends of steps since the epoch, from the one before all entries; and now. */
    for (gint64 end_us = first_us / step_us * step_us; first_us; end_us += step_us) {
        struct bucket bucket = { .end_us = MIN(end_us, now_us) };

        bucket.size = size_at(reg, bucket.end_us);
        for (guint i = 0; i < reg->signatories->len; i++)
            count_signatory(&bucket, reg, reg->signatories->pdata[i]);
        json_array_append_new(buckets, bucket_json(&bucket));
        if (end_us >= now_us)
            break;
    }
    return json_pack("{s:I, s:o}", "step_s", (json_int_t)step_s, "buckets", buckets);
}
