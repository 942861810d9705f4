#include "rpki/rtr_session.h"

#include <string.h>

#define AFIS 2u
#define US_A_S ((gint64)G_USEC_PER_SEC)
#define ANSWER_LIMIT_US (60 * US_A_S) /* without a byte, while an answer is awaited */
#define DOWNGRADE_WAIT_US (US_A_S / 10)
#define VRPS_MAX 8000000u
#define PROVIDERS_MAX 4000000u

enum phase {
    PHASE_APART,   /* no connection */
    PHASE_ASKED,   /* a query was sent */
    PHASE_ANSWER,  /* payloads come */
    PHASE_SETTLED, /* nothing is awaited */
};

/* A record of one customer, or its withdrawal. */
struct aspa_record {
    guint32 customer;
    guint8 afi;
    gboolean is_withdrawn;
    gsize count;
    guint32 providers[];
};

struct rtr_session {
    guint8 highest, version;
    gboolean is_fixed;   /* the version of this connection was agreed upon */
    gboolean was_agreed; /* this version was spoken before: silence is no refusal of it */
    gboolean must_reset; /* what is there came in another version */
    gboolean has_heard;  /* of this connection: anything */
    gboolean is_reset;   /* the query that was sent asks for everything */
    gboolean downgraded; /* the next connection may come at once */
    gboolean no_data;    /* the cache said so: ask for everything, after a while */
    gboolean is_refused; /* it ended a connection with an error, and gave nothing since */
    enum phase phase;
    GByteArray *input, *output;
    /* what is there */
    struct vrp_set *vrps;
    struct aspa_set *aspas;
    GHashTable *records[AFIS]; /* customer -> struct aspa_record, by AFI (the newer layout: 0) */
    guint16 session;
    guint32 serial;
    gint64 refresh_us, retry_us, expire_us;
    gint64 synced_us, expires_us;
    gint64 query_us;  /* when to ask again */
    gint64 answer_us; /* when the answer must have moved on */
    guint64 swaps;
    /* what an answer brings */
    guint16 shadow_session;
    struct vrp_set *shadow;             /* of a reset */
    GArray *changes;                    /* struct vrp_change; of a serial query */
    GPtrArray *record_changes;          /* struct aspa_record */
    gsize shadow_count, provider_count; /* of this answer */
    gsize held_count;                   /* of providers that are there */
    guint64 router_keys;
    char *problem;
};

struct rtr_session *rtr_session_new(guint8 version)
{
    struct rtr_session *session = g_new0(struct rtr_session, 1);

    session->highest = session->version = MIN(version, RTR_VERSION_MAX);
    session->input = g_byte_array_new();
    session->output = g_byte_array_new();
    session->refresh_us = RTR_REFRESH_S * US_A_S;
    session->retry_us = RTR_RETRY_S * US_A_S;
    session->expire_us = RTR_EXPIRE_S * US_A_S;
    session->changes = g_array_new(FALSE, FALSE, sizeof(struct vrp_change));
    session->record_changes = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < AFIS; i++)
        session->records[i] = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    return session;
}

static void drop_answer(struct rtr_session *session)
{
    g_clear_pointer(&session->shadow, vrp_set_unref);
    g_array_set_size(session->changes, 0);
    g_ptr_array_set_size(session->record_changes, 0);
    session->shadow_count = session->provider_count = 0;
}

static void drop_data(struct rtr_session *session)
{
    if (session->vrps)
        session->swaps++;
    g_clear_pointer(&session->vrps, vrp_set_unref);
    g_clear_pointer(&session->aspas, aspa_set_unref);
    for (guint i = 0; i < AFIS; i++)
        g_hash_table_remove_all(session->records[i]);
    session->expires_us = 0;
}

void rtr_session_free(struct rtr_session *session)
{
    if (!session)
        return;
    drop_answer(session);
    drop_data(session);
    for (guint i = 0; i < AFIS; i++)
        g_hash_table_unref(session->records[i]);
    g_array_unref(session->changes);
    g_ptr_array_unref(session->record_changes);
    g_byte_array_unref(session->input);
    g_byte_array_unref(session->output);
    g_free(session->problem);
    g_free(session);
}

static void say(struct rtr_session *session, const char *format, ...) G_GNUC_PRINTF(2, 3);
static void say(struct rtr_session *session, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_free(session->problem);
    session->problem = g_strdup_vprintf(format, arguments);
    va_end(arguments);
}

/* --- asking --- */

static void ask(struct rtr_session *session, gboolean for_all, gint64 now_us)
{
    session->is_reset = for_all || session->must_reset || !session->vrps;
    if (session->is_reset)
        rtr_put_reset_query(session->output, session->version);
    else
        rtr_put_serial_query(session->output, session->version, session->session, session->serial);
    session->phase = PHASE_ASKED;
    session->answer_us = now_us + ANSWER_LIMIT_US;
}

void rtr_session_connected(struct rtr_session *session, gint64 now_us)
{
    g_byte_array_set_size(session->input, 0);
    g_byte_array_set_size(session->output, 0);
    drop_answer(session);
    session->has_heard = session->downgraded = session->no_data = session->is_fixed = FALSE;
    ask(session, FALSE, now_us);
}

/* Session and serial of one version mean nothing in another (RFC 8210 section 5.1). */
static void step_down(struct rtr_session *session, guint8 version)
{
    session->version = version;
    session->must_reset = session->downgraded = TRUE;
    session->was_agreed = FALSE;
}

void rtr_session_lost(struct rtr_session *session, gint64 now_us, gint64 *again_us)
{
    const gboolean silent = session->phase == PHASE_ASKED && !session->has_heard;

    /* Some caches of version 0 close without a word when they are asked in another. */
    if (silent && !session->was_agreed && !session->downgraded)
        step_down(session, session->version ? (guint8)(session->version - 1) : session->highest);
    if (silent && session->version == session->highest)
        session->downgraded = FALSE; /* all were tried */
    drop_answer(session);
    session->phase = PHASE_APART;
    *again_us = now_us + (session->downgraded ? DOWNGRADE_WAIT_US : session->retry_us);
}

/* --- the answer --- */

static gboolean fail(struct rtr_session *session, enum rtr_error code, const guint8 *culprit,
                     gsize length, const char *text)
{
    say(session, "the cache sent %s", text);
    rtr_put_error(session->output, session->version, code, culprit, length, text);
    return FALSE;
}

static void apply_record(struct rtr_session *session, const struct aspa_record *record)
{
    GHashTable *table = session->records[record->afi];
    const gpointer customer = GUINT_TO_POINTER(record->customer);

    if (record->is_withdrawn)
        g_hash_table_remove(table, customer);
    else
        g_hash_table_replace(table, customer,
                             g_memdup2(record, sizeof *record + record->count * sizeof(guint32)));
}

/* Withdrawn and not there: the first of `changes` for which that is so. */
static const struct aspa_record *unknown_record(const struct rtr_session *session)
{
    g_autoptr(GHashTable) now4 = g_hash_table_new(NULL, NULL); /* whether it is there by then */
    g_autoptr(GHashTable) now6 = g_hash_table_new(NULL, NULL);

    for (guint i = 0; i < session->record_changes->len; i++) {
        const struct aspa_record *record = session->record_changes->pdata[i];
        const gpointer key = GUINT_TO_POINTER(record->customer);
        GHashTable *now = record->afi ? now6 : now4;
        gpointer known;
        const gboolean present =
            g_hash_table_lookup_extended(now, key, NULL, &known)
                ? known != NULL
                : !session->is_reset && g_hash_table_contains(session->records[record->afi], key);

        if (record->is_withdrawn && !present)
            return record;
        g_hash_table_insert(now, key, GINT_TO_POINTER(!record->is_withdrawn));
    }
    return NULL;
}

static struct aspa_set *make_aspas(struct rtr_session *session)
{
    struct aspa_set *set = aspa_set_new();

    session->held_count = 0;
    for (guint i = 0; i < AFIS; i++) {
        GHashTableIter iter;
        gpointer value;

        g_hash_table_iter_init(&iter, session->records[i]);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
            const struct aspa_record *record = value;

            aspa_set_add(set, record->customer, record->providers, record->count, 0);
            session->held_count += record->count + 1;
        }
    }
    aspa_set_seal(set);
    return set;
}

static struct vrp_set *make_reset(struct rtr_session *session, const struct vrp_set_about *about,
                                  const guint8 *bytes, gsize length)
{
    g_autoptr(vrp_set_t) set = g_steal_pointer(&session->shadow);

    vrp_set_say(set, about);
    vrp_set_seal(set);
    if (vrp_set_count(set) != session->shadow_count) {
        fail(session, RTR_DUPLICATE_ANNOUNCEMENT, bytes, length, "the same payload twice");
        return NULL;
    }
    return g_steal_pointer(&set);
}

static struct vrp_set *make_changed(struct rtr_session *session, const struct vrp_set_about *about,
                                    const guint8 *bytes, gsize length)
{
    enum vrp_change_problem problem;
    struct vrp culprit;
    struct vrp_set *set = vrp_set_apply(session->vrps, session->changes, about, &problem, &culprit);

    if (!set)
        fail(session,
             problem == VRP_CHANGE_UNKNOWN ? RTR_WITHDRAWAL_OF_UNKNOWN : RTR_DUPLICATE_ANNOUNCEMENT,
             bytes, length,
             problem == VRP_CHANGE_UNKNOWN ? "the withdrawal of a payload that was not announced"
                                           : "a payload that was announced before");
    return set;
}

static gint64 clamp_us(guint32 seconds, guint32 least, guint32 most)
{
    return CLAMP(seconds, least, most) * US_A_S;
}

/* RFC 8210 section 6: bounds, and what expires must outlast both others. */
static void take_timers(struct rtr_session *session, const struct rtr_pdu *pdu)
{
    if (!pdu->has_timers)
        return;
    session->refresh_us = clamp_us(pdu->refresh_s, 1, 86400);
    session->retry_us = clamp_us(pdu->retry_s, 1, 7200);
    session->expire_us = clamp_us(pdu->expire_s, 600, 172800);
    session->expire_us =
        MAX(session->expire_us, MAX(session->refresh_us, session->retry_us) + US_A_S);
}

static gboolean on_end(struct rtr_session *session, const struct rtr_pdu *pdu, const guint8 *bytes,
                       gsize length, gint64 now_us)
{
    const struct vrp_set_about about = { .session = session->shadow_session,
                                         .serial = pdu->serial };
    struct vrp_set *set;

    if (session->phase != PHASE_ANSWER)
        return fail(session, RTR_CORRUPT_DATA, bytes, length, "an end of data without its start");
    if (pdu->session != session->shadow_session)
        return fail(session, RTR_CORRUPT_DATA, bytes, length, "an end of another session");
    if (unknown_record(session))
        return fail(session, RTR_WITHDRAWAL_OF_UNKNOWN, bytes, length,
                    "the withdrawal of an ASPA that was not announced");
    set = session->is_reset ? make_reset(session, &about, bytes, length)
                            : make_changed(session, &about, bytes, length);
    if (!set)
        return FALSE;
    if (session->is_reset)
        for (guint i = 0; i < AFIS; i++)
            g_hash_table_remove_all(session->records[i]);
    for (guint i = 0; i < session->record_changes->len; i++)
        apply_record(session, session->record_changes->pdata[i]);
    if (session->is_reset || session->record_changes->len || !session->aspas) {
        aspa_set_unref(session->aspas);
        session->aspas = make_aspas(session);
    }
    vrp_set_unref(session->vrps);
    session->vrps = set;
    session->session = session->shadow_session;
    session->serial = pdu->serial;
    take_timers(session, pdu);
    session->synced_us = now_us;
    session->expires_us = now_us + session->expire_us;
    session->query_us = now_us + session->refresh_us;
    session->phase = PHASE_SETTLED;
    session->is_fixed = session->was_agreed = TRUE;
    session->must_reset = session->is_refused = FALSE;
    session->swaps++;
    g_clear_pointer(&session->problem, g_free);
    drop_answer(session);
    return TRUE;
}

static gboolean other_session(struct rtr_session *session, const guint8 *bytes, gsize length)
{
    drop_data(session);
    return fail(session, RTR_CORRUPT_DATA, bytes, length, "the number of another session");
}

static gboolean on_response(struct rtr_session *session, const struct rtr_pdu *pdu,
                            const guint8 *bytes, gsize length, gint64 now_us)
{
    if (session->phase != PHASE_ASKED)
        return fail(session, RTR_CORRUPT_DATA, bytes, length, "an answer without a query");
    if (!session->is_reset && pdu->session != session->session)
        return other_session(session, bytes, length);
    session->shadow_session = pdu->session;
    session->router_keys = 0;
    if (session->is_reset)
        session->shadow = vrp_set_new();
    session->phase = PHASE_ANSWER;
    return TRUE;
}

static gboolean on_prefix(struct rtr_session *session, const struct rtr_pdu *pdu,
                          const guint8 *bytes, gsize length, gint64 now_us)
{
    const struct vrp_change change = { pdu->vrp, pdu->is_withdrawn };

    if (session->phase != PHASE_ANSWER)
        return fail(session, RTR_CORRUPT_DATA, bytes, length, "a payload outside of an answer");
    if (++session->shadow_count + (session->is_reset ? 0 : vrp_set_count(session->vrps)) > VRPS_MAX)
        return fail(session, RTR_INTERNAL_ERROR, bytes, length, "more payloads than are taken");
    if (!session->is_reset)
        g_array_append_val(session->changes, change);
    else if (pdu->is_withdrawn)
        return fail(session, RTR_WITHDRAWAL_OF_UNKNOWN, bytes, length,
                    "the withdrawal of a payload that was not announced");
    else
        vrp_set_add(session->shadow, &pdu->vrp);
    return TRUE;
}

static gboolean on_aspa(struct rtr_session *session, const struct rtr_pdu *pdu, const guint8 *bytes,
                        gsize length, gint64 now_us)
{
    struct aspa_record *record;

    if (session->phase != PHASE_ANSWER)
        return fail(session, RTR_CORRUPT_DATA, bytes, length, "an ASPA outside of an answer");
    session->provider_count += pdu->provider_count + 1;
    if (session->held_count + session->provider_count > PROVIDERS_MAX)
        return fail(session, RTR_INTERNAL_ERROR, bytes, length, "more ASPAs than are taken");
    record = g_malloc0(sizeof *record + pdu->provider_count * sizeof(guint32));
    record->customer = pdu->customer;
    record->afi = pdu->afi;
    record->is_withdrawn = pdu->is_withdrawn;
    record->count = pdu->provider_count;
    for (gsize i = 0; i < pdu->provider_count; i++)
        record->providers[i] = rtr_provider(pdu, i);
    g_ptr_array_add(session->record_changes, record);
    return TRUE;
}

static gboolean on_router_key(struct rtr_session *session, const struct rtr_pdu *pdu,
                              const guint8 *bytes, gsize length, gint64 now_us)
{
    session->router_keys += !pdu->is_withdrawn;
    return TRUE;
}

static gboolean on_notify(struct rtr_session *session, const struct rtr_pdu *pdu,
                          const guint8 *bytes, gsize length, gint64 now_us)
{
    if (session->phase != PHASE_SETTLED)
        return TRUE; /* an answer is on its way */
    if (session->vrps && pdu->session != session->session)
        return other_session(session, bytes, length);
    if (!session->vrps || rtr_serial_after(pdu->serial, session->serial))
        ask(session, FALSE, now_us);
    return TRUE;
}

static gboolean on_cache_reset(struct rtr_session *session, const struct rtr_pdu *pdu,
                               const guint8 *bytes, gsize length, gint64 now_us)
{
    if (session->phase != PHASE_ASKED || session->is_reset)
        return fail(session, RTR_CORRUPT_DATA, bytes, length, "a reset that nothing asked for");
    ask(session, TRUE, now_us);
    return TRUE;
}

static gboolean on_error(struct rtr_session *session, const struct rtr_pdu *pdu,
                         const guint8 *bytes, gsize length, gint64 now_us)
{
    g_autofree char *raw = g_strndup((const char *)pdu->text, MIN(pdu->text_length, 256));
    g_autofree char *text = g_utf8_make_valid(raw, -1);

    if (pdu->session == RTR_UNSUPPORTED_VERSION && !session->is_fixed && session->version) {
        step_down(session,
                  pdu->version < session->version ? pdu->version : (guint8)(session->version - 1));
        return FALSE;
    }
    say(session, "the cache reports: %s%s%s", rtr_error_name(pdu->session), *text ? ": " : "",
        text);
    if (pdu->session == RTR_NO_DATA) {
        session->phase = PHASE_SETTLED;
        session->no_data = TRUE;
        session->query_us = now_us + session->retry_us;
        return TRUE;
    }
    session->is_refused = TRUE;
    return FALSE;
}

static gboolean on_foolish(struct rtr_session *session, const struct rtr_pdu *pdu,
                           const guint8 *bytes, gsize length, gint64 now_us)
{
    return fail(session, RTR_INVALID_REQUEST, bytes, length, "a query, which routers send");
}

static gboolean (*const handlers[])(struct rtr_session *, const struct rtr_pdu *, const guint8 *,
                                    gsize, gint64) = {
    [RTR_SERIAL_NOTIFY] = on_notify,
    [RTR_SERIAL_QUERY] = on_foolish,
    [RTR_RESET_QUERY] = on_foolish,
    [RTR_CACHE_RESPONSE] = on_response,
    [RTR_IPV4_PREFIX] = on_prefix,
    [RTR_IPV6_PREFIX] = on_prefix,
    [RTR_END_OF_DATA] = on_end,
    [RTR_CACHE_RESET] = on_cache_reset,
    [RTR_ROUTER_KEY] = on_router_key,
    [RTR_ERROR_REPORT] = on_error,
    [RTR_ASPA] = on_aspa,
};

/* The first answer may step down to a lower version; from then on there is one (section 7). */
static gboolean check_version(struct rtr_session *session, const struct rtr_pdu *pdu,
                              const guint8 *bytes, gsize length)
{
    if (pdu->version == session->version || pdu->type == RTR_ERROR_REPORT)
        return TRUE;
    if (!session->is_fixed && session->phase == PHASE_ASKED && session->is_reset &&
        pdu->type == RTR_CACHE_RESPONSE && pdu->version < session->version) {
        session->version = pdu->version;
        return TRUE;
    }
    return fail(session, RTR_UNEXPECTED_VERSION, bytes, length, "a PDU of another version");
}

static gboolean take_pdu(struct rtr_session *session, const struct rtr_pdu *pdu,
                         const guint8 *bytes, gsize length, gint64 now_us)
{
    /* Before a version is agreed upon a notify may come in any (section 7): it is passed over. */
    if (pdu->type == RTR_SERIAL_NOTIFY && session->phase != PHASE_SETTLED)
        return TRUE;
    return check_version(session, pdu, bytes, length) &&
           handlers[pdu->type](session, pdu, bytes, length, now_us);
}

gboolean rtr_session_take(struct rtr_session *session, const guint8 *bytes, gsize length,
                          gint64 now_us)
{
    gboolean goes_on = TRUE;
    gsize used = 0;

    if (!length)
        return TRUE;
    session->has_heard = TRUE;
    session->answer_us = now_us + ANSWER_LIMIT_US;
    g_byte_array_append(session->input, bytes, (guint)length);
    while (goes_on) {
        const guint8 *at = session->input->data + used;
        struct rtr_pdu pdu;
        enum rtr_error code;
        const char *problem;
        gsize size;
        const enum rtr_step step =
            rtr_pdu_parse(at, session->input->len - used, &pdu, &size, &code, &problem);

        if (step == RTR_MORE)
            break;
        used += size;
        if (step == RTR_PDU)
            goes_on = take_pdu(session, &pdu, at, size, now_us);
        else if (pdu.type == RTR_ERROR_REPORT)
            goes_on = FALSE; /* an error is not answered by an error (section 5.10) */
        else
            goes_on = fail(session, code, at, size, problem);
    }
    g_byte_array_remove_range(session->input, 0, (guint)used);
    return goes_on;
}

/* --- times and state --- */

GByteArray *rtr_session_output(struct rtr_session *session)
{
    return session->output;
}

gboolean rtr_session_tick(struct rtr_session *session, gint64 now_us)
{
    if (session->vrps && now_us >= session->expires_us) {
        drop_data(session);
        say(session, "the payloads have expired");
        /* What is on its way are changes to what is gone: begin anew. */
        if (!session->is_reset && (session->phase == PHASE_ASKED || session->phase == PHASE_ANSWER))
            return FALSE;
    }
    if (session->phase == PHASE_SETTLED && now_us >= session->query_us)
        ask(session, session->no_data, now_us);
    if ((session->phase == PHASE_ASKED || session->phase == PHASE_ANSWER) &&
        now_us >= session->answer_us) {
        say(session, "the cache does not answer");
        return FALSE;
    }
    return TRUE;
}

gint64 rtr_session_due(const struct rtr_session *session)
{
    gint64 due_us = G_MAXINT64;

    if (session->vrps)
        due_us = session->expires_us;
    if (session->phase == PHASE_SETTLED)
        due_us = MIN(due_us, session->query_us);
    else if (session->phase != PHASE_APART)
        due_us = MIN(due_us, session->answer_us);
    return due_us;
}

void rtr_session_status(const struct rtr_session *session, struct rtr_status *status)
{
    *status = (struct rtr_status){
        .version = session->version,
        .is_connected = session->phase != PHASE_APART,
        .has_data = session->vrps != NULL,
        .is_refused = session->is_refused,
        .session = session->session,
        .serial = session->serial,
        .synced_us = session->synced_us,
        .expires_us = session->expires_us,
        .swaps = session->swaps,
        .router_keys = session->router_keys,
        .problem = session->problem,
    };
}

struct vrp_set *rtr_session_vrps(const struct rtr_session *session)
{
    return session->vrps;
}

struct aspa_set *rtr_session_aspas(const struct rtr_session *session)
{
    return session->aspas;
}
