#include "assess/catalogue.h"

#include "base/error.h"
#include "base/nearest_word.h"
#include "catalogue_judges.h"

#include <stdlib.h>
#include <string.h>

const struct measure *catalogue_measures(gsize *count)
{
    *count = catalogue_row_count;
    return catalogue_rows;
}

static int compare_id(const void *key, const void *row)
{
    return strcmp(key, ((const struct measure *)row)->id);
}

const struct measure *catalogue_find(const char *id)
{
    const struct measure *found =
        bsearch(id, catalogue_rows, catalogue_row_count, sizeof *catalogue_rows, compare_id);

    for (gsize i = 0; !found && i < catalogue_row_count; i++)
        if (catalogue_rows[i].catalogue_id && g_str_equal(catalogue_rows[i].catalogue_id, id))
            found = &catalogue_rows[i];
    return found;
}

const struct measure *catalogue_find_or_refuse(const char *id, GError **error)
{
    const struct measure *found = catalogue_find(id);
    struct nearest_word nearest = { .word = id };

    if (found)
        return found;
    for (gsize i = 0; i < catalogue_row_count; i++) {
        nearest_word_try(&nearest, catalogue_rows[i].id);
        if (catalogue_rows[i].catalogue_id)
            nearest_word_try(&nearest, catalogue_rows[i].catalogue_id);
    }
    if (nearest.best)
        input_error(error, "there is no measure \"%s\"; did you mean \"%s\"?", id, nearest.best);
    else
        input_error(error, "there is no measure \"%s\" (see: entente measures)", id);
    return NULL;
}

const char *catalogue_digest(void)
{
    return catalogue_rows_digest;
}
