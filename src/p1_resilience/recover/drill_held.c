#include "p1_resilience/recover/drill_held.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "p1_resilience/recover/drill_record.h"
#include "statement/base64.h"
#include "statement/commitment.h"
#include "statement/predicate.h"

#include <sodium.h>
#include <string.h>

#define ID_SHOWN 16
#define CONFIDENCE 0.95
#define FRACTION 0.01
#define LIMIT_US (G_GINT64_CONSTANT(6) * 3600 * G_USEC_PER_SEC) /* of one run of the tool */
#define PRIVATE_MODE 0600

/* --- dice --- */

static void throw_dice(struct drill_held *held)
{
    const struct community_state *state = &held->setting->log->state;
    guint8 id[DRILL_ID_SIZE];

    randombytes_buf(id, sizeof id);
    sodium_bin2hex(held->id, sizeof held->id, id, sizeof id);
    held->public_dice = held->setting->log->community && state->checkpoint && !state->unwitnessed;
    if (held->public_dice)
        memcpy(held->dice, state->checkpoint->root.bytes, sizeof held->dice);
    else
        randombytes_buf(held->dice, sizeof held->dice);
    held->options.id = held->id;
    sample_seed(held->dice, held->id, held->options.seed);
}

json_t *drill_held_dice(const struct drill_held *held)
{
    g_autofree char *root = hex_encode(held->dice, sizeof held->dice);
    json_t *value =
        json_pack("{s:s, s:s}", "source", held->public_dice ? "log" : "local", "root", root);

    if (held->public_dice)
        json_object_set_new(value, "size",
                            json_integer((json_int_t)held->setting->log->state.checkpoint->size));
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
static char *journal_root(const struct drill_held *held, GError **error)
{
    const struct journal_filter filter = { .kind = MANIFEST_EVENT, .key = held->asset->name };
    g_autoptr(GError) problem = NULL;
    g_autoptr(journal_t) journal = journal_open_existing(held->setting->data, &problem);
    char *root = NULL;

    if (problem)
        g_propagate_error(error, g_steal_pointer(&problem));
    else if (journal && !journal_each(journal, &filter, take_root, &root, error))
        g_clear_pointer(&root, g_free);
    return root;
}

static void set_manifest(struct drill_held *held, enum drill_verdict verdict, const char *reason,
                         const char *detail)
{
    held->options.manifest_finding = (struct drill_finding){ verdict, reason, g_strdup(detail) };
}

/* The log says which manifest counts; without a log, or one in it, the journal does. */
static gboolean find_manifest(struct drill_held *held, GError **error)
{
    g_autoptr(GError) problem = NULL;
    g_autofree char *anchored = recover_anchored(
        held->setting->log, held->pseudonym, held->setting->profile->signatory.domain, &problem);
    g_autofree char *path = NULL, *found = NULL;
    struct merkle_hash hash;

    if (!problem)
        held->root = anchored ? g_strdup(anchored) : journal_root(held, &problem);
    if (problem) {
        g_propagate_error(error, g_steal_pointer(&problem));
        return FALSE;
    }
    if (!held->root) {
        set_manifest(held, DRILL_NOT_PROVEN, "no-manifest",
                     "none was made: entente recover manifest");
        return TRUE;
    }
    path = g_strdup_printf("%s/%s.manifest", held->folder, held->root);
    held->manifest = manifest_read(path, &problem);
    if (!held->manifest) {
        set_manifest(held, DRILL_FAILED, "manifest-unreadable", problem->message);
        return TRUE;
    }
    hash = manifest_root(held->manifest);
    found = hex_encode(hash.bytes, sizeof hash.bytes);
    if (!g_str_equal(found, held->root)) {
        g_clear_pointer(&held->manifest, manifest_free);
        set_manifest(held, DRILL_FAILED, "manifest-changed",
                     anchored ? "the log has another root of it" : "the journal has another root");
    } else if (anchored)
        set_manifest(held, DRILL_PROVEN, NULL, NULL);
    else
        set_manifest(held, DRILL_NOT_PROVEN, "not-in-log",
                     "only this machine's journal vouches for it: entente recover manifest "
                     "--publish");
    return TRUE;
}

/* --- the record --- */

static struct commitment *commit_to(const struct drill_held *held, GError **error)
{
    g_autoptr(commitment_t) commitment = commitment_new();

    for (guint i = 0; i < held->drill->files->len; i++) {
        const struct drill_file *file = &g_array_index(held->drill->files, struct drill_file, i);
        const struct manifest_record *record =
            &g_array_index(held->manifest->records, struct manifest_record, file->index);
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

static gboolean keep_openings(const struct drill_held *held, struct commitment *commitment,
                              GError **error)
{
    g_autoptr(json_t) openings = commitment_openings(commitment);
    g_autofree char *text = json_pretty(openings);
    g_autofree char *path =
        g_strdup_printf("%s/drill-%.*s.openings.json", held->folder, ID_SHOWN, held->id);

    return file_write(path, text, strlen(text), PRIVATE_MODE, error);
}

static struct dsse *sign(const struct drill_held *held, GError **error)
{
    g_autoptr(commitment_t) commitment = commit_to(held, error);
    g_autofree char *path =
        g_strdup_printf("%s/drill-%.*s.dsse.json", held->folder, ID_SHOWN, held->id);
    struct commitment_root root;
    json_t *predicate, *committed;

    if (!commitment || !keep_openings(held, commitment, error))
        return NULL;
    root = commitment_root(commitment);
    committed = commitment_root_json(&root);
    predicate = recover_predicate(held->setting->log, held->pseudonym);
    json_object_set_new(predicate, "drill", json_string(held->id));
    json_object_set_new(predicate, "tool", json_string(held->asset->backup_tool));
    if (held->root)
        json_object_set_new(predicate, "manifest", json_string(held->root));
    json_object_set_new(predicate, "dice", drill_held_dice(held));
    json_object_set_new(predicate, "sample", drill_sample_json(held->drill));
    json_object_set_new(predicate, "restored", drill_restored_json(held->drill));
    json_object_set_new(predicate, "aspects", drill_findings_json(held->drill, FALSE));
    json_object_set_new(predicate, "commitments", committed);
    return recover_say(held->setting->key, PREDICATE_RECOVERY_DRILL, "drill",
                       json_text(committed, "root"), predicate, path, error);
}

static gboolean note(const struct drill_held *held, const struct dsse *envelope, GError **error)
{
    g_autoptr(json_t) record = drill_record(held->drill, held->asset, held->id);
    g_autofree char *text = json_pretty(record);
    g_autoptr(journal_t) journal = journal_open(held->setting->data, error);
    g_autoptr(GBytes) body = g_bytes_new(text, strlen(text));
    const struct dsse_signature *signature = envelope->signatures->pdata[0];
    struct event event = { .kind = (char *)DRILL_EVENT,
                           .asset = held->asset->name,
                           .key = held->asset->name,
                           .body = body,
                           .signature = signature->bytes };

    return journal && journal_append(journal, &event, error);
}

/* --- all of it --- */

struct drill_options drill_default_options(void)
{
    return (struct drill_options){
        .confidence = CONFIDENCE,
        .fraction = FRACTION,
        .check = { .read = STORE_READ_ALL },
        .now_us = clock_now_us(),
    };
}

static gboolean run(struct drill_held *held, GError **error)
{
    const struct drill_setting *setting = held->setting;
    g_autoptr(repository_t) repository = NULL;
    g_autofree char *cache = NULL;

    held->pseudonym = recover_pseudonym(setting->data, held->asset->name, error);
    if (!held->pseudonym)
        return FALSE;
    held->folder = recover_folder(setting->data, held->pseudonym, error);
    if (!held->folder)
        return FALSE;
    cache = g_build_filename(held->folder, "tool", NULL);
    throw_dice(held);
    repository = repository_open(held->asset, cache,
                                 setting->limit_us ? setting->limit_us : LIMIT_US, error);
    if (!repository || !find_manifest(held, error))
        return FALSE;
    held->options.manifest = held->manifest;
    held->drill = drill_run(held->asset, repository, &held->options);
    return TRUE;
}

gboolean drill_hold(const struct drill_setting *setting, const struct asset *asset,
                    const struct drill_options *options, struct drill_held *held, GError **error)
{
    *held = (struct drill_held){ .setting = setting, .asset = asset, .options = *options };
    if (!run(held, error))
        return FALSE;
    held->envelope = sign(held, error);
    return held->envelope && note(held, held->envelope, error);
}

void drill_held_clear(struct drill_held *held)
{
    g_clear_pointer(&held->drill, drill_free);
    g_clear_pointer(&held->manifest, manifest_free);
    g_clear_pointer(&held->envelope, dsse_free);
    g_clear_pointer(&held->options.manifest_finding.detail, g_free);
    g_clear_pointer(&held->pseudonym, g_free);
    g_clear_pointer(&held->folder, g_free);
    g_clear_pointer(&held->root, g_free);
}

gboolean drill_is_due(const char *data, const struct asset *asset, gint64 now_us, gboolean *due,
                      GError **error)
{
    static const char *const kinds[] = { DRILL_EVENT, NULL };
    g_autoptr(GError) problem = NULL;
    g_autoptr(journal_t) journal = journal_open_existing(data, &problem);
    g_autoptr(records_t) records = problem ? NULL : records_load(journal, kinds, &problem);
    const struct event *last = records_latest(records, DRILL_EVENT, asset->name);

    if (problem) {
        g_propagate_error(error, g_steal_pointer(&problem));
        return FALSE;
    }
    *due = !last || now_us - last->time_us >= drill_every_us(asset);
    return TRUE;
}
