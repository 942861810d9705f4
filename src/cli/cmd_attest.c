#include "cli/ceremony.h"
#include "cli/commands.h"

#include <stdio.h>
#include <string.h>

#define EVERY_CHECK "domain,legal-existence,contact"

struct state {
    struct ceremony_options ceremony;
    char *group, *checked, *note;
    gboolean withdraw;
};

static const struct command_option options[] = {
    { "group", 0, G_OPTION_ARG_STRING, offsetof(struct state, group),
      "The group it is found to be of: state, private-sector, civil-society", "GROUP" },
    { "checked", 0, G_OPTION_ARG_STRING, offsetof(struct state, checked),
      "What was checked: domain, legal-existence, contact; it counts with all three", "LIST" },
    { "note", 0, G_OPTION_ARG_STRING, offsetof(struct state, note), "How it was checked; public",
      "TEXT" },
    { "withdraw", 0, G_OPTION_ARG_NONE, offsetof(struct state, withdraw),
      "Take an attestation back", NULL },
    CEREMONY_OPTIONS(struct state, "key"),
    CEREMONY_PASSPHRASE(struct state),
    { NULL },
};

static json_t *checks_of(const struct state *state)
{
    g_auto(GStrv) words = g_strsplit(state->checked ? state->checked : "", ",", -1);
    json_t *list = json_array();

    for (char **word = words; *word; word++)
        if (*g_strstrip(*word))
            json_array_append_new(list, json_string(*word));
    return list;
}

static int run(const struct context *context, void *data, char **arguments, GError **error)
{
    const struct state *state = data;
    g_autoptr(ceremony_t) ceremony = NULL;
    g_autoptr(json_t) target = NULL;
    g_autoptr(json_t) predicate = NULL;

    if (!arguments[0] || arguments[1])
        return input_error(error, "attest takes one signatory: its domain, id or key");
    if (!state->withdraw && (!state->group || !state->checked))
        return input_error(error, "say what you found: --group GROUP --checked " EVERY_CHECK);
    ceremony = ceremony_open(context, &state->ceremony, error);
    if (!ceremony)
        return EXIT_SYSTEM;
    if (!ceremony->registry)
        return input_error(error, "this machine belongs to no community: \"entente join\" one");
    target = register_signatory(ceremony->registry->reg, arguments[0], ceremony->registry->now_us,
                                error);
    if (!target)
        return EXIT_INPUT;
    if (!state->withdraw && g_strcmp0(state->group, json_text(target, "group")) != 0)
        return found_error(error,
                           "%s endorsed in the group \"%s\", not \"%s\": an attestation "
                           "would not count",
                           json_text(target, "domain"), json_text(target, "group"), state->group);
    predicate = ceremony_predicate(ceremony);
    json_object_set(predicate, "signatory", json_object_get(target, "id"));
    json_object_set(predicate, "group", json_object_get(target, "group"));
    json_object_set_new(predicate, "checked", checks_of(state));
    if (state->note)
        json_object_set_new(predicate, "note", json_string(state->note));
    if (state->withdraw)
        json_object_set_new(predicate, "withdrawn", json_true());
    return ceremony_finish(ceremony, PREDICATE_ATTESTATION, json_text(target, "domain"),
                           json_text(target, "id"), json_incref(predicate), KEY_ROLE_ISSUER, NULL,
                           error);
}

const struct command command_attest = {
    .name = "attest",
    .summary = "Attest that a signatory is who it says, in the group it says, after checking",
    .arguments = "SIGNATORY",
    .details =
        "A signatory's group is self-declared until attested signatories of two groups checked\n"
        "that it controls its domain (DNS, /.well-known), that it exists in law, and that its\n"
        "contact answers; and said so here, with all three checks. The own issuer's key signs.\n\n"
        "Example: entente attest ville.example --group state --checked " EVERY_CHECK "\n"
        "         entente attest ville.example --withdraw",
    .options = options,
    .state_size = sizeof(struct state),
    .run = run,
};
