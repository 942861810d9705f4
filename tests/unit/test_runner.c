/* Measures that crash, hang, babble or say nothing, among measures that do their work. */
#include "assess/runner.h"

#include "base/sanitizer.h"
#include "p7_hygiene/host/host.h"

#include <string.h>
#include <unistd.h>

/* A report of the sanitizers on a crash takes seconds on a busy machine. */
#define LIMIT_US ((WITH_ADDRESS_SANITIZER ? 20 : 6) * G_USEC_PER_SEC)

static void judge_pass(const struct asset_view *view, struct finding *finding)
{
    finding_pass(finding, "/etc/hostname", 1, "Key", "yes", "yes");
}

static void judge_fail(const struct asset_view *view, struct finding *finding)
{
    finding_fail(finding, "/etc/hostname", 1, "Key", "no", "yes");
}

static void judge_null(const struct asset_view *view, struct finding *finding)
{
    finding_pass(finding, NULL, 0, NULL, "said before the crash", NULL);
    *(volatile int *)view->journal = 1;
}

static void judge_loop(const struct asset_view *view, struct finding *finding)
{
    for (volatile guint i = 0;; i++) {
    }
}

static void judge_garbage(const struct asset_view *view, struct finding *finding)
{
    for (int fd = STDERR_FILENO + 1; fd < 64; fd++)
        if (write(fd, "garbage, and a lot of it", 24) == 24)
            break;
}

/* A frame as the runner expects it, with a body that is no finding. */
static void judge_false_finding(const struct asset_view *view, struct finding *finding)
{
    static const guint8 frame[] = { 'E', 'W', 1, 0, 4, 0, 0, 0, 0xff, 0xff, 0xff, 0xff };

    for (int fd = STDERR_FILENO + 1; fd < 64; fd++)
        if (write(fd, frame, sizeof frame) == sizeof frame)
            break;
}

static void judge_nothing(const struct asset_view *view, struct finding *finding)
{
}

/* The pid of the worker, for who shares one. */
static void judge_where(const struct asset_view *view, struct finding *finding)
{
    g_autofree char *pid = g_strdup_printf("%d", getpid());

    finding_pass(finding, NULL, 0, "pid", pid, NULL);
}

#define MEASURE(name, function, what)                                                              \
    {                                                                                              \
        .id = name, .asset_kind = "host", .principle = 7, .needs = what, .judge = function         \
    }

static const struct measure good[] = {
    MEASURE("host.a.one", judge_pass, 0),  MEASURE("host.a.two", judge_fail, 0),
    MEASURE("host.b.one", judge_pass, 0),  MEASURE("host.b.two", judge_fail, 0),
    MEASURE("host.c.one", judge_pass, 0),  MEASURE("host.walk.one", judge_pass, NEEDS_WALK),
    MEASURE("host.z.last", judge_fail, 0),
};
static const struct measure bad[] = {
    MEASURE("host.a.garbage", judge_garbage, 0),
    MEASURE("host.a.null", judge_null, 0),
    MEASURE("host.b.false", judge_false_finding, 0),
    MEASURE("host.b.loop", judge_loop, 0),
    MEASURE("host.c.silent", judge_nothing, 0),
    MEASURE("host.walk.loop", judge_loop, NEEDS_WALK),
};

static const struct {
    const char *id;
    enum reason reason;
} expected[] = {
    { "host.a.garbage", REASON_CRASH }, { "host.a.null", REASON_CRASH },
    { "host.b.false", REASON_CRASH },   { "host.b.loop", REASON_TIMEOUT },
    { "host.c.silent", REASON_SILENT }, { "host.walk.loop", REASON_TIMEOUT },
};

static gint compare_ids(gconstpointer a, gconstpointer b)
{
    return strcmp((*(const struct measure *const *)a)->id, (*(const struct measure *const *)b)->id);
}

static void add(GPtrArray *measures, const struct measure *rows, guint count)
{
    for (guint i = 0; i < count; i++)
        g_ptr_array_add(measures, (gpointer)&rows[i]);
    g_ptr_array_sort(measures, compare_ids);
}

static GPtrArray *run(const GPtrArray *measures, const char *root,
                      const struct runner_options *options)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(host_t) host = host_new(root, NULL, &error);
    struct runner_asset asset = { .view = { .host = host }, .kind = "host" };
    GPtrArray *findings;

    g_assert_no_error(error);
    findings = runner_run((const struct measure *const *)measures->pdata, measures->len, &asset, 1,
                          options, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(findings->len, ==, measures->len);
    for (guint i = 0; i < findings->len; i++)
        g_assert_cmpstr(((struct finding *)findings->pdata[i])->measure, ==,
                        ((const struct measure *)measures->pdata[i])->id);
    return findings;
}

static struct finding *find(const GPtrArray *findings, const char *id)
{
    for (guint i = 0; i < findings->len; i++)
        if (g_str_equal(((struct finding *)findings->pdata[i])->measure, id))
            return findings->pdata[i];
    g_assert_not_reached();
}

/* Whatever the bad ones do, the others say what they say without them. */
static void test_bad_measures_disturb_nobody(void)
{
    const struct runner_options options = { .limit_us = LIMIT_US, .walk_limit_us = LIMIT_US };
    g_autoptr(GPtrArray) only_good = g_ptr_array_new(), all = g_ptr_array_new();
    g_autoptr(GPtrArray) calm = NULL, disturbed = NULL;

    add(only_good, good, G_N_ELEMENTS(good));
    add(all, good, G_N_ELEMENTS(good));
    add(all, bad, G_N_ELEMENTS(bad));
    calm = run(only_good, "/", &options);
    disturbed = run(all, "/", &options);
    for (guint i = 0; i < G_N_ELEMENTS(expected); i++) {
        const struct finding *finding = find(disturbed, expected[i].id);

        g_assert_cmpint(finding->outcome, ==, OUTCOME_ERROR);
        g_assert_cmpint(finding->reason, ==, expected[i].reason);
        g_assert_cmpuint(finding->evidence->len, ==, 0);
    }
    for (guint i = 0; i < calm->len; i++) {
        const struct finding *before = calm->pdata[i];
        g_autoptr(GByteArray) one = finding_pack(before);
        g_autoptr(GByteArray) two = finding_pack(find(disturbed, before->measure));

        g_assert_cmpmem(one->data, one->len, two->data, two->len);
    }
}

static void test_what_is_missing_is_not_measured(void)
{
    static const struct measure rows[] = {
        MEASURE("host.a.bus", judge_pass, NEEDS_BUS),
        MEASURE("host.a.live", judge_pass, NEEDS_LIVE),
        MEASURE("host.a.plain", judge_pass, 0),
        MEASURE("host.a.walk", judge_pass, NEEDS_WALK),
    };
    const struct runner_options options = { .no_walk = TRUE };
    g_autoptr(GPtrArray) measures = g_ptr_array_new(), tree = NULL, live = NULL;

    add(measures, rows, G_N_ELEMENTS(rows));
    tree = run(measures, "/etc", &options);
    g_assert_cmpint(find(tree, "host.a.live")->reason, ==, REASON_OFFLINE);
    g_assert_cmpint(find(tree, "host.a.bus")->reason, ==, REASON_OFFLINE);
    g_assert_cmpint(find(tree, "host.a.walk")->reason, ==, REASON_SKIPPED);
    g_assert_cmpint(find(tree, "host.a.walk")->outcome, ==, OUTCOME_NOT_MEASURED);
    g_assert_cmpint(find(tree, "host.a.plain")->outcome, ==, OUTCOME_PASS);
    live = run(measures, "/", &options);
    g_assert_cmpint(find(live, "host.a.live")->outcome, ==, OUTCOME_PASS);
    g_assert_cmpint(find(live, "host.a.bus")->outcome, ==, OUTCOME_PASS);
}

static const char *worker_of(const GPtrArray *findings, const char *id)
{
    return ((struct evidence *)find(findings, id)->evidence->pdata[0])->found;
}

/* A fact is parsed in one worker: what reads the same things is judged together. */
static void test_like_measures_share_a_worker(void)
{
    static const struct measure rows[] = {
        MEASURE("host.a.bus", judge_where, NEEDS_BUS),
        MEASURE("host.a.one", judge_where, 0),
        MEASURE("host.a.two", judge_where, NEEDS_LIVE),
        MEASURE("host.b.one", judge_where, 0),
        MEASURE("host.b.two", judge_where, 0),
        MEASURE("host.b.walk", judge_where, NEEDS_WALK),
        MEASURE("host.c.walk", judge_where, NEEDS_WALK),
    };
    const struct runner_options options = { .workers = 2, .bus = TRUE };
    g_autoptr(GPtrArray) measures = g_ptr_array_new(), findings = NULL;

    add(measures, rows, G_N_ELEMENTS(rows));
    findings = run(measures, "/", &options);
#define SAME(a, b) g_assert_cmpstr(worker_of(findings, a), ==, worker_of(findings, b))
#define OTHER(a, b) g_assert_cmpstr(worker_of(findings, a), !=, worker_of(findings, b))
    SAME("host.a.one", "host.a.two");
    SAME("host.b.one", "host.b.two");
    OTHER("host.a.one", "host.b.one");
    SAME("host.b.walk", "host.c.walk");
    OTHER("host.b.walk", "host.b.one");
    OTHER("host.a.bus", "host.a.one");
}

/* Where there is no bus to talk to, nobody is given the right to. */
static void test_without_a_bus_there_is_no_worker_for_it(void)
{
    static const struct measure rows[] = {
        MEASURE("host.a.bus", judge_where, NEEDS_BUS),
        MEASURE("host.a.one", judge_where, 0),
    };
    const struct runner_options options = { .workers = 1 };
    g_autoptr(GPtrArray) measures = g_ptr_array_new(), findings = NULL;

    add(measures, rows, G_N_ELEMENTS(rows));
    findings = run(measures, "/", &options);
    SAME("host.a.bus", "host.a.one");
}

static void test_other_kinds_are_not_judged(void)
{
    static const struct measure row = MEASURE("host.a.one", judge_pass, 0);
    const struct measure *const measures[] = { &row };
    const struct runner_asset asset = { .kind = "signatory" };
    const struct runner_options options = { 0 };
    g_autoptr(GPtrArray) findings = runner_run(measures, 1, &asset, 1, &options, NULL);

    g_assert_nonnull(findings);
    g_assert_cmpuint(findings->len, ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/runner/bad-measures-disturb-nobody", test_bad_measures_disturb_nobody);
    g_test_add_func("/runner/missing-is-not-measured", test_what_is_missing_is_not_measured);
    g_test_add_func("/runner/like-measures-share-a-worker", test_like_measures_share_a_worker);
    g_test_add_func("/runner/no-bus-no-worker", test_without_a_bus_there_is_no_worker_for_it);
    g_test_add_func("/runner/other-kinds-are-not-judged", test_other_kinds_are_not_judged);
    return g_test_run();
}
