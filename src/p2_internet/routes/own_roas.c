#include "p2_internet/routes/own_roas.h"

#include "base/clock.h"
#include "p2_internet/routes/gather.h"

#include <string.h>

#define LISTED_MAX 500u /* of each list in a record */

static gboolean prefix_of(const struct asset *asset, struct ip_prefix *prefix)
{
    return asset->kind == ASSET_PREFIX && ip_prefix_parse(asset->prefix, prefix, NULL);
}

static gboolean names_origin(const struct asset *asset, guint32 asn)
{
    for (guint i = 0; asset->origins && i < asset->origins->len; i++)
        if (g_array_index(asset->origins, guint32, i) == asn)
            return TRUE;
    return FALSE;
}

gboolean own_roas_holds(const struct profile *profile, const struct ip_prefix *prefix)
{
    for (guint i = 0; i < profile->assets->len; i++) {
        struct ip_prefix own;

        if (prefix_of(profile->assets->pdata[i], &own) && ip_prefix_covers(&own, prefix))
            return TRUE;
    }
    return FALSE;
}

static void put_time(json_t *object, const char *member, gint64 time_us)
{
    g_autofree char *text = time_us ? clock_format(time_us) : NULL;

    if (text)
        json_object_set_new(object, member, json_string(text));
}

/* --- the origins that the profile names --- */

struct lasting {
    const struct ip_prefix *prefix;
    guint32 asn, until_s; /* 0: nothing, or forever */
    gboolean is_open;     /* one does not say when it ends */
};

static void last(const struct vrp *vrp, gpointer data)
{
    struct lasting *lasting = data;

    if (vrp->asn != lasting->asn || vrp->max_length < lasting->prefix->length)
        return;
    lasting->is_open |= !vrp->expires_s;
    lasting->until_s = MAX(lasting->until_s, vrp->expires_s);
}

/* An origin is authorised until the last of what authorises it ends. */
static json_t *origin_record(const struct own_roas *own, const struct ip_prefix *prefix,
                             guint32 asn)
{
    struct lasting lasting = { .prefix = prefix, .asn = asn };
    json_t *record = json_pack("{s:I, s:s}", "asn", (json_int_t)asn, "rov",
                               rov_state_name(rov_validate(own->vrps, prefix, asn, TRUE)));

    vrp_set_covering(own->vrps, prefix, last, &lasting);
    if (!lasting.is_open)
        put_time(record, "expires", lasting.until_s * (gint64)G_USEC_PER_SEC);
    return record;
}

/* --- what is announced --- */

static json_t *announced_record(const struct own_roas *own, const struct asset *asset,
                                const struct gather_origin *one)
{
    char text[IP_PREFIX_TEXT];
    json_t *record;

    ip_prefix_format(&one->prefix, text);
    record = json_pack(
        "{s:s, s:s, s:b, s:I}", "prefix", text, "rov",
        rov_state_name(rov_validate(own->vrps, &one->prefix, one->origin, one->has_origin)),
        "declared", one->has_origin && names_origin(asset, one->origin), "routes",
        (json_int_t)one->seen.routes);
    json_object_set_new(record, "origin",
                        one->has_origin ? json_integer(one->origin) : json_null());
    return record;
}

static json_t *announced_list(const struct own_roas *own, const struct asset *asset,
                              const struct ip_prefix *prefix)
{
    json_t *list = json_array();

    for (guint i = 0; i < own->announced->len && json_array_size(list) < LISTED_MAX; i++) {
        const struct gather_origin *one = &g_array_index(own->announced, struct gather_origin, i);

        if (ip_prefix_covers(prefix, &one->prefix))
            json_array_append_new(list, announced_record(own, asset, one));
    }
    return list;
}

/* --- what is authorised --- */

struct authorised {
    const struct own_roas *own;
    const struct asset *asset;
    gboolean covers; /* these payloads cover the prefix: it is announced under them */
    gboolean covered;
    json_t *loose, *unused, *as0;
};

/* The longest prefix under a payload that its AS announces, declared or seen; -1: none. */
static int longest(const struct own_roas *own, const struct vrp *vrp)
{
    int length = -1;

    for (guint i = 0; i < own->profile->assets->len; i++) {
        const struct asset *asset = own->profile->assets->pdata[i];
        struct ip_prefix prefix;

        if (prefix_of(asset, &prefix) && (!asset->origins || names_origin(asset, vrp->asn)) &&
            ip_prefix_covers(&vrp->prefix, &prefix))
            length = MAX(length, prefix.length);
    }
    for (guint i = 0; i < own->announced->len; i++) {
        const struct gather_origin *one = &g_array_index(own->announced, struct gather_origin, i);

        if (one->has_origin && one->origin == vrp->asn &&
            ip_prefix_covers(&vrp->prefix, &one->prefix))
            length = MAX(length, one->prefix.length);
    }
    return length;
}

static void list_vrp(json_t *list, const struct vrp *vrp, int least)
{
    char text[IP_PREFIX_TEXT];
    json_t *record;

    if (json_array_size(list) >= LISTED_MAX)
        return;
    ip_prefix_format(&vrp->prefix, text);
    record = json_pack("{s:s, s:I, s:i}", "prefix", text, "asn", (json_int_t)vrp->asn, "max_length",
                       (int)vrp->max_length);
    if (least >= 0)
        json_object_set_new(record, "longest", json_integer(least));
    json_array_append_new(list, record);
}

static void judge_vrp(const struct vrp *vrp, gpointer data)
{
    struct authorised *authorised = data;
    int length;

    authorised->covered |= authorised->covers;
    if (!vrp->asn) {
        list_vrp(authorised->as0, vrp, -1);
        return;
    }
    if (authorised->asset->origins && !names_origin(authorised->asset, vrp->asn))
        return; /* somebody else's: of what he announces nothing is known here */
    length = longest(authorised->own, vrp);
    if (length < 0)
        list_vrp(authorised->unused, vrp, -1);
    else if (vrp->max_length > length)
        list_vrp(authorised->loose, vrp, length);
}

/* What lies in the prefix, without what covers it, which came before. */
static void judge_inner(const struct vrp *vrp, gpointer data)
{
    const struct authorised *authorised = data;
    struct ip_prefix prefix;

    if (prefix_of(authorised->asset, &prefix) && vrp->prefix.length > prefix.length)
        judge_vrp(vrp, data);
}

json_t *own_roas_record(const struct own_roas *own, const struct asset *asset)
{
    struct authorised authorised = { .own = own, .asset = asset };
    json_t *record = json_object(), *origins = json_array();
    struct ip_prefix prefix;

    if (!prefix_of(asset, &prefix)) {
        json_decref(origins);
        return record;
    }
    authorised.loose = json_array();
    authorised.unused = json_array();
    authorised.as0 = json_array();
    authorised.covers = TRUE;
    vrp_set_covering(own->vrps, &prefix, judge_vrp, &authorised);
    authorised.covers = FALSE;
    vrp_set_within(own->vrps, &prefix, judge_inner, &authorised);
    for (guint i = 0; asset->origins && i < asset->origins->len; i++)
        json_array_append_new(
            origins, origin_record(own, &prefix, g_array_index(asset->origins, guint32, i)));
    json_object_set_new(record, "schema", json_string(OWN_ROAS_SCHEMA));
    put_time(record, "time", own->now_us);
    json_object_set_new(record, "prefix", json_string(asset->prefix));
    json_object_set_new(record, "vrps", json_integer((json_int_t)vrp_set_count(own->vrps)));
    put_time(record, "built", own->built_us);
    if (own->cache)
        json_object_set_new(record, "cache", json_safe_string(own->cache));
    json_object_set_new(record, "covered", json_boolean(authorised.covered));
    json_object_set_new(record, "origins", origins);
    json_object_set_new(record, "announced", announced_list(own, asset, &prefix));
    json_object_set_new(record, "loose", authorised.loose);
    json_object_set_new(record, "unused", authorised.unused);
    json_object_set_new(record, "as0", authorised.as0);
    return record;
}
