#include "assess/catalogue.h"

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

const char *catalogue_digest(void)
{
    return catalogue_rows_digest;
}
