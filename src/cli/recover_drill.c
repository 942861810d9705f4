/* recover_drill.c: entente recover drill: would this backup come back? */
#include "base/clock.h"
#include "base/file.h"
#include "base/terminal.h"
#include "cli/recover_command.h"
#include "p1_resilience/recover/drill_record.h"
#include "statement/base64.h"
#include "statement/commitment.h"
#include "statement/predicate.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define ID_SIZE 32
#define ID_SHOWN 16
#define CONFIDENCE 0.95
#define FRACTION 0.01
#define LIMIT_US (G_GINT64_CONSTANT(6) * 3600 * G_USEC_PER_SEC) /* of one run of the tool */
#define DUE_US                                                                                     \
    (G_GINT64_CONSTANT(30) * 86400 * G_USEC_PER_SEC) /* where the profile says nothing             \
                                                      */
#define PRIVATE_MODE 0600

/* One drill, from its dice to its record. */
struct drilling {
    const struct context *context;
    const struct recover_arguments *given;
    const struct recover_scene *scene;
    const struct asset *asset;
    const struct recover_log *log;
    char id[ID_SIZE * 2 + 1];
    guint8 dice[DICE_SEED];
    gboolean public_dice; /* the log's root; else random of our own */
    char *pseudonym, *folder;
    struct manifest *manifest;
    char *root; /* its */
    struct drill_options options;
    struct progress *progress;
    const char *what; /* the progress is about */
};

/* --- what was asked for --- */

static gboolean read_share(const char *text, double fallback, const char *option, double *share,
                           GError **error)
{
    char *end;

    *share = fallback;
    if (!text)
        return TRUE;
    *share = g_ascii_strtod(text, &end);
    return (end != text && !*end && *share > 0 && *share <= 1) ||
           input_error(error, "--%s: \"%s\" is no number above 0 and up to 1", option, text);
}

/* "all", "none", "2/7". */
static gboolean read_check(const char *text, struct store_check *check, GError **error)
{
    char rest;

    *check = (struct store_check){ .read = STORE_READ_ALL };
    if (!text || g_str_equal(text, "all"))
        return TRUE;
    if (g_str_equal(text, "none")) {
        check->read = STORE_READ_NOTHING;
        return TRUE;
    }
    check->read = STORE_READ_SHARE;
    return (sscanf(text, "%u/%u%c", &check->share, &check->shares, &rest) == 2 && check->share &&
            check->share <= check->shares) ||
           input_error(error, "--read: \"%s\" is not all, none or a share (2/7)", text);
}

static gboolean read_options(struct drilling *drilling, gint64 *limit_us, GError **error)
{
    const struct recover_arguments *given = drilling->given;
    struct drill_options *options = &drilling->options;

    *limit_us = given->limit_s ? given->limit_s * G_USEC_PER_SEC : LIMIT_US;
    options->files = (guint64)MAX(given->files, 0);
    options->canary = given->canary;
    options->now_us = clock_now_us();
    if (given->files < 0 || given->limit_s < 0)
        return input_error(error, "--files and --limit are numbers above 0");
    return read_share(given->confidence, CONFIDENCE, "confidence", &options->confidence, error) &&
           read_share(given->fraction, FRACTION, "fraction", &options->fraction, error) &&
           read_check(given->read, &options->check, error);
}

/* --- dice --- */

static void throw_dice(struct drilling *drilling)
{
    const struct community_state *state = &drilling->log->state;
    guint8 id[ID_SIZE];

    randombytes_buf(id, sizeof id);
    sodium_bin2hex(drilling->id, sizeof drilling->id, id, sizeof id);
    drilling->public_dice = drilling->log->community && state->checkpoint && !state->unwitnessed;
    if (drilling->public_dice)
        memcpy(drilling->dice, state->checkpoint->root.bytes, sizeof drilling->dice);
    else
        randombytes_buf(drilling->dice, sizeof drilling->dice);
    drilling->options.id = drilling->id;
    sample_seed(drilling->dice, drilling->id, drilling->options.seed);
}

static json_t *dice_json(const struct drilling *drilling)
{
    g_autofree char *root = hex_encode(drilling->dice, sizeof drilling->dice);
    json_t *value =
        json_pack("{s:s, s:s}", "source", drilling->public_dice ? "log" : "local", "root", root);

    if (drilling->public_dice)
        json_object_set_new(value, "size",
                            json_integer((json_int_t)drilling->log->state.checkpoint->size));
    return value;
}

/* --- the manifest --- */

static gboolean take_root(const struct event *event, gpointer data)
{
    char **root = data;
    gsize length;
    const void *body = g_bytes_get_data(event->body, &length);
    g_autoptr(json_t) value = json_parse(body, length, JOURNAL_BODY_MAX, "journal", NULL);

    if (json_text(value, "root")) {
        g_free(*root);
        *root = g_strdup(json_text(value, "root"));
    }
    return TRUE;
}

/* The newest that the journal knows of; NULL: none. */
static char *journal_root(const struct drilling *drilling, GError **error)
{
    const struct journal_filter filter = { .kind = MANIFEST_EVENT, .key = drilling->asset->name };
    g_autoptr(GError) problem = NULL;
    g_autoptr(journal_t) journal = journal_open_existing(drilling->scene->data, &problem);
    char *root = NULL;

    if (problem)
        g_propagate_error(error, g_steal_pointer(&problem));
    else if (journal && !journal_each(journal, &filter, take_root, &root, error))
        g_clear_pointer(&root, g_free);
    return root;
}

static void set_manifest(struct drilling *drilling, enum drill_verdict verdict, const char *reason,
                         const char *detail)
{
    drilling->options.manifest_finding =
        (struct drill_finding){ verdict, reason, g_strdup(detail) };
}

/* The log says which manifest counts; without a log, or one in it, the journal does. */
static gboolean find_manifest(struct drilling *drilling, GError **error)
{
    g_autoptr(GError) problem = NULL;
    g_autofree char *anchored = recover_anchored(
        drilling->log, drilling->pseudonym, drilling->scene->profile->signatory.domain, &problem);
    g_autofree char *path = NULL, *found = NULL;
    struct merkle_hash hash;

    if (!problem)
        drilling->root = anchored ? g_strdup(anchored) : journal_root(drilling, &problem);
    if (problem) {
        g_propagate_error(error, g_steal_pointer(&problem));
        return FALSE;
    }
    if (!drilling->root) {
        set_manifest(drilling, DRILL_NOT_PROVEN, "no-manifest",
                     "none was made: entente recover manifest");
        return TRUE;
    }
    path = g_strdup_printf("%s/%s.manifest", drilling->folder, drilling->root);
    drilling->manifest = manifest_read(path, &problem);
    if (!drilling->manifest) {
        set_manifest(drilling, DRILL_FAILED, "manifest-unreadable", problem->message);
        return TRUE;
    }
    hash = manifest_root(drilling->manifest);
    found = hex_encode(hash.bytes, sizeof hash.bytes);
    if (!g_str_equal(found, drilling->root)) {
        g_clear_pointer(&drilling->manifest, manifest_free);
        set_manifest(drilling, DRILL_FAILED, "manifest-changed",
                     anchored ? "the log has another root of it" : "the journal has another root");
    } else if (anchored)
        set_manifest(drilling, DRILL_PROVEN, NULL, NULL);
    else
        set_manifest(drilling, DRILL_NOT_PROVEN, "not-in-log",
                     "only this machine's journal vouches for it: entente recover manifest "
                     "--publish");
    return TRUE;
}

/* --- the record --- */

static struct commitment *commit_to(const struct drilling *drilling, const struct drill *drill,
                                    GError **error)
{
    g_autoptr(commitment_t) commitment = commitment_new();

    for (guint i = 0; i < drill->files->len; i++) {
        const struct drill_file *file = &g_array_index(drill->files, struct drill_file, i);
        const struct manifest_record *record =
            &g_array_index(drilling->manifest->records, struct manifest_record, file->index);
        g_autofree char *digest = hex_encode(record->sha256, sizeof record->sha256);
        g_autoptr(json_t) value =
            json_pack("{s:I, s:o, s:s, s:s}", "index", (json_int_t)file->index, "path",
                      json_safe_string(record->path), "sha256", digest, "outcome",
                      drill_outcome_name(file->outcome));

        if (!commitment_add(commitment, value, error))
            return NULL;
    }
    return g_steal_pointer(&commitment);
}

static gboolean keep_openings(const struct drilling *drilling, struct commitment *commitment,
                              GError **error)
{
    g_autoptr(json_t) openings = commitment_openings(commitment);
    g_autofree char *text = json_pretty(openings);
    g_autofree char *path =
        g_strdup_printf("%s/drill-%.*s.openings.json", drilling->folder, ID_SHOWN, drilling->id);

    return file_write(path, text, strlen(text), PRIVATE_MODE, error);
}

static struct dsse *sign(const struct drilling *drilling, const struct drill *drill, GError **error)
{
    g_autoptr(commitment_t) commitment = commit_to(drilling, drill, error);
    g_autofree char *path =
        g_strdup_printf("%s/drill-%.*s.dsse.json", drilling->folder, ID_SHOWN, drilling->id);
    struct commitment_root root;
    json_t *predicate, *committed;

    if (!commitment || !keep_openings(drilling, commitment, error))
        return NULL;
    root = commitment_root(commitment);
    committed = commitment_root_json(&root);
    predicate = recover_predicate(drilling->log, drilling->pseudonym);
    json_object_set_new(predicate, "drill", json_string(drilling->id));
    json_object_set_new(predicate, "tool", json_string(drilling->asset->backup_tool));
    if (drilling->root)
        json_object_set_new(predicate, "manifest", json_string(drilling->root));
    json_object_set_new(predicate, "dice", dice_json(drilling));
    json_object_set_new(predicate, "sample", drill_sample_json(drill));
    json_object_set_new(predicate, "restored", drill_restored_json(drill));
    json_object_set_new(predicate, "aspects", drill_findings_json(drill, FALSE));
    json_object_set_new(predicate, "commitments", committed);
    return recover_say(drilling->context, PREDICATE_RECOVERY_DRILL, "drill",
                       json_text(committed, "root"), predicate, path, error);
}

static gboolean note(const struct drilling *drilling, const struct drill *drill,
                     const struct dsse *envelope, GError **error)
{
    g_autoptr(json_t) record = drill_record(drill, drilling->asset, drilling->id);
    g_autofree char *text = json_pretty(record);
    g_autoptr(journal_t) journal = journal_open(drilling->scene->data, error);
    g_autoptr(GBytes) body = g_bytes_new(text, strlen(text));
    const struct dsse_signature *signature = envelope->signatures->pdata[0];
    struct event event = { .kind = (char *)DRILL_EVENT,
                           .asset = drilling->asset->name,
                           .key = drilling->asset->name,
                           .body = body,
                           .signature = signature->bytes };

    return journal && journal_append(journal, &event, error);
}

/* --- showing --- */

static void show_progress(const char *what, guint64 done, guint64 total, gpointer data)
{
    struct drilling *drilling = data;

    if (drilling->context->quiet)
        return;
    if (drilling->what != what) {
        g_clear_pointer(&drilling->progress, progress_end);
        drilling->progress = progress_begin(what, total);
        drilling->what = what;
    }
    progress_at(drilling->progress, done, drilling->asset->name);
}

static char *as_text(const struct drilling *drilling, const struct drill *drill)
{
    static const char *const headings[] = { "aspect", "verdict", "reason", "detail", NULL };
    static const enum style styles[] = { STYLE_WARN, STYLE_GOOD, STYLE_BAD };
    g_autoptr(text_table_t) table = text_table_new(headings);
    g_autofree char *rows = NULL, *name = terminal_escape(drilling->asset->name);

    for (guint i = 0; i < DRILL_ASPECTS; i++) {
        const struct drill_finding *finding = &drill->findings[i];
        const char *cells[] = { drill_aspect_name(i), drill_verdict_name(finding->verdict),
                                finding->reason ? finding->reason : "",
                                finding->detail ? finding->detail : "" };
        const enum style row[] = { STYLE_PLAIN, styles[finding->verdict], STYLE_PLAIN,
                                   STYLE_PLAIN };

        text_table_row(table, cells, row);
    }
    rows = cli_table(drilling->context, table);
    return g_strdup_printf("%s: %s\n%s%" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT
                           " files came back as they were, %" G_GUINT64_FORMAT
                           " did not; %" G_GUINT64_FORMAT " changed since the manifest\n",
                           name, drill_verdict_name(drill_verdict(drill)), rows, drill->intact,
                           drill->wanted, drill->bad, drill->skipped);
}

static json_t *as_json(const struct drilling *drilling, const struct drill *drill)
{
    json_t *value = drill_record(drill, drilling->asset, drilling->id);

    json_object_set_new(value, "schema", json_string("entente/recovery-drill/1"));
    json_object_set_new(value, "backup", json_safe_string(drilling->asset->name));
    json_object_set_new(value, "aspects", drill_findings_json(drill, TRUE));
    json_object_set_new(value, "dice", dice_json(drilling));
    json_object_set_new(value, "packs", json_integer(drill->packs));
    if (drilling->root)
        json_object_set_new(value, "manifest", json_string(drilling->root));
    return value;
}

/* --- one backup after the other --- */

static void clear(struct drilling *drilling)
{
    g_clear_pointer(&drilling->progress, progress_end);
    g_clear_pointer(&drilling->manifest, manifest_free);
    g_free(drilling->options.manifest_finding.detail);
    g_free(drilling->pseudonym);
    g_free(drilling->folder);
    g_free(drilling->root);
}

static struct drill *hold(struct drilling *drilling, GError **error)
{
    g_autoptr(repository_t) repository = NULL;
    g_autofree char *cache = NULL;
    struct drill *drill;
    gint64 limit_us;

    if (!read_options(drilling, &limit_us, error))
        return NULL;
    drilling->pseudonym = recover_pseudonym(drilling->scene->data, drilling->asset->name, error);
    if (!drilling->pseudonym)
        return NULL;
    drilling->folder = recover_folder(drilling->scene->data, drilling->pseudonym, error);
    if (!drilling->folder)
        return NULL;
    cache = g_build_filename(drilling->folder, "tool", NULL);
    throw_dice(drilling);
    repository = repository_open(drilling->asset, cache, limit_us, error);
    if (!repository || !find_manifest(drilling, error))
        return NULL;
    drilling->options.manifest = drilling->manifest;
    drilling->options.progress = show_progress;
    drilling->options.progress_data = drilling;
    drill = drill_run(drilling->asset, repository, &drilling->options);
    g_clear_pointer(&drilling->progress, progress_end);
    return drill;
}

static gboolean drill_one(struct drilling *drilling, json_t *list, GString *text,
                          enum drill_verdict *verdict, GError **error)
{
    g_autoptr(drill_t) drill = hold(drilling, error);
    g_autoptr(dsse_t) envelope = drill ? sign(drilling, drill, error) : NULL;
    g_autofree char *shown = NULL;

    if (!envelope || !note(drilling, drill, envelope, error) ||
        !recover_publish(drilling->context, drilling->log, drilling->given, envelope,
                         "recovery-drill", error))
        return FALSE;
    *verdict = drill_verdict(drill);
    shown = as_text(drilling, drill);
    g_string_append(text, shown);
    json_array_append_new(list, as_json(drilling, drill));
    return TRUE;
}

/* Whether the last drill is so long ago that the profile wants another. */
static gboolean is_due(const struct recover_scene *scene, const struct asset *asset)
{
    static const char *const kinds[] = { DRILL_EVENT, NULL };
    g_autoptr(journal_t) journal = journal_open_existing(scene->data, NULL);
    g_autoptr(records_t) records = records_load(journal, kinds, NULL);
    const struct event *last = records_latest(records, DRILL_EVENT, asset->name);
    const gint64 every_us = asset->drill_every_us ? asset->drill_every_us : DUE_US;

    return !last || clock_now_us() - last->time_us >= every_us;
}

static int run(const struct context *context, gconstpointer shared, char **arguments,
               GError **error)
{
    const struct recover_arguments *given = shared;
    g_auto(recover_scene_t) scene = { 0 };
    g_auto(recover_log_t) log = { 0 };
    g_autoptr(json_t) list = json_array();
    g_autoptr(GString) text = g_string_new(NULL);
    gboolean failed = FALSE, open = FALSE;

    if (arguments[0])
        return input_error(error, "drill takes no argument: name the backup with --backup");
    if (!recover_scene_open(&scene, context, given, error))
        return EXIT_INPUT;
    if (!recover_log_open(&log, scene.data, given, error))
        return EXIT_SYSTEM;
    for (guint i = 0; i < scene.backups->len; i++) {
        struct drilling drilling = { .context = context,
                                     .given = given,
                                     .scene = &scene,
                                     .asset = scene.backups->pdata[i],
                                     .log = &log };
        enum drill_verdict verdict = DRILL_PROVEN;
        gboolean held;

        if (given->due && !is_due(&scene, drilling.asset))
            continue;
        held = drill_one(&drilling, list, text, &verdict, error);
        clear(&drilling);
        if (!held)
            return EXIT_SYSTEM;
        failed |= verdict == DRILL_FAILED;
        open |= verdict == DRILL_NOT_PROVEN;
    }
    if (cli_format_is(context, "json", FALSE)) {
        g_autoptr(json_t) value =
            json_pack("{s:s, s:O}", "schema", "entente/recovery-drills/1", "drills", list);
        g_autofree char *pretty = json_pretty(value);

        g_string_assign(text, pretty);
    }
    if (!cli_output(context, text->str, text->len, error))
        return EXIT_SYSTEM;
    return failed ? EXIT_FOUND : open ? EXIT_SYSTEM : EXIT_DONE;
}

const struct subcommand recover_subcommand_drill = { "drill", run };
