#include "register/listing.h"

#include "register/document.h"
#include "register/register_private.h"

#include <string.h>

#define WORDS_LIMIT 16u  /* of a search */
#define TYPES_LIMIT 128u /* rows of the table of predicates */

static const char *const orders[] = {
    [REGISTER_BY_NAME] = "name",       [REGISTER_BY_DOMAIN] = "domain",
    [REGISTER_BY_COUNTRY] = "country", [REGISTER_BY_GROUP] = "group",
    [REGISTER_BY_JOINED] = "joined",   [REGISTER_BY_EVIDENCE] = "evidence",
};

gboolean register_order_parse(const char *word, enum register_order *order)
{
    for (guint i = 0; i < G_N_ELEMENTS(orders); i++)
        if (g_str_equal(orders[i], word)) {
            *order = (enum register_order)i;
            return TRUE;
        }
    return FALSE;
}

/* --- searching --- */

/* Lower case without accents: "Évalué" is found by "evalue". */
static void append_folded(GString *out, const char *text)
{
    g_autofree char *parts = text ? g_utf8_normalize(text, -1, G_NORMALIZE_ALL) : NULL;

    for (const char *at = parts; at && *at; at = g_utf8_next_char(at)) {
        gunichar c = g_utf8_get_char(at);

        if (!g_unichar_ismark(c))
            g_string_append_unichar(out, g_unichar_tolower(c));
    }
}

char *listing_fold(const struct reg_signatory *signatory)
{
    GString *text = g_string_new(NULL);

    append_folded(text, signatory->name);
    g_string_append_c(text, '\n');
    append_folded(text, signatory->domain);
    g_string_append_c(text, '\n');
    g_string_append(text, signatory->id_hex);
    return g_string_free(text, FALSE);
}

static gboolean has_words(const struct reg_signatory *signatory, char *const *words)
{
    for (; words && *words; words++)
        if (**words && !strstr(signatory->folded, *words))
            return FALSE;
    return TRUE;
}

static const json_t *endorsed(const struct reg_signatory *signatory)
{
    return signatory->endorsement ? json_object_get(signatory->endorsement->said, "principles")
                                  : NULL;
}

static gboolean endorses(const struct reg_signatory *signatory, guint principle)
{
    const json_t *item;
    size_t i;

    json_array_foreach(endorsed(signatory), i, item)
    {
        if (json_integer_value(item) == (json_int_t)principle)
            return TRUE;
    }
    return FALSE;
}

static const char *freshness_of(const struct reg_signatory *signatory, gint64 now_us)
{
    const struct reg_entry *latest = document_latest(signatory);

    return latest ? freshness_class(document_age_us(latest, now_us)) : "none";
}

static gboolean is_shown(const struct reg_signatory *signatory)
{
    return signatory->removed_at == G_MAXUINT64 && signatory->name && signatory->folded;
}

static gboolean passes(const struct reg_signatory *signatory, const struct register_query *query,
                       char *const *words, gint64 now_us)
{
    return is_shown(signatory) &&
           (query->group == GROUP_UNKNOWN || signatory->group == query->group) &&
           (!query->country || g_strcmp0(signatory->country, query->country) == 0) &&
           (!query->attested || g_str_equal(document_standing(signatory), query->attested)) &&
           (!query->principle || endorses(signatory, query->principle)) &&
           has_words(signatory, words) &&
           (!query->freshness || g_str_equal(freshness_of(signatory, now_us), query->freshness));
}

/* --- order --- */

static gint64 compare_numbers(gint64 a, gint64 b)
{
    return a < b ? -1 : a > b;
}

static gint64 joined_at(const struct reg_signatory *signatory)
{
    return signatory->joined ? (gint64)signatory->joined->index : -1;
}

static gint64 evidence_at(const struct reg_signatory *signatory)
{
    const struct reg_entry *latest = document_latest(signatory);

    return latest ? latest->assessment->ended_us : 0;
}

static gint by_field(const struct reg_signatory *a, const struct reg_signatory *b,
                     enum register_order order)
{
    switch (order) {
    case REGISTER_BY_DOMAIN:
        return g_strcmp0(a->domain, b->domain);
    case REGISTER_BY_COUNTRY:
        return g_strcmp0(a->country, b->country);
    case REGISTER_BY_GROUP:
        return (gint)a->group - (gint)b->group;
    case REGISTER_BY_JOINED:
        return (gint)compare_numbers(joined_at(a), joined_at(b));
    case REGISTER_BY_EVIDENCE: /* the newest first */
        return (gint)compare_numbers(evidence_at(b), evidence_at(a));
    case REGISTER_BY_NAME:
        break;
    }
    return 0;
}

static gint compare(gconstpointer left, gconstpointer right, gpointer data)
{
    const struct reg_signatory *a = *(const struct reg_signatory *const *)left;
    const struct reg_signatory *b = *(const struct reg_signatory *const *)right;
    const struct register_query *query = data;
    gint by = by_field(a, b, query->order);

    if (!by)
        by = strcmp(a->folded, b->folded); /* ends in the id: never equal */
    return query->backwards ? -by : by;
}

/* --- rows --- */

static json_t *evidence_row(const struct reg_entry *entry, gint64 now_us)
{
    json_t *value = document_place(entry);

    json_object_set_new(value, "age_s",
                        json_integer(document_age_us(entry, now_us) / G_USEC_PER_SEC));
    json_object_set_new(value, "status", json_string(document_review_status(entry->assessment)));
    json_object_set_new(value, "principles", document_bands(entry->assessment));
    return value;
}

static json_t *text_or_null(const char *text)
{
    return text ? json_string(text) : json_null();
}

static json_t *row_of(const struct reg_signatory *signatory, gint64 now_us)
{
    const struct reg_entry *latest = document_latest(signatory);
    const json_t *principles = endorsed(signatory);
    const json_t *roles =
        signatory->contact ? json_object_get(signatory->contact->said, "roles") : NULL;

    return json_pack(
        "{s:s, s:s, s:o, s:o, s:o, s:s, s:b, s:o, s:s, s:o, s:o, s:o, s:I}", "id",
        signatory->id_hex, "name", signatory->name, "domain", text_or_null(signatory->domain),
        "group", text_or_null(group_name(signatory->group)), "country",
        text_or_null(signatory->country), "attested", document_standing(signatory), "single_key",
        signatory->root.keys->len == 1, "joined",
        signatory->joined ? document_place(signatory->joined) : json_null(), "freshness",
        freshness_of(signatory, now_us), "assessment",
        latest ? evidence_row(latest, now_us) : json_null(), "principles",
        principles ? json_deep_copy(principles) : json_array(), "contacts",
        roles ? json_deep_copy(roles) : json_array(), "statements",
        (json_int_t)signatory->assessments->len + signatory->commitments->len +
            signatory->positions->len + signatory->releases->len + signatory->reports->len);
}

json_t *register_list(const struct reg *reg, const struct register_query *query, gint64 now_us)
{
    g_autoptr(GPtrArray) found = g_ptr_array_new();
    g_autoptr(GString) folded = g_string_new(NULL);
    g_auto(GStrv) words = NULL;
    json_t *rows = json_array();
    guint64 end;

    append_folded(folded, query->text);
    words = g_strsplit_set(folded->str, " \t", WORDS_LIMIT);
    for (guint i = 0; i < reg->signatories->len; i++)
        if (passes(reg->signatories->pdata[i], query, words, now_us))
            g_ptr_array_add(found, reg->signatories->pdata[i]);
    g_ptr_array_sort_with_data(found, compare, (gpointer)query);
    end = MIN(query->offset + MIN(query->limit, REGISTER_PAGE_LIMIT), found->len);
    for (guint64 i = MIN(query->offset, found->len); i < end; i++)
        json_array_append_new(rows, row_of(found->pdata[i], now_us));
    return json_pack("{s:i, s:I, s:o}", "total", (int)found->len, "offset",
                     (json_int_t)query->offset, "signatories", rows);
}

/* --- entries --- */

static gboolean is_asked_for(const struct reg_entry *entry, const struct register_span *span)
{
    return (!span->signatory ||
            (entry->signatory && g_str_equal(entry->signatory->id_hex, span->signatory))) &&
           (!span->type || (entry->predicate && g_str_equal(entry->predicate->type, span->type)));
}

json_t *register_newest(const struct reg *reg, const struct register_span *span)
{
    json_t *rows = json_array();

    for (guint64 i = MIN(span->before, reg->entries->len);
         i > 0 && json_array_size(rows) < MIN(span->count, REGISTER_PAGE_LIMIT); i--) {
        const struct reg_entry *entry = reg->entries->pdata[i - 1];
        json_t *row;

        if (!is_asked_for(entry, span))
            continue;
        row = register_entry(reg, entry->index);
        if (entry->signatory) {
            json_object_set_new(row, "name", json_safe_string(entry->signatory->name));
            json_object_set_new(row, "domain", json_safe_string(entry->signatory->domain));
        }
        json_array_append_new(rows, row);
    }
    return rows;
}

/* --- counts --- */

static void count_word(json_t *counts, const char *word)
{
    json_object_set_new(counts, word, json_integer(json_number(counts, word, 0) + 1));
}

struct principle_counts {
    guint endorsed, commitments, assessed;
};

static void count_principles(const struct reg_signatory *signatory,
                             struct principle_counts counts[PREDICATE_PRINCIPLES])
{
    const struct reg_entry *latest = document_latest(signatory);

    for (guint n = 1; n <= PREDICATE_PRINCIPLES; n++) {
        counts[n - 1].endorsed += endorses(signatory, n);
        counts[n - 1].assessed += latest && latest->assessment->bands[n - 1] >= 0;
    }
    for (guint i = 0; i < signatory->commitments->len; i++) {
        const struct reg_entry *entry = signatory->commitments->pdata[i];
        gint64 n = json_number(entry->said, "principle", 0);

        if (!entry->updated_by && !entry->disputed && n >= 1 && n <= PREDICATE_PRINCIPLES)
            counts[n - 1].commitments++;
    }
}

static json_t *principles_json(const struct principle_counts counts[PREDICATE_PRINCIPLES])
{
    json_t *list = json_array();

    for (guint i = 0; i < PREDICATE_PRINCIPLES; i++)
        json_array_append_new(list, json_pack("{s:i, s:i, s:i, s:i}", "n", (int)i + 1, "endorsed",
                                              (int)counts[i].endorsed, "commitments",
                                              (int)counts[i].commitments, "assessed",
                                              (int)counts[i].assessed));
    return list;
}

static json_t *groups_json(const struct reg *reg, gint64 now_us)
{
    json_t *groups = json_object();

    for (guint group = GROUP_STATE; group <= GROUP_CIVIL_SOCIETY; group++) {
        guint all = 0, attested = 0, fresh = 0;

        for (guint i = 0; i < reg->signatories->len; i++) {
            const struct reg_signatory *signatory = reg->signatories->pdata[i];

            if (!is_shown(signatory) || (guint)signatory->group != group)
                continue;
            all++;
            attested += signatory->member || signatory->attested;
            fresh += g_str_equal(freshness_of(signatory, now_us), "fresh");
        }
        json_object_set_new(groups, group_name((enum group)group),
                            json_pack("{s:i, s:i, s:i}", "signatories", (int)all, "attested",
                                      (int)attested, "fresh", (int)fresh));
    }
    return groups;
}

/* One pass over what may be a million entries: numbers by row of the predicates' table. */
static json_t *entries_json(const struct reg *reg, json_t *types)
{
    guint by_type[TYPES_LIMIT] = { 0 }, counted = 0, refused = 0, disputed = 0;

    for (guint i = 0; i < reg->entries->len; i++) {
        const struct reg_entry *entry = reg->entries->pdata[i];

        if (entry->verdict != REGISTER_COUNTS) {
            refused++;
            continue;
        }
        counted++;
        disputed += entry->disputed;
        if (entry->predicate && entry->predicate - predicates < (gssize)TYPES_LIMIT)
            by_type[entry->predicate - predicates]++;
    }
    for (guint i = 0; i < TYPES_LIMIT && predicates[i].name; i++)
        if (by_type[i])
            json_object_set_new(types, predicates[i].type, json_integer(by_type[i]));
    return json_pack("{s:i, s:i, s:i}", "counted", (int)counted, "refused", (int)refused,
                     "disputed", (int)disputed);
}

json_t *register_counts(const struct reg *reg, gint64 now_us)
{
    struct principle_counts counts[PREDICATE_PRINCIPLES] = { 0 };
    json_t *countries = json_object(), *freshness = json_object(), *types = json_object();
    guint all = 0;

    for (guint i = 0; i < reg->signatories->len; i++) {
        const struct reg_signatory *signatory = reg->signatories->pdata[i];

        if (!is_shown(signatory))
            continue;
        all++;
        if (signatory->country)
            count_word(countries, signatory->country);
        count_word(freshness, freshness_of(signatory, now_us));
        count_principles(signatory, counts);
    }
    return json_pack("{s:i, s:o, s:o, s:o, s:o, s:o, s:o}", "signatories", (int)all, "groups",
                     groups_json(reg, now_us), "countries", countries, "freshness", freshness,
                     "principles", principles_json(counts), "entries", entries_json(reg, types),
                     "types", types);
}
