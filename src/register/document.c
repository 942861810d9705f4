/* document.c: the register as JSON. Lists are in the order of the log or of ids, never of tables.
 */
#include "register/document.h"

#include "base/clock.h"
#include "base/error.h"
#include "register/register_private.h"
#include "statement/base64.h"

#include <string.h>

#define DAY_US (G_GINT64_CONSTANT(86400) * G_USEC_PER_SEC)
#define FRESH_DAYS 90
#define AGEING_DAYS 365
#define TREND_LENGTH 12  /* assessments of the trend, the latest last */
#define ROUTE_ALARMS 100 /* that are shown, the latest last */

static json_t *time_or_null(gint64 time_us)
{
    g_autofree char *text = time_us ? clock_format(time_us) : NULL;

    return text ? json_string(text) : json_null();
}

static json_t *hex_string(const guint8 *bytes)
{
    g_autofree char *hex = hex_encode(bytes, 32);

    return json_string(hex);
}

static void set_text(json_t *object, const char *name, const char *text)
{
    if (text)
        json_object_set_new(object, name, json_string(text));
}

/* Where and when something was said. */
json_t *document_place(const struct reg_entry *entry)
{
    return json_pack("{s:I, s:o, s:o, s:b}", "index", (json_int_t)entry->index, "entry",
                     hex_string(entry->leaf), "time", time_or_null(entry->time_us), "disputed",
                     entry->disputed);
}

/* The members of what was said, beside its place. */
static json_t *said(const struct reg_entry *entry)
{
    json_t *value = document_place(entry);

    json_object_update_missing(value, entry->said);
    json_object_del(value, "log");
    json_object_set(value, "said_at", json_object_get(entry->said, "time"));
    return value;
}

const char *freshness_class(gint64 age_us)
{
    return age_us <= FRESH_DAYS * DAY_US    ? "fresh"
           : age_us <= AGEING_DAYS * DAY_US ? "ageing"
                                            : "stale";
}

/* Nobody is younger than the log says, nor than they say themselves. */
gint64 document_age_us(const struct reg_entry *entry, gint64 now_us)
{
    gint64 ended_us = entry->assessment->ended_us;
    gint64 since_us = entry->time_us ? MIN(entry->time_us, ended_us) : ended_us;

    return MAX(now_us - since_us, 0);
}

json_t *document_bands(const struct reg_assessment *assessment)
{
    json_t *list = json_array();

    for (guint i = 0; i < PREDICATE_PRINCIPLES; i++)
        json_array_append_new(
            list,
            json_pack("{s:i, s:o, s:o}", "n", (int)i + 1, "band",
                      assessment->bands[i] < 0 ? json_null() : json_integer(assessment->bands[i]),
                      "coverage",
                      assessment->coverage[i] < 0 ? json_null()
                                                  : json_integer(assessment->coverage[i])));
    return list;
}

/* Each with who said it. */
static json_t *answers_of(const GPtrArray *entries)
{
    json_t *list = json_array();

    for (guint i = 0; entries && i < entries->len; i++) {
        const struct reg_entry *entry = entries->pdata[i];
        json_t *answer = said(entry);

        json_object_set_new(answer, "by", json_string(entry->signatory->id_hex));
        json_object_set_new(answer, "by_domain", json_string(entry->signatory->domain));
        json_array_append_new(list, answer);
    }
    return list;
}

/* What the undisputed reviews say, the worst first. */
const char *document_review_status(const struct reg_assessment *assessment)
{
    static const struct {
        const char *verdict, *status;
    } worst_first[] = {
        { "contradicted", "contradicted" },
        { "not-answered", "not-answered" },
        { "confirmed", "reviewed" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(worst_first) && assessment->reviews; i++)
        for (guint j = 0; j < assessment->reviews->len; j++) {
            const struct reg_entry *entry = assessment->reviews->pdata[j];

            if (!entry->disputed &&
                g_strcmp0(json_text(entry->said, "verdict"), worst_first[i].verdict) == 0)
                return worst_first[i].status;
        }
    return "self-declared";
}

const struct reg_entry *document_latest(const struct reg_signatory *signatory)
{
    for (guint i = signatory->assessments->len; i; i--) {
        const struct reg_entry *entry = signatory->assessments->pdata[i - 1];

        if (!entry->disputed)
            return entry;
    }
    return NULL;
}

static json_t *assessment_of(const struct reg_entry *entry, gint64 now_us)
{
    const struct reg_assessment *assessment = entry->assessment;
    gint64 age = document_age_us(entry, now_us);
    json_t *value = document_place(entry);
    json_t *more = json_pack(
        "{s:o, s:I, s:s, s:{s:s, s:s}, s:o, s:{s:o, s:I}, s:s, s:o}", "ended",
        time_or_null(assessment->ended_us), "age_s", (json_int_t)(age / G_USEC_PER_SEC),
        "freshness", freshness_class(age), "catalogue", "version", assessment->catalogue_version,
        "digest", assessment->catalogue_digest, "principles", document_bands(assessment),
        "commitments", "root", hex_string(assessment->root), "count", (json_int_t)assessment->count,
        "status", document_review_status(assessment), "reviews", answers_of(assessment->reviews));

    json_object_update(value, more);
    json_decref(more);
    json_object_set_new(value, "draw", reviews_draw_json(assessment));
    return value;
}

static json_t *trend_of(const struct reg_signatory *signatory)
{
    const guint count = signatory->assessments->len;
    json_t *trend = json_array();

    for (guint i = count > TREND_LENGTH ? count - TREND_LENGTH : 0; i < count; i++) {
        const struct reg_entry *entry = signatory->assessments->pdata[i];
        json_t *bands = json_array();

        for (guint j = 0; j < PREDICATE_PRINCIPLES; j++)
            json_array_append_new(bands, entry->assessment->bands[j] < 0
                                             ? json_null()
                                             : json_integer(entry->assessment->bands[j]));
        json_array_append_new(trend,
                              json_pack("{s:I, s:o, s:o, s:b}", "index", (json_int_t)entry->index,
                                        "ended", time_or_null(entry->assessment->ended_us), "bands",
                                        bands, "disputed", entry->disputed));
    }
    return trend;
}

static json_t *attestations_of(const struct reg_signatory *signatory)
{
    json_t *list = json_array();

    for (guint i = 0; i < signatory->attestations->len; i++) {
        const struct reg_attestation *attestation = signatory->attestations->pdata[i];
        json_t *value = document_place(attestation->entry);

        json_object_set_new(value, "by", json_string(attestation->by->id_hex));
        json_object_set_new(value, "by_domain", json_string(attestation->by->domain));
        json_object_set_new(value, "by_group", json_string(group_name(attestation->by->group)));
        json_object_set_new(value, "group", json_string(group_name(attestation->group)));
        json_object_set(value, "checked", json_object_get(attestation->entry->said, "checked"));
        json_object_set_new(value, "withdrawn", json_boolean(attestation->withdrawn));
        json_object_set_new(value, "counts",
                            json_boolean(attestation_counts(attestation, signatory)));
        json_array_append_new(list, value);
    }
    return list;
}

static const char *key_status(const struct reg_key *key, const struct reg_delegation *delegation,
                              gint64 now_us)
{
    if (key->revoked_at != G_MAXUINT64)
        return "revoked";
    if (now_us < delegation->from_us)
        return "not-yet";
    return now_us < delegation->until_us ? "in-force" : "expired";
}

static json_t *predicates_of(const struct reg_delegation *delegation)
{
    json_t *list = json_array();

    for (guint i = 0; predicates[i].name; i++)
        if (delegation->predicates & (guint32)1 << i)
            json_array_append_new(list, json_string(predicates[i].type));
    return list;
}

/* Role keys with each delegation; root keys stand under "root". */
static json_t *keys_of(const struct reg_signatory *signatory, gint64 now_us)
{
    json_t *list = json_array();

    for (guint i = 0; i < signatory->keys->len; i++) {
        const struct reg_key *key = signatory->keys->pdata[i];

        for (guint j = 0; j < key->delegations->len; j++) {
            const struct reg_delegation *delegation =
                &g_array_index(key->delegations, struct reg_delegation, j);
            json_t *value = json_pack(
                "{s:s, s:s, s:I, s:o, s:o, s:s}", "key", key->text, "role",
                key_role_name(key->role), "index", (json_int_t)delegation->index, "from",
                time_or_null(delegation->from_us), "until", time_or_null(delegation->until_us),
                "status", key_status(key, delegation, now_us));

            if (delegation->limited)
                json_object_set_new(value, "predicates", predicates_of(delegation));
            if (key->revoked_at != G_MAXUINT64)
                json_object_set_new(value, "revoked",
                                    json_pack("{s:I, s:I, s:s}", "index",
                                              (json_int_t)key->revoked_at, "from_index",
                                              (json_int_t)key->from_index, "reason", key->reason));
            json_array_append_new(list, value);
        }
    }
    return list;
}

static json_t *list_of(const GPtrArray *entries)
{
    json_t *list = json_array();

    for (guint i = 0; i < entries->len; i++) {
        const struct reg_entry *entry = entries->pdata[i];
        json_t *value = said(entry);

        if (entry->updated_by)
            json_object_set_new(value, "updated_by", hex_string(entry->updated_by->leaf));
        json_array_append_new(list, value);
    }
    return list;
}

/* The last ones, with who else saw the route. */
static json_t *route_alarms_of(const struct reg_signatory *signatory)
{
    const GPtrArray *alarms = signatory->route_alarms;
    const guint count = alarms ? alarms->len : 0;
    json_t *list = json_array();

    for (guint i = count > ROUTE_ALARMS ? count - ROUTE_ALARMS : 0; i < count; i++) {
        const struct reg_entry *entry = alarms->pdata[i];
        json_t *value = said(entry);

        json_object_set_new(value, "sightings", answers_of(entry->sightings));
        json_array_append_new(list, value);
    }
    return list;
}

/* How many there were, and what the last one says. */
static json_t *last_of(const struct reg_entry *last, guint64 count)
{
    return json_pack("{s:I, s:o}", "count", (json_int_t)count, "last",
                     last ? said(last) : json_null());
}

static json_t *endorsement_of(const struct reg_signatory *signatory)
{
    static const char *const members[] = { "principles", "statements", "reviewer",
                                           "contacts",   "networks",   NULL };
    const struct reg_entry *entry = signatory->endorsement;
    json_t *value;

    if (!entry)
        return json_null();
    value = document_place(entry);
    for (const char *const *member = members; *member; member++)
        if (json_object_get(entry->said, *member))
            json_object_set(value, *member, json_object_get(entry->said, *member));
    json_object_set(value, "said_at", json_object_get(entry->said, "time"));
    return value;
}

/* How it came by its group. */
const char *document_standing(const struct reg_signatory *signatory)
{
    return signatory->removed_at != G_MAXUINT64 ? "removed"
           : signatory->member                  ? "policy"
           : signatory->attested                ? "attested"
                                                : "self-declared";
}

json_t *document_signatory(const struct reg_signatory *signatory, gint64 now_us)
{
    const struct reg_entry *latest = document_latest(signatory);
    json_t *value = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "id", signatory->id_hex, "name",
                              signatory->name, "group", group_name(signatory->group), "country",
                              signatory->country, "domain", signatory->domain, "attested",
                              document_standing(signatory));
    json_t *more = json_pack(
        "{s:b, s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "single_key",
        signatory->root.keys->len == 1, "root", root_keys_json(&signatory->root), "keys",
        keys_of(signatory, now_us), "attestations", attestations_of(signatory), "joined",
        signatory->joined ? document_place(signatory->joined) : json_null(), "freshness",
        latest ? freshness_class(document_age_us(latest, now_us)) : "none", "endorsement",
        endorsement_of(signatory), "assessment",
        latest ? assessment_of(latest, now_us) : json_null(), "trend", trend_of(signatory),
        "commitments", list_of(signatory->commitments), "legal_positions",
        list_of(signatory->positions), "norm_reports", list_of(signatory->reports), "contacts",
        signatory->contact ? said(signatory->contact) : json_null());

    json_object_set_new(value, "releases", list_of(signatory->releases));
    json_object_set_new(value, "mailbox",
                        signatory->mailbox ? said(signatory->mailbox) : json_null());
    json_object_set_new(value, "case_root",
                        signatory->case_root ? said(signatory->case_root) : json_null());
    json_object_set_new(value, "hunts", last_of(signatory->hunt, signatory->hunts));
    json_object_set_new(value, "route_alarms", route_alarms_of(signatory));
    json_object_set_new(value, "drills", last_of(signatory->drill, signatory->drills));
    set_text(value, "subtype", signatory->subtype);
    if (signatory->removed_at != G_MAXUINT64)
        json_object_set_new(value, "removed_at", json_integer((json_int_t)signatory->removed_at));
    json_object_update(value, more);
    json_decref(more);
    return value;
}

static json_t *policies_of(const struct reg *reg)
{
    json_t *list = json_array();

    for (guint i = 0; i < reg->policies->len; i++) {
        const struct reg_policy *policy = reg->policies->pdata[i];

        json_array_append_new(
            list, json_pack("{s:i, s:o, s:I}", "version", (int)policy->policy->version, "hash",
                            hex_string(policy->policy->hash), "index", (json_int_t)policy->index));
    }
    return list;
}

json_t *register_entry(const struct reg *reg, guint64 index)
{
    const struct reg_entry *entry;
    json_t *value;

    if (index >= reg->entries->len)
        return NULL;
    entry = reg->entries->pdata[index];
    value = document_place(entry);
    json_object_set_new(value, "counts", json_boolean(entry->verdict == REGISTER_COUNTS));
    set_text(value, "verdict", register_verdict_name(entry->verdict));
    set_text(value, "type", entry->predicate ? entry->predicate->type : NULL);
    set_text(value, "signatory", entry->signatory ? entry->signatory->id_hex : NULL);
    set_text(value, "key", entry->key ? entry->key->text : NULL);
    if (entry->message) {
        json_object_set_new(value, "message", json_safe_string(entry->message));
    }
    return value;
}

/* Entries that do not count, and those whose signatory disputes them. */
static void set_doubtful(const struct reg *reg, json_t *document)
{
    json_t *refused = json_array(), *disputed = json_array();

    for (guint i = 0; i < reg->entries->len; i++) {
        const struct reg_entry *entry = reg->entries->pdata[i];

        json_t *value;

        if (entry->verdict == REGISTER_COUNTS && !entry->disputed)
            continue;
        value = register_entry(reg, i);
        json_object_del(value, "message"); /* its wording is no fact of the log */
        json_array_append_new(entry->verdict == REGISTER_COUNTS ? disputed : refused, value);
    }
    json_object_set_new(document, "refused", refused);
    json_object_set_new(document, "disputed", disputed);
}

static gint compare_ids(gconstpointer left, gconstpointer right)
{
    const struct reg_signatory *a = *(const struct reg_signatory *const *)left;
    const struct reg_signatory *b = *(const struct reg_signatory *const *)right;

    return memcmp(a->id, b->id, sizeof a->id);
}

/* In the order of ids, which means nothing: the register ranks nobody. */
static json_t *signatories_of(const struct reg *reg, gint64 now_us)
{
    g_autoptr(GPtrArray) sorted = g_ptr_array_copy(reg->signatories, NULL, NULL);
    json_t *list = json_array();

    g_ptr_array_set_free_func(sorted, NULL);
    g_ptr_array_sort(sorted, compare_ids);
    for (guint i = 0; i < sorted->len; i++)
        json_array_append_new(list, document_signatory(sorted->pdata[i], now_us));
    return list;
}

GBytes *register_document(const struct reg *reg, gint64 now_us, GError **error)
{
    const struct community_policy *policy = register_policy(reg);
    g_autoptr(json_t) document = json_pack(
        "{s:s, s:s, s:I, s:o, s:{s:O, s:o}, s:o, s:o}", "schema", REGISTER_SCHEMA, "log",
        policy->origin, "size", (json_int_t)reg->entries->len, "now", time_or_null(now_us),
        "policy", "predicate", policy->predicate, "hash", hex_string(policy->hash), "policies",
        policies_of(reg), "signatories", signatories_of(reg, now_us));

    if (reg->succession)
        json_object_set_new(document, "succession", said(reg->succession));
    set_doubtful(reg, document);
    return json_canonical(document, error);
}
