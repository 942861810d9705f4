/* cmd_review.c: self-assessments checked by lot: what was drawn, opened by the assessed, looked at
 * by the reviewers that were drawn. */
#include "assess/assessment_statement.h"
#include "assess/catalogue.h"
#include "assess/reports.h"
#include "base/decimal.h"
#include "base/terminal.h"
#include "cli/ceremony.h"
#include "cli/commands.h"
#include "cli/openings.h"
#include "p9_norms/review.h"
#include "statement/base64.h"
#include "statement/verifier.h"

#include <stdio.h>
#include <string.h>

#define DISCLOSURE_LIMIT (16u << 20)

struct state {
    struct ceremony_options ceremony;
    char *verdict, *note;
};

static const char not_answered[] = "not-answered";

/* --- what is meant --- */

/* The leaf hash of an envelope's entry, and its index. ENTENTE_ERROR_INPUT: not in the log. */
static gboolean find_entry(const struct ceremony *ceremony, const json_t *value, const char *path,
                           guint64 *index, GError **error)
{
    g_autoptr(dsse_t) envelope = dsse_from_json(value, path, error);
    g_autoptr(GBytes) entry = envelope ? community_entry(envelope, error) : NULL;
    g_autoptr(merkle_t) merkle = merkle_new();
    struct merkle_hash leaf;

    if (!entry)
        return FALSE;
    leaf = merkle_leaf(merkle, g_bytes_get_data(entry, NULL), g_bytes_get_size(entry));
    return register_index_of(ceremony->registry->reg, leaf.bytes, index) ||
           input_error(error,
                       "%s: the assessment does not stand in the log of %s as it is known "
                       "here",
                       path, ceremony->origin);
}

/* By index, or the latest of a signatory. */
static json_t *draw_named(const struct ceremony *ceremony, const char *who, GError **error)
{
    const struct reg *reg = ceremony->registry->reg;
    g_autoptr(json_t) signatory = NULL;
    const json_t *assessment;
    guint64 index;

    if (!decimal_parse(who, strlen(who), &index)) {
        signatory = register_signatory(reg, who, ceremony->registry->now_us, error);
        if (!signatory)
            return NULL;
        assessment = json_object_get(signatory, "assessment");
        if (json_is_null(assessment)) {
            input_error(error, "%s has published no assessment", json_text(signatory, "domain"));
            return NULL;
        }
        index = (guint64)json_number(assessment, "index", 0);
    }
    return register_draw(reg, index, error);
}

static gboolean is_drawn(const json_t *draw, GError **error)
{
    return json_is_object(json_object_get(draw, "draw")) ||
           policy_error(error, "nothing is drawn yet: no trusted checkpoint includes the "
                               "assessment (see: entente community show --update)");
}

/* --- draw --- */

static int show_draw(struct ceremony *ceremony, const struct state *state, const char *who,
                     GError **error)
{
    g_autoptr(json_t) draw = NULL;
    g_autofree char *text = NULL;

    (void)state;
    if (!who)
        return input_error(error, "whose assessment? give a signatory, or the index of an entry");
    draw = draw_named(ceremony, who, error);
    if (!draw)
        return EXIT_INPUT;
    text = cli_format_is(ceremony->context, "json", FALSE) ? json_pretty(draw)
                                                           : review_draw_text(draw);
    if (!cli_output(ceremony->context, text, strlen(text), error))
        return EXIT_SYSTEM;
    registry_warn(ceremony->registry, ceremony->context);
    return ceremony->registry->unwitnessed ? EXIT_SYSTEM : EXIT_DONE;
}

/* --- open --- */

/* The newest kept assessment that stands in the log. */
static char *newest_published(const struct ceremony *ceremony, GError **error)
{
    g_auto(GStrv) runs = reports_list(ceremony->data);

    for (guint i = g_strv_length(runs); i > 0; i--) {
        g_autofree char *path = reports_path(ceremony->data, runs[i - 1], ASSESSMENT_ENVELOPE_NAME);
        g_autoptr(json_t) value = json_read_file(path, DSSE_LIMIT, NULL);
        guint64 index;

        if (value && find_entry(ceremony, value, path, &index, NULL))
            return g_path_get_dirname(path);
    }
    input_error(error, "none of the kept assessments stands in the log (entente publish)");
    return NULL;
}

static int open_drawn(struct ceremony *ceremony, const struct state *state, const char *argument,
                      GError **error)
{
    gboolean named = TRUE;
    g_autofree char *folder = argument ? openings_folder(ceremony->data, argument, &named, error)
                                       : newest_published(ceremony, error);
    g_autoptr(json_t) envelope = NULL, draw = NULL, entries = json_array(), disclosure = NULL;
    g_autoptr(commitment_t) commitment = NULL;
    g_autofree char *text = NULL;
    const json_t *finding;
    guint64 index;
    size_t i;

    (void)state;
    if (folder && !named)
        return input_error(error, "%s: no such assessment is kept here", argument);
    commitment = folder ? openings_load(folder, &envelope, error) : NULL;
    if (!commitment || !find_entry(ceremony, envelope, folder, &index, error))
        return EXIT_INPUT;
    draw = register_draw(ceremony->registry->reg, index, error);
    if (!draw || !is_drawn(draw, error))
        return EXIT_POLICY;
    json_array_foreach(json_object_get(json_object_get(draw, "draw"), "findings"), i, finding)
    {
        guint64 leaf = (guint64)json_number(finding, "index", G_MAXINT64);

        if (leaf >= commitment_count(commitment))
            return found_error(error, "leaf %" G_GUINT64_FORMAT " is not among the openings", leaf);
        json_array_append_new(entries, commitment_open(commitment, leaf));
    }
    disclosure = disclosure_build(envelope, entries);
    text = json_pretty(disclosure);
    if (!cli_output(ceremony->context, text, strlen(text), error))
        return EXIT_SYSTEM;
    if (!ceremony->context->quiet)
        fprintf(stderr,
                "%zu findings opened, those drawn and no other; hand them to the "
                "reviewers, by a channel of your choice\n",
                json_array_size(entries));
    return EXIT_DONE;
}

/* --- answer --- */

static const char *own_severity(const char *measure)
{
    const struct measure *found = catalogue_find(measure);

    return found ? severity_name(found->severity) : NULL;
}

/* Judges the file by the draw of the logged assessment that its envelope is. */
static json_t *check_file(const struct ceremony *ceremony, const char *path, json_t **draw,
                          GError **error)
{
    g_autoptr(json_t) disclosure = json_read_file(path, DISCLOSURE_LIMIT, error);
    const char *catalogue;
    guint64 index;

    if (!disclosure ||
        !find_entry(ceremony, json_object_get(disclosure, "envelope"), path, &index, error))
        return NULL;
    *draw = register_draw(ceremony->registry->reg, index, error);
    if (!*draw || !is_drawn(*draw, error))
        return NULL;
    catalogue = json_text(json_object_get(*draw, "assessment"), "catalogue");
    return review_check(*draw, disclosure,
                        g_strcmp0(catalogue, catalogue_digest()) == 0 ? own_severity : NULL, error);
}

static gboolean show_check(const struct ceremony *ceremony, const struct state *state,
                           const json_t *check, GError **error)
{
    g_autofree char *text = cli_format_is(ceremony->context, "json", FALSE)
                                ? json_pretty(check)
                                : review_check_text(check);

    /* With a verdict the output is about the statement; people still see what they sign for. */
    if (!state->verdict)
        return cli_output(ceremony->context, text, strlen(text), error);
    if (!ceremony->context->quiet)
        fputs(text, stderr);
    return TRUE;
}

static gboolean may_say(const struct state *state, const json_t *check, GError **error)
{
    const char *suggested = json_text(check, "suggested");

    if (suggested && g_str_equal(state->verdict, "confirmed"))
        return policy_error(error, "what was opened contradicts what was published: it is not "
                                   "confirmed");
    if (g_str_equal(state->verdict, not_answered))
        return input_error(error, "this is an answer: the verdict is confirmed or contradicted");
    return suggested || g_str_equal(state->verdict, "confirmed") || state->note ||
           input_error(error, "all is as committed: say in a --note what contradicts it");
}

static int sign_review(struct ceremony *ceremony, const struct state *state, const json_t *draw,
                       GError **error)
{
    const json_t *dice = json_object_get(draw, "draw"), *finding;
    json_t *entry = json_object_get(json_object_get(draw, "assessment"), "entry");
    json_t *predicate = ceremony_predicate(ceremony), *indices = json_array();
    size_t i;

    json_array_foreach(json_object_get(dice, "findings"), i, finding)
    {
        json_array_append(indices, json_object_get(finding, "index"));
    }
    json_object_set(predicate, "assessment", entry);
    json_object_set_new(predicate, "draw",
                        json_pack("{s:O, s:O}", "size", json_object_get(dice, "size"), "root",
                                  json_object_get(dice, "root")));
    json_object_set_new(predicate, "indices", indices);
    json_object_set_new(predicate, "verdict", json_string(state->verdict));
    if (state->note)
        json_object_set_new(predicate, "note", json_string(state->note));
    return ceremony_finish(ceremony, PREDICATE_REVIEW, "assessment", json_string_value(entry),
                           predicate, KEY_ROLE_ISSUER, NULL, error);
}

static int answer(struct ceremony *ceremony, const struct state *state, const char *argument,
                  GError **error)
{
    static const char *const verdicts[] = { "confirmed", "contradicted", not_answered, NULL };
    g_autoptr(json_t) draw = NULL, check = NULL;

    if (state->verdict && !g_strv_contains(verdicts, state->verdict))
        return input_error(error, "\"%s\": a verdict is confirmed, contradicted or not-answered",
                           state->verdict);
    if (!argument)
        return input_error(error, "give the DISCLOSURE that the assessed handed over; for "
                                  "--verdict not-answered the signatory, or the entry's index");
    if (g_strcmp0(state->verdict, not_answered) == 0 &&
        !g_file_test(argument, G_FILE_TEST_IS_REGULAR)) {
        draw = draw_named(ceremony, argument, error);
        return draw && is_drawn(draw, error) ? sign_review(ceremony, state, draw, error)
                                             : EXIT_INPUT;
    }
    check = check_file(ceremony, argument, &draw, error);
    if (!check || !show_check(ceremony, state, check, error))
        return EXIT_SYSTEM;
    if (!state->verdict)
        return json_text(check, "suggested") ? EXIT_FOUND : EXIT_DONE;
    return may_say(state, check, error) ? sign_review(ceremony, state, draw, error) : EXIT_POLICY;
}

static const struct {
    const char *name;
    int (*run)(struct ceremony *ceremony, const struct state *state, const char *argument,
               GError **error);
} subcommands[] = {
    { "draw", show_draw },
    { "open", open_drawn },
    { "answer", answer },
};

static int run(const struct context *context, void *data, char **arguments, GError **error)
{
    const struct state *state = data;
    g_autoptr(ceremony_t) ceremony = NULL;
    guint i = 0;

    while (arguments[0] && i < G_N_ELEMENTS(subcommands) &&
           !g_str_equal(subcommands[i].name, arguments[0]))
        i++;
    if (!arguments[0] || i == G_N_ELEMENTS(subcommands))
        return input_error(error, "review does draw, open or answer");
    if (arguments[1] && arguments[2])
        return input_error(error, "review %s takes one argument", arguments[0]);
    ceremony = ceremony_open(context, &state->ceremony, error);
    if (!ceremony)
        return EXIT_SYSTEM;
    if (!ceremony->registry)
        return input_error(error, "this machine belongs to no community: \"entente join\" one");
    return subcommands[i].run(ceremony, state, arguments[1], error);
}

static const struct command_option options[] = {
    { "verdict", 0, G_OPTION_ARG_STRING, offsetof(struct state, verdict),
      "answer: sign this: confirmed, contradicted, not-answered; without it nothing is signed",
      "VERDICT" },
    { "note", 0, G_OPTION_ARG_STRING, offsetof(struct state, note),
      "answer: what was found; public", "TEXT" },
    CEREMONY_OPTIONS(struct state, "key"),
    CEREMONY_PASSPHRASE(struct state),
    { NULL },
};

const struct command command_review = {
    .name = "review",
    .summary = "Check published assessments by lot: what is drawn, opening it, answering for it",
    .arguments = "draw SIGNATORY|INDEX | open [ASSESSMENT] | answer DISCLOSURE",
    .formats = "text, json",
    .details =
        "draw    what was drawn of an assessment, who reviews it, when the answer is due\n"
        "open    the assessed: open exactly the findings drawn, for the reviewers\n"
        "answer  a reviewer that was drawn: check what was opened, and sign a verdict on it\n\n"
        "Example: entente review draw ville.example\n"
        "         entente review open --output opened.json\n"
        "         entente review answer opened.json\n"
        "         entente review answer opened.json --verdict confirmed\n"
        "         entente review answer ville.example --verdict not-answered",
    .options = options,
    .state_size = sizeof(struct state),
    .run = run,
};
