#include "assess/cooperation.h"

#include "assess/hunting.h"
#include "base/clock.h"
#include "base/error.h"
#include "community/community.h"
#include "p9_norms/contacts.h"
#include "process/cases.h"

#include <string.h>
#include <unistd.h>

#define YEAR_US (G_GINT64_CONSTANT(365) * 86400 * G_USEC_PER_SEC)

static json_t *read_cases(const char *data_folder, gint64 now_us, GError **error)
{
    g_autoptr(cases_t) cases = cases_open_existing(data_folder, error);

    return cases ? cases_numbers(cases, now_us - YEAR_US, now_us, error) : NULL;
}

static json_t *read_contacts(const char *data_folder, GError **error)
{
    g_autofree char *path = g_build_filename(data_folder, CONTACTS_FILE, NULL);
    g_autoptr(json_t) record = NULL;

    if (access(path, F_OK) != 0)
        return NULL;
    record = json_read_file(path, CONTACTS_LIMIT, error);
    return record && contacts_record_check(record, error) ? contacts_clocks(record) : NULL;
}

/* Whether the newest trusted checkpoint bears the cosignature of our witness, and how old that is;
 * NULL: the policy names no witness of ours. */
static json_t *witness_of(const struct community_policy *policy,
                          const struct community_state *state, const char *domain, gint64 now_us)
{
    const GPtrArray *witnesses = policy->witnesses->witnesses;
    guint64 time_s = 0;
    gboolean ours = FALSE;

    for (guint i = 0; i < witnesses->len; i++) {
        const struct quorum_witness *witness = witnesses->pdata[i];

        if (!witness->organisation || g_strcmp0(witness->organisation, domain) != 0)
            continue;
        ours = TRUE;
        for (guint j = 0; state->verdict.signers && j < state->verdict.signers->len; j++) {
            const struct note_signer *signer =
                &g_array_index(state->verdict.signers, struct note_signer, j);

            if (signer->key == i)
                time_s = MAX(time_s, signer->time_s);
        }
    }
    return ours ? json_pack("{s:b, s:I}", "cosigned", time_s > 0, "age_s",
                            (json_int_t)(now_us / G_USEC_PER_SEC - (gint64)time_s))
                : NULL;
}

struct search {
    const struct reg *reg;
    const char *self; /* id */
    gint64 now_us;
    json_t *to_review;
};

static json_t *latest_draw(const struct reg *reg, const char *who, gint64 now_us)
{
    g_autoptr(json_t) signatory = register_signatory(reg, who, now_us, NULL);
    const json_t *assessment = json_object_get(signatory, "assessment");

    return json_is_object(assessment)
               ? register_draw(reg, (guint64)json_number(assessment, "index", 0), NULL)
               : NULL;
}

/* Draws in which we come first and nobody has reviewed. */
static void look_at(const char *id, const char *domain, gpointer data)
{
    struct search *search = data;
    g_autoptr(json_t) draw =
        g_str_equal(id, search->self) ? NULL : latest_draw(search->reg, id, search->now_us);
    const json_t *first =
        json_array_get(json_object_get(json_object_get(draw, "draw"), "reviewers"), 0);

    (void)domain;
    if (first && g_strcmp0(json_text(first, "id"), search->self) == 0 &&
        json_array_size(json_object_get(draw, "reviews")) == 0)
        json_array_append(search->to_review, draw);
}

static json_t *or_null(json_t *value)
{
    return value ? value : json_null();
}

static json_t *read_community(const char *data_folder, const char *domain, gint64 now_us,
                              GError **error)
{
    g_autoptr(community_t) community = NULL;
    g_auto(community_state_t) state = { 0 };
    const struct community_policy *policy;
    g_autoptr(json_t) signatory = NULL;
    struct search search = { .now_us = now_us };
    json_t *value;

    if (!community_exists(data_folder))
        return NULL;
    community = community_open(data_folder, error);
    search.reg = community ? community_register(community, error) : NULL;
    policy = search.reg ? community_policy_in_force(community, error) : NULL;
    if (!policy || !community_recall(community, &state, error))
        return NULL;
    signatory = domain ? register_signatory(search.reg, domain, now_us, NULL) : NULL;
    search.self = json_text(signatory, "id");
    search.to_review = json_array();
    if (search.self)
        register_each(search.reg, look_at, &search);
    value = json_pack("{s:s, s:I, s:s?, s:o, s:o, s:o}", "origin", policy->origin, "max_age_s",
                      (json_int_t)policy->max_age_s, "signatory", search.self, "witness",
                      or_null(witness_of(policy, &state, domain, now_us)), "assessment",
                      or_null(search.self ? latest_draw(search.reg, search.self, now_us) : NULL),
                      "to_review", search.to_review);
    if (state.verdict.log_time_s)
        json_object_set_new(
            value, "checkpoint_age_s",
            json_integer((json_int_t)(now_us / G_USEC_PER_SEC - (gint64)state.verdict.log_time_s)));
    return value;
}

/* A fact that could not be read is null, with the reason beside it. */
static void put(json_t *facts, const char *member, json_t *value, GError **error)
{
    json_object_set_new(facts, member, or_null(value));
    if (*error)
        json_object_set_new(json_object_get(facts, "errors"), member,
                            json_safe_string((*error)->message));
    g_clear_error(error);
}

const char *const cooperation_prefixes[] = { "org.duty.", "org.hunt.", NULL };

json_t *cooperation_read(const char *data_folder, const struct profile *profile, gint64 now_us)
{
    json_t *facts = json_pack("{s:{}}", "errors");
    GError *error = NULL;

    if (!data_folder)
        return facts;
    put(facts, "cases", read_cases(data_folder, now_us, &error), &error);
    put(facts, "contacts", read_contacts(data_folder, &error), &error);
    put(facts, "community", read_community(data_folder, profile->signatory.domain, now_us, &error),
        &error);
    put(facts, "hunt", hunting_read(data_folder, profile, now_us, &error), &error);
    return facts;
}
