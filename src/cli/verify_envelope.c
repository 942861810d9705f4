/*
 * verify_envelope.c: envelopes, disclosures and documents beside their envelopes: signatures,
 * statement, digest, openings; and, where this machine belongs to a community, what its log says
 * of them.
 */
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/terminal.h"
#include "cli/network.h"
#include "cli/verify_command.h"
#include "cli/verify_said.h"
#include "statement/base64.h"
#include "statement/intoto.h"
#include "statement/key_import.h"
#include "statement/key_store.h"
#include "statement/merkle.h"
#include "statement/verifier.h"

#include <string.h>

#define FILE_LIMIT (64u << 20) /* an envelope or a disclosure */

/* What is judged: an envelope, maybe with openings, maybe with the document it is about. */
struct target {
    GBytes *envelope;
    char *path;       /* of the envelope */
    char *document;   /* or NULL */
    json_t *openings; /* an array; NULL when it is not a disclosure */
};

static void target_clear(struct target *target)
{
    if (target->envelope)
        g_bytes_unref(target->envelope);
    g_free(target->path);
    g_free(target->document);
    json_decref(target->openings);
}

/* The envelope beside a document: report.pdf.dsse.json, or assessment.dsse.json. NULL: none. */
static char *envelope_beside(const char *path)
{
    g_autofree char *appended = g_strconcat(path, ".dsse.json", NULL);
    g_autofree char *stem = g_str_has_suffix(path, ".json")
                                ? g_strndup(path, strlen(path) - strlen(".json"))
                                : g_strdup(path);
    g_autofree char *replaced = g_strconcat(stem, ".dsse.json", NULL);

    if (g_file_test(appended, G_FILE_TEST_EXISTS))
        return g_steal_pointer(&appended);
    return g_file_test(replaced, G_FILE_TEST_EXISTS) ? g_steal_pointer(&replaced) : NULL;
}

static gboolean read_target(const char *path, GBytes *fetched, struct target *target,
                            GError **error)
{
    g_autofree char *beside = fetched ? NULL : envelope_beside(path);
    g_autoptr(GError) unread = NULL;
    g_autoptr(GBytes) bytes = fetched ? g_bytes_ref(fetched) : file_read(path, FILE_LIMIT, &unread);
    g_autoptr(json_t) value = NULL;
    gsize length = 0;
    const void *data = bytes ? g_bytes_get_data(bytes, &length) : NULL;

    value = bytes ? json_parse(data, length, FILE_LIMIT, path, NULL) : NULL;
    /* A document may well have a member of that name; an envelope has both. */
    if (!(json_object_get(value, "payload") && json_object_get(value, "payloadType")) && beside &&
        g_strcmp0(json_text(value, "schema"), DISCLOSURE_SCHEMA) != 0) {
        target->envelope = file_read(beside, FILE_LIMIT, error);
        target->path = g_steal_pointer(&beside);
        target->document = g_strdup(path);
        return target->envelope != NULL;
    }
    if (!bytes) {
        g_propagate_error(error, g_steal_pointer(&unread));
        return FALSE;
    }
    target->path = g_strdup(path);
    if (g_strcmp0(json_text(value, "schema"), DISCLOSURE_SCHEMA) == 0) {
        const json_t *envelope = json_object_get(value, "envelope");
        char *text = envelope ? json_dumps(envelope, JSON_ENCODE_ANY) : NULL;

        target->envelope = g_bytes_new(text ? text : "", text ? strlen(text) : 0);
        free(text);
        target->openings = json_incref(json_object_get(value, "entries"));
        if (!target->openings)
            target->openings = json_array();
    } else {
        target->envelope = g_steal_pointer(&bytes);
    }
    return TRUE;
}

/* The trusted keys: those given, else the own ones. */
static GPtrArray *trusted(const struct context *context, const struct verify_state *state,
                          GError **error)
{
    g_autoptr(GPtrArray) keys = NULL;
    g_autofree char *data = NULL;

    if (!state->keys) {
        data = cli_data_folder(context, error);
        return data ? key_store_public_keys(data, error) : NULL;
    }
    keys = g_ptr_array_new_with_free_func((GDestroyNotify)public_key_free);
    for (char **argument = state->keys; *argument; argument++) {
        struct public_key *key = key_import_public_argument(*argument, error);

        if (!key)
            return NULL;
        g_ptr_array_add(keys, key);
    }
    return g_steal_pointer(&keys);
}

/* The document by the subject's name, beside the statement; only a plain file name is followed. */
static void find_document(struct target *target, const struct verification *v)
{
    const char *name = v->statement ? intoto_subject_name(v->statement) : "";
    g_autofree char *folder = g_path_get_dirname(target->path);
    g_autofree char *path = NULL;

    if (target->document || target->openings || !*name || strchr(name, '/') || *name == '.' ||
        g_str_equal(target->path, "-"))
        return;
    path = g_build_filename(folder, name, NULL);
    if (g_file_test(path, G_FILE_TEST_IS_REGULAR))
        target->document = g_steal_pointer(&path);
}

static const char *const outcome_names[] = {
    [DSSE_GOOD] = "good",
    [DSSE_BAD] = "bad",
    [DSSE_UNKNOWN] = "unknown-key",
};

struct report {
    const struct target *target;
    const struct verification *v;
    const GPtrArray *keys;
    gboolean document_checked, french;
    guint own; /* so many keys, the first ones, are this machine's */
    guint threshold;
    json_t *entry; /* what the community's log has of it; or NULL */
};

static json_t *json_signatures(const struct report *report)
{
    const struct verification *v = report->v;
    json_t *list = json_array();

    for (guint i = 0; v->results && i < v->envelope->signatures->len; i++) {
        const struct dsse_signature *signature = v->envelope->signatures->pdata[i];
        json_t *row = json_pack("{s:s, s:s}", "keyid", signature->keyid, "outcome",
                                outcome_names[v->results[i].outcome]);

        if (v->results[i].outcome == DSSE_GOOD) {
            g_autofree char *vkey = public_key_text(report->keys->pdata[v->results[i].key]);

            json_object_set_new(row, "key", json_string(vkey));
            json_object_set_new(row, "own", json_boolean(v->results[i].key < report->own));
        }
        json_array_append_new(list, row);
    }
    return list;
}

static char *format_json(const struct report *report)
{
    const struct verification *v = report->v;
    gboolean good = v->reason == VERIFY_GOOD;
    g_autoptr(json_t) value = json_pack(
        "{s:o, s:s, s:s?, s:o, s:i, s:i, s:o}", "file", json_safe_string(report->target->path),
        "verdict", good ? "good" : "refused", "reason", verify_reason_name(v->reason), "message",
        json_safe_string(v->message), "threshold", (int)report->threshold, "signers",
        (int)v->signers, "signatures", json_signatures(report));

    json_object_set_new(value, "document",
                        json_string(!report->document_checked    ? "not-checked"
                                    : v->reason == VERIFY_DIGEST ? "differs"
                                                                 : "matches"));
    if (report->entry)
        json_object_set(value, "log_entry", report->entry);
    if (good)
        json_object_set(value, "statement", v->statement);
    if (good && report->target->openings)
        json_object_set(value, "opened", report->target->openings);
    return json_pretty(value);
}

static void put_signatures(GString *out, const struct report *report)
{
    const struct verification *v = report->v;

    for (guint i = 0; v->results && i < v->envelope->signatures->len; i++) {
        const struct dsse_signature *signature = v->envelope->signatures->pdata[i];
        const char *keyid = *signature->keyid ? signature->keyid
                            : report->french  ? "une clé qu’elle ne nomme pas"
                                              : "a key it does not name";

        if (v->results[i].outcome == DSSE_GOOD) {
            g_autofree char *hint = public_key_hint(report->keys->pdata[v->results[i].key]);

            verify_line(out, report->french ? "signé par" : "signed by", "%s%s", hint,
                        v->results[i].key >= report->own ? ""
                        : report->french                 ? " (votre clé)"
                                                         : " (own key)");
        } else if (v->results[i].outcome == DSSE_BAD) {
            verify_line(out, report->french ? "FAUSSE" : "BAD", "%s", keyid);
        } else {
            verify_line(out, report->french ? "inconnue" : "unknown", "%s", keyid);
        }
    }
}

static void put_entry(GString *out, const json_t *entry, gboolean french)
{
    const char *verdict = json_text(entry, "verdict"), *time = json_text(entry, "time");
    const char *standing =
        verdict ? verdict
        : json_is_true(json_object_get(entry, "disputed"))
            ? (french ? "contestée par le signataire" : "disputed by the signatory")
            : (french ? "compte" : "counts");

    verify_line(out, french ? "journal" : "log", french ? "entrée %d, %s, %s" : "entry %d, %s, %s",
                (int)json_number(entry, "index", 0),
                time     ? time
                : french ? "sans heure du journal"
                         : "without a log time yet",
                standing);
}

static char *format_text(const struct report *report, gboolean colour)
{
    const struct verification *v = report->v;
    g_autoptr(GString) out = g_string_new(NULL);
    gboolean good = v->reason == VERIFY_GOOD;
    g_autofree char *path = terminal_escape(report->target->path);
    gboolean french = report->french;
    const char *verdict = french ? (good ? "Valable" : "Refusé") : (good ? "Good" : "Refused");
    g_autofree char *word = terminal_style(verdict, good ? STYLE_GOOD : STYLE_BAD, colour);

    g_string_append_printf(out, french ? "%s\u202f: %s" : "%s: %s", word, path);
    if (!good)
        g_string_append_printf(out, " (%s)", verify_reason_name(v->reason));
    g_string_append_c(out, '\n');
    if (v->message)
        verify_line(out, french ? "cause" : "why", "%s", v->message);
    put_signatures(out, report);
    if (report->entry)
        put_entry(out, report->entry, french);
    if (good) {
        verify_line(out, french ? "dit" : "says",
                    french ? "%s de %s, SHA-256 %s" : "%s of %s, SHA-256 %s", v->predicate->name,
                    intoto_subject_name(v->statement), intoto_subject_sha256(v->statement));
        if (report->document_checked)
            verify_line(out, "document",
                        french ? "%s est bien ce qui a été signé" : "%s is what was signed",
                        report->target->document);
        else
            verify_line(out, "document", "%s",
                        french ? "non vérifié\u202f: donnez-le avec --document"
                               : "not checked: give it with --document");
        if (report->target->openings)
            verify_openings_lines(out, report->target->openings, french);
        else
            verify_said_lines(out, v->predicate->type, intoto_predicate(v->statement), french);
    }
    return g_string_free(g_steal_pointer(&out), FALSE);
}

/* Compares the document, when there is one; FALSE only when it cannot be read. */
static gboolean check_document(struct report *report, struct verification *v, GError **error)
{
    g_autofree char *sha256 = NULL;
    guint64 size;

    if (v->reason != VERIFY_GOOD || !report->target->document)
        return TRUE;
    sha256 = verify_file_sha256(report->target->document, &size, error);
    if (!sha256)
        return FALSE;
    report->document_checked = TRUE;
    verify_document_digest(v, sha256, report->target->document);
    return TRUE;
}

/* The keys of the community's signatories that are in force, behind those that are there. */
static void add_registered(GPtrArray *keys, const json_t *document)
{
    const json_t *signatory, *key;
    size_t i, j;

    json_array_foreach(json_object_get(document, "signatories"), i, signatory)
    {
        json_array_foreach(json_object_get(signatory, "keys"), j, key)
        {
            struct public_key *parsed = g_strcmp0(json_text(key, "status"), "in-force") == 0
                                            ? public_key_parse(json_text(key, "key"), NULL)
                                            : NULL;

            if (parsed)
                g_ptr_array_add(keys, parsed);
        }
        json_array_foreach(json_object_get(json_object_get(signatory, "root"), "keys"), j, key)
        {
            struct public_key *parsed = public_key_parse(json_string_value(key), NULL);

            if (parsed)
                g_ptr_array_add(keys, parsed);
        }
    }
}

static gboolean has_fallen(const json_t *key)
{
    return g_strcmp0(json_text(key, "status"), "in-force") != 0;
}

/* What the register says of a key: "in-force" when any of its delegations is; NULL: not there. */
static const char *status_of(const json_t *document, const char *text)
{
    const json_t *signatory, *key;
    const char *status = NULL;
    size_t i, j;

    json_array_foreach(json_object_get(document, "signatories"), i, signatory)
    {
        json_array_foreach(json_object_get(signatory, "keys"), j, key)
        {
            if (g_strcmp0(json_text(key, "key"), text) != 0)
                continue;
            if (!has_fallen(key))
                return json_text(key, "status");
            status = json_text(key, "status");
        }
    }
    return status;
}

/*
 * Takes out of the first `own` keys, this machine's, those that the register says are not in force:
 * that the file is still here does not undo a revocation. Gives how many are left.
 */
static guint drop_fallen(GPtrArray *keys, guint own, const json_t *document)
{
    for (guint n = own; n > 0; n--) {
        g_autofree char *text = public_key_text(keys->pdata[n - 1]);
        const char *status = status_of(document, text);

        if (!status || g_str_equal(status, "in-force"))
            continue;
        g_ptr_array_remove_index(keys, n - 1);
        own--;
    }
    return own;
}

/* Whether a signature names a key of the register that is not in force: "revoked", "expired". */
static const char *fallen_key(const json_t *document, const struct dsse *envelope)
{
    const json_t *signatory, *key;
    size_t i, j;

    json_array_foreach(json_object_get(document, "signatories"), i, signatory)
    {
        json_array_foreach(json_object_get(signatory, "keys"), j, key)
        {
            const char *status = json_text(key, "status");

            for (guint n = 0; n < envelope->signatures->len; n++) {
                const struct dsse_signature *signature = envelope->signatures->pdata[n];

                if (*signature->keyid && has_fallen(key) &&
                    g_str_has_prefix(json_text(key, "key"), signature->keyid))
                    return g_strcmp0(status, "revoked") == 0 ? "revoked" : "expired";
            }
        }
    }
    return NULL;
}

/* What the log has of the envelope; the key that signed there is trusted for it. */
static void look_up(const struct reg *reg, const struct dsse *envelope, struct report *report,
                    GPtrArray *keys)
{
    g_autoptr(GBytes) entry = community_entry(envelope, NULL);
    g_autoptr(merkle_t) merkle = merkle_new();
    g_autoptr(public_key_t) key = NULL;
    struct merkle_hash leaf;
    guint64 index;

    if (!entry)
        return;
    leaf = merkle_leaf(merkle, g_bytes_get_data(entry, NULL), g_bytes_get_size(entry));
    if (!register_index_of(reg, leaf.bytes, &index))
        return;
    report->entry = register_entry(reg, index);
    if (!json_text(report->entry, "verdict") && json_text(report->entry, "key"))
        key = public_key_parse(json_text(report->entry, "key"), NULL);
    if (key)
        g_ptr_array_add(keys, g_steal_pointer(&key));
}

/* The reason for what the register or its keys say. */
static enum verify_reason reason_of(const char *word)
{
    return g_strcmp0(word, "revoked") == 0   ? VERIFY_REVOKED
           : g_strcmp0(word, "expired") == 0 ? VERIFY_EXPIRED
                                             : VERIFY_NOT_COUNTED;
}

static void set_reason(struct verification *v, enum verify_reason reason, const char *message)
{
    g_free(v->message);
    v->message = g_strdup(message);
    v->reason = reason;
}

/* What the log makes of an entry outweighs a good signature. */
static void judge_standing(struct verification *v, const json_t *entry)
{
    const char *verdict = json_text(entry, "verdict"), *message = json_text(entry, "message");

    if (verdict)
        set_reason(v, reason_of(verdict), message ? message : "it does not count in the register");
    else if (v->reason == VERIFY_GOOD && json_is_true(json_object_get(entry, "disputed")))
        set_reason(v, VERIFY_DISPUTED,
                   "its signatory disputes what this key said since it was stolen or lost");
}

static void judge_fallen(struct verification *v, const char *fallen)
{
    if (fallen)
        set_reason(v, reason_of(fallen),
                   "the key that signed it is not in force, and the log does not have it");
}

/* What is not in the log is held to what the log would say of it: roles, thresholds, expiry. */
static void judge_unlogged(struct verification *v, const struct reg *reg)
{
    g_autoptr(GBytes) entry = community_entry(v->envelope, NULL);
    g_autofree char *message = NULL, *said = NULL;
    enum register_verdict verdict;

    if (!entry)
        return;
    verdict = register_judge(reg, entry, clock_now_us(), &message);
    if (verdict != REGISTER_REVOKED && verdict != REGISTER_EXPIRED && verdict != REGISTER_ROLE &&
        verdict != REGISTER_SIGNATURE && verdict != REGISTER_QUORUM)
        return;
    said = g_strdup_printf("the log would refuse it (%s): %s", register_verdict_name(verdict),
                           message);
    set_reason(v, reason_of(register_verdict_name(verdict)), said);
}

/*
 * Judges by the own keys and, in a community, by those of its signatories: a logged statement by
 * the keys in force at its index, another by those in force now.
 */
static struct verification *judge_in_community(const struct target *target,
                                               struct community *community, guint threshold,
                                               struct report *report, GPtrArray *keys,
                                               GError **error)
{
    const struct reg *reg = community_register(community, error);
    g_autoptr(GBytes) bytes = reg ? register_document(reg, clock_now_us(), error) : NULL;
    g_autoptr(json_t) document = NULL;
    struct verification *v;
    gsize length;
    const void *data;

    if (!bytes)
        return NULL;
    data = g_bytes_get_data(bytes, &length);
    document = json_parse(data, length, length, "register", error);
    if (!document)
        return NULL;
    report->own = drop_fallen(keys, report->own, document);
    add_registered(keys, document);
    data = g_bytes_get_data(target->envelope, &length);
    v = verify_envelope(data, length, target->path, keys, threshold, FALSE);
    if (!v->envelope)
        return v;
    look_up(reg, v->envelope, report, keys);
    if (report->entry) {
        g_clear_pointer(&v, verification_free);
        v = verify_envelope(data, length, target->path, keys, threshold, FALSE);
        judge_standing(v, report->entry);
    } else if (v->reason == VERIFY_UNKNOWN_KEY) {
        judge_fallen(v, fallen_key(document, v->envelope));
    } else if (v->reason == VERIFY_GOOD) {
        judge_unlogged(v, reg);
    }
    return v;
}

static struct verification *judge_keys(const struct context *context,
                                       const struct verify_state *state,
                                       const struct target *target, struct report *report,
                                       GPtrArray *keys, GError **error)
{
    g_autofree char *folder = state->keys ? NULL : cli_data_folder(context, error);
    g_autoptr(community_t) community = NULL;
    gsize length;
    const void *data = g_bytes_get_data(target->envelope, &length);

    report->own = state->keys ? 0 : keys->len;
    report->keys = keys;
    if (state->keys || (folder && !community_exists(folder)))
        return verify_envelope(data, length, target->path, keys, report->threshold, FALSE);
    community = folder ? community_open(folder, error) : NULL;
    return community ? judge_in_community(target, community, report->threshold, report, keys, error)
                     : NULL;
}

static int judge(const struct context *context, const struct verify_state *state,
                 struct target *target, guint threshold, GError **error)
{
    g_autoptr(GPtrArray) keys = trusted(context, state, error);
    g_autoptr(verification_t) v = NULL;
    g_autoptr(json_t) entry = NULL;
    g_autofree char *text = NULL;
    struct report report = {
        .target = target,
        .threshold = threshold,
        .french = cli_is_french(context),
    };

    v = keys ? judge_keys(context, state, target, &report, keys, error) : NULL;
    entry = report.entry;
    if (!v)
        return EXIT_SYSTEM;
    report.v = v;
    if (state->document) {
        g_free(target->document);
        target->document = g_strdup(state->document);
    } else {
        find_document(target, v);
    }
    if (!check_document(&report, v, error))
        return EXIT_SYSTEM;
    if (v->reason == VERIFY_GOOD && target->openings)
        verify_openings(v, target->openings);
    text = cli_format_is(context, "json", FALSE)
               ? format_json(&report)
               : format_text(&report, !context->output && terminal_has_colour(stdout));
    if (!cli_output(context, text, strlen(text), error))
        return EXIT_SYSTEM;
    return verify_reason_status(v->reason);
}

int verify_envelope_file(const struct context *context, const struct verify_state *state,
                         const char *path, GBytes *fetched, GError **error)
{
    struct target target = { 0 };
    guint64 threshold = 1;
    int status = EXIT_SYSTEM;

    if (state->threshold && !g_ascii_string_to_unsigned(state->threshold, 10, 1,
                                                        DSSE_SIGNATURES_LIMIT, &threshold, NULL))
        return input_error(error, "--threshold %s is not a number of keys (1 to %d)",
                           state->threshold, DSSE_SIGNATURES_LIMIT);
    if (read_target(path, fetched, &target, error))
        status = judge(context, state, &target, (guint)threshold, error);
    target_clear(&target);
    return status;
}
