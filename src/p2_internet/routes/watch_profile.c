#include "p2_internet/routes/watch_profile.h"

#include "base/error.h"

static GArray *copy(const GArray *list)
{
    return list ? g_array_append_vals(g_array_new(FALSE, FALSE, sizeof(guint32)), list->data,
                                      list->len)
                : NULL;
}

static struct watch_as *system_of(const struct asset *asset)
{
    struct watch_as *system = g_new0(struct watch_as, 1);

    system->as = asset->as_number;
    system->name = g_strdup(asset->name);
    system->upstreams = copy(asset->upstreams);
    system->peers = copy(asset->peers);
    system->downstreams = copy(asset->downstreams);
    return system;
}

static struct watch_prefix *prefix_of(const struct asset *asset, const GArray *numbers,
                                      GError **error)
{
    struct watch_prefix *prefix = g_new0(struct watch_prefix, 1);

    if (!ip_prefix_parse(asset->prefix, &prefix->prefix, error)) {
        g_free(prefix);
        return NULL;
    }
    prefix->name = g_strdup(asset->name);
    prefix->origins = copy(asset->origins ? asset->origins : numbers);
    prefix->neighbours = copy(asset->neighbours);
    prefix->max_length = asset->max_length;
    prefix->dormant = asset->dormant;
    return prefix;
}

gboolean watch_of_profile(const struct profile *profile, GPtrArray **prefixes, GPtrArray **systems,
                          GError **error)
{
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func((GDestroyNotify)watch_prefix_free);
    g_autoptr(GPtrArray) own = g_ptr_array_new_with_free_func((GDestroyNotify)watch_as_free);
    g_autoptr(GArray) numbers = g_array_new(FALSE, FALSE, sizeof(guint32));

    for (guint i = 0; i < profile->assets->len; i++) {
        const struct asset *asset = profile->assets->pdata[i];

        if (asset->kind != ASSET_AS)
            continue;
        g_ptr_array_add(own, system_of(asset));
        g_array_append_val(numbers, asset->as_number);
    }
    for (guint i = 0; i < profile->assets->len; i++) {
        const struct asset *asset = profile->assets->pdata[i];
        struct watch_prefix *prefix;

        if (asset->kind != ASSET_PREFIX)
            continue;
        prefix = prefix_of(asset, numbers, error);
        if (!prefix)
            return FALSE;
        g_ptr_array_add(found, prefix);
    }
    if (!found->len && !own->len)
        return input_error(error,
                           "%s has neither prefixes nor autonomous systems: nothing to watch",
                           profile->path ? profile->path : "the profile");
    *prefixes = g_steal_pointer(&found);
    *systems = g_steal_pointer(&own);
    return TRUE;
}
