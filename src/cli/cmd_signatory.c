#include "base/json.h"
#include "base/terminal.h"
#include "cli/commands.h"
#include "cli/registry.h"
#include "cli/signatory_text.h"

#include <stdio.h>
#include <string.h>

#define DOCUMENT_LIMIT ((gsize)1 << 30)

struct state {
    struct registry_options registry;
    char *group;
    int principle;
};

static const struct command_option options[] = {
    { "group", 0, G_OPTION_ARG_STRING, offsetof(struct state, group),
      "list, export: only state, private-sector or civil-society", "GROUP" },
    { "principle", 'p', G_OPTION_ARG_INT, offsetof(struct state, principle),
      "list, export: only who endorsed principle N", "N" },
    REGISTRY_OPTIONS(struct state),
    { NULL },
};

static gboolean has_endorsed(const json_t *signatory, int principle)
{
    const json_t *item;
    size_t index;

    json_array_foreach(json_object_get(json_object_get(signatory, "endorsement"), "principles"),
                       index, item)
    {
        if (json_integer_value(item) == principle)
            return TRUE;
    }
    return FALSE;
}

/* By domain: an order that ranks nobody. */
static gint compare_domains(gconstpointer left, gconstpointer right)
{
    return strcmp(json_text(*(const json_t *const *)left, "domain"),
                  json_text(*(const json_t *const *)right, "domain"));
}

static json_t *chosen(const struct registry *registry, const struct state *state, GError **error)
{
    g_autoptr(GBytes) bytes = register_document(registry->reg, registry->now_us, error);
    g_autoptr(json_t) document =
        bytes ? json_parse(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), DOCUMENT_LIMIT,
                           "register", error)
              : NULL;
    g_autoptr(GPtrArray) sorted = g_ptr_array_new();
    json_t *list, *item;
    size_t index;

    if (!document)
        return NULL;
    json_array_foreach(json_object_get(document, "signatories"), index, item)
    {
        if ((!state->group || g_strcmp0(json_text(item, "group"), state->group) == 0) &&
            (!state->principle || has_endorsed(item, state->principle)))
            g_ptr_array_add(sorted, item);
    }
    g_ptr_array_sort(sorted, compare_domains);
    list = json_array();
    for (guint i = 0; i < sorted->len; i++)
        json_array_append(list, sorted->pdata[i]);
    return list;
}

/* Those named, in the order of their naming. */
static json_t *named(const struct registry *registry, char **names, GError **error)
{
    json_t *list = json_array();

    for (; *names; names++) {
        json_t *signatory = register_signatory(registry->reg, *names, registry->now_us, error);

        if (!signatory) {
            json_decref(list);
            return NULL;
        }
        json_array_append_new(list, signatory);
    }
    return list;
}

static const struct {
    const char *name;
    guint least, most; /* names that it takes */
    const char *format;
    char *(*text)(const json_t *signatories, gboolean colour, guint width);
} subcommands[] = {
    { "list", 0, 0, "text", signatory_list_text },
    { "show", 1, 1, "text", signatory_show_text },
    { "compare", 2, 5, "text", signatory_compare_text },
    { "export", 0, 0, "csv", NULL },
};

static int run(const struct context *context, void *data, char **arguments, GError **error)
{
    const struct state *state = data;
    const char *asked = arguments[0] ? arguments[0] : "list";
    char **names = arguments + !!arguments[0];
    const guint count = g_strv_length(names);
    g_autoptr(registry_t) registry = NULL;
    g_autoptr(json_t) list = NULL;
    g_autofree char *text = NULL;
    const char *format;
    enum group group;
    guint i = 0;

    while (i < G_N_ELEMENTS(subcommands) && !g_str_equal(subcommands[i].name, asked))
        i++;
    if (i == G_N_ELEMENTS(subcommands))
        return input_error(error, "\"%s\": signatory does list, show, compare or export", asked);
    if (count < subcommands[i].least || count > subcommands[i].most)
        return input_error(error, "signatory %s takes %u to %u signatories: domains, ids or keys",
                           asked, subcommands[i].least, subcommands[i].most);
    if ((state->group && !group_parse(state->group, &group, error)) ||
        ((state->principle < 0 || state->principle > PREDICATE_PRINCIPLES) &&
         !input_error(error, "there are nine principles: --principle 1 to 9")))
        return EXIT_INPUT;
    registry = registry_open(context, &state->registry, error);
    if (!registry)
        return EXIT_SYSTEM;
    list = count ? named(registry, names, error) : chosen(registry, state, error);
    if (!list)
        return EXIT_SYSTEM;
    format = context->format ? context->format : subcommands[i].format;
    if (g_str_equal(format, "json"))
        text = json_pretty(g_str_equal(asked, "show") ? json_array_get(list, 0) : list);
    else if (g_str_equal(format, "csv") || !subcommands[i].text)
        text = signatory_csv(list);
    else
        text = subcommands[i].text(list, !context->output && terminal_has_colour(stdout),
                                   context->output ? 0 : terminal_width(stdout));
    if (!cli_output(context, text, strlen(text), error))
        return EXIT_SYSTEM;
    registry_warn(registry, context);
    if (!context->quiet && g_str_equal(asked, "list") && g_str_equal(format, "text"))
        fputs("These are the signatories of this log. What was published of the Call's own "
              "supporters:\n  entente norms --supporters\n",
              stderr);
    return registry->unwitnessed ? EXIT_SYSTEM : EXIT_DONE;
}

const struct command command_signatory = {
    .name = "signatory",
    .summary = "List, show, compare and export who endorsed the Call, and what they show for it",
    .arguments = "[list|show WHO|compare WHO WHO...|export]",
    .formats = "text, json, csv",
    .details =
        "WHO is a domain, at least eight digits of an id, or a key.\n\n"
        "list     the signatories: group and how it is attested, latest assessment and its age\n"
        "show     everything the register holds of one\n"
        "compare  two to five side by side; in the order given, never ranked\n"
        "export   all, as CSV or JSON\n\n"
        "Example: entente signatory list --group state --principle 9\n"
        "         entente signatory compare ville.example company.example\n\n"
        "Exit status 3: shown, but no quorum has cosigned the log.",
    .options = options,
    .state_size = sizeof(struct state),
    .run = run,
};
