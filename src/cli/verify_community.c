/* verify_community.c: a signatory, a register, a whole log, the time of an event, judged by the
 * community's memory. */
#include "base/clock.h"
#include "cli/network.h"
#include "cli/verify_command.h"
#include "community/replay.h"
#include "delivery/commitment_root.h"
#include "log/history_source.h"
#include "statement/base64.h"

#include <string.h>

#define DOCUMENT_LIMIT (1u << 30)

/*
 * Brings the community up to date, unless --offline; where nobody answers, what is remembered
 * counts, and that is said. What contradicts memory refuses. FALSE: nothing can be had.
 */
static gboolean refresh(const struct verify_state *state, struct community *community,
                        struct community_state *now, struct verdict *verdict, GError **error)
{
    const struct http_options http = cli_http(state->allow_private, state->ca);
    g_autoptr(GError) unreachable = NULL;

    if (!state->offline && !community_is_local(community)) {
        if (community_update(community, &http,
                             state->allow_stale ? FRESHNESS_WAIVED : FRESHNESS_DEMANDED, now,
                             &unreachable))
            return TRUE;
        if (g_error_matches(unreachable, ENTENTE_ERROR, ENTENTE_ERROR_FOUND))
            verdict_refuse_log(verdict, unreachable);
        community_state_clear(now);
        *now = (struct community_state){ 0 };
        verdict_line(verdict, "offline", "%s", unreachable->message);
    }
    return community_recall(community, now, error);
}

static void take_state(struct verdict *verdict, const struct verify_state *state,
                       const struct community_state *now)
{
    g_autofree char *text = cli_state_text(now);

    verdict_line(verdict, "log", "%s, %" G_GUINT64_FORMAT " entries; %s",
                 now->checkpoint ? now->checkpoint->origin : "(nothing seen yet)", now->size, text);
    json_object_set_new(verdict->details, "size", json_integer((json_int_t)now->size));
    json_object_set_new(verdict->details, "unwitnessed", json_boolean(now->unwitnessed));
    if (now->unwitnessed && !state->allow_unwitnessed)
        verdict_refuse(verdict, "unwitnessed", EXIT_SYSTEM,
                       "no quorum of witnesses has cosigned the log: it is the log's word alone "
                       "(--allow-unwitnessed takes it)");
    else if (!now->unwitnessed && now->verdict.reason == QUORUM_STALE && !state->allow_stale)
        verdict_refuse(verdict, "stale", EXIT_SYSTEM,
                       "the newest cosignatures are older than the policy allows (--allow-stale "
                       "takes them)");
    if (now->broken_receipts)
        verdict_refuse(verdict, "receipt", EXIT_FOUND,
                       "the log broke a promise: see the evidence folder");
}

/* --- a signatory --- */

static void put_assessment(struct verdict *verdict, const json_t *signatory)
{
    const json_t *assessment = json_object_get(signatory, "assessment"), *principle;
    GString *bands;
    size_t index;

    if (!json_is_object(assessment)) {
        verdict_line(verdict, "assessment", "none published");
        return;
    }
    bands = g_string_new(NULL);
    json_array_foreach(json_object_get(assessment, "principles"), index, principle)
    {
        gint64 band = json_number(principle, "band", 0);

        if (band)
            g_string_append_printf(bands, " %zu:%d/5", index + 1, (int)band);
        else
            g_string_append_printf(bands, " %zu:-", index + 1);
    }
    verdict_line(verdict, "assessment", "entry %d, %s, %s, %s;%s",
                 (int)json_number(assessment, "index", 0), json_text(assessment, "ended"),
                 json_text(assessment, "freshness"), json_text(assessment, "status"), bands->str);
    g_string_free(bands, TRUE);
    if (g_strcmp0(json_text(assessment, "status"), "contradicted") == 0)
        verdict_refuse(verdict, "contradicted", EXIT_FOUND,
                       "a reviewer drawn by lot contradicts its latest assessment");
}

static void put_signatory(struct verdict *verdict, const json_t *signatory)
{
    const char *standing = json_text(signatory, "attested");
    const json_t *key;
    size_t index;

    verdict_line(verdict, "signatory", "%s (%s)", json_text(signatory, "name"),
                 json_text(signatory, "domain"));
    verdict_line(verdict, "id", "%s", json_text(signatory, "id"));
    verdict_line(verdict, "group", "%s, %s%s", json_text(signatory, "group"), standing,
                 json_is_true(json_object_get(signatory, "single_key")) ? ", single key" : "");
    json_array_foreach(json_object_get(signatory, "keys"), index, key)
    {
        verdict_line(verdict, "key", "%s, %s until %s: %s", json_text(key, "role"),
                     json_text(key, "status"), json_text(key, "until"), json_text(key, "key"));
    }
    put_assessment(verdict, signatory);
    json_object_set(verdict->details, "signatory", (json_t *)signatory);
    if (g_strcmp0(standing, "removed") == 0)
        verdict_refuse(verdict, "removed", EXIT_FOUND,
                       "the community's policy does not name it any more, and nobody attests it");
}

int verify_signatory(const struct context *context, const struct verify_state *state,
                     const char *who, GError **error)
{
    g_autoptr(community_t) community = NULL;
    g_auto(community_state_t) now = { 0 };
    g_autoptr(json_t) signatory = NULL;
    const struct reg *reg;
    struct verdict verdict;
    int status = EXIT_SYSTEM;
    g_autofree char *folder = cli_data_folder(context, error);

    if (!folder)
        return EXIT_SYSTEM;
    if (!community_exists(folder))
        return system_error(error,
                            "%s: no such file; and this machine belongs to no community in which "
                            "it could be a signatory",
                            who);
    community = community_open(folder, error);
    if (!community)
        return EXIT_SYSTEM;
    verdict_init(&verdict, "signatory");
    if (refresh(state, community, &now, &verdict, error)) {
        reg = community_register(community, error);
        signatory = reg ? register_signatory(reg, who, clock_now_us(), error) : NULL;
        if (!signatory)
            g_prefix_error(error, "%s: no such file; and ", who);
        if (signatory) {
            put_signatory(&verdict, signatory);
            take_state(&verdict, state, &now);
            status = verdict_put(context, &verdict, who, error);
        }
    }
    verdict_clear(&verdict);
    return status;
}

/* --- when an event of a case was there --- */

static void put_case_proof(struct verdict *verdict, const struct reg *reg,
                           const struct case_root_proven *proven)
{
    g_autofree char *hash = hex_encode(proven->event.bytes, sizeof proven->event.bytes);
    g_autofree char *time = clock_format(proven->log_time_us);
    g_autoptr(json_t) author = register_signatory(reg, proven->author, clock_now_us(), NULL);

    verdict_line(verdict, "event", "%s", hash);
    verdict_line(verdict, "there by", "%s (log time of entry %" G_GUINT64_FORMAT ")", time,
                 proven->index);
    verdict_line(verdict, "said by", "%s", json_text(author, "domain"));
    json_object_set_new(verdict->details, "event", json_string(hash));
    json_object_set_new(verdict->details, "log_time", json_string(time));
    json_object_set_new(verdict->details, "index", json_integer((json_int_t)proven->index));
    json_object_set_new(verdict->details, "signatory", json_string(proven->author));
}

int verify_case_proof(const struct context *context, const struct verify_state *state,
                      const char *path, GBytes *bytes, GError **error)
{
    g_autoptr(community_t) community = NULL;
    g_auto(community_state_t) now = { 0 };
    g_auto(case_root_proven_t) proven = { 0 };
    g_autoptr(GError) failure = NULL;
    g_autoptr(json_t) proof = NULL;
    struct verdict verdict;
    int status = EXIT_SYSTEM;
    gsize length;
    const void *data = g_bytes_get_data(bytes, &length);

    proof = json_parse(data, length, CASE_PROOF_LIMIT, path, error);
    community = proof ? cli_community(context, error) : NULL;
    if (!community)
        return proof ? EXIT_SYSTEM : EXIT_INPUT;
    verdict_init(&verdict, "case-proof");
    if (refresh(state, community, &now, &verdict, error)) {
        if (case_root_verify(proof, community, &proven, &failure)) {
            put_case_proof(&verdict, community_register(community, NULL), &proven);
        } else {
            const gboolean false_one = g_error_matches(failure, ENTENTE_ERROR, ENTENTE_ERROR_FOUND);
            const gboolean malformed = g_error_matches(failure, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);

            verdict_refuse(&verdict,
                           false_one   ? "commitment"
                           : malformed ? "malformed"
                                       : "not-in-log",
                           error_exit_status(failure), "%s", failure->message);
        }
        take_state(&verdict, state, &now);
        status = verdict_put(context, &verdict, path, error);
    }
    verdict_clear(&verdict);
    return status;
}

/* --- a register document --- */

/* Whether the document is what the log makes of itself at the same size and moment. */
static void compare_register(struct verdict *verdict, const struct reg *reg, const json_t *document,
                             GBytes *bytes)
{
    g_autoptr(GBytes) canonical = json_canonical(document, NULL), own = NULL;
    const char *now = json_text(document, "now");
    gint64 now_us = 0;

    if (now && !clock_parse(now, &now_us, NULL)) {
        verdict_refuse(verdict, "malformed", EXIT_INPUT, "its time \"%s\" is none", now);
        return;
    }
    own = register_document(reg, now_us, NULL);
    verdict_line(verdict, "size", "%" G_GUINT64_FORMAT " entries", register_size(reg));
    if (!own || !canonical || !g_bytes_equal(own, canonical))
        verdict_refuse(verdict, "register", EXIT_FOUND,
                       "the log makes another register of itself at this size");
    else
        verdict_line(verdict, "register", "%s",
                     g_bytes_equal(own, bytes) ? "byte for byte what the log makes"
                                               : "what the log makes, written differently");
}

int verify_register(const struct context *context, const struct verify_state *state,
                    const char *path, GBytes *bytes, GError **error)
{
    g_autoptr(community_t) community = NULL;
    g_auto(community_state_t) now = { 0 };
    g_autoptr(json_t) document = NULL;
    struct replay replay = { 0 };
    struct verdict verdict;
    guint64 size;
    int status = EXIT_SYSTEM;
    gsize length;
    const void *data = g_bytes_get_data(bytes, &length);

    document = json_parse(data, length, DOCUMENT_LIMIT, path, error);
    community = document ? cli_community(context, error) : NULL;
    if (!community)
        return EXIT_SYSTEM;
    size = (guint64)json_number(document, "size", 0);
    verdict_init(&verdict, "register");
    if (refresh(state, community, &now, &verdict, error)) {
        if (size > now.size) {
            verdict_refuse(&verdict, "size", EXIT_SYSTEM,
                           "it is of %" G_GUINT64_FORMAT " entries; %" G_GUINT64_FORMAT
                           " are known here",
                           size, now.size);
            status = verdict_put(context, &verdict, path, error);
        } else if (community_replay(community, size, &replay, error)) {
            compare_register(&verdict, replay.reg, document, bytes);
            take_state(&verdict, state, &now);
            status = verdict_put(context, &verdict, path, error);
            replay_clear(&replay);
        }
    }
    verdict_clear(&verdict);
    return status;
}

/* --- a whole log behind a URL --- */

struct judged_log {
    const char *url;
    const struct http_options *http;
    const struct community_policy *genesis;
    struct log_reader *reader;
    GBytes *history; /* NULL: the log shows none */
    const struct checkpoint *checkpoint;
};

static void count_entries(struct verdict *verdict, const struct replay *replay)
{
    guint refused = 0, disputed = 0;
    json_t *counts;

    for (guint64 i = 0; i < register_size(replay->reg); i++) {
        g_autoptr(json_t) entry = register_entry(replay->reg, i);

        refused += json_text(entry, "verdict") != NULL;
        disputed += json_is_true(json_object_get(entry, "disputed"));
    }
    verdict_line(verdict, "entries",
                 "%" G_GUINT64_FORMAT " read and hashed again: %u do not count, %u disputed",
                 register_size(replay->reg), refused, disputed);
    verdict_line(verdict, "checkpoints", "%u trusted, %u refused", replay->moments->len,
                 replay->refused);
    counts = json_pack("{s:I, s:i, s:i}", "entries", (json_int_t)register_size(replay->reg),
                       "refused", (int)refused, "disputed", (int)disputed);
    json_object_update(verdict->details, counts);
    json_decref(counts);
}

/*
 * A witnessed log that hides its history hides when its entries came: an expired key would be
 * judged by what its owner says of the time.
 */
static void judge_history(struct verdict *verdict, const struct judged_log *log,
                          const struct replay *replay)
{
    const struct log_moment *last =
        replay->moments->len
            ? &g_array_index(replay->moments, struct log_moment, replay->moments->len - 1)
            : NULL;

    if (json_is_true(json_object_get(verdict->details, "unwitnessed")))
        return;
    if (!last || last->size < log->checkpoint->size)
        verdict_refuse(verdict, "history", EXIT_SYSTEM,
                       "the log does not show the history of its trusted checkpoints: when its "
                       "last entries came is not known");
}

/* What the node says is the register, compared with what its log makes. A folder says nothing. */
static gboolean judge_shown_register(struct verdict *verdict, const struct judged_log *log,
                                     const struct replay *replay, GError **error)
{
    struct http_options limits = *log->http;
    g_autofree char *url = g_strconcat(log->url, "api/v1/register", NULL);
    const struct http_request request = { .method = "GET", .url = url };
    g_auto(http_answer_t) answer = { 0 };
    g_autoptr(http_t) http = NULL;
    g_autoptr(json_t) document = NULL;
    struct replay smaller = { 0 };
    const struct reg *reg = replay->reg;
    guint64 size;

    limits.limit = DOCUMENT_LIMIT;
    http = http_new(&limits);
    if (!http_fetch(http, &request, &answer, NULL) || answer.status != 200) {
        verdict_line(verdict, "register", "not shown there: nothing to compare");
        return TRUE;
    }
    document = json_parse(g_bytes_get_data(answer.body, NULL), g_bytes_get_size(answer.body),
                          DOCUMENT_LIMIT, url, NULL);
    if (g_strcmp0(json_text(document, "schema"), REGISTER_SCHEMA) != 0) {
        verdict_refuse(verdict, "register", EXIT_FOUND, "%s is no register", url);
        return TRUE;
    }
    size = (guint64)json_number(document, "size", 0);
    if (size > log->checkpoint->size) {
        verdict_line(verdict, "register", "is of a newer checkpoint: not compared");
        return TRUE;
    }
    if (size < log->checkpoint->size) {
        if (!replay_log(log->genesis, log->reader, size, log->history, &smaller, error))
            return FALSE;
        reg = smaller.reg;
    }
    compare_register(verdict, reg, document, answer.body);
    replay_clear(&smaller);
    return TRUE;
}

/* Every entry read and folded; what the node says is the register compared with that. */
static gboolean judge_log(struct verdict *verdict, const struct judged_log *log, GError **error)
{
    struct replay replay = { 0 };
    gboolean done;

    if (!log_reader_trust(log->reader, log->checkpoint->size, &log->checkpoint->root, error) ||
        !replay_log(log->genesis, log->reader, log->checkpoint->size, log->history, &replay, error))
        return FALSE;
    count_entries(verdict, &replay);
    judge_history(verdict, log, &replay);
    done = judge_shown_register(verdict, log, &replay, error);
    replay_clear(&replay);
    return done;
}

/* Against memory first, then from the first entry on; what is found false is a verdict. */
static gboolean judge_consistency(struct verdict *verdict, struct community *community,
                                  const struct judged_log *log, GBytes *note, GError **error)
{
    g_autoptr(GError) problem = NULL;

    if (community_agrees(community, log->reader, log->url, log->checkpoint, note, &problem) &&
        judge_log(verdict, log, &problem))
        return TRUE;
    if (g_error_matches(problem, ENTENTE_ERROR, ENTENTE_ERROR_FOUND)) {
        verdict_refuse_log(verdict, problem);
        return TRUE;
    }
    g_propagate_error(error, g_steal_pointer(&problem));
    return FALSE;
}

int verify_log(const struct context *context, const struct verify_state *state, const char *url,
               GError **error)
{
    const struct http_options http = cli_http(state->allow_private, state->ca);
    g_autoptr(community_t) community = cli_community(context, error);
    g_autoptr(log_reader_t) reader = log_reader_new(log_source_http(url, &http));
    g_autoptr(checkpoint_t) checkpoint = NULL;
    g_autoptr(note_t) note = NULL;
    g_autoptr(GBytes) history = NULL;
    struct quorum_verdict quorum = { 0 };
    const struct quorum_policy *policy;
    const struct reg *reg;
    struct verdict verdict;
    int status = EXIT_SYSTEM;

    reg = community ? community_register(community, error) : NULL;
    note = reg ? log_reader_checkpoint(reader, error) : NULL;
    if (!note)
        return EXIT_SYSTEM;
    policy = register_policy(reg)->witnesses;
    checkpoint = quorum_judge(policy, note, (guint64)(clock_now_us() / G_USEC_PER_SEC), &quorum);
    verdict_init(&verdict, "log");
    if (!checkpoint) {
        verdict_refuse(&verdict, "malformed", EXIT_INPUT, "its checkpoint is none");
        status = verdict_put(context, &verdict, url, error);
    } else {
        history = log_history_fetch(url, &http, 0, NULL);
        const struct judged_log log = {
            url, &http, community_genesis(community), reader, history, checkpoint,
        };

        verdict_line(&verdict, "log", "%s", checkpoint->origin);
        json_object_set_new(verdict.details, "origin", json_safe_string(checkpoint->origin));
        json_object_set_new(verdict.details, "size", json_integer((json_int_t)checkpoint->size));
        verdict_take_quorum(&verdict, state, policy, &quorum);
        if (verdict.status == EXIT_FOUND ||
            judge_consistency(&verdict, community, &log, note->bytes, error))
            status = verdict_put(context, &verdict, url, error);
    }
    verdict_clear(&verdict);
    quorum_verdict_clear(&quorum);
    return status;
}
