#include "assess/assess.h"

#include "assess/catalogue.h"
#include "assess/cooperation.h"
#include "assess/hunt_record.h"
#include "assess/runner.h"
#include "base/clock.h"
#include "base/error.h"
#include "config.h"
#include "p7_hygiene/host/bus.h"
#include "p7_hygiene/host/host.h"

#include <sodium.h>
#include <string.h>

#define HOST_NAME_MAX_BYTES 253
#define RUN_SUFFIX_BYTES 3

static gboolean principle_is_asked(const struct assess_options *options, guint principle)
{
    gboolean any = FALSE;

    for (guint i = 0; i < PRINCIPLES; i++)
        any |= options->principles[i];
    return !any || options->principles[principle - 1];
}

static gboolean measure_is_asked(const struct assess_options *options,
                                 const struct measure *measure)
{
    const char *const *ids = options->measures;

    if (!principle_is_asked(options, measure->principle))
        return FALSE;
    return !ids || g_strv_contains(ids, measure->id) ||
           (measure->catalogue_id && g_strv_contains(ids, measure->catalogue_id));
}

static gboolean choose_measures(const struct assess_options *options, GPtrArray *chosen,
                                GError **error)
{
    const struct measure *rows;
    gsize count;

    for (const char *const *id = options->measures; id && *id; id++)
        if (!catalogue_find_or_refuse(*id, error))
            return FALSE;
    rows = catalogue_measures(&count);
    for (gsize i = 0; i < count; i++)
        if (measure_is_asked(options, &rows[i]))
            g_ptr_array_add(chosen, (gpointer)&rows[i]);
    return TRUE;
}

/* The name a tree gives itself, or its path. */
static char *name_of_tree(struct host *host, const char *root)
{
    const struct host_file *file = host_read(host, "/etc/hostname");
    g_autofree char *name = NULL;

    if (file->state == HOST_OK && file->length <= HOST_NAME_MAX_BYTES) {
        name = g_strstrip(g_strndup(file->text, file->length));
        if (*name && !strpbrk(name, " \t\n") && g_utf8_validate(name, -1, NULL))
            return g_steal_pointer(&name);
    }
    return g_utf8_make_valid(root, -1);
}

/* In the order of time also for runs of one second. */
static char *make_run_id(gint64 time_us)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(time_us / G_USEC_PER_SEC);
    g_autofree char *stamp = g_date_time_format(time, "%Y%m%dT%H%M%S");
    guint8 random[RUN_SUFFIX_BYTES];
    char hex[sizeof random * 2 + 1];

    randombytes_buf(random, sizeof random);
    sodium_bin2hex(hex, sizeof hex, random, sizeof random);
    return g_strdup_printf("%s.%06dZ-%s", stamp, (int)(time_us % G_USEC_PER_SEC), hex);
}

static void describe(struct assessment *assessment, const struct profile *profile,
                     const struct assess_options *options)
{
    const struct signatory *who = &profile->signatory;
    struct assessment_run *run = &assessment->run;

    run->started_us = clock_now_us();
    run->id = make_run_id(run->started_us);
    run->version = g_strdup(ENTENTE_VERSION);
    run->catalogue = g_strdup(catalogue_digest());
    run->catalogue_version = g_strdup(CATALOGUE_VERSION);
    run->profile_sha256 = g_strdup(profile->sha256);
    run->root = g_strdup(options->root);
    randombytes_buf(run->nonce, sizeof run->nonce);
    assessment->signatory = (struct assessment_signatory){
        .id = g_strdup(who->domain),
        .name = g_strdup(who->name),
        .group = g_strdup(group_name(who->group)),
        .country = g_strdup(who->country),
        .domain = g_strdup(who->domain),
    };
}

/* Read only when a measure about it was chosen: a register is folded for it. */
static json_t *read_cooperation(const struct assessment *assessment,
                                const struct assess_options *options, const struct profile *profile)
{
    for (guint i = 0; i < assessment->measures->len; i++) {
        const struct measure *measure = assessment->measures->pdata[i];

        for (const char *const *prefix = cooperation_prefixes; *prefix; prefix++)
            if (g_str_has_prefix(measure->id, *prefix))
                return cooperation_read(options->data_folder, profile, assessment->run.started_us);
    }
    return NULL;
}

/* The assets that the profile lists and that are judged by what was recorded of them. Gives their
 * number. */
static gsize add_recorded(struct assessment *assessment, const struct profile *profile,
                          const struct assess_options *options, struct runner_asset *assets)
{
    gsize count = 0;

    for (guint i = 0; i < profile->assets->len; i++) {
        const struct asset *asset = profile->assets->pdata[i];

        if (asset->kind != ASSET_BACKUP && asset->kind != ASSET_DOMAIN &&
            asset->kind != ASSET_PREFIX)
            continue;
        assets[count].kind = asset_kind_name(asset->kind);
        assets[count].view =
            (struct asset_view){ asset, NULL, options->records, assessment->run.started_us, NULL };
        assessment_add_asset(assessment, assets[count].kind, asset->name, asset->criticality);
        count++;
    }
    return count;
}

struct assessment *assess_run(struct profile *profile, const struct assess_options *options,
                              GError **error)
{
    g_autoptr(assessment_t) assessment = assessment_new();
    struct runner_options run = {
        .no_walk = options->no_walk,
        .progress = options->progress,
        .progress_data = options->progress_data,
    };
    const struct asset *this_host = options->root ? NULL : profile_this_host(profile);
    const struct asset *self = profile_self(profile);
    g_autoptr(host_t) host = host_new(options->root ? options->root : "/", this_host, error);
    g_autofree struct runner_asset *assets = g_new0(struct runner_asset, 2 + profile->assets->len);
    g_autoptr(GPtrArray) findings = NULL;
    g_autofree char *tree = NULL;
    g_autoptr(json_t) cooperation = NULL;
    gsize n_assets = 1;

    if (!host || !choose_measures(options, assessment->measures, error))
        return NULL;
    run.bus = host_is_live(host) && host_stat(host, BUS_SOCKET)->state == HOST_OK;
    describe(assessment, profile, options);
    host_keep_private(host);
    if (options->root)
        tree = name_of_tree(host, options->root);
    assets[0].kind = asset_kind_name(ASSET_HOST);
    assets[0].view =
        (struct asset_view){ this_host, host, options->records, assessment->run.started_us, NULL };
    assessment_add_asset(assessment, assets[0].kind, this_host ? this_host->name : tree,
                         this_host ? this_host->criticality : CRITICALITY_NORMAL);
    if (!options->root) {
        assets[1].kind = asset_kind_name(ASSET_SIGNATORY);
        cooperation = read_cooperation(assessment, options, profile);
        assessment->hunts =
            hunt_record_member(json_object_get(cooperation, "hunt"), assessment->run.started_us);
        assets[1].view = (struct asset_view){ self, NULL, options->records,
                                              assessment->run.started_us, cooperation };
        assessment_add_asset(assessment, assets[1].kind, self->name, self->criticality);
        n_assets = 2 + add_recorded(assessment, profile, options, assets + 2);
    }
    findings = runner_run((const struct measure *const *)assessment->measures->pdata,
                          assessment->measures->len, assets, n_assets, &run, error);
    if (!findings)
        return NULL;
    g_ptr_array_set_free_func(findings, NULL); /* each finding moves into the assessment */
    for (guint i = 0; i < findings->len; i++) {
        struct finding *finding = findings->pdata[i];

        assessment_add_finding(assessment, catalogue_find(finding->measure), finding);
    }
    assessment->run.ended_us = clock_now_us();
    assessment_score(assessment);
    return g_steal_pointer(&assessment);
}
