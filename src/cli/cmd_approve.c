/*
 * cmd_approve.c: the second pair of eyes. A step that wants two people waits as a draft, signed by
 * the first; whoever approves it is shown what it says, and signs the same.
 */
#include "base/terminal.h"
#include "cli/case_text.h"
#include "cli/commands.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct state {
    struct casework_options work;
    gboolean yes, drop;
};

static const struct command_option options[] = {
    { "yes", 'y', G_OPTION_ARG_NONE, offsetof(struct state, yes), "Sign without asking", NULL },
    { "drop", 0, G_OPTION_ARG_NONE, offsetof(struct state, drop),
      "Throw the draft away instead of signing it", NULL },
    CASEWORK_OPTIONS(struct state),
    { NULL },
};

/* The inbox, of which only what waits for a signature is kept. */
static json_t *drafts(struct casework *work, GError **error)
{
    g_autoptr(json_t) inbox = cases_inbox(work->cases, 0, work->now_us, error), result = NULL;
    json_t *items, *item;
    size_t index;

    if (!inbox)
        return NULL;
    items = json_array();
    json_array_foreach(json_object_get(inbox, "items"), index, item)
    {
        if (json_object_get(item, "draft"))
            json_array_append(items, item);
    }
    result = json_pack("{s:o, s:i}", "items", items, "total", (int)json_array_size(items));
    return g_steal_pointer(&result);
}

static int list(struct casework *work, GError **error)
{
    g_autoptr(json_t) waiting = drafts(work, error);

    if (!waiting || !case_text_put(work, waiting, "items", case_text_inbox, error))
        return EXIT_SYSTEM;
    if (!work->context->quiet && !json_number(waiting, "total", 0))
        fputs(work->french ? "Rien n'attend une seconde signature.\n"
                           : "Nothing waits for a second signature.\n",
              stderr);
    return EXIT_DONE;
}

/* The draft called so: by the beginning of its id, or of its case's. */
static char *find(struct casework *work, const char *id, GError **error)
{
    g_autoptr(json_t) waiting = drafts(work, error);
    const json_t *item, *found = NULL;
    guint count = 0;
    size_t index;

    if (!waiting)
        return NULL;
    json_array_foreach(json_object_get(waiting, "items"), index, item)
    {
        if (g_str_has_prefix(json_text(item, "draft"), id) ||
            g_str_has_prefix(json_text(item, "id"), id)) {
            found = item;
            count++;
        }
    }
    if (count == 1)
        return g_strdup(json_text(found, "draft"));
    input_error(error,
                count ? "\"%s\": several drafts begin so (entente approve lists them)"
                      : "\"%s\" is no draft that waits for a signature (entente approve)",
                id);
    return NULL;
}

static void show_member(const char *name, const json_t *value)
{
    g_autofree char *label = terminal_escape(name), *shown = NULL;
    char *dumped = NULL;

    if (json_is_string(value)) {
        shown = terminal_escape(json_string_value(value));
    } else {
        dumped = json_dumps(value, JSON_ENCODE_ANY);
        shown = terminal_escape(dumped);
    }
    fprintf(stderr, "  %s: %s\n", label, shown);
    free(dumped);
}

static gboolean show_draft(struct casework *work, const char *id, GError **error)
{
    g_autoptr(json_t) event = cases_draft(work->cases, id, error);
    const json_t *fields = json_object_get(event, "fields"), *file;
    const char *kind = json_text(event, "kind"), *name;
    json_t *value;
    size_t index;

    if (!event)
        return FALSE;
    fprintf(stderr,
            work->french ? "À signer\u202f: %s (%s %.*s)\n" : "What will be signed: %s (%s %.*s)\n",
            case_text_step(work, kind, json_text(event, "machine"), json_text(event, "event")),
            case_text_kind(work, kind), CASEWORK_SHORT_ID, json_text(event, "case"));
    json_object_foreach((json_t *)fields, name, value) show_member(name, value);
    json_array_foreach(json_object_get(event, "attachments"), index, file)
        show_member(work->french ? "fichier" : "file", json_object_get(file, "name"));
    show_member("TLP", json_object_get(event, "tlp"));
    return TRUE;
}

static gboolean confirmed(const struct casework *work, const struct state *state, GError **error)
{
    char answer[8];

    if (state->yes)
        return TRUE;
    if (!isatty(STDIN_FILENO))
        return policy_error(error, "nothing was signed: there is nobody to ask (--yes signs "
                                   "without asking)");
    fputs(work->french ? "Signer\u202f? [o/N] " : "Sign? [y/N] ", stderr);
    return (fgets(answer, sizeof answer, stdin) && strchr("yYoO", answer[0])) ||
           policy_error(error, "nothing was signed");
}

static int approve(struct casework *work, const struct state *state, const char *id, GError **error)
{
    const struct signing_key *key;
    gboolean done;

    if (!show_draft(work, id, error) || !confirmed(work, state, error) ||
        !(key = casework_key(work, error)))
        return EXIT_POLICY;
    if (!cases_approve(work->cases, id, key, work->now_us, &done, error))
        return EXIT_POLICY;
    if (!work->context->quiet)
        fputs(done           ? work->french ? "Signé\u202f: l'étape est franchie.\n"
                                            : "Signed: the step is taken.\n"
              : work->french ? "Signé\u202f: il manque encore une signature.\n"
                             : "Signed: one more signature is missing.\n",
              stderr);
    return EXIT_DONE;
}

static int drop(struct casework *work, const char *id, GError **error)
{
    if (!cases_drop_draft(work->cases, id, error))
        return EXIT_SYSTEM;
    if (!work->context->quiet)
        fprintf(stderr,
                work->french ? "Projet %s jeté\u202f: rien n’a été signé.\n"
                             : "Draft %s thrown away: the step is not taken.\n",
                id);
    return EXIT_DONE;
}

static int run(const struct context *context, void *data, char **arguments, GError **error)
{
    const struct state *state = data;
    g_autoptr(casework_t) work = NULL;
    g_autofree char *id = NULL;

    if (arguments[0] && arguments[1])
        return input_error(error, "approve takes one draft");
    work = casework_open(context, &state->work, error);
    if (!work)
        return EXIT_SYSTEM;
    if (!arguments[0])
        return state->drop ? input_error(error, "--drop takes one draft (entente approve)")
                           : list(work, error);
    id = find(work, arguments[0], error);
    if (!id)
        return EXIT_INPUT;
    if (state->drop)
        return drop(work, id, error);
    return approve(work, state, id, error);
}

const struct command command_approve = {
    .name = "approve",
    .summary = "Sign, as the second person, a step that wants two",
    .arguments = "[ID]",
    .formats = "text, json",
    .details = "Without ID, what waits for a signature. ID is the beginning of a draft's id, or of "
               "its case's.\nThe second signature is by another key than the first: --key NAME.\n\n"
               "Example: entente approve\n"
               "         entente approve 9c41 --key second",
    .options = options,
    .state_size = sizeof(struct state),
    .run = run,
};
