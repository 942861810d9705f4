/* What RPKI says of routes and paths: sets of rpki/vrp.h (vrp.c, vrp_change.c) and rpki/aspa.h
 * against the vectors. */
#include "base/error.h"
#include "base/gzip.h"
#include "base/json.h"
#include "rpki/aspa.h"
#include "rpki/vrp.h"

#include <string.h>

static struct vrp vrp_text(const char *prefix, guint8 max_length, guint32 asn)
{
    struct vrp vrp = { .max_length = max_length, .asn = asn };
    g_autoptr(GError) error = NULL;

    ip_prefix_parse(prefix, &vrp.prefix, &error);
    g_assert_no_error(error);
    return vrp;
}

static void add(struct vrp_set *set, const char *prefix, guint8 max_length, guint32 asn)
{
    const struct vrp vrp = vrp_text(prefix, max_length, asn);

    g_assert_true(vrp_set_add(set, &vrp));
}

static const char *judge(const struct vrp_set *set, const char *prefix, gint64 origin)
{
    const struct vrp route = vrp_text(prefix, 0, 0);

    return rov_state_name(rov_validate(set, &route.prefix, (guint32)MAX(origin, 0), origin >= 0));
}

static void test_origins(void)
{
    g_autoptr(vrp_set_t) set = vrp_set_new();

    add(set, "10.0.0.0/16", 24, 64500);
    add(set, "203.0.113.0/24", 24, 0);
    vrp_set_seal(set);
    g_assert_cmpstr(judge(set, "10.0.0.0/16", 64500), ==, "valid");
    g_assert_cmpstr(judge(set, "10.0.1.0/24", 64500), ==, "valid");
    g_assert_cmpstr(judge(set, "10.0.1.0/25", 64500), ==, "invalid-length");
    g_assert_cmpstr(judge(set, "10.0.1.0/24", 64501), ==, "invalid-asn");
    g_assert_cmpstr(judge(set, "10.0.0.0/15", 64500), ==, "notfound");
    g_assert_cmpstr(judge(set, "203.0.113.0/24", 0), ==, "invalid-asn");
    g_assert_cmpstr(judge(set, "203.0.113.0/24", 64500), ==, "invalid-asn");
    g_assert_cmpstr(judge(set, "10.0.0.0/16", -1), ==, "invalid-asn");
    g_assert_cmpstr(judge(set, "192.0.2.0/24", -1), ==, "notfound");
}

static void test_unsound_payloads_are_refused(void)
{
    g_autoptr(vrp_set_t) set = vrp_set_new();
    struct vrp vrp = vrp_text("10.0.0.0/16", 33, 1);

    g_assert_false(vrp_set_add(set, &vrp));
    vrp.max_length = 15;
    g_assert_false(vrp_set_add(set, &vrp));
    vrp.max_length = 16;
    vrp.prefix.address[2] = 1; /* a host bit */
    g_assert_false(vrp_set_add(set, &vrp));
    vrp.prefix.address[2] = 0;
    vrp.prefix.family = 5;
    g_assert_false(vrp_set_add(set, &vrp));
}

/* --- the search against the sentence of the RFC, on random sets with much nesting --- */

#define CROWD 400
#define ROUTES 4000

static struct ip_prefix random_prefix(GRand *dice, guint8 family)
{
    const guint bits = family == 6 ? 128 : 32;
    struct ip_prefix prefix = { .family = family };

    prefix.length = (guint8)(family == 6 && g_rand_boolean(dice) ? g_rand_int_range(dice, 60, 129)
                                                                 : g_rand_int_range(dice, 0, 33));
    for (guint bit = 0; bit < prefix.length && bit < bits; bit++)
        if (bit % 7 == 3 && g_rand_boolean(dice)) /* few bits differ: many nest */
            prefix.address[bit / 8] |= (guint8)(0x80 >> bit % 8);
    return prefix;
}

static gboolean plainly_covers(const struct ip_prefix *outer, const struct ip_prefix *inner)
{
    if (outer->family != inner->family || outer->length > inner->length)
        return FALSE;
    for (guint bit = 0; bit < outer->length; bit++)
        if ((outer->address[bit / 8] ^ inner->address[bit / 8]) & (0x80 >> bit % 8))
            return FALSE;
    return TRUE;
}

static enum rov_state plainly_judge(const GArray *vrps, const struct ip_prefix *route,
                                    guint32 origin, gboolean has_origin)
{
    enum rov_state state = ROV_NOTFOUND;

    for (guint i = 0; i < vrps->len; i++) {
        const struct vrp *vrp = &g_array_index(vrps, struct vrp, i);

        if (!plainly_covers(&vrp->prefix, route))
            continue;
        if (has_origin && origin && vrp->asn == origin && route->length <= vrp->max_length)
            return ROV_VALID;
        if (has_origin && origin && vrp->asn == origin)
            state = ROV_INVALID_LENGTH;
        else if (state == ROV_NOTFOUND)
            state = ROV_INVALID_ASN;
    }
    return state;
}

static void count_one(const struct vrp *vrp, gpointer data)
{
    ++*(guint *)data;
}

static gboolean same_payload(const struct vrp *a, const struct vrp *b)
{
    return memcmp(&a->prefix, &b->prefix, sizeof a->prefix) == 0 && a->asn == b->asn &&
           a->max_length == b->max_length;
}

static GArray *random_vrps(GRand *dice, struct vrp_set *set)
{
    GArray *vrps = g_array_new(FALSE, FALSE, sizeof(struct vrp));

    for (guint i = 0; i < CROWD; i++) {
        const guint8 family = g_rand_boolean(dice) ? 4 : 6;
        struct vrp vrp = { .prefix = random_prefix(dice, family),
                           .asn = (guint32)g_rand_int_range(dice, 0, 4) };
        gboolean known = FALSE;

        vrp.max_length = (guint8)g_rand_int_range(dice, vrp.prefix.length, family == 6 ? 129 : 33);
        g_assert_true(vrp_set_add(set, &vrp));
        for (guint j = 0; j < vrps->len; j++)
            known |= same_payload(&g_array_index(vrps, struct vrp, j), &vrp);
        if (!known)
            g_array_append_val(vrps, vrp);
    }
    return vrps;
}

static void test_search_is_what_the_rfc_says(void)
{
    g_autoptr(GRand) dice = g_rand_new_with_seed(6811);

    for (guint round = 0; round < 5; round++) {
        g_autoptr(vrp_set_t) set = vrp_set_new();
        g_autoptr(GArray) vrps = random_vrps(dice, set);

        vrp_set_seal(set);
        g_assert_cmpuint(vrp_set_count(set), ==, vrps->len);
        for (guint i = 0; i < ROUTES; i++) {
            const struct ip_prefix route = random_prefix(dice, g_rand_boolean(dice) ? 4 : 6);
            const guint32 origin = (guint32)g_rand_int_range(dice, 0, 4);
            const gboolean has_origin = g_rand_int_range(dice, 0, 8) > 0;
            guint covering = 0, within = 0, wanted_covering = 0, wanted_within = 0;

            g_assert_cmpint(rov_validate(set, &route, origin, has_origin), ==,
                            plainly_judge(vrps, &route, origin, has_origin));
            for (guint j = 0; j < vrps->len; j++) {
                const struct vrp *vrp = &g_array_index(vrps, struct vrp, j);

                wanted_covering += plainly_covers(&vrp->prefix, &route);
                wanted_within += plainly_covers(&route, &vrp->prefix);
            }
            vrp_set_covering(set, &route, count_one, &covering);
            vrp_set_within(set, &route, count_one, &within);
            g_assert_cmpuint(covering, ==, wanted_covering);
            g_assert_cmpuint(within, ==, wanted_within);
        }
    }
}

static void test_expiry_and_anchors(void)
{
    g_autoptr(vrp_set_t) set = vrp_set_new();
    struct vrp vrp = vrp_text("10.0.0.0/16", 24, 64500), read;

    vrp.anchor = vrp_set_anchor(set, "ripe");
    vrp.expires_s = 2000;
    g_assert_true(vrp_set_add(set, &vrp));
    vrp.expires_s = 3000; /* a second object says the same, for longer */
    g_assert_true(vrp_set_add(set, &vrp));
    vrp.prefix.length = 15;
    vrp.anchor = vrp_set_anchor(set, "arin");
    g_assert_true(vrp_set_add(set, &vrp));
    vrp_set_seal(set);
    g_assert_cmpuint(vrp_set_count(set), ==, 2);
    g_assert_cmpuint(vrp_set_horizon(set), ==, 3000);
    g_assert_cmpuint(vrp_set_anchors(set), ==, 2);
    g_assert_cmpstr(vrp_set_anchor_name(set, 1), ==, "ripe");
    g_assert_cmpuint(vrp_set_anchor_count(set, 1), ==, 1);
    g_assert_true(vrp_set_at(set, 0, &read));
    g_assert_cmpuint(read.prefix.length, ==, 15);
    g_assert_cmpstr(vrp_set_anchor_name(set, read.anchor), ==, "arin");
    g_assert_false(vrp_set_at(set, 2, &read));
}

/* --- changes --- */

static void change(GArray *changes, const char *prefix, guint32 asn, gboolean is_withdrawn)
{
    struct vrp_change one = { vrp_text(prefix, 0, asn), is_withdrawn };

    one.vrp.max_length = one.vrp.prefix.length;
    g_array_append_val(changes, one);
}

static void test_changes(void)
{
    const struct vrp_set_about about = { .session = 7, .serial = 2 };
    g_autoptr(vrp_set_t) set = vrp_set_new(), next = NULL;
    g_autoptr(GArray) changes = g_array_new(FALSE, FALSE, sizeof(struct vrp_change));
    enum vrp_change_problem problem;
    struct vrp culprit;

    add(set, "10.0.0.0/16", 16, 64500);
    add(set, "2001:db8::/32", 32, 64500);
    vrp_set_seal(set);
    change(changes, "10.0.0.0/16", 64500, TRUE);
    change(changes, "10.1.0.0/16", 64500, FALSE);
    change(changes, "2001:db8::/33", 64500, FALSE);
    change(changes, "10.2.0.0/16", 64500, FALSE); /* and back again in the same breath */
    change(changes, "10.2.0.0/16", 64500, TRUE);
    next = vrp_set_apply(set, changes, &about, &problem, &culprit);
    g_assert_nonnull(next);
    g_assert_cmpuint(vrp_set_count(next), ==, 3);
    g_assert_cmpuint(vrp_set_about(next)->serial, ==, 2);
    g_assert_cmpstr(judge(next, "10.0.0.0/16", 64500), ==, "notfound");
    g_assert_cmpstr(judge(next, "10.1.0.0/16", 64500), ==, "valid");
    g_assert_cmpstr(judge(next, "2001:db8::/33", 64500), ==, "valid");
    g_assert_cmpstr(judge(set, "10.0.0.0/16", 64500), ==, "valid"); /* the old one is untouched */

    g_array_set_size(changes, 0);
    change(changes, "10.9.0.0/16", 1, TRUE);
    g_assert_null(vrp_set_apply(set, changes, &about, &problem, &culprit));
    g_assert_cmpint(problem, ==, VRP_CHANGE_UNKNOWN);
    g_assert_cmpuint(culprit.asn, ==, 1);
    g_array_set_size(changes, 0);
    change(changes, "2001:db8::/32", 64500, FALSE);
    g_assert_null(vrp_set_apply(set, changes, &about, &problem, &culprit));
    g_assert_cmpint(problem, ==, VRP_CHANGE_DUPLICATE);
    g_assert_cmpuint(culprit.prefix.family, ==, 6);
}

static struct vrp_set *anchored(const char *name, guint count)
{
    struct vrp_set *set = vrp_set_new();
    struct vrp vrp = vrp_text("10.0.0.0/24", 24, 1);

    vrp.anchor = vrp_set_anchor(set, name);
    for (guint i = 0; i < count; i++) {
        vrp.prefix.address[2] = (guint8)i;
        g_assert_true(vrp_set_add(set, &vrp));
    }
    vrp_set_seal(set);
    return set;
}

static gboolean may_follow(const char *name, guint before, guint after)
{
    g_autoptr(vrp_set_t) set = anchored(name, before), next = anchored(name, after);
    g_autofree char *why = NULL;
    const gboolean may = vrp_set_may_follow(set, next, &why);

    g_assert_cmpint(may, ==, why == NULL);
    return may;
}

static void test_a_failing_anchor_is_not_followed(void)
{
    g_assert_true(may_follow("ripe", 100, 80));
    g_assert_false(may_follow("ripe", 100, 79));
    g_assert_false(may_follow("ripe", 100, 0));
    g_assert_true(may_follow("afrinic", 100, 50));
    g_assert_false(may_follow("afrinic", 100, 49));
    g_assert_true(may_follow("ripe", 40, 1)); /* too few to judge */
    g_assert_true(may_follow("ripe", 100, 200));
}

static void test_the_whole_internet_fits(void)
{
    g_autoptr(vrp_set_t) set = vrp_set_new();
    struct vrp vrp = vrp_text("0.0.0.0/24", 24, 0);

    for (guint32 i = 0; i < 700000; i++) {
        const guint32 address = GUINT32_TO_BE(i << 8);

        vrp.asn = i;
        memcpy(vrp.prefix.address, &address, sizeof address);
        g_assert_true(vrp_set_add(set, &vrp));
    }
    vrp_set_seal(set);
    g_assert_cmpuint(vrp_set_count(set), ==, 700000);
    g_assert_cmpuint(vrp_set_bytes(set), <, 25u << 20);
}

/* --- ASPA --- */

static struct aspa_set *aspas_of(const json_t *json)
{
    struct aspa_set *set = aspa_set_new();
    const char *customer;
    json_t *list;

    json_object_foreach((json_t *)json, customer, list)
    {
        g_autoptr(GArray) providers = g_array_new(FALSE, FALSE, sizeof(guint32));

        for (size_t i = 0; i < json_array_size(list); i++) {
            const guint32 asn = (guint32)json_integer_value(json_array_get(list, i));

            g_array_append_val(providers, asn);
        }
        aspa_set_add(set, (guint32)atoll(customer), (const guint32 *)providers->data,
                     providers->len, 0);
    }
    aspa_set_seal(set);
    return set;
}

static void test_one_path(const json_t *vector)
{
    g_autoptr(aspa_set_t) set = aspas_of(json_object_get(vector, "aspas"));
    const json_t *path = json_object_get(vector, "path");
    g_autoptr(GArray) ases = g_array_new(FALSE, FALSE, sizeof(guint32));
    enum aspa_state state = ASPA_INVALID;
    gboolean has_set = FALSE;

    for (size_t i = 0; i < json_array_size(path); i++) {
        const guint32 asn = (guint32)json_integer_value(json_array_get(path, i));

        has_set |= json_is_array(json_array_get(path, i));
        g_array_append_val(ases, asn);
    }
    if (!has_set)
        state =
            aspa_verify(set, (const guint32 *)ases->data, ases->len,
                        g_str_equal(json_text(vector, "direction"), "upstream") ? ASPA_UPSTREAM
                                                                                : ASPA_DOWNSTREAM);
    g_test_message("%s", json_text(vector, "name"));
    g_assert_cmpstr(aspa_state_name(state), ==, json_text(vector, "expect"));
}

static void test_paths(void)
{
    g_autofree char *path = g_build_filename(g_getenv("ENTENTE_SHARED"), "data", "public_core",
                                             "aspa", "vectors.jsonl", NULL);
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;
    guint count = 0;

    if (!g_file_get_contents(path, &text, NULL, NULL)) {
        g_test_skip("no shared data");
        return;
    }
    lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(json_t) vector = NULL;

        if (!**line)
            continue;
        vector = json_parse(*line, strlen(*line), 1 << 16, "vectors.jsonl", &error);
        g_assert_no_error(error);
        test_one_path(vector);
        count++;
    }
    g_assert_cmpuint(count, ==, 72);
}

/* All ways to go up, aside once at most, and down: what the algorithm of the draft shortens. */
static enum aspa_state try_all_ramps(const struct aspa_set *set, const guint32 *path, gsize n)
{
    enum aspa_state best = ASPA_INVALID;

    for (gsize k = 1; k <= n; k++)
        for (gsize l = k; l <= k + 1 && l <= n; l++) {
            gboolean all = TRUE, none_against = TRUE;

            for (gsize i = 1; i < n; i++) {
                /* path[n - i] is AS(i) of the draft */
                const guint32 low = path[n - i], high = path[n - i - 1];
                enum aspa_hop hop;

                if (i >= k && i + 1 <= l)
                    continue; /* the step aside */
                hop = i < k ? aspa_set_hop(set, low, high) : aspa_set_hop(set, high, low);
                all &= hop == ASPA_HOP_PROVIDER;
                none_against &= hop != ASPA_HOP_NOT_PROVIDER;
            }
            if (all)
                return ASPA_VALID;
            if (none_against)
                best = ASPA_UNKNOWN;
        }
    return best;
}

static void test_random_paths(void)
{
    g_autoptr(GRand) dice = g_rand_new_with_seed(17);
    guint seen[ASPA_STATES] = { 0 };

    for (guint round = 0; round < 20000; round++) {
        g_autoptr(aspa_set_t) set = aspa_set_new();
        guint32 path[9];
        gsize n = 0;

        for (guint32 customer = 1; customer < 8; customer++) {
            guint32 providers[3];
            const gsize count = (gsize)g_rand_int_range(dice, 0, 4);

            if (g_rand_int_range(dice, 0, 3) == 0)
                continue;
            for (gsize i = 0; i < count; i++)
                providers[i] = (guint32)g_rand_int_range(dice, 0, 8);
            aspa_set_add(set, customer, providers, count, 0);
        }
        aspa_set_seal(set);
        for (gsize i = 0, length = (gsize)g_rand_int_range(dice, 1, 10); i < length; i++) {
            const guint32 asn = (guint32)g_rand_int_range(dice, 1, 9);

            if (!n || path[n - 1] != asn)
                path[n++] = asn;
        }
        {
            const enum aspa_state state = aspa_verify(set, path, n, ASPA_DOWNSTREAM);

            g_assert_cmpint(state, ==, try_all_ramps(set, path, n));
            seen[state]++;
        }
    }
    for (guint i = 0; i < ASPA_STATES; i++)
        g_assert_cmpuint(seen[i], >, 100);
}

static void test_why_a_path_leaks(void)
{
    static const guint32 path[] = { 3, 2, 2, 1 }, of1 = 9, of3 = 9;
    g_autoptr(aspa_set_t) set = aspa_set_new();
    struct aspa_leak leak;

    aspa_set_add(set, 1, &of1, 1, 0);
    aspa_set_add(set, 3, &of3, 1, 500);
    aspa_set_seal(set);
    g_assert_cmpuint(aspa_set_horizon(set), ==, 500);
    g_assert_cmpint(aspa_verify_why(set, path, G_N_ELEMENTS(path), ASPA_DOWNSTREAM, &leak), ==,
                    ASPA_INVALID);
    g_assert_cmpuint(leak.up.customer, ==, 1);
    g_assert_cmpuint(leak.up.other, ==, 2);
    g_assert_cmpuint(leak.down.customer, ==, 3);
    g_assert_cmpuint(leak.down.other, ==, 2);
    g_assert_cmpint(aspa_verify(set, NULL, 0, ASPA_DOWNSTREAM), ==, ASPA_INVALID);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rpki/origins", test_origins);
    g_test_add_func("/rpki/unsound-payloads", test_unsound_payloads_are_refused);
    g_test_add_func("/rpki/search", test_search_is_what_the_rfc_says);
    g_test_add_func("/rpki/expiry-and-anchors", test_expiry_and_anchors);
    g_test_add_func("/rpki/changes", test_changes);
    g_test_add_func("/rpki/failing-anchor", test_a_failing_anchor_is_not_followed);
    g_test_add_func("/rpki/whole-internet", test_the_whole_internet_fits);
    g_test_add_func("/rpki/paths", test_paths);
    g_test_add_func("/rpki/random-paths", test_random_paths);
    g_test_add_func("/rpki/leak", test_why_a_path_leaks);
    return g_test_run();
}
