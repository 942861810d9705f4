/*
 * fold_routes.c: which networks are a signatory's, what was done to them in BGP, and who sees it
 * too.
 *
 * A network is whose endorsement named it first, as a domain is: root keys say it, in public.
 * Nobody else names it then, nor a part of it; who named a part before keeps that. An alarm is
 * about the publisher's own network alone, and answered by others alone. Nobody is made to say more
 * than a little: alarms a day, answers an hour and in all are limited, by the times that statements
 * give themselves, which grow and are not ahead of the log's.
 */
#include "base/clock.h"
#include "base/decimal.h"
#include "register/register_private.h"

#include <string.h>

#define HOUR_US (G_GINT64_CONSTANT(3600) * G_USEC_PER_SEC)
#define DAY_US (24 * HOUR_US)
#define ALARMS_A_DAY 48u
#define ANSWERS 24u    /* of one signatory to one alarm */
#define ANSWER_DAYS 30 /* after the alarm was published */

/* --- networks --- */

/* "192.0.2.0/24", "AS64500". */
static gboolean network_read(const char *text, struct reg_network *network)
{
    guint64 as;

    *network = (struct reg_network){ .is_as = g_str_has_prefix(text, "AS") };
    if (!network->is_as)
        return ip_prefix_parse(text, &network->prefix, NULL);
    if (!decimal_parse(text + 2, strlen(text + 2), &as) || !as || as > G_MAXUINT32)
        return FALSE;
    network->as = (guint32)as;
    return TRUE;
}

static gboolean network_covers(const struct reg_network *outer, const struct reg_network *inner)
{
    if (outer->is_as != inner->is_as)
        return FALSE;
    return outer->is_as ? outer->as == inner->as : ip_prefix_covers(&outer->prefix, &inner->prefix);
}

guint reg_network_hash(gconstpointer key)
{
    const struct reg_network *network = key;

    return network->is_as ? network->as * 2654435761u : ip_prefix_hash(&network->prefix);
}

gboolean reg_network_equal(gconstpointer a, gconstpointer b)
{
    const struct reg_network *left = a, *right = b;

    return left->is_as == right->is_as && left->as == right->as &&
           ip_prefix_equal(&left->prefix, &right->prefix);
}

static const struct reg_signatory *holder(const struct reg *reg, const struct reg_network *network)
{
    const struct reg_signatory *signatory = g_hash_table_lookup(reg->networks, network);

    return signatory && signatory->removed_at == G_MAXUINT64 ? signatory : NULL;
}

/* Whose it is: the longest that was named and covers it decides. NULL: nobody named one. */
static const struct reg_signatory *network_owner(const struct reg *reg,
                                                 const struct reg_network *wanted)
{
    const struct reg_signatory *owner = holder(reg, wanted);
    struct reg_network around = *wanted;

    for (guint length = wanted->prefix.length; !wanted->is_as && !owner && length > 0; length--) {
        ip_prefix_from_bytes(wanted->prefix.family, length - 1, wanted->prefix.address,
                             &around.prefix, NULL);
        owner = holder(reg, &around);
    }
    return owner;
}

enum register_verdict judge_networks(struct judged *judged, const struct reg_signatory *signatory)
{
    const json_t *networks = json_object_get(judged->predicate, "networks"), *item;
    size_t i;

    json_array_foreach(networks, i, item)
    {
        const struct reg_signatory *owner;
        struct reg_network network;

        if (!network_read(json_string_value(item), &network))
            return register_refuse(judged, REGISTER_MALFORMED,
                                   "\"%s\" is neither a prefix nor an AS number (AS64500)",
                                   json_string_value(item));
        owner = network_owner(judged->reg, &network);
        if (owner && owner != signatory)
            return register_refuse(judged, REGISTER_CONFLICT,
                                   "%s is, or lies in, a network of %s, which named it first",
                                   json_string_value(item), owner->domain);
    }
    return REGISTER_COUNTS;
}

/* Of the endorsement before: what is not named again is free. */
static void forget_networks(struct reg *reg, const struct reg_signatory *signatory)
{
    const json_t *before = signatory->endorsement ? signatory->endorsement->said : NULL, *item;
    struct reg_network network;
    size_t i;

    json_array_foreach(json_object_get(before, "networks"), i, item)
    {
        if (network_read(json_string_value(item), &network) &&
            g_hash_table_lookup(reg->networks, &network) == signatory)
            g_hash_table_remove(reg->networks, &network);
    }
}

void apply_networks(struct reg *reg, struct reg_signatory *signatory, const json_t *endorsement)
{
    const json_t *item;
    struct reg_network network;
    size_t i;

    forget_networks(reg, signatory);
    json_array_foreach(json_object_get(endorsement, "networks"), i, item)
    {
        if (network_read(json_string_value(item), &network))
            g_hash_table_replace(reg->networks, g_memdup2(&network, sizeof network), signatory);
    }
}

/* --- alarms --- */

static gboolean path_has(const json_t *path, guint32 as)
{
    const json_t *hop;
    size_t i;

    json_array_foreach(path, i, hop)
    {
        if (json_integer_value(hop) == as)
            return TRUE;
    }
    return FALSE;
}

/* Whether the route has to do with the network that it is about. */
static enum register_verdict judge_route(struct judged *judged, const struct reg_network *own)
{
    const char *text = json_text(judged->predicate, "prefix");
    struct reg_network seen;

    if (!network_read(text, &seen) || seen.is_as)
        return register_refuse(judged, REGISTER_MALFORMED, "\"%s\" is no prefix", text);
    if (own->is_as ? !path_has(json_object_get(judged->predicate, "path"), own->as)
                   : !network_covers(own, &seen) && !network_covers(&seen, own))
        return register_refuse(judged, REGISTER_CONFLICT, "the route to %s does not touch %s", text,
                               json_text(judged->predicate, "own"));
    return REGISTER_COUNTS;
}

static gboolean is_same_route(const json_t *a, const json_t *b)
{
    static const char *const members[] = { "alarm", "own", "prefix", "as" };

    for (guint i = 0; i < G_N_ELEMENTS(members); i++)
        if (!json_equal(json_object_get(a, members[i]), json_object_get(b, members[i])))
            return FALSE;
    return TRUE;
}

/* Later than the last one, not too many a day, the same one not twice an hour. */
static enum register_verdict judge_alarm_rate(struct judged *judged)
{
    const gint64 said_us = predicate_time_us(judged->predicate);
    const GPtrArray *before = judged->signatory->route_alarms;
    guint today = 0;

    for (guint i = before ? before->len : 0; i > 0; i--) {
        const struct reg_entry *entry = before->pdata[i - 1];
        const gint64 then_us = predicate_time_us(entry->said);

        if (said_us <= then_us)
            return register_refuse(judged, REGISTER_CONFLICT,
                                   "an alarm of the same or a later time is there already");
        if (said_us - then_us >= DAY_US)
            break;
        if (said_us - then_us < HOUR_US && is_same_route(judged->predicate, entry->said))
            return register_refuse(judged, REGISTER_CONFLICT,
                                   "the same alarm was published within the hour, in entry "
                                   "%" G_GUINT64_FORMAT,
                                   entry->index);
        if (++today == ALARMS_A_DAY)
            return register_refuse(judged, REGISTER_CONFLICT,
                                   "%s published %u alarms within a day: no more are taken",
                                   judged->signatory->domain, ALARMS_A_DAY);
    }
    return REGISTER_COUNTS;
}

static enum register_verdict judge_alarm(struct judged *judged)
{
    enum register_verdict verdict = judge_signer(judged, TRUE);
    const char *text = json_text(judged->predicate, "own");
    const struct reg_signatory *owner;
    struct reg_network own;

    if (verdict != REGISTER_COUNTS)
        return verdict;
    if (!network_read(text, &own))
        return register_refuse(judged, REGISTER_MALFORMED,
                               "\"%s\" is neither a prefix nor an AS number", text);
    owner = network_owner(judged->reg, &own);
    if (owner != judged->signatory)
        return register_refuse(judged, REGISTER_CONFLICT,
                               "%s is no network that %s named as its own (entente endorse "
                               "--network)",
                               text, judged->signatory->domain);
    verdict = judge_route(judged, &own);
    return verdict == REGISTER_COUNTS ? judge_alarm_rate(judged) : verdict;
}

static void apply_alarm(struct reg *reg, struct judged *judged, struct reg_entry *entry)
{
    (void)reg;
    entry->said = json_incref((json_t *)judged->predicate);
    if (!judged->signatory->route_alarms)
        judged->signatory->route_alarms = g_ptr_array_new();
    g_ptr_array_add(judged->signatory->route_alarms, entry);
}

const struct handler handler_route_alarm = { PREDICATE_ROUTE_ALARM, judge_alarm, apply_alarm };

/* --- who sees it too --- */

static enum register_verdict judge_answer_rate(struct judged *judged)
{
    const gint64 said_us = predicate_time_us(judged->predicate);
    const gint64 alarm_us = predicate_time_us(judged->other->said);
    guint answers = 0;

    if (said_us > alarm_us + ANSWER_DAYS * DAY_US)
        return register_refuse(judged, REGISTER_CONFLICT,
                               "the alarm is older than %d days: nobody waits for answers",
                               ANSWER_DAYS);
    for (guint i = 0; judged->other->sightings && i < judged->other->sightings->len; i++) {
        const struct reg_entry *entry = judged->other->sightings->pdata[i];

        if (entry->signatory != judged->signatory)
            continue;
        if (said_us < predicate_time_us(entry->said) + HOUR_US)
            return register_refuse(judged, REGISTER_CONFLICT,
                                   "%s answered this alarm in entry %" G_GUINT64_FORMAT
                                   ": one answer an hour is taken",
                                   judged->signatory->domain, entry->index);
        if (++answers == ANSWERS)
            return register_refuse(judged, REGISTER_CONFLICT,
                                   "%s answered this alarm %u times: no more is taken",
                                   judged->signatory->domain, ANSWERS);
    }
    return REGISTER_COUNTS;
}

static enum register_verdict judge_sighting(struct judged *judged)
{
    enum register_verdict verdict = judge_signer(judged, FALSE);

    if (verdict != REGISTER_COUNTS)
        return verdict;
    judged->other =
        entry_named(judged, json_text(judged->predicate, "alarm"), PREDICATE_ROUTE_ALARM);
    if (!judged->other)
        return register_refuse(judged, REGISTER_CONFLICT,
                               "the alarm that it answers does not count here");
    if (judged->other->signatory == judged->signatory)
        return register_refuse(judged, REGISTER_CONFLICT,
                               "nobody answers its own alarm: another's vantage counts");
    return judge_answer_rate(judged);
}

static void apply_sighting(struct reg *reg, struct judged *judged, struct reg_entry *entry)
{
    (void)reg;
    entry->said = json_incref((json_t *)judged->predicate);
    if (!judged->other->sightings)
        judged->other->sightings = g_ptr_array_new();
    g_ptr_array_add(judged->other->sightings, entry);
}

const struct handler handler_route_sighting = { PREDICATE_ROUTE_SIGHTING, judge_sighting,
                                                apply_sighting };
