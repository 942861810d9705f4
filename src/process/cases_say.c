/*
 * cases_say.c: what we say: an event is written, signed, and recorded with the rest of the case in
 * one transaction; or waits as a draft for the signature of a second person.
 */
#include "base/error.h"
#include "process/cases_private.h"
#include "process/triage_private.h"
#include "statement/base64.h"
#include "statement/intoto.h"

#include <sodium.h>
#include <string.h>

#define DRAFT_ID_DIGITS 16 /* of the event's hash */
#define ROLES_FIELD "roles"
#define PARTY_FIELD "party"
#define ROLE_FIELD "role"
#define REASON_FIELD "reason"

/* What is being said, on its way to an event. */
struct saying {
    const struct case_draft *draft;
    const struct signing_key *key;
    const struct kind *kind;
    const struct process_step *step; /* NULL: the opening */
    const struct kase *kase;
    struct case_fold *fold; /* NULL: the opening */
    char *id, *instance;    /* id: known from what an opening says */
    guint approvals;
    gint64 now_us;
    GPtrArray *files;
    struct case_event *event;
};

static void saying_clear(struct saying *saying)
{
    g_free(saying->id);
    g_free(saying->instance);
    g_clear_pointer(&saying->files, g_ptr_array_unref);
    case_event_free(saying->event);
}

/* --- what may be said --- */

static char *possible_steps(const GPtrArray *options)
{
    g_autoptr(GString) list = g_string_new(NULL);

    for (guint i = 0; i < options->len; i++) {
        const struct case_option *option = options->pdata[i];

        if (!strstr(list->str, option->step->event))
            g_string_append_printf(list, "%s%s", list->len ? ", " : "", option->step->event);
    }
    return g_string_free(g_steal_pointer(&list), FALSE);
}

static gboolean is_meant(const struct case_option *option, const struct case_draft *draft)
{
    return g_str_equal(option->step->event, draft->event) &&
           (!draft->machine || g_str_equal(option->step->machine, draft->machine)) &&
           (!draft->instance || g_strcmp0(option->instance, draft->instance) == 0);
}

static gboolean brings_in(const struct kind *kind, const char *event)
{
    for (const struct process_step *step = kind->steps; step->machine; step++)
        if (g_str_equal(step->event, event))
            return case_step_brings_in(step);
    return FALSE;
}

/* Why another signatory cannot come into the case, in words. */
static gboolean check_arrival(const struct saying *saying, const char *self, GError **error)
{
    const struct kase *kase = saying->kase;
    const struct case_draft *draft = saying->draft;
    const char *party = json_text(draft->fields, PARTY_FIELD);
    const struct case_party *there = case_party_of(kase, party);
    enum tlp level = kase->tlp;
    struct case_arrival arrival;
    g_autofree char *word = NULL;

    if (draft->tlp)
        tlp_parse(draft->tlp, &level);
    arrival = case_arrival(kase, self, level, json_text(draft->fields, ROLE_FIELD));
    word = g_ascii_strup(tlp_name(arrival.level), -1);
    if (there && !there->left)
        return policy_error(error,
                            "case %.12s: %.12s is a party of it already, and \"%s\" is for a "
                            "signatory that is none",
                            saying->id, party, draft->event);
    if (arrival.closed)
        return policy_error(error,
                            "case %.12s holds what is TLP:%s: it is for those it names, and nobody "
                            "can be brought in later; open another case to them",
                            saying->id, word);
    if (arrival.source)
        return policy_error(error,
                            "case %.12s holds what is TLP:%s, for %s: only who marked it so, "
                            "%.12s, can bring others in; ask them to do it, or to take their mark "
                            "back (set-tlp)",
                            saying->id, word, tlp_rule(arrival.level)->limit_en,
                            arrival.source->id);
    return !arrival.reason || json_text(draft->fields, REASON_FIELD) ||
           policy_error(
               error,
               "case %.12s holds what is TLP:%s, for %s: say why they need to know (--reason TEXT)",
               saying->id, word, tlp_rule(arrival.level)->limit_en);
}

static gboolean find_step(struct cases *cases, struct saying *saying, GError **error)
{
    const char *self = cases_self(cases, saying->kase);
    g_autoptr(GPtrArray) options = NULL;
    const struct case_option *found = NULL;

    if (!cases_role_of(saying->kase, self))
        return policy_error(error, "case %.12s: we are no party of it (any more)", saying->id);
    if (brings_in(saying->kind, saying->draft->event) && !check_arrival(saying, self, error))
        return FALSE;
    options = case_options(saying->kase, self);
    for (guint i = 0; i < options->len; i++) {
        const struct case_option *option = options->pdata[i];

        if (!is_meant(option, saying->draft))
            continue;
        /* A machine of each party: our own is meant when none is named. */
        if (found && !saying->draft->instance && g_strcmp0(option->instance, self) != 0)
            continue;
        found = option;
    }
    if (!found) {
        const struct case_state *state = saying->kase->states->pdata[0];
        g_autofree char *possible = possible_steps(options);

        return policy_error(
            error, "case %.12s is \"%s\": \"%s\" is not possible for us now; possible: %s",
            saying->id, state->state, saying->draft->event, *possible ? possible : "nothing");
    }
    saying->step = found->step;
    saying->instance = g_strdup(found->instance);
    saying->approvals = MAX(found->step->approvals, 1);
    return TRUE;
}

static gboolean check_level(const struct kind *kind, enum tlp tlp, GError **error)
{
    return tlp <= kind->tlp_ceiling ||
           policy_error(error, "a case of kind \"%s\" carries at most TLP:%s, not TLP:%s", kind->id,
                        tlp_name(kind->tlp_ceiling), tlp_name(tlp));
}

static gboolean check_fields(const struct saying *saying, GError **error)
{
    g_autoptr(json_t) fields =
        saying->draft->fields ? json_copy((json_t *)saying->draft->fields) : json_object();

    if (saying->step)
        return kind_fields_check(saying->kind, fields, saying->step->needs, saying->step->takes,
                                 error);
    json_object_del(fields, ROLES_FIELD);
    return kind_fields_check(saying->kind, fields, saying->kind->opens_with,
                             saying->kind->opens_may, error);
}

static gboolean begin_opening(struct cases *cases, struct saying *saying, GError **error)
{
    saying->kind = saying->draft->kind ? kind_find(saying->draft->kind) : NULL;
    if (!saying->kind)
        return input_error(error, "\"%s\" is no kind of case (entente case kinds)",
                           saying->draft->kind ? saying->draft->kind : "");
    if (!saying->kind->own && (!saying->draft->to || !*saying->draft->to))
        return input_error(error, "a case of kind \"%s\" is opened to somebody", saying->kind->id);
    if (saying->kind->own && saying->draft->to && *saying->draft->to)
        return input_error(error, "a case of kind \"%s\" stays here: it is opened to nobody",
                           saying->kind->id);
    saying->approvals = MAX(saying->kind->opens_approvals, 1);
    return desk_may_act(cases, NULL, saying->key->public, error) && check_fields(saying, error);
}

static gboolean begin_step(struct cases *cases, struct saying *saying, GError **error)
{
    gint64 erased;

    saying->id = cases_resolve(cases, saying->draft->id, error);
    if (!saying->id || !desk_may_act(cases, saying->id, saying->key->public, error) ||
        !cases_number(cases, &erased, 0, error, "SELECT erased FROM head WHERE id = $1", "t",
                      saying->id))
        return FALSE;
    if (erased)
        return policy_error(error, "case %.12s was erased when its retention ended", saying->id);
    saying->fold = cases_fold(cases, saying->id, error);
    if (!saying->fold)
        return FALSE;
    saying->kase = case_fold_at(saying->fold, saying->now_us);
    saying->kind = saying->kase->kind;
    if (!find_step(cases, saying, error) || !check_fields(saying, error))
        return FALSE;
    return !g_str_equal(saying->step->event, TRIAGE_ACCEPT) ||
           triage_may_accept(cases, saying->kase, saying->draft->fields, error);
}

/* --- the event --- */

static const char *stream_of(const struct saying *saying)
{
    if (saying->step && saying->step->local && !saying->kind->own)
        return CASE_STREAM_LOCAL;
    return saying->draft->stream ? saying->draft->stream : CASE_STREAM_SHARED;
}

/* Fields with the roles of those whom the case is opened to. */
static json_t *fields_of(const struct saying *saying)
{
    const struct case_draft *draft = saying->draft;
    json_t *fields = draft->fields ? json_deep_copy(draft->fields) : json_object();
    json_t *roles;

    if (saying->step || !draft->roles || !draft->to)
        return fields;
    roles = json_object();
    for (guint i = 0; draft->to[i] && draft->roles[i]; i++)
        json_object_set_new(roles, draft->to[i], json_safe_string(draft->roles[i]));
    json_object_set_new(fields, ROLES_FIELD, roles);
    return fields;
}

/* Now, but not before what the author knows. */
static gint64 time_of(const struct saying *saying, gint64 anchor_us)
{
    gint64 time_us = MAX(saying->now_us, anchor_us);

    for (guint i = 0; saying->kase && i < saying->kase->entries->len; i++) {
        const struct case_entry *entry = saying->kase->entries->pdata[i];

        if (entry->event)
            time_us = MAX(time_us, entry->event->time_us);
    }
    /* Whole seconds, upwards where a cause or a checkpoint is later than the second's beginning. */
    return time_us > saying->now_us
               ? (time_us + G_USEC_PER_SEC - 1) / G_USEC_PER_SEC * G_USEC_PER_SEC
               : time_us / G_USEC_PER_SEC * G_USEC_PER_SEC;
}

static void attachment_free(gpointer data)
{
    struct case_attachment *attachment = data;

    g_free(attachment->name);
    g_free(attachment);
}

static GPtrArray *copy_attachments(const GPtrArray *files)
{
    GPtrArray *list = g_ptr_array_new_with_free_func(attachment_free);

    for (guint i = 0; files && i < files->len; i++) {
        const struct attached_file *file = files->pdata[i];
        struct case_attachment *attachment = g_memdup2(&file->file, sizeof file->file);

        attachment->name = g_strdup(file->file.name);
        g_ptr_array_add(list, attachment);
    }
    return list;
}

static struct case_event *compose(struct cases *cases, const struct saying *saying, GError **error)
{
    const struct case_draft *draft = saying->draft;
    const char *self = cases_self(cases, saying->kase);
    g_autoptr(case_event_t) event = g_new0(struct case_event, 1);
    guint32 last = 0;

    event->references = 1;
    event->attachments = copy_attachments(saying->files);
    event->log = g_strdup(cases->origin);
    event->id = g_strdup(saying->id);
    event->kind = g_strdup(saying->kind->id);
    event->stream = g_strdup(stream_of(saying));
    event->from = g_strdup(self);
    event->machine = g_strdup(saying->step ? saying->step->machine : saying->kind->machines->id);
    event->instance = g_strdup(saying->instance);
    event->event = g_strdup(saying->step ? saying->step->event : CASE_EVENT_OPEN);
    event->fields = fields_of(saying);
    event->tlp = saying->kase ? saying->kase->tlp : saying->kind->tlp;
    if (draft->tlp && !tlp_parse(draft->tlp, &event->tlp)) {
        input_error(error, "\"%s\" is no TLP level (clear, green, amber, amber+strict, red)",
                    draft->tlp);
        return NULL;
    }
    if (!check_level(saying->kind, event->tlp, error))
        return NULL;
    event->to = saying->kase ? case_recipients(saying->kase, event->stream, self)
                             : g_strdupv((char **)draft->to);
    if (!event->to)
        event->to = g_new0(char *, 1);
    if (saying->fold) {
        last = case_fold_last(saying->fold, self, event->stream, &event->previous);
        event->heads = case_fold_heads(saying->fold, event->stream, self);
    }
    event->has_previous = last > 0;
    event->seq = last + 1;
    if (event->heads && json_object_size(event->heads) == 0)
        g_clear_pointer(&event->heads, json_decref);
    if (cases->options.newest &&
        !cases->options.newest(cases->options.fold.data, &event->anchor_size, &event->anchor_root,
                               &event->anchor_us))
        event->anchor_size = 0;
    event->time_us = time_of(saying, event->anchor_size ? event->anchor_us : 0);
    return g_steal_pointer(&event);
}

static GBytes *canonical(const struct dsse *dsse, GError **error)
{
    g_autoptr(json_t) json = dsse_to_json(dsse);

    return json_canonical(json, error);
}

/* Signs `event` and reads it again, as everybody will read it. */
static struct case_event *sign(const struct case_event *event, const struct signing_key *key,
                               GError **error)
{
    g_autoptr(GBytes) payload = case_event_payload(event, error);
    g_autoptr(dsse_t) dsse = payload ? dsse_new(INTOTO_PAYLOAD_TYPE, payload) : NULL;
    g_autoptr(GBytes) envelope = NULL;

    if (!dsse)
        return NULL;
    dsse_sign(dsse, key);
    envelope = canonical(dsse, error);
    return envelope ? case_event_parse(envelope, error) : NULL;
}

/* --- recorded, or a draft --- */

static gboolean record(struct cases *cases, struct case_event *event, gint64 now_us, GError **error)
{
    enum case_verdict verdict;
    g_autofree char *why = NULL;

    if (!cases_record(cases, event, now_us, &verdict, &why, error))
        return FALSE;
    return verdict == CASE_APPLIED ||
           policy_error(error, "case %.12s: \"%s\" is refused (%s): %s", event->id, event->event,
                        case_verdict_name(verdict), why ? why : "");
}

/* The state in which a draft was written; it is worth nothing in another. */
static void state_of(const struct kase *kase, const struct case_event *event, const char **state,
                     gint64 *since_us)
{
    const struct case_state *found =
        kase ? case_state_of(kase, event->machine, event->instance) : NULL;

    *state = found ? found->state : "";
    *since_us = found ? found->since_us : 0;
}

static gboolean put_draft(struct cases *cases, const struct saying *saying, GError **error)
{
    const struct case_event *event = saying->event;
    g_autofree char *hash = case_hash_hex(&event->hash);
    g_autofree char *id = g_strndup(hash, DRAFT_ID_DIGITS);
    const char *state;
    gint64 since_us;

    state_of(saying->kase, event, &state, &since_us);
    return cases_do(cases, error,
                    "INSERT INTO draft (id, case_id, kind, machine, instance, step, state, since, "
                    "approvals, created, envelope) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, "
                    "$10, $11)",
                    "tttttttiiib", id, event->id, event->kind, event->machine,
                    event->instance ? event->instance : "", event->event, state, since_us,
                    (gint64)saying->approvals, saying->now_us, event->envelope) &&
           cases_do(cases, error, "UPDATE head SET mine = 1 WHERE id = $1", "t", event->id);
}

static gboolean say(struct cases *cases, struct saying *saying, GError **error)
{
    g_autoptr(case_event_t) written = NULL;
    const gboolean began =
        saying->draft->id ? begin_step(cases, saying, error) : begin_opening(cases, saying, error);

    written = began ? compose(cases, saying, error) : NULL;
    saying->event = written ? sign(written, saying->key, error) : NULL;
    if (saying->event && !saying->id)
        saying->id = g_strdup(saying->event->id);
    if (!saying->event || !cases_files_give(cases, saying->files, saying->event, error))
        return FALSE;
    return saying->approvals > 1 ? put_draft(cases, saying, error)
                                 : record(cases, saying->event, saying->now_us, error);
}

gboolean cases_say(struct cases *cases, const struct case_draft *draft,
                   const struct signing_key *key, gint64 now_us, char **id, char **event,
                   gboolean *done, GError **error)
{
    struct saying saying = { .draft = draft, .key = key, .now_us = now_us };
    gboolean said;

    if (draft->files && *draft->files)
        saying.files = cases_files_keep(cases, draft->files, error);
    said = (!draft->files || !*draft->files || saying.files) && store_begin(cases->store, error) &&
           cases_finish(cases, say(cases, &saying, error), error);
    if (said) {
        g_autofree char *hash = case_hash_hex(&saying.event->hash);

        *done = saying.approvals < 2;
        if (id)
            *id = g_strdup(saying.id);
        if (event)
            *event = *done ? g_steal_pointer(&hash) : g_strndup(hash, DRAFT_ID_DIGITS);
    }
    saying_clear(&saying);
    return said;
}

/* --- the second signature --- */

struct waiting {
    char *id, *state;
    gint64 since_us, approvals;
    struct case_event *event;
};

static void waiting_clear(struct waiting *waiting)
{
    g_free(waiting->id);
    g_free(waiting->state);
    case_event_free(waiting->event);
}

static gboolean find_draft(struct cases *cases, const char *id, struct waiting *waiting,
                           GError **error)
{
    g_autoptr(query_t) query =
        cases_ask(cases, error,
                  "SELECT id, state, since, approvals, envelope FROM draft WHERE id = $1", "t", id);
    g_autoptr(GBytes) envelope = NULL;
    const void *bytes;
    gboolean row;
    gsize length;

    if (!query || !query_step(query, &row, error))
        return FALSE;
    if (!row)
        return input_error(error, "\"%s\" is no draft that waits for a signature (entente inbox)",
                           id);
    waiting->id = cases_text_column(query, 0);
    waiting->state = cases_text_column(query, 1);
    waiting->since_us = query_integer(query, 2);
    waiting->approvals = query_integer(query, 3);
    bytes = query_bytes(query, 4, &length);
    envelope = g_bytes_new(bytes, length);
    waiting->event = case_event_parse(envelope, error);
    return waiting->event != NULL;
}

static gboolean is_signed_by(const struct dsse *dsse, const struct public_key *key)
{
    g_autoptr(GPtrArray) keys = g_ptr_array_new();
    struct dsse_result results[DSSE_SIGNATURES_LIMIT];

    g_ptr_array_add(keys, (gpointer)key);
    return dsse_verify(dsse, keys, results) > 0;
}

/* What the first person signed is what the second one sees: else nobody's word is worth it. */
static gboolean is_current(struct cases *cases, const struct waiting *waiting, gint64 now_us,
                           GError **error)
{
    const struct case_event *event = waiting->event;
    struct case_fold *fold = cases_fold(cases, event->id, error);
    const struct kase *kase = fold ? case_fold_at(fold, now_us) : NULL;
    struct case_hash last;
    const char *state;
    gint64 since_us;

    if (!fold)
        return FALSE;
    state_of(kase && kase->kind ? kase : NULL, event, &state, &since_us);
    if (!g_str_equal(state, waiting->state) || since_us != waiting->since_us)
        return policy_error(error,
                            "case %.12s moved on from \"%s\" to \"%s\" since the first signature: "
                            "drop the draft %s and say it anew",
                            event->id, waiting->state, state, waiting->id);
    return case_fold_last(fold, cases->self, event->stream, &last) + 1 == event->seq ||
           policy_error(error,
                        "we said something else in case %.12s since the first signature: drop the "
                        "draft %s and say it anew",
                        event->id, waiting->id);
}

/* The draft with one more signature; as `waiting->event`. */
static gboolean add_signature(struct cases *cases, struct waiting *waiting,
                              const struct signing_key *key, GError **error)
{
    gsize length;
    const void *bytes = g_bytes_get_data(waiting->event->envelope, &length);
    g_autoptr(dsse_t) dsse = dsse_parse(bytes, length, "draft", error);
    g_autoptr(GBytes) envelope = NULL;
    struct case_event *event;

    if (!dsse)
        return FALSE;
    if (is_signed_by(dsse, key->public))
        return policy_error(error,
                            "the key \"%s\" signed this draft already: the second signature is "
                            "another person's",
                            key->public->name);
    dsse_sign(dsse, key);
    envelope = canonical(dsse, error);
    event = envelope ? case_event_parse(envelope, error) : NULL;
    if (!event)
        return FALSE;
    case_event_free(waiting->event);
    waiting->event = event;
    (void)cases;
    return TRUE;
}

static gboolean approve(struct cases *cases, const char *id, const struct signing_key *key,
                        gint64 now_us, struct waiting *waiting, gboolean *done, GError **error)
{
    enum case_verdict verdict;

    if (!find_draft(cases, id, waiting, error) ||
        !desk_may_act(cases, waiting->event->id, key->public, error) ||
        !is_current(cases, waiting, now_us, error) || !add_signature(cases, waiting, key, error))
        return FALSE;
    cases->fresh_us = now_us;
    verdict = case_event_verify(waiting->event, &cases->options.fold.keys);
    if (verdict != CASE_APPLIED)
        return policy_error(error, "the signatures of the draft do not verify (%s)",
                            case_verdict_name(verdict));
    *done = waiting->event->signers >= waiting->approvals;
    if (!*done)
        return cases_do(cases, error, "UPDATE draft SET envelope = $1 WHERE id = $2", "bt",
                        waiting->event->envelope, id);
    return cases_do(cases, error, "DELETE FROM draft WHERE id = $1", "t", id) &&
           record(cases, waiting->event, now_us, error);
}

gboolean cases_approve(struct cases *cases, const char *draft, const struct signing_key *key,
                       gint64 now_us, gboolean *done, GError **error)
{
    struct waiting waiting = { 0 };
    gboolean good;

    *done = FALSE;
    good = store_begin(cases->store, error) &&
           cases_finish(cases, approve(cases, draft, key, now_us, &waiting, done, error), error);
    waiting_clear(&waiting);
    return good;
}

json_t *cases_draft(struct cases *cases, const char *draft, GError **error)
{
    struct waiting waiting = { 0 };
    json_t *event =
        find_draft(cases, draft, &waiting, error) ? case_event_json(waiting.event) : NULL;

    waiting_clear(&waiting);
    return event;
}

gboolean cases_drop_draft(struct cases *cases, const char *draft, GError **error)
{
    gint64 there;

    if (!cases_number(cases, &there, 0, error, "SELECT 1 FROM draft WHERE id = $1", "t", draft))
        return FALSE;
    if (!there)
        return input_error(error, "\"%s\" is no draft that waits for a signature", draft);
    return cases_do(cases, error, "DELETE FROM draft WHERE id = $1", "t", draft);
}
