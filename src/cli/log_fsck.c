/* entente log fsck: see log/fsck.h. */
#include "base/file.h"
#include "base/json.h"
#include "base/terminal.h"
#include "cli/log_command.h"
#include "cli/policy_file.h"
#include "log/fsck.h"
#include "net/http.h"

#include <string.h>
#include <time.h>

#define REMOTE_THREADS 4

/* Where the log is. */
struct place {
    const char *text; /* as given */
    gboolean is_url;
    struct http_options http;
};

static struct log_source open_place(gpointer data)
{
    const struct place *place = data;

    return place->is_url ? log_source_http(place->text, &place->http)
                         : log_source_folder(place->text);
}

/* The checkpoint, and how much its signatures are worth. */
struct judged {
    struct checkpoint *checkpoint;
    const char *signature; /* "good", "not checked", or a reason */
    gboolean is_enough;
};

static gboolean judge_by_key(const char *vkey, const struct note *note, struct judged *judged,
                             GError **error)
{
    g_autoptr(note_key_t) key = note_key_parse(vkey, error);
    g_autoptr(GPtrArray) keys = g_ptr_array_new();

    if (!key)
        return FALSE;
    g_ptr_array_add(keys, key);
    if (strcmp(key->name, judged->checkpoint->origin) != 0 ||
        note_verify(note, keys, NULL) != NOTE_GOOD)
        return found_error(error, "the checkpoint of \"%s\" is not signed by the key of \"%s\"",
                           judged->checkpoint->origin, key->name);
    judged->signature = "unwitnessed";
    return TRUE;
}

/* `is_asked`: the user named the policy; else it is the own community's, and the log another's
 * perhaps. */
static gboolean judge_by_policy(const char *path, gboolean is_asked, const struct note *note,
                                struct judged *judged, GError **error)
{
    g_autoptr(policy_file_t) file = policy_file_read(path, error);
    g_autoptr(checkpoint_t) checkpoint = NULL;
    struct quorum_verdict verdict;

    if (!file)
        return FALSE;
    checkpoint = quorum_judge(file->quorum, note, (guint64)time(NULL), &verdict);
    quorum_verdict_clear(&verdict);
    if (verdict.reason == QUORUM_UNKNOWN_LOG && !is_asked)
        return TRUE;
    if (verdict.reason == QUORUM_SIGNATURE || verdict.reason == QUORUM_UNKNOWN_LOG)
        return found_error(error, "the checkpoint of \"%s\" is not to be believed: %s",
                           judged->checkpoint->origin, quorum_reason_name(verdict.reason));
    if (verdict.reason == QUORUM_GOOD && !file->quorum->none) {
        judged->signature = "good";
        judged->is_enough = TRUE;
    } else {
        judged->signature = verdict.reason == QUORUM_STALE ? "stale" : "unwitnessed";
    }
    return TRUE;
}

/* By --policy, else by --key, else by the policy of the community that was joined, if any. */
static gboolean judge_signatures(const struct context *context, const struct log_state *state,
                                 const struct note *note, struct judged *judged, GError **error)
{
    g_autofree char *data = NULL, *own = NULL;

    if (state->policy)
        return judge_by_policy(state->policy, TRUE, note, judged, error);
    if (state->key)
        return judge_by_key(state->key, note, judged, error);
    data = cli_data_folder(context, error);
    if (!data)
        return FALSE;
    own = g_build_filename(data, "community", "policy.json", NULL);
    return !g_file_test(own, G_FILE_TEST_EXISTS) ||
           judge_by_policy(own, FALSE, note, judged, error);
}

static gboolean judge(const struct context *context, const struct log_state *state,
                      struct place *place, struct judged *judged, GError **error)
{
    struct log_source source = open_place(place);
    g_autoptr(log_reader_t) reader = log_reader_new(source);
    g_autoptr(note_t) note = log_reader_checkpoint(reader, error);

    if (!note)
        return FALSE;
    judged->signature = "not checked";
    judged->checkpoint =
        checkpoint_parse(g_bytes_get_data(note->text, NULL), g_bytes_get_size(note->text), error);
    if (!judged->checkpoint || !judge_signatures(context, state, note, judged, error))
        return FALSE;
    if (strcmp(judged->signature, "unwitnessed") == 0 && state->allow_unwitnessed)
        judged->is_enough = TRUE;
    return TRUE;
}

/* ---- progress ---- */

struct bar {
    struct progress *progress;
    gboolean quiet;
};

static gboolean show(guint64 tiles, guint64 of, gpointer data)
{
    struct bar *bar = data;

    if (!bar->progress && !bar->quiet)
        bar->progress = progress_begin("Checking tiles", of);
    if (bar->progress)
        progress_at(bar->progress, tiles, "");
    return TRUE;
}

/* ---- the result ---- */

static char *as_json(const struct judged *judged, const struct log_fsck_counts *counts,
                     const struct log_fsck_finding *finding)
{
    const struct checkpoint *checkpoint = judged->checkpoint;
    g_autofree char *root = g_base64_encode(checkpoint->root.bytes, MERKLE_HASH_SIZE);
    g_autoptr(json_t) all = json_pack(
        "{s:o, s:I, s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:I}", "origin",
        json_safe_string(checkpoint->origin), "size", (json_int_t)checkpoint->size, "root", root,
        "signature", judged->signature, "whole", finding->what == NULL, "entries",
        (json_int_t)counts->entries, "resumed", (json_int_t)counts->resumed, "tiles",
        (json_int_t)counts->tiles, "partial_tiles", (json_int_t)counts->partial_tiles, "history",
        (json_int_t)counts->moments, "wal_records", (json_int_t)counts->wal_records);

    if (finding->what) {
        json_object_set_new(all, "first_bad", json_integer((json_int_t)finding->index));
        json_object_set_new(all, "difference", json_safe_string(finding->what));
    }
    return json_pretty(all);
}

static char *as_text(const struct judged *judged, const struct log_fsck_counts *counts,
                     const struct log_fsck_finding *finding)
{
    const struct checkpoint *checkpoint = judged->checkpoint;
    g_autofree char *origin = terminal_escape(checkpoint->origin);
    g_autofree char *root = g_base64_encode(checkpoint->root.bytes, MERKLE_HASH_SIZE);
    GString *text = g_string_new(NULL);

    g_string_append_printf(text, "%s: %" G_GUINT64_FORMAT " entries, root %s\nsignatures: %s\n",
                           origin, checkpoint->size, root, judged->signature);
    g_string_append_printf(
        text,
        "checked: %" G_GUINT64_FORMAT " entries, %" G_GUINT64_FORMAT
        " tiles and bundles, %" G_GUINT64_FORMAT " partial ones, %" G_GUINT64_FORMAT
        " checkpoints of the history, %" G_GUINT64_FORMAT " records of the WAL\n",
        counts->entries, counts->tiles, counts->partial_tiles, counts->moments,
        counts->wal_records);
    if (counts->resumed)
        g_string_append_printf(text, "checked before: %" G_GUINT64_FORMAT " entries\n",
                               counts->resumed);
    if (finding->what) {
        g_autofree char *what = terminal_escape(finding->what);

        g_string_append_printf(text,
                               "NOT WHOLE: entry %" G_GUINT64_FORMAT
                               " is the first that cannot be believed: %s\n",
                               finding->index, what);
    } else {
        g_string_append(text, "whole: every byte is what the checkpoint says\n");
    }
    return g_string_free(text, FALSE);
}

static gboolean put_result(const struct context *context, const struct judged *judged,
                           const struct log_fsck_counts *counts,
                           const struct log_fsck_finding *finding, GError **error)
{
    g_autofree char *text = cli_format_is(context, "json", FALSE)
                                ? as_json(judged, counts, finding)
                                : as_text(judged, counts, finding);

    return cli_output(context, text, strlen(text), error);
}

static int check(const struct context *context, const struct log_state *state, struct place *place,
                 struct judged *judged, GError **error)
{
    struct bar bar = { .quiet = context->quiet };
    const struct log_fsck_options options = {
        .open = open_place,
        .open_data = place,
        .folder = place->is_url ? NULL : place->text,
        .threads = state->threads  ? (guint)state->threads
                   : place->is_url ? REMOTE_THREADS
                                   : 0,
        .resume_file = state->resume,
        .progress = show,
        .progress_data = &bar,
    };
    struct log_fsck_counts counts;
    struct log_fsck_finding finding;
    g_autoptr(GError) cause = NULL;
    int status = EXIT_FOUND;

    if (!judge(context, state, place, judged, error))
        return EXIT_SYSTEM;
    if (log_fsck(&options, judged->checkpoint, &counts, &finding, &cause))
        status = judged->is_enough ? EXIT_DONE : EXIT_SYSTEM;
    if (bar.progress)
        progress_end(bar.progress);
    if (status == EXIT_FOUND && !finding.what)
        g_propagate_error(error, g_steal_pointer(&cause));
    else
        put_result(context, judged, &counts, &finding, error);
    if (status == EXIT_SYSTEM && !context->quiet)
        fprintf(stderr, "%s\n",
                strcmp(judged->signature, "not checked") == 0
                    ? "Nobody's signature was checked: give --policy FILE or --key VKEY"
                    : "The checkpoint has no fresh quorum of witnesses (--allow-unwitnessed)");
    log_fsck_finding_clear(&finding);
    return status;
}

static int run(const struct context *context, gconstpointer shared, char **arguments,
               GError **error)
{
    const struct log_state *state = shared;
    g_autofree char *data = NULL, *own = NULL;
    struct place place = { .http = { .allow_plain = state->allow_private,
                                     .allow_private = state->allow_private,
                                     .ca_file = state->ca } };
    struct judged judged = { 0 };
    int status;

    if (arguments[0] && arguments[1]) {
        input_error(error, "\"%s\": one log at a time", arguments[1]);
        return EXIT_INPUT;
    }
    if (state->threads < 0) {
        input_error(error, "--threads %d is no number of threads", state->threads);
        return EXIT_INPUT;
    }
    if (!arguments[0]) {
        data = cli_data_folder(context, error);
        if (!data)
            return EXIT_SYSTEM;
        own = g_build_filename(data, "log", NULL);
    }
    place.text = own ? own : arguments[0];
    place.is_url = strstr(place.text, "://") != NULL;
    status = check(context, state, &place, &judged, error);
    checkpoint_free(judged.checkpoint);
    return status;
}

const struct subcommand log_subcommand_fsck = { "fsck", run };
