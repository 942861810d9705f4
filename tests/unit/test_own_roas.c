/*
 * What RPKI says of the profile's prefixes (p2_internet/routes/own_roas.h), what is gathered of
 * routes (gather.h, judge.h), and the judges of the record (assess/route_duties.c).
 */
#include "base/clock.h"
#include "catalogue_judges.h"
#include "finding/measure.h"
#include "journal/records.h"
#include "p2_internet/routes/gather.h"
#include "p2_internet/routes/own_roas.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define NOW_US (G_GINT64_CONSTANT(1767225600) * G_USEC_PER_SEC)
#define NOW_S 1767225600u
#define HOUR_S 3600u
#define HOUR_US (HOUR_S * (gint64)G_USEC_PER_SEC)

static const char profile_text[] =
    "signatory: {name: Example, group: civil-society}\n"
    "assets:\n"
    "  prefixes:\n"
    "    - {name: main, prefix: 10.1.0.0/16, origins: [64500, 64501]}\n"
    "    - {name: part, prefix: 10.1.8.0/21, origins: [64500]}\n"
    "    - {name: free, prefix: 2001:db8::/32}\n";

struct own {
    struct profile *profile;
    struct vrp_set *vrps;
    GArray *announced;
};

static void set_up(struct own *own, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    own->profile = profile_parse(profile_text, strlen(profile_text), "test", &error);
    g_assert_no_error(error);
    own->vrps = vrp_set_new();
    own->announced = g_array_new(FALSE, TRUE, sizeof(struct gather_origin));
}

static void tear_down(struct own *own, gconstpointer data)
{
    profile_free(own->profile);
    vrp_set_unref(own->vrps);
    g_array_unref(own->announced);
}

static void authorise(struct own *own, const char *prefix, guint8 max_length, guint32 asn,
                      guint32 expires_s)
{
    struct vrp vrp = { .max_length = max_length, .asn = asn, .expires_s = expires_s };

    g_assert_true(ip_prefix_parse(prefix, &vrp.prefix, NULL));
    g_assert_true(vrp_set_add(own->vrps, &vrp));
}

static void announce(struct own *own, const char *prefix, guint32 asn)
{
    struct gather_origin one = { .has_origin = 1, .origin = asn, .seen = { .routes = 3 } };

    g_assert_true(ip_prefix_parse(prefix, &one.prefix, NULL));
    g_array_append_val(own->announced, one);
}

static const struct asset *asset_of(const struct own *own, const char *name)
{
    return profile_asset(own->profile, ASSET_PREFIX, name);
}

static json_t *record_of(const struct own *own, const char *name)
{
    const struct own_roas roas = {
        .profile = own->profile,
        .vrps = own->vrps,
        .announced = own->announced,
        .now_us = NOW_US,
        .built_us = NOW_US - HOUR_US,
    };

    return own_roas_record(&roas, asset_of(own, name));
}

static void says(const json_t *record, const char *member, const char *wanted)
{
    g_autofree char *found =
        json_dumps(json_object_get(record, member), JSON_COMPACT | JSON_ENCODE_ANY);

    g_assert_cmpstr(found, ==, wanted);
}

static void test_more_than_is_announced(struct own *own, gconstpointer data)
{
    g_autoptr(json_t) main_record = NULL, part = NULL, free_record = NULL;

    authorise(own, "10.1.0.0/16", 24, 64500, NOW_S + 2 * HOUR_S); /* /21 is the longest */
    authorise(own, "10.1.0.0/16", 16, 64501, NOW_S + 9 * HOUR_S);
    authorise(own, "10.1.0.0/16", 16, 64999, 0); /* somebody else's */
    authorise(own, "10.1.64.0/20", 20, 64501, 0);
    authorise(own, "10.1.128.0/20", 20, 64501, 0);
    authorise(own, "10.0.0.0/8", 8, 0, 0);
    vrp_set_seal(own->vrps);
    announce(own, "10.1.0.0/16", 64500);
    announce(own, "10.1.64.0/20", 64501);
    announce(own, "10.1.99.0/24", 64666);
    main_record = record_of(own, "main");
    part = record_of(own, "part");
    free_record = record_of(own, "free");
    says(main_record, "covered", "true");
    says(main_record, "origins",
         "[{\"asn\":64500,\"rov\":\"valid\",\"expires\":\"2026-01-01T02:00:00Z\"},"
         "{\"asn\":64501,\"rov\":\"valid\",\"expires\":\"2026-01-01T09:00:00Z\"}]");
    says(main_record, "loose",
         "[{\"prefix\":\"10.1.0.0/16\",\"asn\":64500,\"max_length\":24,\"longest\":21}]");
    says(main_record, "unused", "[{\"prefix\":\"10.1.128.0/20\",\"asn\":64501,\"max_length\":20}]");
    says(main_record, "as0", "[{\"prefix\":\"10.0.0.0/8\",\"asn\":0,\"max_length\":8}]");
    g_assert_cmpuint(json_array_size(json_object_get(main_record, "announced")), ==, 3);
    says(part, "announced", "[]");
    says(part, "origins",
         "[{\"asn\":64500,\"rov\":\"valid\",\"expires\":\"2026-01-01T02:00:00Z\"}]");
    says(free_record, "covered", "false");
}

static void test_what_lasts_longest_counts(struct own *own, gconstpointer data)
{
    g_autoptr(json_t) record = NULL;

    authorise(own, "10.1.8.0/21", 21, 64500, NOW_S + HOUR_S);
    authorise(own, "10.1.0.0/16", 21, 64500, NOW_S + 5 * HOUR_S);
    authorise(own, "10.1.0.0/17", 20, 64500, NOW_S + 9 * HOUR_S); /* does not reach /21 */
    vrp_set_seal(own->vrps);
    record = record_of(own, "part");
    says(record, "origins",
         "[{\"asn\":64500,\"rov\":\"valid\",\"expires\":\"2026-01-01T05:00:00Z\"}]");
}

/* --- judges --- */

typedef void judge_fn(const struct asset_view *view, struct finding *finding);

static struct finding *judge_record(const struct own *own, const char *name, const char *body,
                                    judge_fn *judge, gint64 now_us)
{
    static const char *const kinds[] = { ROUTES_CHECK_EVENT, NULL };
    g_autofree char *folder = g_dir_make_tmp("routes-XXXXXX", NULL);
    g_autoptr(GDir) listed = NULL;
    struct finding *finding = finding_new("test", 0);
    const char *file;

    {
        g_autoptr(journal_t) journal = journal_open(folder, NULL);
        g_autoptr(records_t) records = NULL;
        struct asset_view view = { .asset = asset_of(own, name), .now_us = now_us };

        if (body)
            g_assert_true(journal_note(journal, ROUTES_CHECK_EVENT, name, name, body, NULL));
        records = records_load(journal, kinds, NULL);
        view.journal = records;
        judge(&view, finding);
    }
    listed = g_dir_open(folder, 0, NULL);
    while ((file = g_dir_read_name(listed))) {
        g_autofree char *path = g_build_filename(folder, file, NULL);

        g_remove(path);
    }
    g_rmdir(folder);
    return finding;
}

#define RECORD(MEMBERS)                                                                            \
    "{'schema':'entente/routes-own/1','time':'2026-01-01T00:00:00Z'," MEMBERS "}"

static const struct {
    const char *asset;
    judge_fn *judge;
    const char *record;
    gint64 later_us;
    enum outcome outcome;
} cases[] = {
    { "main", judge_org_routes_roas_cover, NULL, 0, OUTCOME_NOT_MEASURED },
    { "main", judge_org_routes_roas_cover, "{'schema':'other'}", 0, OUTCOME_NOT_MEASURED },
    { "main", judge_org_routes_roas_cover,
      RECORD("'covered':true,'origins':[{'asn':64500,'rov':'valid'}]"), 0, OUTCOME_PASS },
    { "main", judge_org_routes_roas_cover,
      RECORD("'covered':true,'origins':[{'asn':64500,'rov':'valid'},{'asn':1,'rov':'notfound'}]"),
      0, OUTCOME_FAIL },
    { "free", judge_org_routes_roas_cover, RECORD("'covered':true,'origins':[]"), 0, OUTCOME_WARN },
    { "free", judge_org_routes_roas_cover, RECORD("'covered':false,'origins':[]"), 0,
      OUTCOME_FAIL },
    { "main", judge_org_routes_roas_exact, RECORD("'covered':true,'loose':[],'unused':[]"), 0,
      OUTCOME_PASS },
    { "main", judge_org_routes_roas_exact, RECORD("'covered':false"), 0, OUTCOME_NOT_APPLICABLE },
    { "main", judge_org_routes_roas_exact,
      RECORD("'covered':true,'unused':[],'loose':[{'prefix':'10.1.0.0/16','asn':1,"
             "'max_length':24,'longest':21}]"),
      0, OUTCOME_FAIL },
    { "main", judge_org_routes_roas_exact,
      RECORD("'covered':true,'loose':[],'unused':[{'prefix':'10.1.0.0/16','asn':1,"
             "'max_length':24}]"),
      0, OUTCOME_FAIL },
    { "main", judge_org_routes_roas_last,
      RECORD("'origins':[{'asn':1,'rov':'valid','expires':'2026-01-01T06:00:00Z'}]"), 0,
      OUTCOME_PASS },
    { "main", judge_org_routes_roas_last,
      RECORD("'origins':[{'asn':1,'rov':'valid','expires':'2026-01-01T05:59:59Z'}]"), 0,
      OUTCOME_WARN },
    { "main", judge_org_routes_roas_last, RECORD("'origins':[{'asn':1,'rov':'valid'}]"), 0,
      OUTCOME_NOT_MEASURED },
    { "main", judge_org_routes_origins_known,
      RECORD("'announced':[{'prefix':'10.1.0.0/16','origin':64500,'declared':true}]"), 0,
      OUTCOME_PASS },
    { "main", judge_org_routes_origins_known,
      RECORD("'announced':[{'prefix':'10.1.0.0/16','origin':64500,'declared':true},"
             "{'prefix':'10.1.7.0/24','origin':null,'declared':false}]"),
      0, OUTCOME_FAIL },
    { "main", judge_org_routes_origins_known, RECORD("'announced':[]"), 0, OUTCOME_NOT_MEASURED },
    { "free", judge_org_routes_origins_known,
      RECORD("'announced':[{'prefix':'10.1.0.0/16','origin':1,'declared':false}]"), 0,
      OUTCOME_NOT_MEASURED },
    { "main", judge_org_routes_payloads_fresh, RECORD("'built':'2025-12-31T23:00:00Z'"),
      24 * HOUR_US, OUTCOME_PASS },
    { "main", judge_org_routes_payloads_fresh, RECORD("'built':'2025-12-31T23:00:00Z'"),
      25 * HOUR_US, OUTCOME_WARN },
    { "main", judge_org_routes_payloads_fresh, RECORD("'vrps':1"), 49 * HOUR_US, OUTCOME_FAIL },
    { "main", judge_org_routes_payloads_fresh, RECORD("'built':'2025-12-29T00:00:00Z'"), 0,
      OUTCOME_FAIL },
};

static void test_judges(struct own *own, gconstpointer data)
{
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *body = g_strdup(cases[i].record);
        g_autoptr(finding_t) finding = NULL;

        if (body)
            g_strdelimit(body, "'", '"');
        finding =
            judge_record(own, cases[i].asset, body, cases[i].judge, NOW_US + cases[i].later_us);
        g_test_message("case %u: %s", i, body ? body : "no record");
        g_assert_cmpint(finding->outcome, ==, cases[i].outcome);
    }
}

/* --- gathering: what one writes, another reads and adds --- */

static void feed(struct gather *gather, const char *prefix, guint32 first, guint32 last)
{
    guint32 asns[] = { first, last };
    struct bgp_segment segment = { BGP_AS_SEQUENCE, 2 };
    struct bgp_attributes attributes = { .path = { asns, &segment, 2, 1, 2, 1 } };
    struct route_element element = { .kind = ROUTE_ANNOUNCE,
                                     .safi = BGP_UNICAST,
                                     .time_us = NOW_US + last,
                                     .attributes = &attributes };

    g_assert_true(ip_prefix_parse(prefix, &element.prefix, NULL));
    gather_element(&element, gather);
}

static void test_what_is_written_is_read(struct own *own, gconstpointer data)
{
    g_autoptr(gather_t) first = gather_new(NULL), second = gather_new(NULL), all = gather_new(NULL);
    g_autoptr(GArray) origins = NULL;
    g_autoptr(GPtrArray) paths = NULL;
    g_autoptr(GError) error = NULL;
    const struct gather_origin *one;
    const int fd = memfd_create("test", MFD_CLOEXEC);

    for (guint i = 0; i < 3000; i++) { /* more than the first table has places */
        g_autofree char *prefix = g_strdup_printf("20.%u.%u.0/24", i / 256, i % 256);

        feed(first, prefix, 1000, 2000 + i % 2);
    }
    feed(second, "20.0.0.0/24", 1001, 2000);
    feed(second, "20.0.0.0/24", 64512, 2000); /* an AS that is nobody's */
    g_assert_true(gather_write(first, fd));
    g_assert_true(gather_write(second, fd));
    gather_read(all, fd, &error);
    g_assert_no_error(error);
    origins = gather_origins(all);
    paths = gather_paths(all);
    g_assert_cmpuint(gather_totals(all)->routes, ==, 3002);
    g_assert_cmpuint(gather_totals(all)->bogon_as, ==, 1);
    g_assert_cmpuint(origins->len, ==, 3000);
    one = &g_array_index(origins, struct gather_origin, 0);
    g_assert_cmpuint(one->origin, ==, 2000);
    g_assert_cmpuint(one->seen.routes, ==, 3);
    g_assert_cmpuint(paths->len, ==, 1);
    g_assert_cmpuint(((const struct gather_path *)paths->pdata[0])->path.asns[0], ==, 64512);
    g_assert_cmpint(ftruncate(fd, lseek(fd, 0, SEEK_END) - 1), ==, 0);
    g_assert_false(gather_read(second, fd, &error)); /* cut: not believed */
    close(fd);
}

#define ADD(PATH, FUNCTION)                                                                        \
    g_test_add("/own-roas/" PATH, struct own, NULL, set_up, FUNCTION, tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("loose", test_more_than_is_announced);
    ADD("lasts", test_what_lasts_longest_counts);
    ADD("judges", test_judges);
    ADD("gather", test_what_is_written_is_read);
    return g_test_run();
}
