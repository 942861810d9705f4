/*
 * fold_review.c: self-assessments checked by lot.
 *
 * The dice of an assessment are the first trusted checkpoint that includes it. They are thrown as
 * soon as the register has come to the size of that checkpoint, over those who were willing then,
 * so that neither the assessed nor the reviewer chooses what is looked at, nor by whom.
 */
#include "register/register_private.h"
#include "statement/base64.h"
#include "statement/intoto.h"

#include <string.h>

#define REVIEWERS 3 /* drawn for one assessment; each of them may review it */

void register_set_moments(struct reg *reg, GArray *moments)
{
    g_array_ref(moments);
    g_clear_pointer(&reg->moments, g_array_unref);
    reg->moments = moments;
    reviews_settle(reg);
}

void reviews_await(struct reg *reg, struct reg_entry *assessment)
{
    g_ptr_array_add(reg->awaiting, assessment);
}

static gint compare_ids(gconstpointer left, gconstpointer right)
{
    const struct reg_signatory *a = *(const struct reg_signatory *const *)left;
    const struct reg_signatory *b = *(const struct reg_signatory *const *)right;

    return memcmp(a->id, b->id, sizeof a->id);
}

/* Attested signatories of another group that offered to review, in the order of their ids. */
static GPtrArray *willing(const struct reg *reg, const struct reg_signatory *assessed)
{
    GPtrArray *list = g_ptr_array_new();

    for (guint i = 0; i < reg->signatories->len; i++) {
        struct reg_signatory *signatory = reg->signatories->pdata[i];

        if (signatory->attested && signatory->reviewer && signatory->group != assessed->group &&
            signatory->removed_at == G_MAXUINT64)
            g_ptr_array_add(list, signatory);
    }
    g_ptr_array_sort(list, compare_ids);
    return list;
}

static void throw_dice(const struct reg *reg, struct reg_entry *entry,
                       const struct log_moment *moment)
{
    struct reg_assessment *assessment = entry->assessment;
    struct commitment_root commitments = { .count = assessment->count };
    g_autoptr(GPtrArray) candidates = willing(reg, entry->signatory);
    g_autoptr(GArray) places = NULL;

    memcpy(commitments.hash.bytes, assessment->root, sizeof assessment->root);
    assessment->dice = g_memdup2(moment, sizeof *moment);
    assessment->drawn = draw_findings(&moment->root, &commitments, &assessment->order,
                                      register_policy(reg)->review_findings);
    assessment->reviewers = g_ptr_array_new();
    places = draw_reviewers(&moment->root, &commitments, candidates->len, REVIEWERS);
    for (guint i = 0; i < places->len; i++)
        g_ptr_array_add(assessment->reviewers, candidates->pdata[g_array_index(places, guint, i)]);
}

void reviews_settle(struct reg *reg)
{
    /* A moment is thrown when the register is exactly as large: later, others may be willing. */
    for (; reg->moments && reg->moment < reg->moments->len; reg->moment++) {
        const struct log_moment *moment =
            &g_array_index(reg->moments, struct log_moment, reg->moment);

        if (moment->size > reg->entries->len)
            break;
        for (guint i = 0; i < reg->awaiting->len; i++)
            throw_dice(reg, reg->awaiting->pdata[i], moment);
        g_ptr_array_set_size(reg->awaiting, 0);
    }
}

static gboolean draw_is_the_drawn_one(const json_t *predicate,
                                      const struct reg_assessment *assessment)
{
    const json_t *draw = json_object_get(predicate, "draw");
    const json_t *indices = json_object_get(predicate, "indices"), *value;
    g_autofree char *root = hex_encode(assessment->dice->root.bytes, MERKLE_HASH_SIZE);
    size_t index;

    if ((guint64)json_number(draw, "size", 0) != assessment->dice->size ||
        g_strcmp0(json_text(draw, "root"), root) != 0 ||
        json_array_size(indices) != assessment->drawn->len)
        return FALSE;
    json_array_foreach(indices, index, value)
    {
        if ((guint64)json_integer_value(value) != g_array_index(assessment->drawn, guint64, index))
            return FALSE;
    }
    return TRUE;
}

static enum register_verdict judge_review(struct judged *judged)
{
    enum register_verdict verdict = judge_signer(judged, FALSE);
    const struct reg_assessment *assessment;
    gint64 due_us;

    if (verdict != REGISTER_COUNTS)
        return verdict;
    judged->other =
        entry_named(judged, json_text(judged->predicate, "assessment"), PREDICATE_ASSESSMENT);
    if (!judged->other)
        return register_refuse(judged, REGISTER_CONFLICT,
                               "the assessment that it is about does not count here");
    /* Without the log's clock nothing is drawn; who has it decides (admission has not). */
    if (!judged->reg->moments)
        return REGISTER_COUNTS;
    assessment = judged->other->assessment;
    if (!assessment->dice)
        return register_refuse(judged, REGISTER_CONFLICT,
                               "no trusted checkpoint includes the assessment yet: nothing is "
                               "drawn");
    if (!g_ptr_array_find(assessment->reviewers, judged->signatory, NULL))
        return register_refuse(judged, REGISTER_ROLE, "%s was not drawn to review it",
                               judged->signatory->domain);
    if (!draw_is_the_drawn_one(judged->predicate, assessment))
        return register_refuse(
            judged, REGISTER_CONFLICT,
            "its dice or its findings are not the ones drawn at size %" G_GUINT64_FORMAT,
            assessment->dice->size);
    due_us = assessment->dice->time_s * G_USEC_PER_SEC +
             register_policy(judged->reg)->review_due_s * G_USEC_PER_SEC;
    if (g_str_equal(json_text(judged->predicate, "verdict"), "not-answered") &&
        judged->time_us < due_us)
        return register_refuse(judged, REGISTER_CONFLICT,
                               "the time to answer the review has not passed");
    return REGISTER_COUNTS;
}

static void apply_review(struct reg *reg, struct judged *judged, struct reg_entry *entry)
{
    struct reg_assessment *assessment = judged->other->assessment;

    (void)reg;
    entry->said = json_incref((json_t *)judged->predicate);
    if (!assessment->reviews)
        assessment->reviews = g_ptr_array_new();
    g_ptr_array_add(assessment->reviews, entry);
}

const struct handler handler_review = { PREDICATE_REVIEW, judge_review, apply_review };

json_t *reviews_draw_json(const struct reg_assessment *assessment)
{
    g_autofree char *root =
        assessment->dice ? hex_encode(assessment->dice->root.bytes, MERKLE_HASH_SIZE) : NULL;
    json_t *indices, *reviewers;

    if (!assessment->dice)
        return json_null();
    indices = json_array();
    for (guint i = 0; i < assessment->drawn->len; i++)
        json_array_append_new(
            indices, json_integer((json_int_t)g_array_index(assessment->drawn, guint64, i)));
    reviewers = json_array();
    for (guint i = 0; i < assessment->reviewers->len; i++) {
        const struct reg_signatory *reviewer = assessment->reviewers->pdata[i];

        json_array_append_new(
            reviewers, json_pack("{s:s, s:s}", "id", reviewer->id_hex, "domain", reviewer->domain));
    }
    return json_pack("{s:I, s:s, s:o, s:o}", "size", (json_int_t)assessment->dice->size, "root",
                     root, "indices", indices, "reviewers", reviewers);
}
