#include "base/clock.h"
#include "cli/commands.h"
#include "cli/registry.h"

struct state {
    struct registry_options registry;
    char *now;
};

static const struct command_option options[] = {
    REGISTRY_OPTIONS(struct state),
    { "now", 0, G_OPTION_ARG_STRING, offsetof(struct state, now),
      "Ages as of this time, for the same bytes again (default: the present)", "TIME" },
    { NULL },
};

static int run(const struct context *context, void *data, char **arguments, GError **error)
{
    const struct state *state = data;
    g_autoptr(registry_t) registry = NULL;
    g_autoptr(GBytes) document = NULL;

    if (g_strcmp0(arguments[0], "rebuild") != 0 || arguments[1])
        return input_error(error, "register does one thing: rebuild");
    registry = registry_open(context, &state->registry, error);
    if (!registry || (state->now && !clock_parse(state->now, &registry->now_us, error)))
        return EXIT_SYSTEM;
    document = register_document(registry->reg, registry->now_us, error);
    if (!document ||
        !cli_output(context, g_bytes_get_data(document, NULL), g_bytes_get_size(document), error))
        return EXIT_SYSTEM;
    registry_warn(registry, context);
    return registry->unwitnessed ? EXIT_SYSTEM : EXIT_DONE;
}

const struct command command_register = {
    .name = "register",
    .summary = "Make the register of signatories anew, from the log alone",
    .arguments = "rebuild",
    .details =
        "Folds every entry of the log, each judged by the keys and the policy in force at its own\n"
        "place, into one JSON document (RFC 8785): the same log gives the same bytes.\n\n"
        "Example: entente register rebuild --output register.json\n"
        "         entente register rebuild --log /srv/log --policy-hash 5f3c...\n\n"
        "Exit status 3: the document was written, but no quorum has cosigned the log.",
    .options = options,
    .state_size = sizeof(struct state),
    .run = run,
};
