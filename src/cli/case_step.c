/* case_step.c: what is said in a case that is open: any step of its kind, and those that everybody
 * takes often, by names of their own. */
#include "base/file.h"
#include "cli/case_command.h"
#include "cli/case_fields.h"

#include <string.h>

#define TEXT_FIELD "text"

/* The fields that a step needs, in whatever machine it stands. */
static const char *const *needs_of(const struct kase *kase, const struct case_arguments *given,
                                   const char *event, const char *self)
{
    g_autoptr(GPtrArray) options = case_options(kase, self);

    for (guint i = 0; i < options->len; i++) {
        const struct case_option *option = options->pdata[i];

        if (g_str_equal(option->step->event, event) &&
            (!given->machine || g_str_equal(option->step->machine, given->machine)))
            return option->step->needs;
    }
    return NULL;
}

static int take(struct casework *work, const struct case_arguments *given, const struct kase *kase,
                const char *event, json_t *extra, GError **error)
{
    g_autoptr(json_t) fields = case_fields_read(work, kase->kind, given->fields, error);
    g_autofree char *id = g_strdup(kase->id), *instance = NULL;
    const struct case_draft draft = {
        .id = id,
        .stream = given->stream,
        .machine = given->machine,
        .event = event,
        .fields = fields,
        .tlp = given->tlp,
        .files = (const char *const *)given->files,
    };
    struct case_draft whole = draft;

    if (!fields)
        return EXIT_INPUT;
    json_object_update(fields, extra);
    if (given->instance && !(instance = casework_party(work, given->instance, error)))
        return EXIT_INPUT;
    if (!case_fields_ask(work, kase->kind,
                         needs_of(kase, given, event, cases_self(work->cases, kase)), fields,
                         error))
        return EXIT_INPUT;
    whole.instance = instance;
    return casework_say(work, &whole, NULL, error);
}

static int step_in(struct casework *work, const struct case_arguments *given, const char *id,
                   const char *event, const char *kind, json_t *extra, GError **error)
{
    const struct kase *kase = casework_case_of(work, id, kind, error);

    if (!kase)
        return EXIT_INPUT;
    return take(work, given, kase, event, extra, error);
}

int case_step(const struct context *context, const struct case_arguments *given, const char *id,
              const char *event, const char *kind, json_t *extra, GError **error)
{
    g_autoptr(casework_t) work = casework_open(context, &given->work, error);

    return work ? step_in(work, given, id, event, kind, extra, error) : EXIT_SYSTEM;
}

static int run_step(const struct context *context, gconstpointer shared, char **arguments,
                    GError **error)
{
    const struct case_arguments *given = shared;
    if (!arguments[0] || !arguments[1] || arguments[2])
        return input_error(error, "step takes a case and a step (entente case show ID lists them)");
    return case_step(context, given, arguments[0], arguments[1], NULL, NULL, error);
}

static int run_close(const struct context *context, gconstpointer shared, char **arguments,
                     GError **error)
{
    const struct case_arguments *given = shared;
    if (!arguments[0] || arguments[1])
        return input_error(error, "close takes one case");
    return case_step(context, given, arguments[0], "close", NULL, NULL, error);
}

/* The words behind the case, or standard input for "-" and for none. */
static char *message_text(char **words, GError **error)
{
    g_autoptr(GBytes) bytes = NULL;
    gsize length;
    const char *text;

    if (*words && !g_str_equal(*words, "-"))
        return g_strjoinv(" ", words);
    bytes = file_read("-", CASE_FIELD_TEXT_LIMIT, error);
    if (!bytes)
        return NULL;
    text = g_bytes_get_data(bytes, &length);
    return g_strchomp(g_strndup(text, length));
}

static int run_message(const struct context *context, gconstpointer shared, char **arguments,
                       GError **error)
{
    const struct case_arguments *given = shared;
    g_autoptr(json_t) extra = json_object();
    g_autofree char *text = NULL;

    if (!arguments[0])
        return input_error(error, "message takes a case and a text (or \"-\": standard input)");
    text = message_text(arguments + 1, error);
    if (!text)
        return EXIT_SYSTEM;
    if (!*text)
        return input_error(error, "the message is empty");
    json_object_set_new(extra, TEXT_FIELD, json_safe_string(text));
    return case_step(context, given, arguments[0], "message", NULL, extra, error);
}

static int run_attach(const struct context *context, gconstpointer shared, char **arguments,
                      GError **error)
{
    const struct case_arguments *given = shared;
    struct case_arguments with_files = *given;

    if (!arguments[0] || !arguments[1])
        return input_error(error, "attach takes a case and files");
    with_files.files = arguments + 1;
    return case_step(context, &with_files, arguments[0], "attach", NULL, NULL, error);
}

/* --- other parties --- */

static gboolean one_party(const struct case_arguments *given, const char *example, GError **error)
{
    return (given->to && given->to[0] && !given->to[1]) ||
           input_error(error, "to whom? %s", example);
}

/* A step that names one other party by "WHO" or "ROLE=WHO". */
static int run_with_party(const struct context *context, const struct case_arguments *given,
                          const char *case_id, const char *event, gboolean with_role,
                          GError **error)
{
    g_autoptr(casework_t) work = casework_open(context, &given->work, error);
    const char *equals = strchr(given->to[0], '=');
    g_autoptr(json_t) extra = json_object();
    g_autofree char *party = NULL;

    if (!work)
        return EXIT_SYSTEM;
    if (with_role && !equals)
        return input_error(error, "--to %s: in which role? --to ROLE=SIGNATORY", given->to[0]);
    party = casework_party(work, with_role ? equals + 1 : given->to[0], error);
    if (!party)
        return EXIT_INPUT;
    json_object_set_new(extra, "party", json_string(party));
    if (with_role) {
        g_autofree char *role = g_strndup(given->to[0], equals - given->to[0]);

        json_object_set_new(extra, "role", json_safe_string(role));
    }
    if (given->reason)
        json_object_set_new(extra, "reason", json_safe_string(given->reason));
    return step_in(work, given, case_id, event, NULL, extra, error);
}

static int run_transfer(const struct context *context, gconstpointer shared, char **arguments,
                        GError **error)
{
    const struct case_arguments *given = shared;
    if (!arguments[0] || arguments[1])
        return input_error(error, "transfer takes one case, and --to SIGNATORY");
    if (!one_party(given, "--to SIGNATORY", error))
        return EXIT_INPUT;
    return run_with_party(context, given, arguments[0], "offer-transfer", FALSE, error);
}

static int run_add_party(const struct context *context, gconstpointer shared, char **arguments,
                         GError **error)
{
    const struct case_arguments *given = shared;
    if (!arguments[0] || arguments[1])
        return input_error(error, "add-party takes one case, and --to ROLE=SIGNATORY");
    if (!one_party(given, "--to ROLE=SIGNATORY", error))
        return EXIT_INPUT;
    return run_with_party(context, given, arguments[0], "add-party", TRUE, error);
}

const struct subcommand case_subcommand_step = { "step", run_step };
const struct subcommand case_subcommand_close = { "close", run_close };
const struct subcommand case_subcommand_message = { "message", run_message };
const struct subcommand case_subcommand_attach = { "attach", run_attach };
const struct subcommand case_subcommand_transfer = { "transfer", run_transfer };
const struct subcommand case_subcommand_add_party = { "add-party", run_add_party };
