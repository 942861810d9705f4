#include "base/terminal.h"
#include "cli/ceremony.h"
#include "cli/commands.h"
#include "cli/registry.h"
#include "profile/profile.h"

#include <string.h>

#define ALL "all"

struct state {
    struct ceremony_options ceremony;
    char *principles, **statements, **networks;
    gboolean reviewer, no_reviewer, no_networks;
};

static const struct command_option options[] = {
    { "principles", 'p', G_OPTION_ARG_STRING, offsetof(struct state, principles),
      "The principles endorsed: \"1,7,9\" or \"all\" (default: as before, else all)", "LIST" },
    { "statement", 0, G_OPTION_ARG_STRING_ARRAY, offsetof(struct state, statements),
      "What is said of principle N; may be given several times", "N=TEXT" },
    { "reviewer", 0, G_OPTION_ARG_NONE, offsetof(struct state, reviewer),
      "Offer to review others' assessments, when drawn by lot", NULL },
    { "no-reviewer", 0, G_OPTION_ARG_NONE, offsetof(struct state, no_reviewer),
      "Offer it no longer", NULL },
    { "network", 0, G_OPTION_ARG_STRING_ARRAY, offsetof(struct state, networks),
      "A prefix or AS that is the signatory's own, so that it may publish alarms about it; all of "
      "them, by one option each",
      "PREFIX|AS" },
    { "no-networks", 0, G_OPTION_ARG_NONE, offsetof(struct state, no_networks),
      "Name no networks any longer", NULL },
    CEREMONY_OPTIONS(struct state, "root-key"),
    CEREMONY_PASSPHRASE(struct state),
    { NULL },
};

/* "1,7,9" or "all". NULL and an error. */
static json_t *read_principles(const char *text, GError **error)
{
    g_auto(GStrv) words = g_strsplit(text, ",", -1);
    gboolean all = g_str_equal(text, ALL);
    json_t *list = json_array();
    guint64 number;

    for (guint n = 1; all && n <= PREDICATE_PRINCIPLES; n++)
        json_array_append_new(list, json_integer(n));
    for (char **word = words; !all && *word; word++) {
        if (!g_ascii_string_to_unsigned(g_strstrip(*word), 10, 1, PREDICATE_PRINCIPLES, &number,
                                        NULL)) {
            input_error(error, "--principles %s: numbers from 1 to 9, or \"all\"", text);
            json_decref(list);
            return NULL;
        }
        json_array_append_new(list, json_integer((json_int_t)number));
    }
    return list;
}

static gboolean set_statements(const struct state *state, json_t *predicate, GError **error)
{
    json_t *texts = json_object_get(predicate, "statements");

    if (!state->statements)
        return TRUE;
    if (!texts) {
        texts = json_object();
        json_object_set_new(predicate, "statements", texts);
    }
    for (char **item = state->statements; *item; item++) {
        const char *equals = strchr(*item, '=');
        g_autofree char *number = equals ? g_strndup(*item, equals - *item) : NULL;
        json_t *text = equals ? json_string(equals + 1) : NULL;

        if (!text)
            return input_error(error, "--statement %s: it is N=TEXT, in UTF-8", *item);
        json_object_set_new(texts, number, text);
    }
    return TRUE;
}

static gboolean set_signatory(const struct context *context, const struct ceremony *ceremony,
                              json_t *predicate, GError **error)
{
    g_autofree char *path = cli_profile_path(context);
    g_autoptr(profile_t) profile = path ? profile_load(path, error) : profile_default();
    const struct signatory *who;
    json_t *value;

    if (!profile)
        return FALSE;
    who = &profile->signatory;
    if (!who->name || who->group == GROUP_UNKNOWN || !who->country || !who->domain)
        return input_error(error, "the profile does not give name, group, country and domain of "
                                  "the signatory (entente init)");
    value = json_pack("{s:s, s:s, s:s, s:s}", "name", who->name, "group", group_name(who->group),
                      "country", who->country, "domain", who->domain);
    if (who->subtype)
        json_object_set_new(value, "subtype", json_string(who->subtype));
    json_object_set_new(predicate, "signatory", value);
    json_object_set_new(predicate, "root", root_keys_json(&ceremony->root));
    return TRUE;
}

/* What the register holds of the endorsement before; else everything, and no promise. */
static void set_before(const struct ceremony *ceremony, json_t *predicate)
{
    g_autoptr(json_t) known = ceremony->registry
                                  ? register_signatory(ceremony->registry->reg, ceremony->id,
                                                       ceremony->registry->now_us, NULL)
                                  : NULL;
    json_t *before = json_object_get(known, "endorsement");
    static const char *const members[] = { "principles", "statements", "reviewer", "contacts",
                                           "networks" };

    json_object_set_new(predicate, "principles", read_principles(ALL, NULL));
    json_object_set_new(predicate, "reviewer", json_false());
    for (guint i = 0; i < G_N_ELEMENTS(members); i++)
        if (json_object_get(before, members[i]))
            json_object_set(predicate, members[i], json_object_get(before, members[i]));
}

/* Whether each is one that others may not name either is for the register. */
static void set_networks(const struct state *state, json_t *predicate)
{
    json_t *list = json_array();

    for (char **text = state->networks; text && *text; text++)
        json_array_append_new(list, json_safe_string(*text));
    if (state->networks)
        json_object_set(predicate, "networks", list);
    else if (state->no_networks)
        json_object_del(predicate, "networks");
    json_decref(list);
}

static int update(const struct context *context, const struct state *state, GError **error)
{
    g_autoptr(ceremony_t) ceremony = ceremony_open(context, &state->ceremony, error);
    g_autoptr(json_t) predicate = NULL;
    json_t *principles;

    if (!ceremony || !ceremony_needs_self(ceremony, error))
        return EXIT_SYSTEM;
    if (!ceremony->root.keys)
        return input_error(error,
                           "the root keys are not known here: make them with \"entente key "
                           "root\", or put %s/keys/root.json there",
                           ceremony->data);
    predicate = ceremony_predicate(ceremony);
    set_before(ceremony, predicate);
    if (!set_signatory(context, ceremony, predicate, error) ||
        !set_statements(state, predicate, error))
        return EXIT_INPUT;
    if (state->principles) {
        principles = read_principles(state->principles, error);
        if (!principles)
            return EXIT_INPUT;
        json_object_set_new(predicate, "principles", principles);
    }
    set_networks(state, predicate);
    if (state->reviewer || state->no_reviewer)
        json_object_set_new(predicate, "reviewer", json_boolean(state->reviewer));
    return ceremony_finish(ceremony, PREDICATE_ENDORSEMENT,
                           json_text(json_object_get(predicate, "signatory"), "domain"),
                           ceremony->id, json_incref(predicate), KEY_ROLE_ROOT, NULL, error);
}

static int show(const struct context *context, const struct state *state, const char *who,
                GError **error)
{
    g_autoptr(ceremony_t) ceremony = ceremony_open(context, &state->ceremony, error);
    g_autoptr(json_t) known = NULL;
    g_autofree char *text = NULL;
    const json_t *endorsement;

    if (!ceremony)
        return EXIT_SYSTEM;
    if (!ceremony->registry)
        return input_error(error, "this machine belongs to no community: \"entente join\" one");
    if (!who && !ceremony_needs_self(ceremony, error))
        return EXIT_INPUT;
    known = register_signatory(ceremony->registry->reg, who ? who : ceremony->id,
                               ceremony->registry->now_us, error);
    if (!known)
        return EXIT_INPUT;
    endorsement = json_object_get(known, "endorsement");
    if (!json_is_object(endorsement)) {
        found_error(error, "%s has not endorsed the Call in %s", json_text(known, "domain"),
                    ceremony->origin);
        return EXIT_FOUND;
    }
    text = json_pretty(endorsement);
    if (!cli_output(context, text, strlen(text), error))
        return EXIT_SYSTEM;
    registry_warn(ceremony->registry, context);
    return ceremony->registry->unwitnessed ? EXIT_SYSTEM : EXIT_DONE;
}

static int run(const struct context *context, void *data, char **arguments, GError **error)
{
    const struct state *state = data;

    if (!arguments[0])
        return update(context, state, error);
    if (g_str_equal(arguments[0], "show") && (!arguments[1] || !arguments[2]))
        return show(context, state, arguments[1], error);
    return input_error(error, "endorse takes options, or: show [WHO]");
}

const struct command command_endorse = {
    .name = "endorse",
    .summary = "Endorse the Call's principles in the community's log, or change what was endorsed",
    .arguments = "[show [WHO]]",
    .details =
        "Name, group, country and domain come from the profile; root keys sign. What is not said\n"
        "stays as it was in the endorsement before. The group never changes. A new name, country\n"
        "or domain ends what others attested under the old one.\n\n"
        "Example: entente endorse --principles 1,7,9 --statement \"7=We publish our "
        "assessments.\"\n"
        "         entente endorse show",
    .options = options,
    .state_size = sizeof(struct state),
    .run = run,
};
