/*
 * service_corroborate.c: answers others' public alarms on routes from recordings that a collector
 * of ours writes into folders of this machine (p2_internet/routes/corroboration.h). In the
 * background (background.h), reading them in confined workers; only where the node was told which
 * folders.
 *
 * An alarm is answered once: "seen" as soon as it is, "not-seen" when the time in question is over
 * and the recordings of it should be there. Who heard nobody says nothing.
 */
#include "base/clock.h"
#include "base/error.h"
#include "community/community.h"
#include "node/background.h"
#include "node/metrics.h"
#include "node/places.h"
#include "node/services.h"
#include "p2_internet/routes/corroboration.h"
#include "statement/intoto.h"

#include <sys/stat.h>

#define MINUTE_US ((gint64)60 * G_USEC_PER_SEC)
#define LATE_US (10 * MINUTE_US)       /* a recording is there so long after its last word */
#define OVER_US (6 * 60 * MINUTE_US)   /* then the time in question is too long ago */
#define BEFORE_US (6 * 60 * MINUTE_US) /* tables of that age tell what was held from before */

enum { SEEN, NOT_SEEN };

struct file {
    char *path;
    gint64 changed_us;
};

static void file_free(gpointer data)
{
    struct file *file = data;

    g_free(file->path);
    g_free(file);
}

static gint by_change(gconstpointer a, gconstpointer b)
{
    const struct file *left = *(const struct file *const *)a,
                      *right = *(const struct file *const *)b;

    return (left->changed_us < right->changed_us) - (left->changed_us > right->changed_us);
}

static void add_files(GPtrArray *files, const char *folder, gint64 from_us)
{
    g_autoptr(GDir) entries = g_dir_open(folder, 0, NULL);
    const char *name;

    while (entries && (name = g_dir_read_name(entries))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        struct stat status;

        if (stat(path, &status) == 0 && S_ISREG(status.st_mode) &&
            status.st_mtime * G_USEC_PER_SEC >= from_us) {
            struct file *file = g_new0(struct file, 1);

            file->path = g_steal_pointer(&path);
            file->changed_us = status.st_mtime * G_USEC_PER_SEC;
            g_ptr_array_add(files, file);
        }
    }
}

/* The newest that may hold what was said since `from_us`, as many as one worker reads. */
static GPtrArray *recordings(char *const *folders, gint64 from_us)
{
    g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(file_free);
    g_autoptr(GPtrArray) paths = g_ptr_array_new();

    for (; *folders; folders++)
        add_files(files, *folders, from_us);
    g_ptr_array_sort(files, by_change);
    for (guint i = 0; i < MIN(files->len, MRT_RUN_BATCH); i++)
        g_ptr_array_add(paths, ((struct file *)files->pdata[i])->path);
    g_ptr_array_add(paths, NULL);
    return inputs_list((char **)paths->pdata);
}

/* A file that is being written ends in the middle of a record: what it holds counts. */
static void pass_over(const char *file, gboolean has_offset, guint64 offset, const char *problem,
                      gpointer data)
{
    (void)file;
    (void)has_offset;
    (void)offset;
    (void)problem;
    (void)data;
}

static GBytes *entry_of(const struct route_sighting *found, const char *alarm, const char *origin,
                        const struct signing_key *key, GError **error)
{
    g_autofree char *now = clock_format(clock_now_us());
    g_autoptr(json_t) predicate = route_sighting_predicate(found, alarm, "recording");
    g_autoptr(dsse_t) envelope = NULL;
    g_autoptr(GBytes) payload = NULL;

    json_object_set_new(predicate, "log", json_string(origin));
    json_object_set_new(predicate, "time", json_string(now));
    payload = intoto_build("route-alarm", alarm, PREDICATE_ROUTE_SIGHTING, predicate, error);
    if (!payload)
        return NULL;
    envelope = dsse_new(INTOTO_PAYLOAD_TYPE, payload);
    dsse_sign(envelope, key);
    return community_entry(envelope, error);
}

static gboolean say(struct background_round *round, struct community *community,
                    const struct route_sighting *found, const char *alarm, GError **error)
{
    const struct http_options http = node_http_options(round->node);
    const struct community_policy *policy = community_policy_in_force(community, error);
    g_autoptr(GBytes) entry =
        policy ? entry_of(found, alarm, policy->origin, round->key, error) : NULL;
    g_auto(submitted_t) submission = { 0 };

    if (!entry || !community_submit(community, &http, entry, &submission, error))
        return FALSE;
    if (!submission.accepted)
        return policy_error(error, "the log refuses the answer: %s",
                            submission.reason ? submission.reason : "no reason given");
    round->numbers->own[found->peers ? SEEN : NOT_SEEN]++;
    return TRUE;
}

static gboolean answer(struct background_round *round, struct community *community,
                       const json_t *alarm, GError **error)
{
    const gint64 now_us = clock_now_us();
    const struct corroboration_wish wish = { NULL, now_us, CORROBORATE_TO_SEE };
    char *names[] = { (char *)json_text(alarm, "entry"), NULL };
    g_autoptr(corroboration_t) asked = corroboration_new();
    g_autoptr(json_t) list = json_pack("[O]", (json_t *)alarm);
    g_autoptr(GPtrArray) inputs = NULL;
    const struct route_sighting *found = &asked->found[0];
    gint64 until_us;
    gboolean whole;

    if (!corroboration_ask_named(asked, list, names, &wish, error))
        return FALSE;
    until_us = asked->wanted[0].last_us + ROUTE_SIGHTING_MARGIN_US;
    if (now_us > until_us + OVER_US)
        return TRUE;
    inputs = recordings(node_options(round->node)->recordings,
                        asked->wanted[0].first_us - ROUTE_SIGHTING_MARGIN_US - BEFORE_US);
    if (inputs->len == 0)
        return TRUE;
    if (!corroboration_read(asked, inputs, pass_over, &whole, error))
        return FALSE;
    return !found->of || (!found->peers && now_us < until_us + LATE_US) ||
           say(round, community, found, names[0], error);
}

/* Who we are in the register, by the key that signs. NULL: nobody. The caller's. */
static char *own_id(const struct reg *reg, const struct signing_key *key)
{
    g_autofree char *text = public_key_text(key->public);

    return register_id(reg, text, NULL);
}

static gboolean look(struct background_round *round, GError **error)
{
    const struct http_options http = node_http_options(round->node);
    g_autoptr(community_t) community = NULL;
    g_auto(community_state_t) state = { 0 };
    g_autoptr(corroboration_t) open = corroboration_new();
    g_autoptr(json_t) list = NULL;
    g_autofree char *self = NULL;
    const struct reg *reg;
    gboolean good = TRUE;

    if (!community_exists(round->data))
        return TRUE;
    community = community_open(round->data, error);
    if (!community || !community_update(community, &http, FRESHNESS_DEMANDED, &state, error))
        return FALSE;
    reg = community_register(community, error);
    self = reg ? own_id(reg, round->key) : NULL;
    if (!self)
        return reg != NULL; /* nobody would believe us */
    list = public_alarms_of(reg, NULL, clock_now_us(), error);
    if (!list)
        return FALSE;
    corroboration_ask_all(open, list,
                          &(struct corroboration_wish){ self, clock_now_us(), CORROBORATE_ONCE });
    for (guint i = 0; i < open->count && good; i++)
        good = answer(round, community, json_array_get(open->alarms, i), error);
    return good;
}

static gpointer start(struct node *node, GError **error)
{
    const struct background_work work = {
        .name = "entente-corroborate",
        .title = "Corroborate",
        .source = "routes",
        .kinds = 1u << ASSET_SIGNATORY,
        .every_s = node_options(node)->recordings ? node_options(node)->answer_every_s : 0,
        .round = look,
    };

    return background_start(node, &work, error);
}

static void metrics(gpointer service, GString *text)
{
    const struct background_numbers *numbers = background_numbers(service);

    metric_add(text, METRIC_COUNTER, "corroborate_rounds_total",
               "Looks for others' alarms on routes.", numbers->rounds);
    metric_add(text, METRIC_COUNTER, "corroborate_failed_total",
               "Of them, those that could not go on.", numbers->failed);
    metric_add(text, METRIC_COUNTER, "corroborate_seen_total", "Answers: we see it, too.",
               numbers->own[SEEN]);
    metric_add(text, METRIC_COUNTER, "corroborate_not_seen_total", "Answers: we do not see it.",
               numbers->own[NOT_SEEN]);
}

static const struct route routes[] = { { NULL } };

const struct service service_corroborate = {
    .name = "corroborate",
    .start = start,
    .stop = background_stop,
    .routes = routes,
    .metrics = metrics,
};
