/* What a request asks for: target, query, route, range. The first line is the target, the second a
 * range. */
#include "node/peers.h"
#include "node/target.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const patterns[] = {
    "/",
    "/tile/*",
    "/api/v1/entries/{index}",
    "/witness/{origin}/checkpoint",
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    char *range = strchr(text, '\n');
    struct target target;
    struct peer_key key;
    guint64 first, count;

    if (range)
        *range++ = '\0';
    if (target_parse(text, &target) == 200) {
        const char *parameter;
        gsize length;

        g_assert(target.path[0] == '/' && strlen(target.path) < TARGET_PATH_LIMIT);
        g_assert(target.query_length <= TARGET_QUERY_LIMIT);
        for (const char *c = target.path; *c; c++)
            g_assert((guchar)*c >= 0x20 && *c != 0x7f);
        for (guint i = 0; i < G_N_ELEMENTS(patterns); i++)
            if (route_matches(patterns[i], target.path, &parameter, &length) && parameter)
                g_assert(parameter + length <= target.path + strlen(target.path));
        (void)target_query(&target, "group");
    }
    if (range_parse(range, size, &first, &count) == 206)
        g_assert(count > 0 && first + count <= size);
    (void)peer_key_parse(text, &key);
    return 0;
}
