#include "assess/diff.h"

#include <string.h>

static const char *const kind_names[] = {
    "failing",       "fixed",           "outcome-changed", "no-longer-measured", "evidence-changed",
    "measure-added", "measure-removed", "asset-added",     "asset-removed",
};
G_STATIC_ASSERT(G_N_ELEMENTS(kind_names) == CHANGE_KINDS);

const char *change_kind_name(enum change_kind kind)
{
    return kind_names[kind];
}

static const char *asset_id(const struct assessment *assessment, const struct finding *finding)
{
    const struct assessed_asset *asset = assessment->assets->pdata[finding->asset];

    return asset->id;
}

/* "measure LF kind:name LF source" -> struct assessed_finding */
static char *key_of(const struct assessment *assessment, const struct finding *finding)
{
    return g_strconcat(finding->measure, "\n", asset_id(assessment, finding), "\n", finding->source,
                       NULL);
}

static GHashTable *index_findings(const struct assessment *assessment)
{
    GHashTable *index = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (guint i = 0; i < assessment->findings->len; i++) {
        struct assessed_finding *assessed = assessment->findings->pdata[i];

        g_hash_table_insert(index, key_of(assessment, assessed->finding), assessed);
    }
    return index;
}

static gboolean has_asset(const struct assessment *assessment, const char *id)
{
    for (guint i = 0; i < assessment->assets->len; i++) {
        const struct assessed_asset *asset = assessment->assets->pdata[i];

        if (g_str_equal(asset->id, id))
            return TRUE;
    }
    return FALSE;
}

static gboolean is_trouble(enum outcome outcome)
{
    return outcome == OUTCOME_FAIL || outcome == OUTCOME_WARN;
}

static gboolean is_blind(enum outcome outcome)
{
    return outcome == OUTCOME_NOT_MEASURED || outcome == OUTCOME_ERROR;
}

static gboolean same_line(const struct evidence *a, const struct evidence *b)
{
    return a->kind == b->kind && a->outcome == b->outcome && g_strcmp0(a->path, b->path) == 0 &&
           g_strcmp0(a->key, b->key) == 0 && g_strcmp0(a->found, b->found) == 0;
}

/* The next line from `*index` on that fails or warns; NULL at the end. */
static const struct evidence *next_telling(const struct finding *finding, guint *index)
{
    while (*index < finding->evidence->len) {
        const struct evidence *line = finding->evidence->pdata[(*index)++];

        if (is_trouble(line->outcome))
            return line;
    }
    return NULL;
}

/* Whether both fail or warn for the same; line numbers alone are no difference. */
static gboolean same_evidence(const struct finding *before, const struct finding *after)
{
    const struct evidence *a, *b;
    guint i = 0, j = 0;

    do {
        a = next_telling(before, &i);
        b = next_telling(after, &j);
    } while (a && b && same_line(a, b));
    return !a && !b;
}

/* What happened to a finding that both have; FALSE for nothing. */
static gboolean classify(const struct finding *before, const struct finding *after,
                         enum change_kind *kind)
{
    if (before->outcome == after->outcome) {
        *kind = CHANGE_EVIDENCE;
        return is_trouble(after->outcome) && !same_evidence(before, after);
    }
    if (after->outcome == OUTCOME_FAIL)
        *kind = CHANGE_FAILING;
    else if (is_blind(after->outcome))
        *kind = is_blind(before->outcome) ? CHANGE_OUTCOME : CHANGE_UNSEEN;
    else if (is_trouble(before->outcome) && after->outcome != OUTCOME_WARN)
        *kind = CHANGE_FIXED;
    else
        *kind = CHANGE_OUTCOME;
    return TRUE;
}

static void add(struct diff *diff, struct change change)
{
    g_array_append_val(diff->changes, change);
    diff->counts[change.kind]++;
}

static void look_at_new(struct diff *diff, GHashTable *older)
{
    for (guint i = 0; i < diff->after->findings->len; i++) {
        const struct assessed_finding *now = diff->after->findings->pdata[i];
        g_autofree char *key = key_of(diff->after, now->finding);
        const struct assessed_finding *then = g_hash_table_lookup(older, key);
        const struct measure *old = assessment_measure(diff->before, now->measure->id);
        struct change change = {
            .measure = now->measure,
            .asset = asset_id(diff->after, now->finding),
            .before = then ? then->finding : NULL,
            .after = now->finding,
            .rejudged = old && old->version != now->measure->version,
        };

        if (!then) {
            change.kind =
                !has_asset(diff->before, change.asset) ? CHANGE_ASSET_ADDED : CHANGE_ADDED;
            add(diff, change);
        } else if (classify(then->finding, now->finding, &change.kind)) {
            add(diff, change);
        }
    }
}

static void look_at_gone(struct diff *diff, GHashTable *newer)
{
    for (guint i = 0; i < diff->before->findings->len; i++) {
        const struct assessed_finding *then = diff->before->findings->pdata[i];
        g_autofree char *key = key_of(diff->before, then->finding);
        struct change change = {
            .measure = then->measure,
            .asset = asset_id(diff->before, then->finding),
            .before = then->finding,
        };

        if (g_hash_table_contains(newer, key))
            continue;
        change.kind = !has_asset(diff->after, change.asset) ? CHANGE_ASSET_REMOVED : CHANGE_REMOVED;
        add(diff, change);
    }
}

static int compare(gconstpointer a, gconstpointer b)
{
    const struct change *one = a, *two = b;
    int order;

    if (one->kind != two->kind)
        return one->kind < two->kind ? -1 : 1;
    if (one->measure->severity != two->measure->severity)
        return one->measure->severity > two->measure->severity ? -1 : 1;
    order = strcmp(one->measure->id, two->measure->id);
    return order ? order : strcmp(one->asset, two->asset);
}

struct diff *diff_new(const struct assessment *before, const struct assessment *after)
{
    g_autoptr(GHashTable) older = index_findings(before);
    g_autoptr(GHashTable) newer = index_findings(after);
    struct diff *diff = g_new0(struct diff, 1);

    diff->before = before;
    diff->after = after;
    diff->catalogue_changed = g_strcmp0(before->run.catalogue, after->run.catalogue) != 0;
    diff->changes = g_array_new(FALSE, FALSE, sizeof(struct change));
    look_at_new(diff, older);
    look_at_gone(diff, newer);
    g_array_sort(diff->changes, compare);
    return diff;
}

void diff_free(struct diff *diff)
{
    if (!diff)
        return;
    g_array_unref(diff->changes);
    g_free(diff);
}

gboolean diff_has_failing(const struct diff *diff, enum severity least)
{
    for (guint i = 0; i < diff->changes->len; i++) {
        const struct change *change = &g_array_index(diff->changes, struct change, i);

        if ((change->kind == CHANGE_FAILING || change->kind == CHANGE_ASSET_ADDED) &&
            change->after->outcome == OUTCOME_FAIL && !change->after->source &&
            change->measure->severity >= least)
            return TRUE;
    }
    return FALSE;
}
