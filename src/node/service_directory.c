/*
 * service_directory.c: the register for those who look through it: signatories by filters and in
 * pages, as JSON or CSV; entries from the newest back; counts; how it all grew.
 */
#include "assess/principles.h"
#include "base/clock.h"
#include "base/file.h"
#include "node/node.h"
#include "node/problem.h"
#include "node/services.h"
#include "node/uptime.h"
#include "node/view.h"
#include "register/listing.h"

#include <string.h>

#define READ_COST 5
#define LIST_COST 20
#define COUNT_COST 50
#define ROWS 50u     /* of a page, unless asked for otherwise */
#define ENTRIES 256u /* of a bundle */
#define LATEST 8u    /* entries of the summary */
#define CSV_TYPE "text/csv; charset=utf-8"
#define HISTORY_LIMIT (1u << 30)
#define GROWTH_AGE_US (60 * G_USEC_PER_SEC)

struct directory {
    struct node *node;
    char *history; /* path */
    GMutex lock;   /* of what follows */
    json_t *growth;
    guint64 growth_size;
    gint64 growth_us;
};

static void stop(gpointer service)
{
    struct directory *own = service;

    json_decref(own->growth);
    g_mutex_clear(&own->lock);
    g_free(own->history);
    g_free(own);
}

static gpointer start(struct node *node, GError **error)
{
    struct directory *own;

    if (!node_service(node, &service_register))
        return NULL;
    own = g_new0(struct directory, 1);
    own->node = node;
    own->history = g_build_filename(node_log_folder(node), "history", NULL);
    g_mutex_init(&own->lock);
    return own;
}

static struct view *view_of(const struct directory *own)
{
    return register_view(node_service(own->node, &service_register));
}

/* Where a document was taken from. */
static void set_place(json_t *document, const struct shown *shown, gint64 now_us)
{
    g_autofree char *now = clock_format(now_us);

    json_object_set_new(document, "log", json_string(shown->checkpoint->origin));
    json_object_set_new(document, "size", json_integer((json_int_t)shown->checkpoint->size));
    json_object_set_new(document, "now", json_string(now));
}

/* --- what is asked for --- */

/* A number of the query; absent: `fallback`. FALSE when it is none, or out of its range. */
static gboolean read_number(const struct node_request *request, const char *name, guint64 most,
                            guint64 fallback, guint64 *number)
{
    const char *text = request->query(request, name);

    *number = fallback;
    return !text || !*text || g_ascii_string_to_unsigned(text, 10, 0, most, number, NULL);
}

/* A word of the query; absent or empty: NULL. */
static const char *read_word(const struct node_request *request, const char *name)
{
    const char *text = request->query(request, name);

    return text && *text ? text : NULL;
}

static gboolean is_one_of(const char *word, const char *const *words)
{
    return !word || g_strv_contains(words, word);
}

static gboolean read_query(const struct node_request *request, struct register_query *query)
{
    static const char *const standings[] = { "policy", "attested", "self-declared", NULL };
    static const char *const classes[] = { "fresh", "ageing", "stale", "none", NULL };
    const char *group = read_word(request, "group"), *sort = read_word(request, "sort");
    guint64 principle;

    *query = (struct register_query){
        .text = read_word(request, "q"),
        .country = read_word(request, "country"),
        .attested = read_word(request, "attested"),
        .freshness = read_word(request, "freshness"),
        .backwards = sort && *sort == '-',
    };
    if (query->text && !g_utf8_validate(query->text, -1, NULL))
        return FALSE;
    if (!read_number(request, "principle", PREDICATE_PRINCIPLES, 0, &principle) ||
        !read_number(request, "offset", G_MAXUINT32, 0, &query->offset) ||
        !read_number(request, "limit", REGISTER_PAGE_LIMIT, ROWS, &query->limit))
        return FALSE;
    query->principle = (guint)principle;
    return (!group || group_parse(group, &query->group, NULL)) &&
           (!sort || register_order_parse(sort + query->backwards, &query->order)) &&
           is_one_of(query->attested, standings) && is_one_of(query->freshness, classes);
}

static void refuse_query(struct node_answer *answer)
{
    answer_problem(
        answer, 400,
        "\"group\" is state, private-sector or civil-society; \"principle\" a number "
        "from 1 to 9; \"attested\" policy, attested or self-declared; \"freshness\" "
        "fresh, ageing, stale or none; \"sort\" name, domain, country, group, joined or "
        "evidence, with \"-\" before it for the other way round; \"limit\" at most 1000.");
}

/* --- signatories --- */

static json_t *list(const struct directory *own, const struct register_query *query,
                    struct node_answer *answer)
{
    struct view *view = view_of(own);
    const struct shown *shown = register_hold(view, answer);
    gint64 now_us = clock_now_us();
    json_t *document;

    if (!shown)
        return NULL;
    document = register_list(shown->reg, query, now_us);
    set_place(document, shown, now_us);
    view_release(view);
    return document;
}

static void answer_signatories(struct node *node, gpointer service,
                               const struct node_request *request, struct node_answer *answer)
{
    struct register_query query;
    json_t *document;

    if (!read_query(request, &query)) {
        refuse_query(answer);
        return;
    }
    document = list(service, &query, answer);
    if (document)
        answer_json(answer, 200, document);
}

/*
 * A field of RFC 4180. What a spreadsheet would take for a formula gets an apostrophe before it:
 * names come from outside.
 */
static void add_field(GString *csv, const char *text, gboolean last)
{
    g_string_append_c(csv, '"');
    if (text && *text && strchr("=+-@\t\r", *text))
        g_string_append_c(csv, '\'');
    for (; text && *text; text++) {
        if (*text == '"')
            g_string_append_c(csv, '"');
        g_string_append_c(csv, *text);
    }
    g_string_append(csv, last ? "\"\r\n" : "\",");
}

static void add_row(GString *csv, const json_t *row)
{
    static const char *const first[] = { "id",      "name",     "domain",   "group",
                                         "country", "attested", "freshness" };
    const json_t *assessment = json_object_get(row, "assessment"), *principle;
    size_t i;

    for (guint field = 0; field < G_N_ELEMENTS(first); field++)
        add_field(csv, json_text(row, first[field]), FALSE);
    add_field(csv, json_text(json_object_get(row, "joined"), "time"), FALSE);
    add_field(csv, json_text(assessment, "time"), FALSE);
    add_field(csv, json_text(assessment, "status"), !json_is_object(assessment));
    json_array_foreach(json_object_get(assessment, "principles"), i, principle)
    {
        const char *members[] = { "band", "coverage" };

        for (guint member = 0; member < G_N_ELEMENTS(members); member++) {
            const json_t *value = json_object_get(principle, members[member]);
            g_autofree char *number = json_is_integer(value)
                                          ? g_strdup_printf("%d", (int)json_integer_value(value))
                                          : g_strdup("");

            add_field(csv, number, i + 1 == PREDICATE_PRINCIPLES && member == 1);
        }
    }
}

static GString *csv_begin(void)
{
    GString *csv =
        g_string_new("id,name,domain,group,country,attested,freshness,joined,assessed,review");

    for (guint n = 1; n <= PREDICATE_PRINCIPLES; n++)
        g_string_append_printf(csv, ",band_%u,coverage_%u", n, n);
    g_string_append(csv, "\r\n");
    return csv;
}

/* All that the filters let through, in one file. */
static void answer_csv(struct node *node, gpointer service, const struct node_request *request,
                       struct node_answer *answer)
{
    struct register_query query;
    g_autoptr(json_t) document = NULL;
    GString *csv;
    json_t *row;
    size_t i;

    if (!read_query(request, &query)) {
        refuse_query(answer);
        return;
    }
    query.limit = REGISTER_PAGE_LIMIT;
    csv = csv_begin();
    for (query.offset = 0;; query.offset += REGISTER_PAGE_LIMIT) {
        g_clear_pointer(&document, json_decref);
        document = list(service, &query, answer);
        if (!document || !json_array_size(json_object_get(document, "signatories")))
            break;
        json_array_foreach(json_object_get(document, "signatories"), i, row) add_row(csv, row);
    }
    if (document)
        answer_bytes(answer, 200, CSV_TYPE, g_string_free_to_bytes(csv));
    else
        g_string_free(csv, TRUE);
}

/* --- entries --- */

static void answer_entries(struct node *node, gpointer service, const struct node_request *request,
                           struct node_answer *answer)
{
    struct view *view = view_of(service);
    struct register_span span = { .signatory = read_word(request, "signatory"),
                                  .type = read_word(request, "type") };
    const struct shown *shown;
    gint64 now_us = clock_now_us();
    json_t *document;

    if (!read_number(request, "before", G_MAXINT64, G_MAXUINT64, &span.before) ||
        !read_number(request, "count", ENTRIES, ENTRIES, &span.count)) {
        answer_problem(answer, 400, "\"before\" is an index, \"count\" a number up to 256.");
        return;
    }
    shown = register_hold(view, answer);
    if (!shown)
        return;
    /* What is folded may be ahead of what is published. */
    span.before = MIN(span.before, shown->checkpoint->size);
    document = json_pack("{s:o}", "entries", register_newest(shown->reg, &span));
    set_place(document, shown, now_us);
    view_release(view);
    answer_json(answer, 200, document);
}

/* --- counts --- */

static json_t *both(const struct text *text)
{
    return json_pack("{s:s, s:s}", "en", text->en, "fr", text->fr);
}

static void name_principles(json_t *counts)
{
    json_t *principle;
    size_t i;

    json_array_foreach(json_object_get(counts, "principles"), i, principle)
    {
        json_object_set_new(principle, "name", both(&principles[i].name));
        json_object_set_new(principle, "text", both(&principles[i].text));
    }
}

static void answer_summary(struct node *node, gpointer service, const struct node_request *request,
                           struct node_answer *answer)
{
    struct view *view = view_of(service);
    const struct register_span last = { .before = G_MAXUINT64, .count = LATEST };
    const struct shown *shown = register_hold(view, answer);
    const struct community_policy *policy;
    gint64 now_us = clock_now_us();
    json_t *document;

    if (!shown)
        return;
    policy = register_policy(shown->reg);
    document = register_counts(shown->reg, now_us);
    json_object_set_new(document, "operator", json_safe_string(policy->operator_domain));
    json_object_set_new(document, "checkpoint_max_age_s", json_integer(policy->max_age_s));
    json_object_set_new(document, "latest", register_newest(shown->reg, &last));
    set_place(document, shown, now_us);
    view_release(view);
    name_principles(document);
    answer_json(answer, 200, document);
}

/* --- growth --- */

/* Made anew at most once a minute, or when the log grew. */
static json_t *growth(struct directory *own, const struct shown *shown, gint64 now_us)
{
    guint64 size = shown->checkpoint->size;
    g_autoptr(GBytes) history = NULL;
    json_t *document;

    g_mutex_lock(&own->lock);
    if (!own->growth || own->growth_size != size || now_us - own->growth_us > GROWTH_AGE_US) {
        history = file_read(own->history, HISTORY_LIMIT, NULL);
        json_decref(own->growth);
        own->growth = register_growth(shown->reg, now_us);
        json_object_set_new(own->growth, "witnesses",
                            history ? uptime_of(history, register_policy(shown->reg), now_us)
                                    : json_array());
        set_place(own->growth, shown, now_us);
        own->growth_size = size;
        own->growth_us = now_us;
    }
    document = json_deep_copy(own->growth);
    g_mutex_unlock(&own->lock);
    return document;
}

static void answer_followup(struct node *node, gpointer service, const struct node_request *request,
                            struct node_answer *answer)
{
    struct view *view = view_of(service);
    const struct shown *shown = register_hold(view, answer);
    json_t *document;

    if (!shown)
        return;
    document = growth(service, shown, clock_now_us());
    view_release(view);
    answer_json(answer, 200, document);
}

static const struct route routes[] = {
    { "GET", "/api/v1/signatories", ROUTE_WORK, 0, LIST_COST, answer_signatories },
    { "GET", "/api/v1/signatories.csv", ROUTE_WORK, 0, COUNT_COST, answer_csv },
    { "GET", "/api/v1/entries", ROUTE_WORK, 0, READ_COST, answer_entries },
    { "GET", "/api/v1/summary", ROUTE_WORK, 0, LIST_COST, answer_summary },
    { "GET", "/api/v1/followup", ROUTE_WORK, 0, COUNT_COST, answer_followup },
    { NULL },
};

const struct service service_directory = {
    .name = "directory",
    .start = start,
    .stop = stop,
    .routes = routes,
};
