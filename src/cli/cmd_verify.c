#include "base/file.h"
#include "base/json.h"
#include "base/terminal.h"
#include "cli/commands.h"
#include "statement/intoto.h"
#include "statement/key_import.h"
#include "statement/key_store.h"
#include "statement/verifier.h"

#include <string.h>

#define FILE_LIMIT (64u << 20) /* an envelope or a disclosure */
#define LABEL_COLUMNS 11

struct state {
    char **keys, *document, *threshold;
};

static const struct command_option options[] = {
    { "key", 0, G_OPTION_ARG_STRING_ARRAY, offsetof(struct state, keys),
      "Trust this key: a vkey, or a file with one, PEM or OpenSSH (may be repeated; default: the "
      "own keys)",
      "KEY" },
    { "threshold", 0, G_OPTION_ARG_STRING, offsetof(struct state, threshold),
      "At least N different keys must have signed (default: 1)", "N" },
    { "document", 0, G_OPTION_ARG_FILENAME, offsetof(struct state, document),
      "The document that was signed (default: the file of its name beside the statement)", "FILE" },
    { NULL },
};

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

static gboolean read_target(const char *path, struct target *target, GError **error)
{
    g_autofree char *beside = envelope_beside(path);
    g_autoptr(GError) unread = NULL;
    g_autoptr(GBytes) bytes = file_read(path, FILE_LIMIT, &unread);
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
static GPtrArray *trusted(const struct context *context, const struct state *state, GError **error)
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
    gboolean own, document_checked, french;
    guint threshold;
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
            json_object_set_new(row, "own", json_boolean(report->own));
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
    if (good)
        json_object_set(value, "statement", v->statement);
    if (good && report->target->openings)
        json_object_set(value, "opened", report->target->openings);
    return json_pretty(value);
}

static void put_line(GString *out, const char *label, const char *format, ...) G_GNUC_PRINTF(3, 4);

static void put_line(GString *out, const char *label, const char *format, ...)
{
    g_autofree char *text = NULL, *escaped = NULL;
    va_list list;

    va_start(list, format);
    text = g_strdup_vprintf(format, list);
    va_end(list);
    escaped = terminal_escape(text);
    g_string_append_printf(out, "  %s%*s %s\n", label,
                           MAX(0, LABEL_COLUMNS - (int)terminal_columns(label)), "", escaped);
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

            put_line(out, report->french ? "signé par" : "signed by", "%s%s", hint,
                     !report->own     ? ""
                     : report->french ? " (votre clé)"
                                      : " (own key)");
        } else if (v->results[i].outcome == DSSE_BAD) {
            put_line(out, report->french ? "FAUSSE" : "BAD", "%s", keyid);
        } else {
            put_line(out, report->french ? "inconnue" : "unknown", "%s", keyid);
        }
    }
}

static void put_principles(GString *out, const json_t *predicate, gboolean french)
{
    const json_t *principle;
    size_t index;

    put_line(out, french ? "évalué" : "assessed", "%s, catalogue %s", json_text(predicate, "ended"),
             json_text(json_object_get(predicate, "catalogue"), "version"));
    json_array_foreach(json_object_get(predicate, "principles"), index, principle)
    {
        gint64 band = json_number(principle, "band", 0);
        g_autofree char *label =
            g_strdup_printf(french ? "principe %zu" : "principle %zu", index + 1);

        if (band)
            put_line(out, label,
                     french ? "tranche %d sur %d, couverture %d\u00a0%%"
                            : "band %d of %d, coverage %d %%",
                     (int)band, PREDICATE_BANDS, (int)json_number(principle, "coverage", 0));
        else
            put_line(out, label, "%s", french ? "non évalué" : "not assessed");
    }
}

static void put_openings(GString *out, const json_t *openings, gboolean french)
{
    const char *label = french ? "engagé" : "committed";
    const json_t *opening;
    size_t index;

    json_array_foreach(openings, index, opening)
    {
        const json_t *value = json_object_get(opening, "value");
        const char *measure = json_text(value, "measure");
        const char *asset = json_text(json_object_get(value, "asset"), "name");
        gint64 score = json_number(value, "score", -1);

        if (measure)
            put_line(out, label, french ? "%s sur %s\u202f: %s" : "%s on %s: %s", measure,
                     asset ? asset : "?",
                     json_text(value, "outcome") ? json_text(value, "outcome") : "?");
        else if (score >= 0)
            put_line(out, label, french ? "principe %d\u202f: note %d" : "principle %d: score %d",
                     (int)json_number(value, "principle", 0), (int)score);
        else
            put_line(out, label,
                     french ? "principe %d\u202f: non évalué" : "principle %d: not assessed",
                     (int)json_number(value, "principle", 0));
    }
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
        put_line(out, french ? "cause" : "why", "%s", v->message);
    put_signatures(out, report);
    if (good) {
        put_line(out, french ? "dit" : "says",
                 french ? "%s de %s, SHA-256 %s" : "%s of %s, SHA-256 %s", v->predicate->name,
                 intoto_subject_name(v->statement), intoto_subject_sha256(v->statement));
        if (report->document_checked)
            put_line(out, "document",
                     french ? "%s est bien ce qui a été signé" : "%s is what was signed",
                     report->target->document);
        else
            put_line(out, "document", "%s",
                     french ? "non vérifié\u202f: donnez-le avec --document"
                            : "not checked: give it with --document");
        if (report->target->openings)
            put_openings(out, report->target->openings, french);
        else if (g_str_equal(v->predicate->type, PREDICATE_ASSESSMENT))
            put_principles(out, intoto_predicate(v->statement), french);
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

static int judge(const struct context *context, const struct state *state, struct target *target,
                 guint threshold, GError **error)
{
    g_autoptr(GPtrArray) keys = trusted(context, state, error);
    g_autoptr(verification_t) v = NULL;
    g_autofree char *text = NULL;
    struct report report = {
        .target = target,
        .own = !state->keys,
        .threshold = threshold,
        .french = cli_is_french(context),
    };
    gsize length;
    const void *data = g_bytes_get_data(target->envelope, &length);

    if (!keys)
        return EXIT_SYSTEM;
    v = verify_envelope(data, length, target->path, keys, threshold, FALSE);
    report.v = v;
    report.keys = keys;
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

static int run(const struct context *context, void *data, char **arguments, GError **error)
{
    const struct state *state = data;
    struct target target = { 0 };
    guint64 threshold = 1;
    int status = EXIT_SYSTEM;

    if (!arguments[0] || arguments[1])
        return input_error(error, "verify takes one FILE: an envelope, a disclosure, or a document "
                                  "beside its envelope");
    if (state->threshold && !g_ascii_string_to_unsigned(state->threshold, 10, 1,
                                                        DSSE_SIGNATURES_LIMIT, &threshold, NULL))
        return input_error(error, "--threshold %s is not a number of keys (1 to %d)",
                           state->threshold, DSSE_SIGNATURES_LIMIT);
    if (read_target(arguments[0], &target, error))
        status = judge(context, state, &target, (guint)threshold, error);
    target_clear(&target);
    return status;
}

const struct command command_verify = {
    .name = "verify",
    .summary = "Verify a signed document, assessment or disclosure",
    .arguments = "FILE",
    .formats = "text, json",
    .details =
        "Checks the signatures, the statement, the document beside it (or --document), and\n"
        "what a disclosure opens. Exit status: 0 good; 1 a signature, digest or opening is\n"
        "false; 2 malformed; 3 undecided (unknown key, too few signers, unknown kind).\n\n"
        "Example: entente verify report.pdf.dsse.json --key 'example.org+530d903a+AekyeR...'",
    .options = options,
    .state_size = sizeof(struct state),
    .run = run,
};
