/* routes_check_show.c: what was found in routes, as tables or JSON Lines. */
#include "base/clock.h"
#include "base/terminal.h"
#include "cli/routes_check.h"
#include "p2_internet/routes/bogon.h"

#include <string.h>

#define ROWS_MAX 40u /* of a table; JSON has all */
#define SCHEMA "entente/routes-check/1"

void check_result_clear(struct check_result *result)
{
    vrp_set_unref(result->vrps);
    aspa_set_unref(result->aspas);
    gather_free(result->gather);
    g_clear_pointer(&result->origins, g_array_unref);
    g_clear_pointer(&result->paths, g_ptr_array_unref);
    json_decref(result->own);
}

/* One prefix with one origin, judged. */
struct judged {
    const struct gather_origin *origin;
    enum rov_state rov;
    enum bogon_prefix bogon;
    const char *why; /* of the bogon */
    char prefix[IP_PREFIX_TEXT], as[16];
};

/* What counts as found: lengths and the default route are only told. */
static gboolean is_nobodys(enum bogon_prefix bogon)
{
    return bogon == BOGON_SPECIAL || bogon == BOGON_UNUSED;
}

static gboolean is_bad(const struct judged *judged)
{
    return judged->rov == ROV_INVALID_ASN || judged->rov == ROV_INVALID_LENGTH ||
           is_nobodys(judged->bogon);
}

static struct judged judge(const struct check_result *result, guint index)
{
    struct judged judged = { .origin =
                                 &g_array_index(result->origins, struct gather_origin, index) };
    const struct gather_origin *origin = judged.origin;

    judged.rov = rov_validate(result->vrps, &origin->prefix, origin->origin, origin->has_origin);
    judged.bogon = bogon_prefix_judge(&origin->prefix, &judged.why);
    ip_prefix_format(&origin->prefix, judged.prefix);
    if (origin->has_origin)
        g_snprintf(judged.as, sizeof judged.as, "AS%u", origin->origin);
    else
        g_strlcpy(judged.as, "a set", sizeof judged.as);
    return judged;
}

/* How many of each, by prefix and origin and by route. */
struct tally {
    guint64 origins[ROV_STATES], routes[ROV_STATES];
    guint64 bogon_origins, bogon_routes;
};

/* Of the origins that the profile names, announced or not. */
static gboolean own_is_bad(json_t *own)
{
    const json_t *record, *origin;
    const char *name;
    size_t index;

    json_object_foreach(own, name, record)
    {
        json_array_foreach(json_object_get(record, "origins"), index, origin)
        {
            const char *rov = json_text(origin, "rov");

            if (g_strcmp0(rov, rov_state_name(ROV_INVALID_ASN)) == 0 ||
                g_strcmp0(rov, rov_state_name(ROV_INVALID_LENGTH)) == 0)
                return TRUE;
        }
    }
    return FALSE;
}

static struct tally count(struct check_result *result)
{
    struct tally tally = { 0 };

    for (guint i = 0; i < result->origins->len; i++) {
        const struct judged judged = judge(result, i);

        tally.origins[judged.rov]++;
        tally.routes[judged.rov] += judged.origin->seen.routes;
        if (is_nobodys(judged.bogon)) {
            tally.bogon_origins++;
            tally.bogon_routes += judged.origin->seen.routes;
        }
        result->found |= is_bad(&judged);
    }
    for (guint i = 0; i < result->paths->len; i++) {
        const struct gather_path *path = result->paths->pdata[i];
        struct path_verdict verdict;

        path_judge(&path->path, result->aspas, &verdict);
        result->found |=
            verdict.aspa == ASPA_INVALID || verdict.otc == OTC_LEAK || verdict.has_bogon;
    }
    result->found |= own_is_bad(result->own);
    return tally;
}

/* --- JSON Lines --- */

static void put_seen(json_t *line, const struct gather_seen *seen)
{
    g_autofree char *first = clock_format(seen->first_us), *last = clock_format(seen->last_us);

    json_object_set_new(line, "routes", json_integer((json_int_t)seen->routes));
    json_object_set_new(line, "first", json_string(first));
    json_object_set_new(line, "last", json_string(last));
}

struct vrp_list {
    const struct vrp_set *set;
    json_t *list;
};

static void list_vrp(const struct vrp *vrp, gpointer data)
{
    const struct vrp_list *list = data;
    const char *anchor = vrp_set_anchor_name(list->set, vrp->anchor);
    g_autofree char *expires =
        vrp->expires_s ? clock_format(vrp->expires_s * (gint64)G_USEC_PER_SEC) : NULL;
    char prefix[IP_PREFIX_TEXT];
    json_t *one;

    ip_prefix_format(&vrp->prefix, prefix);
    one = json_pack("{s:s, s:i, s:I}", "prefix", prefix, "max_length", (int)vrp->max_length, "asn",
                    (json_int_t)vrp->asn);
    if (anchor)
        json_object_set_new(one, "anchor", json_safe_string(anchor));
    if (expires)
        json_object_set_new(one, "expires", json_string(expires));
    json_array_append_new(list->list, one);
}

static json_t *origin_line(const struct check_result *result, const struct judged *judged)
{
    const struct gather_origin *origin = judged->origin;
    json_t *line =
        json_pack("{s:s, s:s, s:o, s:s}", "type", "origin", "prefix", judged->prefix, "origin",
                  origin->has_origin ? json_integer(origin->origin) : json_null(), "rov",
                  rov_state_name(judged->rov));

    if (judged->bogon != BOGON_NONE)
        json_object_set_new(line, "bogon", json_string(bogon_prefix_name(judged->bogon)));
    if (judged->why)
        json_object_set_new(line, "registry", json_string(judged->why));
    put_seen(line, &origin->seen);
    if (judged->rov != ROV_NOTFOUND) {
        struct vrp_list list = { result->vrps, json_array() };

        vrp_set_covering(result->vrps, &origin->prefix, list_vrp, &list);
        json_object_set_new(line, "vrps", list.list);
    }
    return line;
}

static json_t *hop(guint32 customer, guint32 other)
{
    return json_pack("{s:I, s:I}", "customer", (json_int_t)customer, "other", (json_int_t)other);
}

static json_t *path_line(const struct check_result *result, const struct gather_path *path)
{
    json_t *line = json_object(), *asns = json_array();
    struct path_verdict verdict;
    char prefix[IP_PREFIX_TEXT];

    path_judge(&path->path, result->aspas, &verdict);
    ip_prefix_format(&path->prefix, prefix);
    for (guint i = 0; i < path->path.count; i++)
        json_array_append_new(asns, json_integer(path->path.asns[i]));
    json_object_set_new(line, "type", json_string("path"));
    json_object_set_new(line, "path", asns);
    json_object_set_new(line, "has_set", json_boolean(path->path.has_set));
    json_object_set_new(line, "prefix", json_string(prefix));
    json_object_set_new(line, "aspa", json_string(aspa_state_name(verdict.aspa)));
    if (verdict.leak.up.customer)
        json_object_set_new(line, "up", hop(verdict.leak.up.customer, verdict.leak.up.other));
    if (verdict.leak.down.customer)
        json_object_set_new(line, "down", hop(verdict.leak.down.customer, verdict.leak.down.other));
    if (path->path.has_otc) {
        json_object_set_new(line, "otc", json_integer(path->path.otc));
        json_object_set_new(line, "otc_finding", json_string(otc_finding_name(verdict.otc)));
    }
    if (verdict.otc == OTC_LEAK)
        json_object_set_new(line, "otc_hop", hop(verdict.otc_customer, verdict.otc_provider));
    if (verdict.has_bogon)
        json_object_set_new(line, "bogon_as",
                            json_pack("{s:I, s:s}", "asn", (json_int_t)verdict.bogon, "registry",
                                      bogon_as(verdict.bogon)));
    put_seen(line, &path->seen);
    return line;
}

static json_t *own_line(const char *name, const json_t *record)
{
    return json_pack("{s:s, s:s, s:O}", "type", "own", "asset", name, "record", (json_t *)record);
}

/* Whose they are, and when the first of them ends. */
static void put_payloads(json_t *line, const struct vrp_set *vrps)
{
    g_autofree char *first =
        vrp_set_horizon(vrps) ? clock_format(vrp_set_horizon(vrps) * (gint64)G_USEC_PER_SEC) : NULL;
    json_t *anchors = json_object();

    for (guint i = 1; i <= vrp_set_anchors(vrps); i++)
        json_object_set_new(anchors, vrp_set_anchor_name(vrps, i),
                            json_integer((json_int_t)vrp_set_anchor_count(vrps, i)));
    json_object_set_new(line, "anchors", anchors);
    if (first)
        json_object_set_new(line, "first_expires", json_string(first));
}

static json_t *summary_line(const struct check_result *result, const struct tally *tally)
{
    const struct gather_totals *totals = gather_totals(result->gather);
    json_t *rov = json_object(), *aspa = json_object();
    json_t *line = json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I}", "type", "summary", "schema",
                             SCHEMA, "vrps", (json_int_t)vrp_set_count(result->vrps), "aspas",
                             (json_int_t)aspa_set_count(result->aspas), "files",
                             (json_int_t)result->read.files, "routes", (json_int_t)totals->routes,
                             "origins", (json_int_t)result->origins->len);

    for (guint i = 0; i < ROV_STATES; i++)
        json_object_set_new(rov, rov_state_name(i), json_integer((json_int_t)tally->origins[i]));
    for (guint i = 0; i < ASPA_STATES; i++)
        json_object_set_new(aspa, aspa_state_name(i), json_integer((json_int_t)totals->aspa[i]));
    json_object_set_new(line, "rov", rov);
    json_object_set_new(line, "aspa_routes", aspa);
    json_object_set_new(line, "otc_leaks", json_integer((json_int_t)totals->otc[OTC_LEAK]));
    json_object_set_new(line, "bogon_prefixes", json_integer((json_int_t)tally->bogon_origins));
    json_object_set_new(line, "bogon_as_routes", json_integer((json_int_t)totals->bogon_as));
    json_object_set_new(line, "paths_left_out", json_integer((json_int_t)totals->lost_paths));
    json_object_set_new(line, "problems", json_integer((json_int_t)result->read.problems));
    put_payloads(line, result->vrps);
    return line;
}

static void put_line(GString *out, json_t *line)
{
    g_autoptr(json_t) owned = line;
    g_autofree char *text = json_dumps(owned, JSON_COMPACT);

    g_string_append(out, text);
    g_string_append_c(out, '\n');
}

static void as_json(const struct check_result *result, const struct tally *tally, GString *out)
{
    const json_t *record;
    const char *name;

    for (guint i = 0; i < result->origins->len; i++) {
        const struct judged judged = judge(result, i);

        put_line(out, origin_line(result, &judged));
    }
    for (guint i = 0; i < result->paths->len; i++)
        put_line(out, path_line(result, result->paths->pdata[i]));
    json_object_foreach(result->own, name, record) put_line(out, own_line(name, record));
    put_line(out, summary_line(result, tally));
}

/* --- tables --- */

static void put_table(const struct context *context, struct text_table *table, const char *title,
                      GString *out)
{
    g_autoptr(text_table_t) owned = table;
    g_autofree char *text = cli_table(context, owned);

    g_string_append_printf(out, "%s%s\n%s", out->len ? "\n" : "", title, text);
}

static void put_more(GString *out, guint rows, guint all)
{
    if (all > rows)
        g_string_append_printf(out, "and %u more: --format json has all\n", all - rows);
}

static void count_row(struct text_table *table, const char *what, guint64 origins, guint64 routes,
                      enum style style)
{
    g_autofree char *first = g_strdup_printf("%" G_GUINT64_FORMAT, origins);
    g_autofree char *second = g_strdup_printf("%" G_GUINT64_FORMAT, routes);
    const char *const cells[] = { what, first, second };
    const enum style styles[] = { style, STYLE_PLAIN, STYLE_PLAIN };

    text_table_row(table, cells, styles);
}

static void put_counts(const struct context *context, const struct check_result *result,
                       const struct tally *tally, GString *out)
{
    static const char *const headings[] = { "Origin validation", "Prefixes with origin", "Routes",
                                            NULL };
    static const enum style styles[ROV_STATES] = {
        [ROV_VALID] = STYLE_GOOD,
        [ROV_INVALID_ASN] = STYLE_BAD,
        [ROV_INVALID_LENGTH] = STYLE_BAD,
    };
    struct text_table *table = text_table_new(headings);
    g_autofree char *title =
        g_strdup_printf("%" G_GUINT64_FORMAT " routes against %" G_GSIZE_FORMAT
                        " payloads and %" G_GSIZE_FORMAT " ASPAs",
                        gather_totals(result->gather)->routes, vrp_set_count(result->vrps),
                        aspa_set_count(result->aspas));

    text_table_align_right(table, 1);
    text_table_align_right(table, 2);
    for (guint i = 0; i < ROV_STATES; i++)
        count_row(table, rov_state_name(i), tally->origins[i], tally->routes[i], styles[i]);
    put_table(context, table, title, out);
}

static char *authorised(const struct check_result *result, const struct judged *judged)
{
    struct vrp_list list = { result->vrps, json_array() };
    g_autoptr(json_t) owned = list.list;
    GString *text = g_string_new(NULL);
    const json_t *vrp;
    size_t index;

    if (is_nobodys(judged->bogon))
        g_string_append_printf(text, "%s: %s", bogon_prefix_name(judged->bogon),
                               judged->why ? judged->why : "of no use");
    if (judged->rov != ROV_NOTFOUND)
        vrp_set_covering(result->vrps, &judged->origin->prefix, list_vrp, &list);
    json_array_foreach(owned, index, vrp)
    {
        const gint64 asn = json_number(vrp, "asn", 0);
        g_autofree char *who = asn ? g_strdup_printf("AS%" G_GINT64_FORMAT, asn) : NULL;

        g_string_append_printf(text, "%s%s may announce %s up to /%d", text->len ? "; " : "",
                               who ? who : "nobody", json_text(vrp, "prefix"),
                               (int)json_number(vrp, "max_length", 0));
    }
    return g_string_free(text, FALSE);
}

static void put_bad_origins(const struct context *context, const struct check_result *result,
                            GString *out)
{
    static const char *const headings[] = { "Prefix", "Origin", "Finding", "Routes", "Why", NULL };
    struct text_table *table = text_table_new(headings);
    guint rows = 0, all = 0;

    for (guint i = 0; i < result->origins->len; i++) {
        const struct judged judged = judge(result, i);
        g_autofree char *routes = NULL, *why = NULL;

        if (!is_bad(&judged) || all++ >= ROWS_MAX)
            continue;
        rows++;
        routes = g_strdup_printf("%" G_GUINT64_FORMAT, judged.origin->seen.routes);
        why = authorised(result, &judged);
        text_table_row(table,
                       (const char *const[]){ judged.prefix, judged.as,
                                              judged.rov == ROV_NOTFOUND
                                                  ? bogon_prefix_name(judged.bogon)
                                                  : rov_state_name(judged.rov),
                                              routes, why },
                       NULL);
    }
    if (rows)
        put_table(context, table, "Prefixes whose origin is not authorised, or that are nobody's",
                  out);
    else
        text_table_free(table);
    put_more(out, rows, all);
}

static char *path_text(const struct plain_path *path)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < path->count; i++)
        g_string_append_printf(text, "%s%u", i ? " " : "", path->asns[i]);
    if (path->has_set)
        g_string_append(text, " {...}");
    return g_string_free(text, FALSE);
}

static char *path_why(const struct plain_path *path, const struct path_verdict *verdict)
{
    GString *text = g_string_new(NULL);

    if (verdict->aspa == ASPA_INVALID && path->has_set)
        g_string_append(text, "a set is in it, which ASPA does not allow");
    else if (verdict->aspa == ASPA_INVALID)
        g_string_append_printf(text, "AS%u is no provider of AS%u, nor is AS%u of AS%u",
                               verdict->leak.up.other, verdict->leak.up.customer,
                               verdict->leak.down.other, verdict->leak.down.customer);
    if (verdict->otc == OTC_LEAK)
        g_string_append_printf(text,
                               "%sAS%u sent it to customers only, and AS%u to its provider "
                               "AS%u",
                               text->len ? "; " : "", path->otc, verdict->otc_customer,
                               verdict->otc_provider);
    if (verdict->otc == OTC_STRANGER)
        g_string_append_printf(text, "%sAS%u, which marked it, is not in it", text->len ? "; " : "",
                               path->otc);
    if (verdict->has_bogon)
        g_string_append_printf(text, "%sAS%u: %s", text->len ? "; " : "", verdict->bogon,
                               bogon_as(verdict->bogon));
    return g_string_free(text, FALSE);
}

static void put_paths(const struct context *context, const struct check_result *result,
                      GString *out)
{
    static const char *const headings[] = { "Prefix", "Routes", "Path", "Why", NULL };
    struct text_table *table;

    if (!result->paths->len)
        return;
    table = text_table_new(headings);
    for (guint i = 0; i < MIN(result->paths->len, ROWS_MAX); i++) {
        const struct gather_path *path = result->paths->pdata[i];
        g_autofree char *routes = g_strdup_printf("%" G_GUINT64_FORMAT, path->seen.routes);
        g_autofree char *text = path_text(&path->path), *why = NULL;
        char prefix[IP_PREFIX_TEXT];
        struct path_verdict verdict;

        path_judge(&path->path, result->aspas, &verdict);
        why = path_why(&path->path, &verdict);
        ip_prefix_format(&path->prefix, prefix);
        text_table_row(table, (const char *const[]){ prefix, routes, text, why }, NULL);
    }
    put_table(context, table, "Paths that leak, or that name what is nobody's", out);
    put_more(out, ROWS_MAX, result->paths->len);
}

static void put_own(const struct context *context, const struct check_result *result, GString *out)
{
    static const char *const headings[] = { "Own prefix",          "Covered",   "Origins",
                                            "More than announced", "Announced", NULL };
    struct text_table *table;
    const json_t *record;
    const char *name;

    if (!result->own)
        return;
    table = text_table_new(headings);
    json_object_foreach(result->own, name, record)
    {
        g_autoptr(GString) origins = g_string_new(NULL);
        g_autofree char *loose =
            g_strdup_printf("%zu", json_array_size(json_object_get(record, "loose")) +
                                       json_array_size(json_object_get(record, "unused")));
        g_autofree char *announced =
            g_strdup_printf("%zu", json_array_size(json_object_get(record, "announced")));
        const json_t *origin;
        size_t index;

        json_array_foreach(json_object_get(record, "origins"), index, origin)
        {
            g_string_append_printf(origins, "%sAS%" G_GINT64_FORMAT " %s", index ? ", " : "",
                                   json_number(origin, "asn", 0), json_text(origin, "rov"));
        }
        text_table_row(
            table,
            (const char *const[]){ json_text(record, "prefix"),
                                   json_is_true(json_object_get(record, "covered")) ? "yes" : "no",
                                   origins->str, loose, announced },
            NULL);
    }
    put_table(context, table, "What RPKI says of your prefixes", out);
}

gboolean check_show(const struct context *context, struct check_result *result, GError **error)
{
    g_autoptr(GString) out = g_string_new(NULL);
    const struct tally tally = count(result);

    if (cli_format_is(context, "json", FALSE)) {
        as_json(result, &tally, out);
    } else {
        put_counts(context, result, &tally, out);
        put_bad_origins(context, result, out);
        put_paths(context, result, out);
        put_own(context, result, out);
    }
    return cli_output(context, out->str, out->len, error);
}
