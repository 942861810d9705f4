/* routes_check.c: entente routes check: what RPKI, ASPA, RFC 9234 and registries say of routes. */
#include "cli/routes_check.h"
#include "base/clock.h"
#include "base/error.h"
#include "cli/routes_command.h"
#include "journal/journal.h"
#include "p2_internet/routes/gather_run.h"
#include "p2_internet/routes/own_roas.h"
#include "profile/profile.h"
#include "rpki/payload.h"

static gint64 oldest_build(const struct payload *payload)
{
    const GPtrArray *files = payload_files(payload);
    gint64 oldest_us = 0;

    for (guint i = 0; i < files->len; i++) {
        const struct payload_file *file = files->pdata[i];

        if (file->built_us && (!oldest_us || file->built_us < oldest_us))
            oldest_us = file->built_us;
    }
    return oldest_us;
}

/* --- the profile's own prefixes --- */

static struct route_filter *own_filter(const struct profile *profile, GError **error)
{
    g_autoptr(route_filter_t) filter = route_filter_new();
    gboolean any = FALSE;

    for (guint i = 0; i < profile->assets->len; i++) {
        const struct asset *asset = profile->assets->pdata[i];
        struct ip_prefix prefix;

        if (asset->kind != ASSET_PREFIX || !ip_prefix_parse(asset->prefix, &prefix, NULL))
            continue;
        route_filter_add(filter, &prefix);
        any = TRUE;
    }
    if (!any) {
        input_error(error, "--own: the profile names no prefix under \"prefixes\"");
        return NULL;
    }
    route_filter_ready(filter);
    return g_steal_pointer(&filter);
}

/* What the measures org.routes.* are judged by. */
static gboolean record_own(const struct context *context, const struct check_result *result,
                           GError **error)
{
    g_autofree char *folder = cli_data_folder(context, error);
    g_autoptr(journal_t) journal = folder ? journal_open(folder, error) : NULL;
    const json_t *record;
    const char *name;
    gboolean noted = journal != NULL;

    json_object_foreach(result->own, name, record)
    {
        g_autofree char *body = json_dumps(record, JSON_COMPACT);

        noted = noted && journal_note(journal, ROUTES_CHECK_EVENT, name, name, body, error);
    }
    return noted;
}

static void judge_own(const struct routes_arguments *given, const struct profile *profile,
                      const struct payload *payload, struct check_result *result)
{
    const struct own_roas own = {
        .profile = profile,
        .vrps = result->vrps,
        .announced = result->origins,
        .now_us = result->now_us,
        .built_us = oldest_build(payload),
        .cache = given->rtr,
    };

    result->own = json_object();
    for (guint i = 0; i < profile->assets->len; i++) {
        const struct asset *asset = profile->assets->pdata[i];

        if (asset->kind == ASSET_PREFIX)
            json_object_set_new(result->own, asset->name, own_roas_record(&own, asset));
    }
}

/* Routes that only contain own space passed the filter too. */
static void keep_own(const struct profile *profile, GArray *origins)
{
    guint kept = 0;

    for (guint i = 0; i < origins->len; i++) {
        const struct gather_origin *one = &g_array_index(origins, struct gather_origin, i);

        if (own_roas_holds(profile, &one->prefix))
            g_array_index(origins, struct gather_origin, kept++) = *one;
    }
    g_array_set_size(origins, kept);
}

/* --- the command --- */

static gboolean check_arguments(const struct routes_arguments *given, char **files, GError **error)
{
    if (!given->vrps && !given->rtr)
        return input_error(error, "entente routes check --vrp FILE | --rtr HOST:PORT MRT...: "
                                  "without payloads of RPKI no origin can be judged");
    if (!files[0] && !given->own)
        return input_error(error, "which MRT files: names, folders, or - for standard input");
    if (given->threads < 0)
        return input_error(error, "--threads: %d is not a number of threads", given->threads);
    return TRUE;
}

static int run(const struct context *context, gconstpointer shared, char **files, GError **error)
{
    const struct routes_arguments *given = shared;
    g_autofree char *path = given->own ? cli_profile_path(context) : NULL;
    g_autoptr(payload_t) payload = payload_new(clock_now_us());
    g_autoptr(profile_t) profile = NULL;
    g_autoptr(route_filter_t) filter = NULL;
    g_auto(check_result_t) result = { .now_us = clock_now_us() };
    struct gather_job job = { .threads = (guint)MAX(given->threads, 0), .problem = routes_problem };

    if (!check_arguments(given, files, error))
        return EXIT_INPUT;
    if (given->own && !path)
        return input_error(error,
                           "--own needs a profile that names your prefixes (--profile FILE)");
    if (path && !(profile = profile_load(path, error)))
        return EXIT_INPUT;
    filter = given->own ? own_filter(profile, error) : routes_filter(given, error);
    if (!filter)
        return EXIT_INPUT;
    if (!routes_payloads(context, given, payload, error))
        return EXIT_SYSTEM;
    result.vrps = vrp_set_ref(payload_vrps(payload));
    result.aspas = aspa_set_ref(payload_aspas(payload));
    result.gather = gather_new(result.aspas);
    job.aspas = result.aspas;
    job.filter = filter;
    job.memory = vrp_set_bytes(result.vrps);
    if (files[0] && !gather_files(result.gather, files, &job, &result.read, error))
        return EXIT_SYSTEM;
    result.origins = gather_origins(result.gather);
    result.paths = gather_paths(result.gather);
    if (given->own) {
        keep_own(profile, result.origins);
        judge_own(given, profile, payload, &result);
        if (!record_own(context, &result, error))
            return EXIT_SYSTEM;
    }
    if (!check_show(context, &result, error))
        return EXIT_SYSTEM;
    return MAX(result.found ? EXIT_FOUND : EXIT_DONE, routes_read_status(&result.read));
}

const struct subcommand routes_subcommand_check = { "check", run };
