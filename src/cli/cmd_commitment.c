/* cmd_commitment.c: what a signatory promises towards the norms, by when, and what became of it. */
#include "base/clock.h"
#include "base/decimal.h"
#include "base/terminal.h"
#include "cli/ceremony.h"
#include "cli/commands.h"
#include "p9_norms/references.h"
#include "statement/verifier.h"

#include <string.h>

struct state {
    struct ceremony_options ceremony;
    char **texts, **norms, **evidence;
    char *kind, *due, *convening, *status, *uri, *language, *title, *period;
    int principle;
};

/* The entry that an index or a leaf hash names, as its hash. */
static char *entry_hash(const struct ceremony *ceremony, const char *named, GError **error)
{
    g_autoptr(json_t) entry = NULL;
    guint64 index;

    if (!decimal_parse(named, strlen(named), &index))
        return g_strdup(named);
    entry = ceremony->registry ? register_entry(ceremony->registry->reg, index) : NULL;
    if (!entry) {
        input_error(error, "%s: the log has no such entry, as it is known here", named);
        return NULL;
    }
    return g_strdup(json_text(entry, "entry"));
}

static int finish(struct ceremony *ceremony, const char *type, json_t *predicate, GError **error)
{
    return ceremony_finish(ceremony, type, ceremony->domain, ceremony->id, predicate,
                           KEY_ROLE_ISSUER, NULL, error);
}

/* --- make --- */

/* "fr:TEXT" is French; without a language it is English. */
static gboolean set_texts(json_t *predicate, char **texts, GError **error)
{
    json_t *all = json_object();

    json_object_set_new(predicate, "text", all);
    for (; texts && *texts; texts++) {
        const char *text = *texts;
        gboolean tagged = g_ascii_islower(text[0]) && g_ascii_islower(text[1]) && text[2] == ':';
        g_autofree char *language = tagged ? g_strndup(text, 2) : g_strdup("en");

        if (json_object_get(all, language))
            return input_error(error,
                               "--text: there are two texts in \"%s\"; write fr:TEXT for "
                               "another language",
                               language);
        json_object_set_new(all, language, json_string(tagged ? text + 3 : text));
    }
    return TRUE;
}

static int make(struct ceremony *ceremony, const struct state *state, const char *argument,
                GError **error)
{
    g_autoptr(json_t) predicate = NULL;

    if (argument)
        return input_error(error, "\"%s\": commitment make takes options only", argument);
    if (!state->texts || !state->principle || !state->kind || !state->due || !state->convening)
        return input_error(error, "a commitment has --text, --principle, --kind, --due and "
                                  "--convening (and --norm)");
    predicate = ceremony_predicate(ceremony);
    if (!set_texts(predicate, state->texts, error) ||
        !norm_references_set(predicate, state->norms, NORM_MEMBERS_ALL, error))
        return EXIT_INPUT;
    json_object_set_new(predicate, "principle", json_integer(state->principle));
    json_object_set_new(predicate, "kind", json_string(state->kind));
    json_object_set_new(predicate, "due", json_string(state->due));
    json_object_set_new(predicate, "convening", json_string(state->convening));
    json_object_set_new(predicate, "status", json_string("pledged"));
    return finish(ceremony, PREDICATE_COMMITMENT, g_steal_pointer(&predicate), error);
}

/* --- update --- */

static json_t *own_commitment(const struct ceremony *ceremony, const char *hash, GError **error)
{
    g_autoptr(json_t) self = register_signatory(ceremony->registry->reg, ceremony->id,
                                                ceremony->registry->now_us, error);
    json_t *commitment;
    size_t i;

    json_array_foreach(json_object_get(self, "commitments"), i, commitment)
    {
        if (g_strcmp0(json_text(commitment, "entry"), hash) == 0)
            return json_incref(commitment);
    }
    if (self)
        input_error(error, "%s is no commitment of %s", hash, ceremony->domain);
    return NULL;
}

static gboolean set_evidence(const struct ceremony *ceremony, json_t *predicate, char **evidence,
                             GError **error)
{
    json_t *list = json_array();

    if (evidence && *evidence)
        json_object_set(predicate, "evidence", list);
    for (; evidence && *evidence; evidence++) {
        g_autofree char *hash = entry_hash(ceremony, *evidence, error);

        if (!hash) {
            json_decref(list);
            return FALSE;
        }
        json_array_append_new(list, json_pack("{s:s}", "entry", hash));
    }
    json_decref(list);
    return TRUE;
}

/* The same promise, word for word, with what became of it. */
static int update(struct ceremony *ceremony, const struct state *state, const char *argument,
                  GError **error)
{
    static const char *const members[] = { "text", "principle", "norms",     "cbms", "gcsc",
                                           "kind", "due",       "convening", NULL };
    g_autofree char *hash = NULL;
    g_autoptr(json_t) old = NULL, predicate = NULL;

    if (!ceremony->registry)
        return input_error(error, "this machine belongs to no community: \"entente join\" one");
    if (!argument || !state->status)
        return input_error(error, "commitment update takes the ENTRY of a commitment and --status");
    hash = entry_hash(ceremony, argument, error);
    old = hash ? own_commitment(ceremony, hash, error) : NULL;
    if (!old)
        return EXIT_INPUT;
    predicate = ceremony_predicate(ceremony);
    for (const char *const *member = members; *member; member++)
        json_object_set(predicate, *member, json_object_get(old, *member));
    json_object_set_new(predicate, "status", json_string(state->status));
    json_object_set_new(predicate, "of", json_string(hash));
    if (!set_evidence(ceremony, predicate, state->evidence, error))
        return EXIT_INPUT;
    return finish(ceremony, PREDICATE_COMMITMENT, g_steal_pointer(&predicate), error);
}

/* --- list --- */

/* In force: not updated since. */
static void add_commitments(json_t *list, const json_t *signatory)
{
    json_t *commitment;
    size_t i;

    json_array_foreach(json_object_get(signatory, "commitments"), i, commitment)
    {
        g_autoptr(json_t) row = NULL;

        if (json_object_get(commitment, "updated_by"))
            continue;
        row = json_deep_copy(commitment);
        json_object_set(row, "domain", json_object_get(signatory, "domain"));
        json_array_append(list, row);
    }
}

static json_t *commitments(const struct registry *registry, const char *who, GError **error)
{
    g_autoptr(GBytes) bytes = NULL;
    g_autoptr(json_t) source = NULL;
    json_t *list = json_array();
    const json_t *signatory;
    size_t i;

    if (who) {
        source = register_signatory(registry->reg, who, registry->now_us, error);
        add_commitments(list, source);
    } else {
        bytes = register_document(registry->reg, registry->now_us, error);
        source = bytes ? json_parse(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes),
                                    g_bytes_get_size(bytes), "register", error)
                       : NULL;
        json_array_foreach(json_object_get(source, "signatories"), i, signatory)
        {
            add_commitments(list, signatory);
        }
    }
    if (!source)
        g_clear_pointer(&list, json_decref);
    return list;
}

/* A promise whose day has passed is said to be so; whether it was kept, nobody here knows. */
static const char *status_word(const json_t *commitment, const char *today)
{
    const char *status = json_text(commitment, "status");

    if (status && !g_str_equal(status, "pledged"))
        return status;
    return strcmp(json_text(commitment, "due"), today) < 0 ? "past due" : "pledged";
}

static char *list_text(const json_t *list, const char *today, gboolean french, gboolean colour,
                       guint width)
{
    static const char *const headings[] = { "ENTRY",     "SIGNATORY", "P",    "DUE", "STATUS",
                                            "CONVENING", "NORMS",     "TEXT", NULL };
    g_autoptr(text_table_t) table = text_table_new(headings);
    const json_t *item;
    size_t i;

    json_array_foreach(list, i, item)
    {
        g_autofree char *index =
            g_strdup_printf("%" G_GINT64_FORMAT, json_number(item, "index", 0));
        g_autofree char *principle =
            g_strdup_printf("%" G_GINT64_FORMAT, json_number(item, "principle", 0));
        g_autofree char *norms = norm_references_text(item);
        json_t *texts = json_object_get(item, "text");
        const char *text = json_text(texts, french ? "fr" : "en");
        void *first = json_object_iter(texts);
        const char *const cells[] = {
            index,
            json_text(item, "domain"),
            principle,
            json_text(item, "due"),
            status_word(item, today),
            json_text(item, "convening"),
            norms,
            text || !first ? text : json_string_value(json_object_iter_value(first)),
        };

        text_table_row(table, cells, NULL);
    }
    return text_table_format(table, colour, width);
}

static int list(struct ceremony *ceremony, const struct state *state, const char *argument,
                GError **error)
{
    const struct context *context = ceremony->context;
    g_autofree char *now = clock_format(clock_now_us()), *text = NULL;
    g_autoptr(json_t) found = NULL;

    (void)state;
    if (!ceremony->registry)
        return input_error(error, "this machine belongs to no community: \"entente join\" one");
    found = commitments(ceremony->registry, argument, error);
    if (!found)
        return EXIT_INPUT;
    text = cli_format_is(context, "json", FALSE)
               ? json_pretty(found)
               : list_text(found, now, cli_is_french(context),
                           !context->output && terminal_has_colour(stdout),
                           context->output ? 0 : terminal_width(stdout));
    if (!cli_output(context, text, strlen(text), error))
        return EXIT_SYSTEM;
    registry_warn(ceremony->registry, context);
    return ceremony->registry->unwitnessed ? EXIT_SYSTEM : EXIT_DONE;
}

/* --- position, report --- */

static int publish_text(struct ceremony *ceremony, const struct state *state, const char *path,
                        const char *type, GError **error)
{
    g_autoptr(json_t) predicate = NULL;
    g_autofree char *sha256 = NULL;
    guint64 size;

    if (!path || !state->uri || !state->language || !state->title)
        return input_error(error, "give the FILE, and --uri, --language and --title of what was "
                                  "published");
    sha256 = verify_file_sha256(path, &size, error);
    if (!sha256)
        return EXIT_SYSTEM;
    predicate = ceremony_predicate(ceremony);
    if (!norm_references_set(predicate, state->norms, NORM_MEMBERS_UN, error))
        return EXIT_INPUT;
    json_object_set_new(predicate, "title", json_string(state->title));
    json_object_set_new(predicate, "language", json_string(state->language));
    json_object_set_new(predicate, "uri", json_string(state->uri));
    json_object_set_new(predicate, "sha256", json_string(sha256));
    if (state->period)
        json_object_set_new(predicate, "period", json_string(state->period));
    return finish(ceremony, type, g_steal_pointer(&predicate), error);
}

static int position(struct ceremony *ceremony, const struct state *state, const char *argument,
                    GError **error)
{
    if (state->period)
        return input_error(error, "a position has no --period; a report has");
    return publish_text(ceremony, state, argument, PREDICATE_LEGAL_POSITION, error);
}

static int report(struct ceremony *ceremony, const struct state *state, const char *argument,
                  GError **error)
{
    if (!state->period)
        return input_error(error, "a report is on a --period, for example 2026");
    return publish_text(ceremony, state, argument, PREDICATE_NORM_REPORT, error);
}

static const struct {
    const char *name;
    gboolean speaks; /* for the signatory of this machine */
    int (*run)(struct ceremony *ceremony, const struct state *state, const char *argument,
               GError **error);
} subcommands[] = {
    { "make", TRUE, make },         { "update", TRUE, update }, { "list", FALSE, list },
    { "position", TRUE, position }, { "report", TRUE, report },
};

static int run(const struct context *context, void *data, char **arguments, GError **error)
{
    const struct state *state = data;
    const char *asked = arguments[0] ? arguments[0] : "list";
    const char *argument = arguments[0] ? arguments[1] : NULL;
    g_autoptr(ceremony_t) ceremony = NULL;
    guint i = 0;

    while (i < G_N_ELEMENTS(subcommands) && !g_str_equal(subcommands[i].name, asked))
        i++;
    if (i == G_N_ELEMENTS(subcommands))
        return input_error(error, "\"%s\": commitment does make, update, list, position or report",
                           asked);
    if (argument && arguments[2])
        return input_error(error, "commitment %s takes one argument", asked);
    ceremony = ceremony_open(context, &state->ceremony, error);
    if (!ceremony || (subcommands[i].speaks && !ceremony_needs_self(ceremony, error)))
        return EXIT_SYSTEM;
    return subcommands[i].run(ceremony, state, argument, error);
}

static const struct command_option options[] = {
    { "text", 0, G_OPTION_ARG_STRING_ARRAY, offsetof(struct state, texts),
      "make: what is promised; fr:TEXT in French; may be given once for each language", "TEXT" },
    { "principle", 'p', G_OPTION_ARG_INT, offsetof(struct state, principle),
      "make: the principle it serves", "N" },
    { "norm", 0, G_OPTION_ARG_STRING_ARRAY, offsetof(struct state, norms),
      "A norm it is about, as \"entente norms\" lists them: un:g, osce:8; several times", "NORM" },
    { "kind", 0, G_OPTION_ARG_STRING, offsetof(struct state, kind),
      "make: normative, legal, operational or technical", "KIND" },
    { "due", 0, G_OPTION_ARG_STRING, offsetof(struct state, due), "make: by when: 2027-11-12",
      "DATE" },
    { "convening", 0, G_OPTION_ARG_STRING, offsetof(struct state, convening),
      "make: where it will be accounted for", "NAME" },
    { "status", 0, G_OPTION_ARG_STRING, offsetof(struct state, status),
      "update: done or withdrawn (or pledged again)", "STATUS" },
    { "evidence", 0, G_OPTION_ARG_STRING_ARRAY, offsetof(struct state, evidence),
      "update: an entry of the log that shows it; several times", "ENTRY" },
    { "uri", 0, G_OPTION_ARG_STRING, offsetof(struct state, uri),
      "position, report: where it is published", "URI" },
    { "language", 0, G_OPTION_ARG_STRING, offsetof(struct state, language),
      "position, report: its language (BCP 47)", "TAG" },
    { "title", 0, G_OPTION_ARG_STRING, offsetof(struct state, title), "position, report: its title",
      "TEXT" },
    { "period", 0, G_OPTION_ARG_STRING, offsetof(struct state, period),
      "report: the time it is about", "TEXT" },
    CEREMONY_OPTIONS(struct state, "key"),
    CEREMONY_PASSPHRASE(struct state),
    { NULL },
};

const struct command command_commitment = {
    .name = "commitment",
    .summary = "Promise something towards the norms, account for it, publish positions and reports",
    .arguments = "[make|update ENTRY|list [SIGNATORY]|position FILE|report FILE]",
    .formats = "text, json",
    .details = "make      promise something by a date, to be accounted for at a named convening\n"
               "update    say what became of it, with entries of the log as evidence\n"
               "list      the promises of all signatories, or of one, as they stand\n"
               "position  put a published legal position on record, by its hash\n"
               "report    the same for a report on how norms are carried out\n\n"
               "Example: entente commitment make --text \"We publish our disclosure policy\"\n"
               "           --principle 1 --norm un:j --kind normative --due 2027-11-12\n"
               "           --convening \"Paris Peace Forum 2027\"\n"
               "         entente commitment update 41 --status done --evidence 57\n"
               "         entente commitment list ville.example",
    .options = options,
    .state_size = sizeof(struct state),
    .run = run,
};
