/* draw_document.c: what was drawn of one assessment, for those who must open and look. */
#include "base/clock.h"
#include "base/error.h"
#include "register/register_private.h"
#include "statement/base64.h"

static json_t *hash_json(const guint8 *bytes)
{
    g_autofree char *hex = hex_encode(bytes, MERKLE_HASH_SIZE);

    return json_string(hex);
}

static json_t *time_json(gint64 time_us)
{
    g_autofree char *text = clock_format(time_us);

    return json_string(text);
}

/* Each drawn leaf with the class that the published order claims for it; null: none is claimed. */
static json_t *findings_of(const struct reg_assessment *assessment)
{
    json_t *list = json_array();

    for (guint i = 0; i < assessment->drawn->len; i++) {
        guint64 index = g_array_index(assessment->drawn, guint64, i);
        enum draw_class rank = draw_order_class(&assessment->order, index);
        gboolean claimed = assessment->ordered && rank < DRAW_CLASSES;

        json_array_append_new(list, json_pack("{s:I, s:s?}", "index", (json_int_t)index, "severity",
                                              claimed ? draw_class_names[rank] : NULL));
    }
    return list;
}

static json_t *reviews_of(const struct reg_assessment *assessment)
{
    json_t *list = json_array();

    for (guint i = 0; assessment->reviews && i < assessment->reviews->len; i++) {
        const struct reg_entry *review = assessment->reviews->pdata[i];

        json_array_append_new(
            list, json_pack("{s:I, s:s, s:s, s:b}", "index", (json_int_t)review->index, "by_domain",
                            review->signatory->domain, "verdict",
                            json_text(review->said, "verdict"), "disputed", review->disputed));
    }
    return list;
}

/* As in the register's document, with the findings' classes and the clocks. */
static json_t *draw_of(const struct reg *reg, const struct reg_assessment *assessment)
{
    json_t *draw = reviews_draw_json(assessment);
    gint64 time_us;

    if (json_is_null(draw))
        return draw;
    time_us = assessment->dice->time_s * G_USEC_PER_SEC;
    json_object_del(draw, "indices");
    json_object_set_new(draw, "time", time_json(time_us));
    json_object_set_new(draw, "due",
                        time_json(time_us + register_policy(reg)->review_due_s * G_USEC_PER_SEC));
    json_object_set_new(draw, "findings", findings_of(assessment));
    return draw;
}

json_t *register_draw(const struct reg *reg, guint64 index, GError **error)
{
    const struct reg_entry *entry = index < reg->entries->len ? reg->entries->pdata[index] : NULL;
    const struct reg_assessment *assessment = entry ? entry->assessment : NULL;

    if (!assessment) {
        input_error(error, "entry %" G_GUINT64_FORMAT " of %s is no assessment that counts", index,
                    register_policy(reg)->origin);
        return NULL;
    }
    return json_pack("{s:s, s:s, s:{s:I, s:o, s:s, s:s, s:s, s:b, s:{s:o, s:I}}, s:o, s:o}",
                     "schema", REGISTER_DRAW_SCHEMA, "log", register_policy(reg)->origin,
                     "assessment", "index", (json_int_t)entry->index, "entry",
                     hash_json(entry->leaf), "signatory", entry->signatory->id_hex, "domain",
                     entry->signatory->domain, "catalogue", assessment->catalogue_digest,
                     "disputed", entry->disputed, "commitments", "root",
                     hash_json(assessment->root), "count", (json_int_t)assessment->count, "draw",
                     draw_of(reg, assessment), "reviews", reviews_of(assessment));
}
