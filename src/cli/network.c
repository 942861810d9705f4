#include "cli/network.h"

#include "base/clock.h"
#include "base/terminal.h"
#include "statement/base64.h"

#include <stdio.h>

struct http_options cli_http(gboolean allow_private, const char *ca)
{
    const char *environment = g_getenv("ENTENTE_ALLOW_PRIVATE");
    gboolean allowed = allow_private || g_strcmp0(environment, "1") == 0;

    return (struct http_options){
        .allow_plain = allowed,
        .allow_private = allowed,
        .ca_file = ca ? ca : g_getenv("ENTENTE_CA_FILE"),
    };
}

struct community *cli_community(const struct context *context, GError **error)
{
    g_autofree char *data = cli_data_folder(context, error);

    return data ? community_open(data, error) : NULL;
}

gboolean cli_submit(const struct context *context, struct community *community,
                    const struct http_options *http, const char *what, GBytes *entry,
                    struct submitted *submission, GError **error)
{
    g_autofree char *by = NULL, *reason = NULL;

    if (!community_submit(community, http, entry, submission, error))
        return FALSE;
    if (!submission->accepted) {
        reason = terminal_escape(submission->reason ? submission->reason : "no reason given");
        return policy_error(error, "%s: the log refuses it: %s (the refusal is signed)", what,
                            reason);
    }
    if (context->quiet)
        return TRUE;
    if (submission->included) {
        fprintf(stderr, "%s: entry %" G_GUINT64_FORMAT " of the log%s\n", what, submission->index,
                submission->was_there ? " already" : "");
        return TRUE;
    }
    by = clock_format(submission->by_us);
    fprintf(stderr, "%s: accepted; the log promises to include it by %s\n", what, by);
    return TRUE;
}

static const char *trust_of(const struct community_state *state)
{
    if (!state->checkpoint)
        return "nothing seen yet";
    if (state->unwitnessed)
        return "unwitnessed";
    return state->verdict.reason == QUORUM_STALE ? "stale" : "witnessed";
}

char *cli_state_text(const struct community_state *state)
{
    GString *text = g_string_new(trust_of(state));

    for (guint i = 0; state->verdict.margins && i < state->verdict.margins->len; i++) {
        const struct quorum_margin *margin =
            &g_array_index(state->verdict.margins, struct quorum_margin, i);
        g_autofree char *group = terminal_escape(margin->group);

        g_string_append_printf(text, "%s%s %u of %u (needs %u)", i ? ", " : "; ", group,
                               margin->have, margin->members, margin->needed);
    }
    return g_string_free(text, FALSE);
}

static json_t *margins_json(const GArray *margins)
{
    json_t *list = json_array();

    for (guint i = 0; margins && i < margins->len; i++) {
        const struct quorum_margin *margin = &g_array_index(margins, struct quorum_margin, i);

        json_array_append_new(
            list, json_pack("{s:o, s:i, s:i, s:i, s:i}", "group", json_safe_string(margin->group),
                            "needed", (int)margin->needed, "have", (int)margin->have, "members",
                            (int)margin->members, "margin", margin->margin));
    }
    return list;
}

json_t *cli_state_json(const struct community *community, const struct community_state *state)
{
    const struct community_policy *genesis = community_genesis(community);
    g_autofree char *hash = hex_encode(genesis->hash, sizeof genesis->hash);
    json_t *value =
        json_pack("{s:s, s:s, s:s?, s:s, s:b, s:I, s:o}", "origin", genesis->origin, "policy_hash",
                  hash, "url", community_url(community), "trust", trust_of(state), "unwitnessed",
                  state->unwitnessed, "size", (json_int_t)state->size, "margins",
                  margins_json(state->verdict.margins));

    if (state->checkpoint) {
        g_autofree char *root = g_base64_encode(state->checkpoint->root.bytes, MERKLE_HASH_SIZE);

        json_object_set_new(value, "root", json_string(root));
    }
    if (state->verdict.log_time_s) {
        g_autofree char *time = clock_format((gint64)state->verdict.log_time_s * G_USEC_PER_SEC);

        json_object_set_new(value, "log_time", json_string(time));
    }
    return value;
}
