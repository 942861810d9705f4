/* verify_community.c: a signatory, a register, a whole log, judged by the community's memory. */
#include "base/clock.h"
#include "cli/network.h"
#include "cli/verify_command.h"
#include "community/replay.h"
#include "log/history_source.h"

#include <string.h>

#define DOCUMENT_LIMIT (1u << 30)

/*
 * Brings the community up to date, unless --offline; where nobody answers, what is remembered
 * counts, and that is said. FALSE: what came contradicts memory, or nothing can be had.
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
        if (g_error_matches(unreachable, ENTENTE_ERROR, ENTENTE_ERROR_FOUND)) {
            g_propagate_error(error, g_steal_pointer(&unreachable));
            return FALSE;
        }
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
        if (signatory) {
            put_signatory(&verdict, signatory);
            take_state(&verdict, state, &now);
            status = verdict_put(context, &verdict, who, error);
        }
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

/* Every entry read and folded; what the node says is the register compared with that. */
static gboolean judge_log(struct verdict *verdict, const char *url, const struct http_options *http,
                          const struct community_policy *genesis,
                          const struct checkpoint *checkpoint, GError **error)
{
    g_autoptr(log_reader_t) reader = log_reader_new(log_source_http(url, http));
    g_autoptr(GBytes) history = log_history_fetch(url, http, 0, NULL);
    struct replay replay = { 0 };
    json_t *counts;
    guint refused = 0, disputed = 0;

    if (!log_reader_trust(reader, checkpoint->size, &checkpoint->root, error) ||
        !replay_log(genesis, reader, checkpoint->size, history, &replay, error))
        return FALSE;
    for (guint64 i = 0; i < register_size(replay.reg); i++) {
        g_autoptr(json_t) entry = register_entry(replay.reg, i);

        refused += json_text(entry, "verdict") != NULL;
        disputed += json_is_true(json_object_get(entry, "disputed"));
    }
    verdict_line(verdict, "entries",
                 "%" G_GUINT64_FORMAT " read and hashed again: %u do not count, %u disputed",
                 register_size(replay.reg), refused, disputed);
    verdict_line(verdict, "checkpoints", "%u trusted, %u refused", replay.moments->len,
                 replay.refused);
    counts = json_pack("{s:I, s:i, s:i}", "entries", (json_int_t)register_size(replay.reg),
                       "refused", (int)refused, "disputed", (int)disputed);
    json_object_update(verdict->details, counts);
    json_decref(counts);
    replay_clear(&replay);
    return TRUE;
}

int verify_log(const struct context *context, const struct verify_state *state, const char *url,
               GError **error)
{
    const struct http_options http = cli_http(state->allow_private, state->ca);
    g_autoptr(community_t) community = cli_community(context, error);
    g_autoptr(log_reader_t) reader = log_reader_new(log_source_http(url, &http));
    g_autoptr(checkpoint_t) checkpoint = NULL;
    g_autoptr(note_t) note = NULL;
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
        verdict_line(&verdict, "log", "%s", checkpoint->origin);
        json_object_set_new(verdict.details, "size", json_integer((json_int_t)checkpoint->size));
        verdict_take_quorum(&verdict, state, policy, &quorum);
        if (verdict.status == EXIT_FOUND ||
            judge_log(&verdict, url, &http, community_genesis(community), checkpoint, error))
            status = verdict_put(context, &verdict, url, error);
    }
    verdict_clear(&verdict);
    quorum_verdict_clear(&quorum);
    return status;
}
