/* log_follow.c: `entente log follow` and `entente log mirror`. */
#include "base/error.h"
#include "base/terminal.h"
#include "cli/casework.h"
#include "cli/log_command.h"
#include "cli/network.h"
#include "cli/policy_file.h"
#include "log/follower.h"
#include "log/history_source.h"
#include "statement/dsse.h"
#include "statement/intoto.h"

#include <stdio.h>
#include <string.h>

#define DEFAULT_INTERVAL_S 60

/* Whose log, by which rules. */
struct followed {
    const struct context *context;
    struct policy_file *policy;        /* of --policy; or NULL */
    struct quorum_policy *of_key;      /* of --key; or NULL */
    struct community *community;       /* or NULL */
    const struct quorum_policy *rules; /* borrowed from one of them */
    char *where, *folder;
    const char *origin; /* borrowed; NULL: the policy's only one */
    gboolean json;
};

static void followed_clear(struct followed *followed)
{
    g_clear_pointer(&followed->policy, policy_file_free);
    g_clear_pointer(&followed->of_key, quorum_policy_free);
    g_clear_pointer(&followed->community, community_close);
    g_free(followed->where);
    g_free(followed->folder);
}
typedef struct followed followed_t;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(followed_t, followed_clear)

static struct quorum_policy *policy_of_key(const char *vkey, GError **error)
{
    g_autofree char *text = g_strdup_printf("log %s\nquorum none\n", vkey);

    return quorum_policy_parse(text, strlen(text), "--key", error);
}

/* The rules: --policy, --key, or those of the community this machine is in. */
static gboolean find_rules(const struct context *context, const struct log_state *state,
                           const char *argument, struct followed *followed, GError **error)
{
    const struct community_policy *policy;

    if (state->policy) {
        followed->policy = policy_file_read(state->policy, error);
        followed->rules = followed->policy ? followed->policy->quorum : NULL;
    } else if (state->key) {
        followed->of_key = policy_of_key(state->key, error);
        followed->rules = followed->of_key;
    } else {
        followed->community = cli_community(context, error);
        if (!followed->community)
            return FALSE;
        policy = community_policy_in_force(followed->community, error);
        if (!policy)
            return FALSE;
        followed->rules = policy->witnesses;
        followed->origin = policy->origin;
        if (g_str_equal(argument, policy->origin)) {
            g_free(followed->where);
            followed->where = g_strdup(community_is_local(followed->community)
                                           ? community_log_folder(followed->community)
                                           : community_url(followed->community));
        }
    }
    return followed->rules != NULL;
}

/* DATA/follow/HEX: a folder for each log that is followed without being mirrored elsewhere. */
static char *own_folder(const struct context *context, const struct followed *followed,
                        GError **error)
{
    const struct quorum_log *log =
        followed->rules->logs->len ? followed->rules->logs->pdata[0] : NULL;
    const char *origin = followed->origin ? followed->origin : log ? log->key->name : "";
    g_autofree char *data = cli_data_folder(context, error);
    g_autofree char *hex = g_compute_checksum_for_string(G_CHECKSUM_SHA256, origin, -1);

    return data ? g_build_filename(data, "follow", hex, NULL) : NULL;
}

/* --- what is shown --- */

static void put_line(const char *text)
{
    fputs(text, stdout);
    fputc('\n', stdout);
    fflush(stdout);
}

static void put_json(const json_t *event)
{
    char *text = json_dumps(event, JSON_COMPACT);

    put_line(text);
    free(text);
}

static void put_event(const json_t *event, gpointer data)
{
    const struct followed *followed = data;
    g_autoptr(GString) line = g_string_new(NULL);
    const char *key;
    json_t *value;

    if (followed->json) {
        put_json(event);
        return;
    }
    g_string_printf(line, "%s  %s", json_text(event, "time"), json_text(event, "event"));
    json_object_foreach((json_t *)event, key, value)
    {
        g_autofree char *text = NULL;

        if (g_str_equal(key, "time") || g_str_equal(key, "event"))
            continue;
        text = json_is_string(value) ? terminal_escape(json_string_value(value))
                                     : json_dumps(value, JSON_ENCODE_ANY);
        g_string_append_printf(line, "  %s=%s", key, text);
    }
    put_line(line->str);
}

/* Each new entry: what it says it is; whether it counts is the register's to judge. */
static gboolean put_entry(guint64 index, GBytes *entry, gpointer data, GError **error)
{
    const struct followed *followed = data;
    g_autoptr(dsse_t) envelope =
        dsse_parse(g_bytes_get_data(entry, NULL), g_bytes_get_size(entry), "entry", NULL);
    g_autoptr(json_t) statement = envelope ? intoto_read(envelope->payload, NULL) : NULL;
    g_autoptr(json_t) event =
        json_pack("{s:s, s:I, s:I}", "event", "entry", "index", (json_int_t)index, "bytes",
                  (json_int_t)g_bytes_get_size(entry));

    if (statement) {
        json_object_set_new(event, "type", json_safe_string(intoto_predicate_type(statement)));
        json_object_set_new(event, "subject", json_safe_string(intoto_subject_name(statement)));
    }
    if (followed->json)
        put_json(event);
    else if (statement) {
        g_autofree char *type = terminal_escape(json_text(event, "type"));
        g_autofree char *subject = terminal_escape(json_text(event, "subject"));

        printf("entry %" G_GUINT64_FORMAT "  %s  %s\n", index, type, subject);
    }
    return TRUE;
}

/* --- running --- */

static int exit_status(enum follower_outcome outcome, const struct log_state *state)
{
    switch (outcome) {
    case FOLLOWER_GOOD:
        return EXIT_DONE;
    case FOLLOWER_UNWITNESSED:
        return state->allow_unwitnessed ? EXIT_DONE : EXIT_SYSTEM;
    case FOLLOWER_STALE:
    case FOLLOWER_UNKNOWN:
        return EXIT_SYSTEM;
    case FOLLOWER_FOUND:
        return EXIT_FOUND;
    }
    return EXIT_SYSTEM;
}

/* Whoever keeps cases here learns of it in the inbox; without a key the evidence waits for one. */
static void raise_alarms(const struct followed *followed)
{
    static const struct casework_options none = { 0 };
    g_autoptr(casework_t) work = casework_open(followed->context, &none, NULL);

    if (work && casework_raise_alarms(work, NULL) && !followed->context->quiet)
        fputs("An alarm is open: entente alarm list\n", stderr);
}

static int follow(struct followed *followed, const struct log_state *state, gboolean once,
                  log_entry_fn each, GError **error)
{
    const struct follower_options options = {
        .folder = followed->folder,
        .where = followed->where,
        .policy = followed->rules,
        .origin = followed->origin,
        .http = cli_http(state->allow_private, state->ca),
        .mirrors = (const char *const *)state->mirrors,
        .ask_witnesses = TRUE,
        .gossip = state->gossip,
        .each = each,
        .each_data = followed,
    };
    g_autoptr(follower_t) follower = follower_new(&options, error);
    guint interval_s = state->interval > 0 ? (guint)state->interval : DEFAULT_INTERVAL_S;
    enum follower_outcome outcome;

    if (!follower)
        return EXIT_SYSTEM;
    for (;;) {
        if (!follower_step(follower, put_event, followed, &outcome, error))
            return EXIT_SYSTEM;
        /* What was found is not going to be better at the next look: it is for people now. */
        if (outcome == FOLLOWER_FOUND)
            raise_alarms(followed);
        if (once || outcome == FOLLOWER_FOUND)
            return exit_status(outcome, state);
        g_usleep(interval_s * G_USEC_PER_SEC);
    }
}

static int run_follow(const struct context *context, gconstpointer shared, char **arguments,
                      GError **error)
{
    const struct log_state *state = shared;
    g_auto(followed_t)
        followed = { .context = context, .json = cli_format_is(context, "json", FALSE) };

    if (!arguments[0] || arguments[1])
        return input_error(error, "log follow takes one URL, DIR or ORIGIN");
    if (state->interval < 0)
        return input_error(error, "--interval %d is no number of seconds", state->interval);
    followed.where = g_strdup(arguments[0]);
    if (!find_rules(context, state, arguments[0], &followed, error))
        return EXIT_INPUT;
    if (!followed.where)
        return input_error(error, "no node is known of this community: name its URL");
    followed.folder = own_folder(context, &followed, error);
    return followed.folder ? follow(&followed, state, state->once, put_entry, error) : EXIT_SYSTEM;
}

static int run_mirror(const struct context *context, gconstpointer shared, char **arguments,
                      GError **error)
{
    const struct log_state *state = shared;
    g_auto(followed_t)
        followed = { .context = context, .json = cli_format_is(context, "json", FALSE) };

    if (!arguments[0] || !arguments[1] || arguments[2])
        return input_error(error, "log mirror takes a URL (or DIR or ORIGIN) and the folder of "
                                  "the copy");
    followed.where = g_strdup(arguments[0]);
    if (!find_rules(context, state, arguments[0], &followed, error))
        return EXIT_INPUT;
    followed.folder = g_strdup(arguments[1]);
    return follow(&followed, state, state->interval <= 0, NULL, error);
}

const struct subcommand log_subcommand_follow = { "follow", run_follow };
const struct subcommand log_subcommand_mirror = { "mirror", run_mirror };
