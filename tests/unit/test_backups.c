/* Judges of backups (module backups): what the record of the last drill says, and how old it is. */
#include "base/clock.h"
#include "catalogue_judges.h"
#include "finding/measure.h"
#include "p1_resilience/recover/drill_record.h"

#include <glib/gstdio.h>
#include <string.h>

#define NAME "nightly"
#define HOUR_US (G_GINT64_CONSTANT(3600) * G_USEC_PER_SEC)
#define DAY_US (24 * HOUR_US)

typedef void judge_fn(const struct asset_view *view, struct finding *finding);

/* A record in which all is proven but these aspects. */
static char *record_of(const char *failed, const char *open, gint64 snapshot_us)
{
    g_autoptr(json_t) aspects = json_array();
    g_autofree char *snapshot = clock_format(snapshot_us);
    g_autoptr(json_t) record = NULL;

    for (guint i = 0; i < DRILL_ASPECTS; i++) {
        const char *name = drill_aspect_name(i);
        const enum drill_verdict verdict = g_strcmp0(name, failed) == 0 ? DRILL_FAILED
                                           : g_strcmp0(name, open) == 0 ? DRILL_NOT_PROVEN
                                                                        : DRILL_PROVEN;

        json_array_append_new(aspects, json_pack("{s:s, s:s}", "aspect", name, "verdict",
                                                 drill_verdict_name(verdict)));
    }
    record = json_pack("{s:O, s:s}", "aspects", aspects, "snapshot_time", snapshot);
    return json_pretty(record);
}

static const struct {
    judge_fn *judge;
    const char *aspect; /* that failed, or is not proven */
    gboolean counts;    /* for this judge */
} rows[] = {
    { judge_backup_recent, "freshness", TRUE },
    { judge_backup_recent, "restore", FALSE },
    { judge_backup_isolated, "isolation", TRUE },
    { judge_backup_isolated, "immutability", FALSE },
    { judge_backup_immutable, "immutability", TRUE },
    { judge_backup_immutable, "isolation", FALSE },
    { judge_backup_restores, "access", TRUE },
    { judge_backup_restores, "manifest", TRUE },
    { judge_backup_restores, "restore", TRUE },
    { judge_backup_restores, "time", TRUE },
    { judge_backup_restores, "completeness", TRUE },
    { judge_backup_restores, "integrity", TRUE },
    { judge_backup_restores, "freshness", FALSE },
    { judge_backup_drilled, "restore", FALSE }, /* a drill that failed was held all the same */
};

struct journalled {
    char *folder;
    struct asset asset;
    gint64 now_us;
};

static void set_up(struct journalled *own, gconstpointer data)
{
    (void)data;
    own->folder = g_dir_make_tmp("entente-backups-XXXXXX", NULL);
    own->asset = (struct asset){ .kind = ASSET_BACKUP, .name = (char *)NAME, .rpo_us = DAY_US };
    own->now_us = clock_now_us();
}

static void tear_down(struct journalled *own, gconstpointer data)
{
    g_autoptr(GDir) listed = g_dir_open(own->folder, 0, NULL);
    const char *name;

    (void)data;
    while ((name = g_dir_read_name(listed))) {
        g_autofree char *path = g_build_filename(own->folder, name, NULL);

        g_assert_cmpint(g_remove(path), ==, 0);
    }
    g_assert_cmpint(g_rmdir(own->folder), ==, 0);
    g_free(own->folder);
}

/* What the judge says so long after the newest of the notes. */
static struct finding *judge(const struct journalled *own, judge_fn *function, gint64 later_us)
{
    static const char *const kinds[] = { DRILL_EVENT, NULL };
    g_autoptr(journal_t) journal = journal_open_existing(own->folder, NULL);
    g_autoptr(records_t) records = records_load(journal, kinds, NULL);
    const struct asset_view view = { .asset = &own->asset,
                                     .journal = records,
                                     .now_us = own->now_us + later_us };
    struct finding *finding = finding_new("test", 0);

    function(&view, finding);
    return finding;
}

static enum outcome outcome_of(const struct journalled *own, judge_fn *function, gint64 later_us)
{
    g_autoptr(finding_t) finding = judge(own, function, later_us);

    return finding->outcome;
}

static void note(const struct journalled *own, const char *body)
{
    g_autoptr(journal_t) journal = journal_open(own->folder, NULL);

    g_assert_true(journal_note(journal, DRILL_EVENT, NAME, NAME, body, NULL));
}

static void note_record(const struct journalled *own, const char *failed, const char *open)
{
    g_autofree char *body = record_of(failed, open, own->now_us - HOUR_US);

    note(own, body);
}

static void test_each_judge_has_its_aspects(struct journalled *own, gconstpointer data)
{
    (void)data;
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        note_record(own, NULL, NULL);
        g_assert_cmpint(outcome_of(own, rows[i].judge, 0), ==, OUTCOME_PASS);
        note_record(own, NULL, rows[i].aspect);
        g_assert_cmpint(outcome_of(own, rows[i].judge, 0), ==,
                        rows[i].counts ? OUTCOME_WARN : OUTCOME_PASS);
        note_record(own, rows[i].aspect, NULL);
        g_assert_cmpint(outcome_of(own, rows[i].judge, 0), ==,
                        rows[i].counts ? OUTCOME_FAIL : OUTCOME_PASS);
    }
}

static void test_without_a_drill_nothing_passes(struct journalled *own, gconstpointer data)
{
    (void)data;
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(finding_t) finding = judge(own, rows[i].judge, 0);

        if (rows[i].judge == judge_backup_drilled) {
            g_assert_cmpint(finding->outcome, ==, OUTCOME_FAIL);
        } else {
            g_assert_cmpint(finding->outcome, ==, OUTCOME_NOT_MEASURED);
            g_assert_cmpint(finding->reason, ==, REASON_NO_RECORD);
        }
    }
}

/* A record that is not one proves nothing, whatever it says. */
static void test_a_record_without_aspects_does_not_pass(struct journalled *own, gconstpointer data)
{
    static judge_fn *const judges[] = { judge_backup_recent, judge_backup_isolated,
                                        judge_backup_immutable, judge_backup_restores };
    static const char *const bodies[] = { "{}", "[]", "{\"aspects\":[]}",
                                          "{\"aspects\":\"all proven\",\"snapshot_time\":7}" };

    (void)data;
    for (guint i = 0; i < G_N_ELEMENTS(bodies); i++) {
        note(own, bodies[i]);
        for (guint j = 0; j < G_N_ELEMENTS(judges); j++)
            g_assert_cmpint(outcome_of(own, judges[j], 0), !=, OUTCOME_PASS);
    }
}

/* The snapshot was an hour old then; a day is what may be lost. */
static void test_what_was_recent_grows_old(struct journalled *own, gconstpointer data)
{
    (void)data;
    note_record(own, NULL, NULL);
    g_assert_cmpint(outcome_of(own, judge_backup_recent, 22 * HOUR_US), ==, OUTCOME_PASS);
    g_assert_cmpint(outcome_of(own, judge_backup_recent, 24 * HOUR_US), ==, OUTCOME_WARN);
    own->asset.rpo_us = 0;
    g_assert_cmpint(outcome_of(own, judge_backup_recent, 24 * HOUR_US), ==, OUTCOME_PASS);
}

static void test_a_drill_is_due_when_the_profile_says(struct journalled *own, gconstpointer data)
{
    (void)data;
    note_record(own, NULL, NULL);
    g_assert_cmpint(outcome_of(own, judge_backup_drilled, 29 * DAY_US), ==, OUTCOME_PASS);
    g_assert_cmpint(outcome_of(own, judge_backup_drilled, 31 * DAY_US), ==, OUTCOME_FAIL);
    own->asset.drill_every_us = 7 * DAY_US;
    g_assert_cmpint(outcome_of(own, judge_backup_drilled, 6 * DAY_US), ==, OUTCOME_PASS);
    g_assert_cmpint(outcome_of(own, judge_backup_drilled, 8 * DAY_US), ==, OUTCOME_FAIL);
    own->asset.name = (char *)"weekly"; /* another backup's drill is not this one's */
    g_assert_cmpint(outcome_of(own, judge_backup_drilled, 0), ==, OUTCOME_FAIL);
}

#define ADD(PATH, FUNCTION)                                                                        \
    g_test_add("/backups/" PATH, struct journalled, NULL, set_up, FUNCTION, tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("aspects", test_each_judge_has_its_aspects);
    ADD("no-drill", test_without_a_drill_nothing_passes);
    ADD("no-aspects", test_a_record_without_aspects_does_not_pass);
    ADD("old", test_what_was_recent_grows_old);
    ADD("due", test_a_drill_is_due_when_the_profile_says);
    return g_test_run();
}
