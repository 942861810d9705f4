/*
 * STIX patterns: what is read prints as a strict pattern with an equal tree; every pattern is
 * hunted or says why not, and equal patterns alike.
 */
#include "p1_resilience/hunt/indicator.h"
#include "p1_resilience/hunt/pattern.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_hunts(const struct pattern *pattern, const struct pattern *again)
{
    g_autoptr(pattern_hunt_t) hunt = pattern_compile(pattern);
    g_autoptr(pattern_hunt_t) same = pattern_compile(again);

    g_assert_cmpint(hunt->unhunted == 0, ==, hunt->reason == PATTERN_HUNTABLE);
    g_assert_true(hunt->unhunted > 0 || hunt->indicators->len > 0);
    g_assert_cmpuint(hunt->unhunted, ==, same->unhunted);
    g_assert_cmpuint(hunt->indicators->len, ==, same->indicators->len);
    for (guint i = 0; i < hunt->indicators->len; i++)
        g_assert_cmpstr(
            g_array_index(hunt->indicators, struct pattern_indicator, i).indicator->text, ==,
            g_array_index(same->indicators, struct pattern_indicator, i).indicator->text);
}

/* The first byte says the flags. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum pattern_refusal refusal;
    g_autoptr(GError) error = NULL;
    g_autoptr(pattern_t) pattern = NULL;
    g_autoptr(pattern_t) again = NULL;
    g_autofree char *print = NULL;
    g_autofree char *reprint = NULL;

    if (size == 0)
        return 0;
    pattern = pattern_parse((const char *)data + 1, size - 1,
                            data[0] & (PATTERN_LENIENT | PATTERN_STIX_2_0), &refusal, &error);
    g_assert_cmpint(refusal == PATTERN_REFUSED_NOT, ==, pattern != NULL);
    g_assert_cmpint(error == NULL, ==, pattern != NULL);
    if (!pattern)
        return 0;
    print = pattern_print(pattern);
    if (strlen(print) > PATTERN_LENGTH_LIMIT)
        return 0;
    again = pattern_parse(print, strlen(print), PATTERN_STRICT, NULL, NULL);
    g_assert_nonnull(again);
    g_assert_true(pattern_equal(pattern, again));
    check_hunts(pattern, again);
    reprint = pattern_print(again);
    g_assert_cmpstr(print, ==, reprint);
    return 0;
}
