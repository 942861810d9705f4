/* What an organisation owes others: facts in, outcomes out (duties, hunt_duties). */
#include "assess/cooperation.h"
#include "base/clock.h"
#include "catalogue_judges.h"
#include "finding/measure.h"

#include <glib/gstdio.h>

#define NOW "2026-11-22T12:00:00Z"

typedef void judge_fn(const struct asset_view *view, struct finding *finding);

static const struct row {
    judge_fn *judge;
    const char *facts; /* with ' for " */
    enum outcome outcome;
    enum reason reason;
} rows[] = {
    /* our witness */
    { judge_org_duty_witness, "{'community':null}", OUTCOME_NOT_APPLICABLE, REASON_NOT_USED },
    { judge_org_duty_witness, "{'community':null,'errors':{'community':'damaged'}}",
      OUTCOME_NOT_MEASURED, REASON_UNREADABLE },
    { judge_org_duty_witness, "{'community':{'origin':'o','max_age_s':86400,'witness':null}}",
      OUTCOME_NOT_APPLICABLE, REASON_ROLE },
    { judge_org_duty_witness,
      "{'community':{'origin':'o','max_age_s':86400,'witness':{'cosigned':false,'age_s':0}}}",
      OUTCOME_NOT_MEASURED, REASON_NO_RECORD },
    { judge_org_duty_witness,
      "{'community':{'origin':'o','max_age_s':86400,'checkpoint_age_s':60,"
      "'witness':{'cosigned':true,'age_s':60}}}",
      OUTCOME_PASS, REASON_NONE },
    { judge_org_duty_witness,
      "{'community':{'origin':'o','max_age_s':86400,'checkpoint_age_s':60,"
      "'witness':{'cosigned':false,'age_s':0}}}",
      OUTCOME_FAIL, REASON_NONE },
    { judge_org_duty_witness,
      "{'community':{'origin':'o','max_age_s':86400,'checkpoint_age_s':90000,"
      "'witness':{'cosigned':true,'age_s':90000}}}",
      OUTCOME_FAIL, REASON_NONE },
    /* reviews of us */
    { judge_org_duty_reviews, "{'community':{'assessment':null,'to_review':[]}}",
      OUTCOME_NOT_APPLICABLE, REASON_NOT_USED },
    { judge_org_duty_reviews,
      "{'community':{'assessment':{'draw':null,'reviews':[]},'to_review':[]}}",
      OUTCOME_NOT_APPLICABLE, REASON_NOT_USED },
    { judge_org_duty_reviews,
      "{'community':{'assessment':{'draw':{'due':'2026-11-23T00:00:00Z'},'reviews':[]},"
      "'to_review':[]}}",
      OUTCOME_PASS, REASON_NONE },
    { judge_org_duty_reviews,
      "{'community':{'assessment':{'draw':{'due':'2026-11-21T00:00:00Z'},'reviews':[]},"
      "'to_review':[]}}",
      OUTCOME_FAIL, REASON_NONE },
    { judge_org_duty_reviews,
      "{'community':{'assessment':{'draw':{'due':'2026-11-21T00:00:00Z'},'reviews':["
      "{'by_domain':'a.example','verdict':'confirmed','disputed':false}]},'to_review':[]}}",
      OUTCOME_PASS, REASON_NONE },
    { judge_org_duty_reviews,
      "{'community':{'assessment':{'draw':{'due':'2026-11-21T00:00:00Z'},'reviews':["
      "{'by_domain':'a.example','verdict':'not-answered','disputed':false}]},'to_review':[]}}",
      OUTCOME_FAIL, REASON_NONE },
    /* reviews by us */
    { judge_org_duty_reviews,
      "{'community':{'assessment':null,'to_review':[{'assessment':{'domain':'b.example'},"
      "'draw':{'due':'2026-11-21T00:00:00Z'}}]}}",
      OUTCOME_FAIL, REASON_NONE },
    { judge_org_duty_reviews,
      "{'community':{'assessment':null,'to_review':[{'assessment':{'domain':'b.example'},"
      "'draw':{'due':'2026-11-30T00:00:00Z'}}]}}",
      OUTCOME_PASS, REASON_NONE },
    /* drills of ours */
    { judge_org_duty_drills_done, "{'community':{'origin':'o'},'cases':null}", OUTCOME_FAIL,
      REASON_NONE },
    { judge_org_duty_drills_done,
      "{'community':{'origin':'o'},'cases':{'drills_asked':{'in_time':0,'late':0,'missed':2}}}",
      OUTCOME_WARN, REASON_NONE },
    { judge_org_duty_drills_done,
      "{'community':{'origin':'o'},'cases':{'drills_asked':{'in_time':1,'late':0,'missed':2}}}",
      OUTCOME_PASS, REASON_NONE },
    /* drills of others, and acknowledgements: late ones warn, those that never came fail */
    { judge_org_duty_contact_answers,
      "{'cases':{'drills_answered':{'in_time':3,'late':0,'missed':0}}}", OUTCOME_PASS,
      REASON_NONE },
    { judge_org_duty_contact_answers,
      "{'cases':{'drills_answered':{'in_time':3,'late':1,'missed':0}}}", OUTCOME_WARN,
      REASON_NONE },
    { judge_org_duty_contact_answers,
      "{'cases':{'drills_answered':{'in_time':3,'late':0,'missed':1}}}", OUTCOME_FAIL,
      REASON_NONE },
    { judge_org_duty_contact_answers,
      "{'cases':{'drills_answered':{'in_time':0,'late':0,'missed':0}}}", OUTCOME_NOT_APPLICABLE,
      REASON_NOT_USED },
    { judge_org_duty_assistance_acknowledged,
      "{'cases':{'acknowledged':{'assistance':{'in_time':0,'late':0,'missed':1}}}}", OUTCOME_FAIL,
      REASON_NONE },
    { judge_org_duty_abuse_acknowledged,
      "{'cases':{'acknowledged':{'abuse':{'in_time':2,'late':0,'missed':0}}}}", OUTCOME_PASS,
      REASON_NONE },
    { judge_org_duty_abuse_acknowledged, "{'cases':{'acknowledged':{}}}", OUTCOME_NOT_APPLICABLE,
      REASON_NOT_USED },
    /* hunting: fresh tables, searched logs, alarms that somebody looked at */
    { judge_org_hunt_feeds_fresh, "{'hunt':null}", OUTCOME_NOT_APPLICABLE, REASON_NOT_USED },
    { judge_org_hunt_feeds_fresh, "{'hunt':null,'errors':{'hunt':'broken'}}", OUTCOME_NOT_MEASURED,
      REASON_UNREADABLE },
    { judge_org_hunt_feeds_fresh, "{'hunt':{'tables':0,'expired':0}}", OUTCOME_FAIL, REASON_NONE },
    { judge_org_hunt_feeds_fresh, "{'hunt':{'tables':1,'expired':0,'newest_age_s':172800}}",
      OUTCOME_PASS, REASON_NONE },
    { judge_org_hunt_feeds_fresh, "{'hunt':{'tables':1,'expired':0,'newest_age_s':172801}}",
      OUTCOME_WARN, REASON_NONE },
    { judge_org_hunt_feeds_fresh, "{'hunt':{'tables':1,'expired':0,'newest_age_s':604801}}",
      OUTCOME_FAIL, REASON_NONE },
    { judge_org_hunt_feeds_fresh, "{'hunt':{'tables':2,'expired':1,'newest_age_s':0}}",
      OUTCOME_FAIL, REASON_NONE },
    { judge_org_hunt_logs_searched, "{'hunt':{'tables':1,'logs':[]}}", OUTCOME_NOT_APPLICABLE,
      REASON_NOT_USED },
    { judge_org_hunt_logs_searched, "{'hunt':{'logs':[{'name':'a','state':'never'}]}}",
      OUTCOME_FAIL, REASON_NONE },
    { judge_org_hunt_logs_searched,
      "{'hunt':{'logs':[{'name':'a','state':'current','age_s':9,'unread':0},"
      "{'name':'b','state':'older-tables','age_s':9,'unread':0}]}}",
      OUTCOME_FAIL, REASON_NONE },
    { judge_org_hunt_logs_searched,
      "{'hunt':{'logs':[{'name':'a','state':'current','age_s':9,'unread':0}]}}", OUTCOME_PASS,
      REASON_NONE },
    { judge_org_hunt_logs_searched,
      "{'hunt':{'logs':[{'name':'a','state':'current','age_s':86401,'unread':0}]}}", OUTCOME_WARN,
      REASON_NONE },
    { judge_org_hunt_logs_searched,
      "{'hunt':{'logs':[{'name':'a','state':'current','age_s':9,'unread':1}]}}", OUTCOME_WARN,
      REASON_NONE },
    { judge_org_hunt_alarms_acknowledged, "{'hunt':{'alarms':null}}", OUTCOME_NOT_APPLICABLE,
      REASON_NOT_USED },
    { judge_org_hunt_alarms_acknowledged, "{'hunt':{'alarms':{'raised':0,'overdue':0}}}",
      OUTCOME_PASS, REASON_NONE },
    { judge_org_hunt_alarms_acknowledged, "{'hunt':{'alarms':{'raised':2,'overdue':0}}}",
      OUTCOME_WARN, REASON_NONE },
    { judge_org_hunt_alarms_acknowledged, "{'hunt':{'alarms':{'raised':2,'overdue':1}}}",
      OUTCOME_FAIL, REASON_NONE },
};

static void test_row(gconstpointer data)
{
    const struct row *row = data;
    g_autofree char *text = g_strdelimit(g_strdup(row->facts), "'", '"');
    g_autoptr(json_t) facts = json_loads(text, 0, NULL);
    g_autoptr(finding_t) finding = finding_new("org.duty", 0);
    struct asset_view view = { .cooperation = facts };

    g_assert_nonnull(facts);
    g_assert_true(clock_parse(NOW, &view.now_us, NULL));
    row->judge(&view, finding);
    g_assert_cmpstr(outcome_name(finding->outcome), ==, outcome_name(row->outcome));
    g_assert_cmpint(finding->reason, ==, row->reason);
}

/* A data folder without anything gives facts that demand nothing. */
static void test_nothing_is_known(void)
{
    g_autofree char *folder = g_dir_make_tmp("duties-XXXXXX", NULL);
    g_autoptr(profile_t) profile = profile_default();
    g_autoptr(json_t) facts = cooperation_read(folder, profile, 0);
    g_autoptr(json_t) none = cooperation_read(NULL, profile, 0);

    g_assert_true(json_is_null(json_object_get(facts, "cases")));
    g_assert_true(json_is_null(json_object_get(facts, "contacts")));
    g_assert_true(json_is_null(json_object_get(facts, "community")));
    g_assert_true(json_is_null(json_object_get(facts, "hunt")));
    g_assert_cmpuint(json_object_size(json_object_get(facts, "errors")), ==, 0);
    g_assert_nonnull(none);
    g_assert_cmpint(g_rmdir(folder), ==, 0); /* nothing was made in it */
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *name = g_strdup_printf("/duties/%u", i);

        g_test_add_data_func(name, &rows[i], test_row);
    }
    g_test_add_func("/duties/nothing_is_known", test_nothing_is_known);
    return g_test_run();
}
