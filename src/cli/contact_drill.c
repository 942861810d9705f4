/*
 * contact_drill.c: communication checks: `entente contact ping`, `drill` and `answer`.
 *
 * A check is a case of the kind "drill" with a number used once. What came of it is computed from
 * the case alone: who answered, when, and with which number; the answer is not believed otherwise.
 */
#include "base/clock.h"
#include "base/terminal.h"
#include "cli/case_text.h"
#include "cli/contact_command.h"
#include "cli/contact_result.h"
#include "statement/base64.h"

#include <sodium.h>
#include <string.h>

#define KIND "drill"
#define NONCE_SIZE 32
#define LEVELS 3
#define WAIT_STEP_US (G_USEC_PER_SEC / 2)
#define DRILL_DAYS 30
#define DRILLS_LIMIT 1000u
#define DAY_US (G_GINT64_CONSTANT(86400) * G_USEC_PER_SEC)

/* --- sending --- */

static gboolean check_level(const struct contact_drill_options *options, GError **error)
{
    if (options->level < 0 || options->level > LEVELS)
        return input_error(error, "--level 1 (automatic), 2 (a person) or 3 (a scenario)");
    if ((options->level == LEVELS) != (options->scenario != NULL))
        return input_error(error, "--level 3 and --scenario TEXT go together");
    if (options->wait_s < 0)
        return input_error(error, "--wait takes a number of seconds");
    return TRUE;
}

static void set_text(json_t *fields, const char *name, const char *text)
{
    if (text)
        json_object_set_new(fields, name, json_safe_string(text));
}

static json_t *drill_fields(const struct contact_drill_options *options)
{
    g_autofree char *level = g_strdup_printf("l%d", options->level ? options->level : 1);
    guint8 nonce[NONCE_SIZE];
    g_autofree char *hex = NULL;
    json_t *fields = json_object();

    randombytes_buf(nonce, sizeof nonce);
    hex = hex_encode(nonce, sizeof nonce);
    set_text(fields, "level", level);
    set_text(fields, "nonce", hex);
    set_text(fields, "contact_role", options->contact_role);
    set_text(fields, "channel", options->channel);
    set_text(fields, "scenario", options->scenario);
    return fields;
}

static int send_one(struct casework *work, const struct contact_drill_options *options,
                    const char *party, char **id, GError **error)
{
    g_autoptr(json_t) fields = drill_fields(options);
    const char *const to[] = { party, NULL };
    const struct case_draft draft = {
        .kind = KIND, .event = CASE_EVENT_OPEN, .to = to, .fields = fields
    };

    if (!casework_is_signatory(work, error))
        return EXIT_INPUT;
    return casework_say(work, &draft, id, error);
}

/* --- results --- */

static json_t *result_of(struct casework *work, const char *id, GError **error)
{
    const struct kase *kase = casework_case(work, id, error);

    return kase ? contact_result(work, kase) : NULL;
}

static const char *result_text(const struct casework *work, const char *result)
{
    static const struct process_text texts[] = {
        { "ok", "à temps" },
        { "late", "en retard" },
        { "silent", "sans réponse" },
        { "waiting", "en attente" },
        { "bounced", "injoignable" },
        { "wrong-answer", "réponse erronée" },
        { "wrong-key", "clé erronée" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(texts); i++)
        if (g_str_equal(texts[i].en, result))
            return casework_text(work, &texts[i]);
    return result;
}

static char *results_text(const struct casework *work, const json_t *results)
{
    static const char *const english[] = { "CONTACT", "LEVEL", "SENT", "RESULT",
                                           "AFTER",   "CASE",  NULL };
    static const char *const french[] = { "CONTACT", "NIVEAU",  "ENVOYÉ", "RÉSULTAT",
                                          "APRÈS",   "DOSSIER", NULL };
    g_autoptr(text_table_t) table = text_table_new(work->french ? french : english);
    const json_t *result;
    size_t index;

    json_array_foreach(results, index, result)
    {
        const json_t *took = json_object_get(result, "answered_after_s");
        g_autofree char *name = casework_name(work, json_text(result, "contact"));
        g_autofree char *sent = case_text_time(json_text(result, "sent"));
        g_autofree char *after =
            took ? case_text_duration(json_integer_value(took) * G_USEC_PER_SEC, work->french)
                 : g_strdup("");
        g_autofree char *id = g_strndup(json_text(result, "case"), CASEWORK_SHORT_ID);
        const char *word = json_text(result, "result");
        const enum style style = g_str_equal(word, "ok")        ? STYLE_GOOD
                                 : g_str_equal(word, "waiting") ? STYLE_PLAIN
                                                                : STYLE_BAD;
        const char *const cells[] = { name,  json_text(result, "level"),
                                      sent,  result_text(work, word),
                                      after, id };
        const enum style styles[] = { STYLE_PLAIN, STYLE_PLAIN, STYLE_PLAIN,
                                      style,       STYLE_PLAIN, STYLE_PLAIN };

        text_table_row(table, cells, styles);
    }
    return cli_table(work->context, table);
}

static char *summary_text(const struct casework *work, const json_t *summary)
{
    const json_t *rate = json_object_get(summary, "rate_percent");
    g_autofree char *median =
        case_text_duration(json_number(summary, "median_s", 0) * G_USEC_PER_SEC, work->french);
    g_autofree char *p90 =
        case_text_duration(json_number(summary, "p90_s", 0) * G_USEC_PER_SEC, work->french);
    const int ended = (int)json_number(summary, "ended", 0);

    if (!json_is_integer(rate))
        return g_strdup("");
    if (!json_is_integer(json_object_get(summary, "median_s")))
        return g_strdup_printf(work->french ? "\nPersonne n’a répondu (sur %d)\n"
                                            : "\nNobody answered (of %d)\n",
                               ended);
    return g_strdup_printf(
        work->french ? "\n%d %% ont répondu à temps (sur %d)\u202f; médiane %s, 90ᵉ centile %s\n"
                     : "\n%d %% answered in time (of %d); median %s, 90th percentile %s\n",
        (int)json_integer_value(rate), ended, median, p90);
}

/* 1 when somebody that should have answered did not, or not well. */
static int show_results(struct casework *work, const json_t *results, GError **error)
{
    g_autoptr(json_t) summary = contact_summary(results);
    g_autofree char *table = NULL, *line = NULL, *text = NULL;

    if (cli_format_is(work->context, "json", FALSE)) {
        g_autoptr(json_t) document = json_pack("{s:O, s:O}", "drills", results, "summary", summary);

        text = json_pretty(document);
    } else {
        table = results_text(work, results);
        line = summary_text(work, summary);
        text = g_strconcat(table, line, NULL);
    }
    if (!cli_output(work->context, text, strlen(text), error))
        return EXIT_SYSTEM;
    return json_number(summary, "failed", 0) ? EXIT_FOUND : EXIT_DONE;
}

static gboolean is_waiting(const json_t *results)
{
    const json_t *result;
    size_t index;

    json_array_foreach(results, index, result)
    {
        if (g_str_equal(json_text(result, "result"), "waiting"))
            return TRUE;
    }
    return FALSE;
}

static json_t *results_of(struct casework *work, const GPtrArray *ids, GError **error)
{
    json_t *list = json_array();

    for (guint i = 0; i < ids->len; i++) {
        json_t *result = result_of(work, ids->pdata[i], error);

        if (!result) {
            json_decref(list);
            return NULL;
        }
        json_array_append_new(list, result);
    }
    return list;
}

/* Looks again while nobody answered and --wait allows. */
static int wait_and_show(struct casework *work, const GPtrArray *ids, int wait_s, GError **error)
{
    const gint64 until_us = g_get_monotonic_time() + wait_s * G_USEC_PER_SEC;
    struct progress *progress =
        wait_s && !work->context->quiet
            ? progress_begin(work->french ? "attente des réponses" : "waiting for answers", 0)
            : NULL;
    json_t *results;
    int status;

    for (;;) {
        work->now_us = clock_now_us();
        results = results_of(work, ids, error);
        if (!results || !is_waiting(results) || g_get_monotonic_time() >= until_us)
            break;
        json_decref(results);
        g_usleep(WAIT_STEP_US);
    }
    if (progress)
        progress_end(progress);
    if (!results)
        return EXIT_SYSTEM;
    status = show_results(work, results, error);
    json_decref(results);
    return status;
}

/* --- ping --- */

int contact_ping(const struct context *context, const struct contact_drill_options *options,
                 char **arguments, GError **error)
{
    g_autoptr(GPtrArray) ids = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(casework_t) work = NULL;
    g_autofree char *party = NULL;
    char *id = NULL;
    int status;

    if (!arguments[0] || arguments[1])
        return input_error(error, "ping takes one signatory");
    if (!check_level(options, error))
        return EXIT_INPUT;
    work = casework_open(context, &options->work, error);
    if (!work)
        return EXIT_SYSTEM;
    party = casework_party(work, arguments[0], error);
    if (!party)
        return EXIT_INPUT;
    status = send_one(work, options, party, &id, error);
    if (status != EXIT_DONE)
        return status;
    g_ptr_array_add(ids, id);
    return wait_and_show(work, ids, options->wait_s, error);
}

/* --- drill --- */

/* Everybody but us; only of --group, where it is given. */
static GPtrArray *chosen(struct casework *work, const struct contact_drill_options *options,
                         char **arguments, GError **error)
{
    g_autoptr(GPtrArray) parties = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GList) all = NULL;

    for (; *arguments; arguments++) {
        char *party = casework_party(work, *arguments, error);

        if (!party)
            return NULL;
        g_ptr_array_add(parties, party);
    }
    if (options->all || options->group)
        all = g_list_sort(g_hash_table_get_keys(work->domains), (GCompareFunc)strcmp);
    for (GList *item = all; item; item = item->next) {
        g_autoptr(json_t) known =
            register_signatory(casework_register(work), item->data, work->now_us, NULL);

        if (!g_str_equal(item->data, work->self) &&
            (!options->group || g_strcmp0(json_text(known, "group"), options->group) == 0))
            g_ptr_array_add(parties, g_strdup(item->data));
    }
    return g_steal_pointer(&parties);
}

static int send_all(struct casework *work, const struct contact_drill_options *options,
                    const GPtrArray *parties, GError **error)
{
    g_autoptr(GPtrArray) ids = g_ptr_array_new_with_free_func(g_free);

    if (!parties->len)
        return input_error(error, "there is nobody to check");
    for (guint i = 0; i < parties->len; i++) {
        char *id = NULL;
        const int status = send_one(work, options, parties->pdata[i], &id, error);

        if (status != EXIT_DONE)
            return status;
        g_ptr_array_add(ids, id);
    }
    return wait_and_show(work, ids, options->wait_s, error);
}

/* Our own drills since then, the oldest first. */
static GPtrArray *drills_since(struct casework *work, gint64 from_us, GError **error)
{
    const struct cases_filter filter = {
        .kind = KIND, .open = TRUE, .ended = TRUE, .limit = DRILLS_LIMIT
    };
    g_autoptr(json_t) list = cases_list(work->cases, &filter, work->now_us, error);
    GPtrArray *ids = list ? g_ptr_array_new_with_free_func(g_free) : NULL;
    const json_t *row;
    size_t index;

    json_array_foreach(json_object_get(list, "cases"), index, row)
    {
        gint64 opened_us = 0;

        clock_parse(json_text(row, "opened"), &opened_us, NULL);
        if (g_strcmp0(json_text(row, "opener"), work->self) == 0 && opened_us >= from_us)
            g_ptr_array_insert(ids, 0, g_strdup(json_text(row, "id")));
    }
    return ids;
}

int contact_drill(const struct context *context, const struct contact_drill_options *options,
                  char **arguments, GError **error)
{
    g_autoptr(casework_t) work = NULL;
    g_autoptr(GPtrArray) list = NULL;
    gint64 from_us;

    if (!check_level(options, error))
        return EXIT_INPUT;
    work = casework_open(context, &options->work, error);
    if (!work)
        return EXIT_SYSTEM;
    if (*arguments || options->all || options->group) {
        list = chosen(work, options, arguments, error);
        return list ? send_all(work, options, list, error) : EXIT_INPUT;
    }
    from_us = work->now_us - DRILL_DAYS * DAY_US;
    if (options->from && !clock_parse(options->from, &from_us, error))
        return EXIT_INPUT;
    list = drills_since(work, from_us, error);
    return list ? wait_and_show(work, list, options->wait_s, error) : EXIT_SYSTEM;
}

/* --- answer --- */

int contact_answer(const struct context *context, const struct contact_drill_options *options,
                   char **arguments, GError **error)
{
    g_autoptr(casework_t) work = NULL;
    g_autoptr(json_t) fields = NULL;
    g_autofree char *id = NULL;
    struct case_draft draft = { .event = "answer" };
    const struct kase *kase;
    const char *nonce;

    if (!arguments[0] || arguments[1])
        return input_error(error, "answer takes one drill (entente contact due)");
    work = casework_open(context, &options->work, error);
    if (!work)
        return EXIT_SYSTEM;
    kase = casework_case(work, arguments[0], error);
    nonce = kase ? json_text(kase->fields, "nonce") : NULL;
    if (!kase)
        return EXIT_INPUT;
    if (!nonce || !g_str_equal(kase->kind->id, KIND))
        return input_error(error, "case %s is no drill", arguments[0]);
    fields = json_pack("{s:s, s:b}", "nonce", nonce, "human", 1);
    draft.id = id = g_strdup(kase->id);
    draft.fields = fields;
    return casework_say(work, &draft, NULL, error);
}
