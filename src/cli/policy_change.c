/* entente policy change: the next policy, signed by the quorum of the one in force. */
#include "base/file.h"
#include "base/yaml.h"
#include "cli/ceremony.h"
#include "cli/policy_command.h"
#include "statement/base64.h"

#include <stdio.h>

/* What people wrote, with what follows from the policy in force. */
static json_t *read_next(const char *path, const struct community_policy *old, GError **error)
{
    static const char *const kept[] = { "log_keys", "operator", "url" };
    g_autoptr(GBytes) bytes = file_read(path, COMMUNITY_POLICY_LIMIT, error);
    g_autofree char *previous = hex_encode(old->hash, sizeof old->hash);
    const char *text = bytes ? g_bytes_get_data(bytes, NULL) : NULL;
    const gsize length = bytes ? g_bytes_get_size(bytes) : 0;
    gsize at = 0;
    json_t *value;

    if (!bytes)
        return NULL;
    while (at < length && g_ascii_isspace(text[at]))
        at++;
    value = at < length && text[at] == '{'
                ? json_parse(text, length, COMMUNITY_POLICY_LIMIT, path, error)
                : yaml_parse(text, length, COMMUNITY_POLICY_LIMIT, path, error);
    if (!value)
        return NULL;
    if (!json_is_object(value)) {
        json_decref(value);
        input_error(error, "%s: is not a policy", path);
        return NULL;
    }
    for (guint i = 0; i < G_N_ELEMENTS(kept); i++)
        if (!json_object_get(value, kept[i]) && json_object_get(old->predicate, kept[i]))
            json_object_set(value, kept[i], json_object_get(old->predicate, kept[i]));
    json_object_set_new(value, "log", json_string(old->origin));
    json_object_set_new(value, "version", json_integer(old->version + 1));
    json_object_set_new(value, "previous", json_string(previous));
    return value;
}

static void say_members(const struct community_policy *from, const struct community_policy *to,
                        const char *what)
{
    for (guint i = 0; i < from->members->len; i++) {
        const struct community_member *member = from->members->pdata[i];

        if (!community_policy_member(to, member->domain))
            fprintf(stderr, "  %s %s (%s)\n", what, member->domain, group_name(member->group));
    }
}

static void say_changes(const struct community_policy *old, const struct community_policy *next)
{
    fprintf(stderr, "Version %u of the policy of %s\n", next->version, next->origin);
    say_members(next, old, "joins:");
    say_members(old, next, "leaves:");
    for (guint group = GROUP_STATE; group <= GROUP_CIVIL_SOCIETY; group++) {
        if (next->quorum[group] != old->quorum[group])
            fprintf(stderr, "  quorum of %s: %u, was %u\n", group_name(group), next->quorum[group],
                    old->quorum[group]);
        fprintf(stderr, "  to be signed by %u member%s of %s\n",
                community_policy_signers(old, group),
                community_policy_signers(old, group) == 1 ? "" : "s", group_name(group));
    }
}

static int run(const struct context *context, gconstpointer shared, char **arguments,
               GError **error)
{
    const struct policy_state *state = shared;
    g_autoptr(ceremony_t) ceremony = NULL;
    g_autoptr(json_t) value = NULL;
    g_autoptr(community_policy_t) next = NULL;
    g_autofree char *hash = NULL;
    const struct community_policy *old;

    if (!arguments[0] || arguments[1])
        return input_error(error, "policy change takes one file: the next policy");
    ceremony = ceremony_open(context, &state->ceremony, error);
    if (!ceremony)
        return EXIT_SYSTEM;
    if (!ceremony_needs_community(ceremony, error))
        return EXIT_INPUT;
    old = register_policy(ceremony->registry->reg);
    value = read_next(arguments[0], old, error);
    next = value ? community_policy_read(value, error) : NULL;
    if (!next || !community_policy_follows(next, old, error))
        return EXIT_INPUT;
    if (!context->quiet)
        say_changes(old, next);
    hash = hex_encode(next->hash, sizeof next->hash);
    return ceremony_finish(ceremony, PREDICATE_POLICY, next->origin, hash, json_incref(value),
                           KEY_ROLE_ROOT, NULL, error);
}

const struct subcommand policy_subcommand_change = { "change", run };
