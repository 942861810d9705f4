/*
 * payload_words.c: payloads as OpenBGPD and BIRD configure them:
 *
 *     roa-set { 192.0.2.0/24 maxlen 24 source-as 64500 expires 1767225600 ... }
 *     aspa-set { customer-as 64500 expires 1767225600 provider-as { 64510, 64511 allow inet } ... }
 *
 *     roa 192.0.2.0/24 max 24 as 64500;          route 192.0.2.0/24 max 24 as 64500;
 *     route aspa 64500 providers 64510, 64511;   route aspa 64500 transit;
 *
 * What stands around these is passed over.
 */
#include "base/error.h"
#include "rpki/payload_text.h"

#include <string.h>

enum place { OUTSIDE, ROA_SET, ASPA_SET, PROVIDERS, STATEMENT, ASPA_STATEMENT };

/* What the next word is. */
enum wanted { NOTHING, MAX_LENGTH, ORIGIN, EXPIRY, CUSTOMER };

struct payload_words {
    struct payload_out *out;
    struct payload_record record;
    enum place place;
    enum wanted wanted;
    gboolean is_open;       /* a record was begun */
    enum place named;       /* a set was named, its "{" is to come */
    gboolean is_address;    /* behind "allow": the name of an address family */
    gboolean has_providers; /* of an ASPA statement: the word before the list came */
};

struct payload_words *payload_words_new(struct payload_out *out)
{
    struct payload_words *words = g_new0(struct payload_words, 1);

    words->out = out;
    payload_record_init(&words->record);
    return words;
}

void payload_words_free(struct payload_words *words)
{
    if (!words)
        return;
    payload_record_clear(&words->record);
    g_free(words);
}

static gboolean put(struct payload_words *words, GError **error)
{
    const gboolean is_aspa =
        words->place == ASPA_SET || words->place == PROVIDERS || words->place == ASPA_STATEMENT;

    if (!words->is_open)
        return TRUE;
    words->is_open = FALSE;
    return (is_aspa ? payload_put_aspa : payload_put_vrp)(words->out, &words->record, error);
}

static void open_record(struct payload_words *words)
{
    payload_record_reset(&words->record);
    words->is_open = TRUE;
}

static gboolean take_wanted(struct payload_words *words, const char *word, GError **error)
{
    struct payload_record *record = &words->record;
    const enum wanted wanted = words->wanted;

    words->wanted = NOTHING;
    if (!words->is_open)
        return input_error(error, "\"%s\" before a prefix", word);
    switch (wanted) {
    case MAX_LENGTH:
        record->has_max_length = TRUE;
        return payload_read_number(word, &record->max_length, error);
    case ORIGIN:
        record->has_asn = TRUE;
        return payload_read_asn(word, &record->asn, error);
    case EXPIRY:
        return payload_read_time(word, &record->expires_s, error);
    case CUSTOMER:
        record->has_customer = TRUE;
        return payload_read_asn(word, &record->customer, error);
    case NOTHING:
        break;
    }
    return TRUE;
}

static const struct {
    enum place place;
    const char *word;
    enum wanted wanted;
} attributes[] = {
    { ROA_SET, "maxlen", MAX_LENGTH }, { ROA_SET, "source-as", ORIGIN },
    { ROA_SET, "expires", EXPIRY },    { ASPA_SET, "expires", EXPIRY },
    { STATEMENT, "max", MAX_LENGTH },  { STATEMENT, "as", ORIGIN },
};

static gboolean is_attribute(struct payload_words *words, const char *word)
{
    for (guint i = 0; i < G_N_ELEMENTS(attributes); i++)
        if (attributes[i].place == words->place && g_str_equal(attributes[i].word, word)) {
            words->wanted = attributes[i].wanted;
            return TRUE;
        }
    return FALSE;
}

/* --- by place --- */

static gboolean take_outside(struct payload_words *words, const char *word, GError **error)
{
    if (words->named != OUTSIDE) {
        if (g_str_equal(word, "{")) { /* a set may have a name before it */
            words->place = words->named;
            words->named = OUTSIDE;
        }
        return TRUE;
    }
    if (g_str_equal(word, "roa-set") || g_str_equal(word, "aspa-set")) {
        words->named = word[0] == 'a' ? ASPA_SET : ROA_SET;
        words->out->end.form = PAYLOAD_OPENBGPD;
    } else if (g_str_equal(word, "roa") || g_str_equal(word, "route")) {
        words->place = STATEMENT;
    }
    return TRUE;
}

static gboolean take_in_roa_set(struct payload_words *words, const char *word, GError **error)
{
    if (g_str_equal(word, ","))
        return TRUE;
    if (!put(words, error))
        return FALSE;
    if (g_str_equal(word, "}")) {
        words->place = OUTSIDE;
        return TRUE;
    }
    open_record(words);
    return ip_prefix_parse(word, &words->record.prefix, error);
}

static gboolean take_in_aspa_set(struct payload_words *words, const char *word, GError **error)
{
    if (g_str_equal(word, "provider-as") && words->is_open)
        return TRUE;
    if (g_str_equal(word, "{") && words->is_open) {
        words->place = PROVIDERS;
        return TRUE;
    }
    if (g_str_equal(word, ","))
        return TRUE;
    if (!put(words, error))
        return FALSE;
    if (g_str_equal(word, "}")) {
        words->place = OUTSIDE;
        return TRUE;
    }
    if (!g_str_equal(word, "customer-as"))
        return input_error(error, "\"%s\" where \"customer-as\" belongs", word);
    open_record(words);
    words->wanted = CUSTOMER;
    return TRUE;
}

static gboolean take_provider(struct payload_words *words, const char *word, GError **error)
{
    guint32 asn;

    return payload_read_asn(word, &asn, error) && payload_add_provider(&words->record, asn, error);
}

static gboolean take_in_providers(struct payload_words *words, const char *word, GError **error)
{
    if (words->is_address) {
        words->is_address = FALSE;
        return TRUE;
    }
    if (g_str_equal(word, ","))
        return TRUE;
    if (g_str_equal(word, "allow")) {
        words->is_address = TRUE;
        return TRUE;
    }
    if (!g_str_equal(word, "}"))
        return take_provider(words, word, error);
    words->place = ASPA_SET;
    return put(words, error);
}

static gboolean take_in_statement(struct payload_words *words, const char *word, GError **error)
{
    if (words->is_open) {
        if (!g_str_equal(word, ";"))
            return input_error(error, "\"%s\" where \";\" belongs", word);
        if (!put(words, error))
            return FALSE;
        words->place = OUTSIDE;
        return TRUE;
    }
    if (g_str_equal(word, "aspa")) {
        words->place = ASPA_STATEMENT;
        words->has_providers = FALSE;
        open_record(words);
        words->wanted = CUSTOMER;
    } else if (strchr(word, '/')) {
        open_record(words);
        words->out->end.form = PAYLOAD_BIRD;
        return ip_prefix_parse(word, &words->record.prefix, error);
    } else {
        words->place = OUTSIDE; /* "roa table", and other things that begin so */
    }
    return TRUE;
}

static gboolean take_in_aspa_statement(struct payload_words *words, const char *word,
                                       GError **error)
{
    words->out->end.form = PAYLOAD_BIRD;
    if (g_str_equal(word, ";")) {
        if (!put(words, error))
            return FALSE;
        words->place = OUTSIDE;
        return TRUE;
    }
    if (!words->has_providers) {
        words->has_providers = TRUE;
        return g_str_equal(word, "provider") || g_str_equal(word, "providers") ||
               g_str_equal(word, "transit") ||
               input_error(error, "\"%s\" where \"providers\" belongs", word);
    }
    return g_str_equal(word, ",") || take_provider(words, word, error);
}

gboolean payload_words_take(struct payload_words *words, const char *word, GError **error)
{
    static gboolean (*const takers[])(struct payload_words *, const char *, GError **) = {
        [OUTSIDE] = take_outside,        [ROA_SET] = take_in_roa_set,
        [ASPA_SET] = take_in_aspa_set,   [PROVIDERS] = take_in_providers,
        [STATEMENT] = take_in_statement, [ASPA_STATEMENT] = take_in_aspa_statement,
    };

    if (words->wanted != NOTHING)
        return take_wanted(words, word, error);
    return is_attribute(words, word) || takers[words->place](words, word, error);
}

gboolean payload_words_finish(struct payload_words *words, GError **error)
{
    if (words->place != OUTSIDE || words->named != OUTSIDE)
        return input_error(
            error, "ends in the middle of %s",
            words->place == STATEMENT || words->place == ASPA_STATEMENT ? "a statement" : "a set");
    return words->out->end.form != PAYLOAD_FORMS ||
           input_error(error, "none of the forms that RPKI payloads are written in");
}
