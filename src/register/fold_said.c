/* fold_said.c: what signatories say of themselves and of one another; it makes nobody believed. */
#include "base/clock.h"
#include "register/register_private.h"
#include "statement/base64.h"
#include "statement/intoto.h"

#include <string.h>

void reg_assessment_free(struct reg_assessment *assessment)
{
    if (!assessment)
        return;
    g_ref_string_release(assessment->catalogue_version);
    g_ref_string_release(assessment->catalogue_digest);
    g_clear_pointer(&assessment->reviews, g_ptr_array_unref);
    g_clear_pointer(&assessment->dice, g_free);
    g_clear_pointer(&assessment->drawn, g_array_unref);
    g_clear_pointer(&assessment->reviewers, g_ptr_array_unref);
    g_free(assessment);
}

struct reg_entry *entry_named(const struct judged *judged, const char *hex, const char *type)
{
    guint8 leaf[32];
    struct reg_entry *entry = NULL;

    if (hex && hex_decode_into(hex, leaf, sizeof leaf))
        entry = g_hash_table_lookup(judged->reg->by_leaf, leaf);
    return entry && (!type || g_str_equal(entry->predicate->type, type)) ? entry : NULL;
}

static enum register_verdict judge_assessment(struct judged *judged)
{
    enum register_verdict verdict = judge_signer(judged, FALSE);
    const char *domain = json_text(json_object_get(judged->predicate, "signatory"), "domain");

    if (verdict != REGISTER_COUNTS)
        return verdict;
    if (domain && g_strcmp0(domain, judged->signatory->domain) != 0)
        return register_refuse(judged, REGISTER_CONFLICT, "it speaks of %s and is signed by %s",
                               domain, judged->signatory->domain);
    return REGISTER_COUNTS;
}

static void apply_assessment(struct reg *reg, struct judged *judged, struct reg_entry *entry)
{
    const json_t *catalogue = json_object_get(judged->predicate, "catalogue"), *principle;
    const json_t *commitments = json_object_get(judged->predicate, "commitments");
    struct reg_assessment *assessment = g_new0(struct reg_assessment, 1);
    size_t index;

    json_array_foreach(json_object_get(judged->predicate, "principles"), index, principle)
    {
        assessment->bands[index] = (gint8)json_number(principle, "band", -1);
        assessment->coverage[index] = (gint8)json_number(principle, "coverage", -1);
    }
    assessment->ended_us = predicate_time_us(judged->predicate);
    assessment->catalogue_version = g_ref_string_new_intern(json_text(catalogue, "version"));
    assessment->catalogue_digest = g_ref_string_new_intern(json_text(catalogue, "digest"));
    hex_decode_into(json_text(commitments, "root"), assessment->root, sizeof assessment->root);
    assessment->count = (guint64)json_number(commitments, "count", 0);
    /* Its shape was checked: what does not add up is no assessment. */
    draw_order_read(judged->predicate, assessment->count, &assessment->order, NULL);
    entry->assessment = assessment;
    assessment->ordered = json_object_get(judged->predicate, "order") != NULL;
    reviews_await(reg, entry);
    g_ptr_array_add(judged->signatory->assessments, entry);
}

/* A commitment may update an earlier one of the same signatory, and name entries as evidence. */
static enum register_verdict judge_commitment(struct judged *judged)
{
    enum register_verdict verdict = judge_signer(judged, TRUE);
    const char *of = json_text(judged->predicate, "of");
    const json_t *evidence;
    size_t index;

    if (verdict != REGISTER_COUNTS)
        return verdict;
    judged->other = of ? entry_named(judged, of, PREDICATE_COMMITMENT) : NULL;
    if (of && (!judged->other || judged->other->signatory != judged->signatory))
        return register_refuse(judged, REGISTER_CONFLICT,
                               "it updates %s, which is no commitment of the signatory", of);
    if (of && judged->other->updated_by)
        return register_refuse(judged, REGISTER_CONFLICT,
                               "it updates a commitment that was "
                               "updated since: name the latest");
    json_array_foreach(json_object_get(judged->predicate, "evidence"), index, evidence)
    {
        if (!entry_named(judged, json_text(evidence, "entry"), NULL))
            return register_refuse(judged, REGISTER_CONFLICT,
                                   "its evidence names %s, which does not count here",
                                   json_text(evidence, "entry"));
    }
    return REGISTER_COUNTS;
}

static void keep(struct judged *judged, struct reg_entry *entry, GPtrArray *list)
{
    entry->said = json_incref((json_t *)judged->predicate);
    g_ptr_array_add(list, entry);
}

static void apply_commitment(struct reg *reg, struct judged *judged, struct reg_entry *entry)
{
    (void)reg;
    keep(judged, entry, judged->signatory->commitments);
    if (judged->other)
        judged->other->updated_by = entry;
}

static enum register_verdict judge_own(struct judged *judged)
{
    return judge_signer(judged, TRUE);
}

static void apply_position(struct reg *reg, struct judged *judged, struct reg_entry *entry)
{
    (void)reg;
    keep(judged, entry, judged->signatory->positions);
}

static void apply_report(struct reg *reg, struct judged *judged, struct reg_entry *entry)
{
    (void)reg;
    keep(judged, entry, judged->signatory->reports);
}

/* Its subject is a file and not the signatory. */
static enum register_verdict judge_release(struct judged *judged)
{
    return judge_signer(judged, FALSE);
}

static void apply_release(struct reg *reg, struct judged *judged, struct reg_entry *entry)
{
    (void)reg;
    keep(judged, entry, judged->signatory->releases);
}

/* That it was said, and when, is what counts; the last one is shown, with how many there were. */
static void apply_hunt(struct reg *reg, struct judged *judged, struct reg_entry *entry)
{
    (void)reg;
    entry->said = json_incref((json_t *)judged->predicate);
    judged->signatory->hunt = entry;
    judged->signatory->hunts++;
}

static void apply_drill(struct reg *reg, struct judged *judged, struct reg_entry *entry)
{
    (void)reg;
    entry->said = json_incref((json_t *)judged->predicate);
    judged->signatory->drill = entry;
    judged->signatory->drills++;
}

static enum register_verdict judge_contact(struct judged *judged)
{
    enum register_verdict verdict = judge_signer(judged, TRUE);

    if (verdict == REGISTER_COUNTS &&
        predicate_time_us(judged->predicate) <= judged->signatory->contact_us)
        return register_refuse(judged, REGISTER_CONFLICT,
                               "contacts of the same or a later time are there already");
    return verdict;
}

static void apply_contact(struct reg *reg, struct judged *judged, struct reg_entry *entry)
{
    (void)reg;
    entry->said = json_incref((json_t *)judged->predicate);
    judged->signatory->contact = entry;
    judged->signatory->contact_us = predicate_time_us(judged->predicate);
}

static enum register_verdict judge_mailbox(struct judged *judged)
{
    enum register_verdict verdict = judge_signer(judged, TRUE);
    const struct reg_entry *now = judged->signatory ? judged->signatory->mailbox : NULL;

    if (verdict == REGISTER_COUNTS && now &&
        predicate_time_us(judged->predicate) <= predicate_time_us(now->said))
        return register_refuse(judged, REGISTER_CONFLICT,
                               "a mailbox of the same or a later time is there already");
    return verdict;
}

static void apply_mailbox(struct reg *reg, struct judged *judged, struct reg_entry *entry)
{
    (void)reg;
    entry->said = json_incref((json_t *)judged->predicate);
    judged->signatory->mailbox = entry;
}

/* An hour has one root: who says two of one hour could open either. */
static enum register_verdict judge_case_root(struct judged *judged)
{
    enum register_verdict verdict = judge_signer(judged, TRUE);
    const struct reg_entry *last = judged->signatory ? judged->signatory->case_root : NULL;
    gint64 hour_us, last_us;

    if (verdict != REGISTER_COUNTS || !last)
        return verdict;
    if (clock_parse(json_text(judged->predicate, "hour"), &hour_us, NULL) &&
        clock_parse(json_text(last->said, "hour"), &last_us, NULL) && hour_us > last_us)
        return verdict;
    return register_refuse(judged, REGISTER_CONFLICT,
                           "a root of the same or a later hour is there already");
}

static void apply_case_root(struct reg *reg, struct judged *judged, struct reg_entry *entry)
{
    (void)reg;
    entry->said = json_incref((json_t *)judged->predicate);
    judged->signatory->case_root = entry;
}

/* What it says concerns nobody else in the register: that it was said, and when, is what counts. */
static void apply_nothing(struct reg *reg, struct judged *judged, struct reg_entry *entry)
{
    (void)reg;
    (void)judged;
    (void)entry;
}

const struct handler handlers_said[] = {
    { PREDICATE_ASSESSMENT, judge_assessment, apply_assessment },
    { PREDICATE_COMMITMENT, judge_commitment, apply_commitment },
    { PREDICATE_HUNT, judge_release, apply_hunt }, /* its subject is what was hunted */
    { PREDICATE_INDICATORS, judge_release, apply_nothing },
    { PREDICATE_LEGAL_POSITION, judge_own, apply_position },
    { PREDICATE_NORM_REPORT, judge_own, apply_report },
    { PREDICATE_RELEASE, judge_release, apply_release },
    { PREDICATE_CONTACT, judge_contact, apply_contact },
    { PREDICATE_MAILBOX, judge_mailbox, apply_mailbox },
    { PREDICATE_CASE_ROOT, judge_case_root, apply_case_root },
    { PREDICATE_BACKUP_MANIFEST, judge_release, apply_nothing },
    { PREDICATE_RECOVERY_DRILL, judge_release, apply_drill },
    { NULL, NULL, NULL },
};
