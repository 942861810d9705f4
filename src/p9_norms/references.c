#include "p9_norms/references.h"

#include "base/error.h"
#include "base/nearest_word.h"
#include "p9_norms/norms.h"

#include <stdlib.h>

/* Where each system stands in a predicate. */
static const struct {
    const char *member, *prefix; /* of the word; NULL: a number */
} places[NORM_SYSTEMS] = {
    [NORM_UN] = { "norms", "" },
    [NORM_GCSC] = { "gcsc", NULL },
    [NORM_OSCE] = { "cbms", "OSCE-" },
    [NORM_UN_CBM] = { "cbms", "UN-" },
};

static char *reference_of(const struct norm *norm)
{
    return g_strdup_printf("%s:%s", norm_systems[norm->system].name, norm->id);
}

static json_t *value_of(const struct norm *norm)
{
    const char *prefix = places[norm->system].prefix;
    g_autofree char *word = prefix ? g_strconcat(prefix, norm->id, NULL) : NULL;

    return word ? json_string(word) : json_integer(atoi(norm->id));
}

static gboolean refuse_unknown(const char *reference, GError **error)
{
    struct nearest_word nearest = { .word = reference };
    g_autoptr(GPtrArray) known = g_ptr_array_new_with_free_func(g_free);

    for (gsize i = 0; i < NORMS; i++) {
        g_ptr_array_add(known, reference_of(&norms[i]));
        nearest_word_try(&nearest, known->pdata[i]);
    }
    return nearest.best
               ? input_error(error, "\"%s\" is no norm known here; did you mean \"%s\"?", reference,
                             nearest.best)
               : input_error(error, "\"%s\" is no norm known here (see: entente norms)", reference);
}

static gboolean check(char **references, enum norm_members members, GError **error)
{
    for (; references && *references; references++) {
        const struct norm *norm = norm_find(*references);

        if (!norm)
            return refuse_unknown(*references, error);
        if (members == NORM_MEMBERS_UN && norm->system != NORM_UN)
            return input_error(error,
                               "\"%s\": such a statement names the norms of %s only, like un:g",
                               *references, norm_systems[NORM_UN].reference);
    }
    return TRUE;
}

static gboolean is_named(const struct norm *norm, char **references)
{
    for (; references && *references; references++)
        if (norm_find(*references) == norm)
            return TRUE;
    return FALSE;
}

gboolean norm_references_set(json_t *predicate, char **references, enum norm_members members,
                             GError **error)
{
    if (!check(references, members, error))
        return FALSE;
    for (guint system = 0; system < NORM_SYSTEMS; system++)
        if (members == NORM_MEMBERS_ALL || system == NORM_UN)
            json_object_set_new(predicate, places[system].member, json_array());
    for (gsize i = 0; i < NORMS; i++)
        if (is_named(&norms[i], references))
            json_array_append_new(json_object_get(predicate, places[norms[i].system].member),
                                  value_of(&norms[i]));
    return TRUE;
}

static gboolean is_there(const json_t *predicate, const struct norm *norm)
{
    g_autoptr(json_t) wanted = value_of(norm);
    const json_t *item;
    size_t index;

    json_array_foreach(json_object_get(predicate, places[norm->system].member), index, item)
    {
        if (json_equal(item, wanted))
            return TRUE;
    }
    return FALSE;
}

char *norm_references_text(const json_t *predicate)
{
    GString *text = g_string_new(NULL);

    for (gsize i = 0; i < NORMS; i++)
        if (is_there(predicate, &norms[i]))
            g_string_append_printf(text, "%s%s:%s", text->len ? " " : "",
                                   norm_systems[norms[i].system].name, norms[i].id);
    return g_string_free(text, FALSE);
}
