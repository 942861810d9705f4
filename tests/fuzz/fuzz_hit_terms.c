/*
 * Module hit_terms: what else a pattern asks for, as it lies in a table that somebody else made.
 * What is read of it must be what it was made of, and is met by its own keys alone.
 */
#include "p1_resilience/hunt/hit_terms.h"

#include <stdint.h>
#include <string.h>

struct read {
    GString *terms; /* made anew of what was read: each value a term of its own */
    GArray *values; /* struct indicator */
    hit_seen_t *seen;
};

static void clear(gpointer indicator)
{
    indicator_clear(indicator);
}

/* All values of the text; each has the key that it was read from. */
static void read_all(const char *text, struct read *read)
{
    g_autofree struct hunt_key *key = g_new(struct hunt_key, 1), *again = g_new(struct hunt_key, 1);
    struct indicator indicator = { 0 };
    const char *at = text;

    while (hit_terms_next(&at, &indicator, key)) {
        g_assert_true(at > text && at <= text + strlen(text));
        g_assert_true(hunt_key_of(&indicator, again));
        g_assert_cmpmem(again->bytes, again->length, key->bytes, key->length);
        g_assert_true(hit_terms_add(read->terms, &indicator, TRUE));
        hit_seen_add(read->seen, key->bytes, key->length, TRUE);
        g_array_append_val(read->values, indicator);
        indicator = (struct indicator){ 0 };
    }
}

static void read_init(struct read *read)
{
    read->terms = g_string_new(NULL);
    read->values = g_array_new(FALSE, FALSE, sizeof(struct indicator));
    g_array_set_clear_func(read->values, clear);
    read->seen = hit_seen_new();
}

static void read_clear(struct read *read)
{
    g_string_free(read->terms, TRUE);
    g_array_unref(read->values);
    hit_seen_free(read->seen);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, MIN(size, HIT_TERMS_LIMIT));
    g_autoptr(hit_seen_t) nothing = hit_seen_new();
    struct read first, second;

    read_init(&first);
    read_init(&second);
    g_assert_false(hit_terms_met(text, nothing));
    read_all(text, &first);
    hit_terms_met(text, first.seen);
    read_all(first.terms->str, &second);
    g_assert_cmpuint(second.values->len, ==, first.values->len);
    g_assert_cmpstr(second.terms->str, ==, first.terms->str);
    g_assert_true(hit_terms_met(first.terms->str, second.seen) == (first.values->len > 0));
    hit_seen_clear(second.seen);
    g_assert_false(hit_terms_met(first.terms->str, second.seen));
    read_clear(&first);
    read_clear(&second);
    return 0;
}
