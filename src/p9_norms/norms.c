#include "p9_norms/norms.h"

#include <string.h>

const struct norm *norm_find(const char *reference)
{
    const char *colon = strchr(reference, ':');

    if (!colon)
        return NULL;
    for (gsize i = 0; i < NORMS; i++) {
        const char *system = norm_systems[norms[i].system].name;

        if (strlen(system) == (gsize)(colon - reference) && g_str_has_prefix(reference, system) &&
            g_str_equal(norms[i].id, colon + 1))
            return &norms[i];
    }
    return NULL;
}
