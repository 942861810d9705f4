#include "base/clock.h"
#include "base/error.h"
#include "log/evidence.h"
#include "log/receipt.h"
#include "log/tree.h"
#include "statement/base64.h"
#include "statement/dsse.h"

#include <string.h>

/* A bundle while it is judged. */
struct judged {
    const json_t *bundle;
    const char *origin;
    GPtrArray *keys; /* struct note_key *: those the log is judged by */
    const struct quorum_policy *policy;
    struct merkle *merkle;
    GPtrArray *notes;       /* struct note * */
    GPtrArray *checkpoints; /* struct checkpoint * */
    struct evidence_verdict *verdict;
};

static void judged_clear(struct judged *judged)
{
    g_clear_pointer(&judged->keys, g_ptr_array_unref);
    g_clear_pointer(&judged->notes, g_ptr_array_unref);
    g_clear_pointer(&judged->checkpoints, g_ptr_array_unref);
    g_clear_pointer(&judged->merkle, merkle_free);
}
typedef struct judged judged_t;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(judged_t, judged_clear)

void evidence_verdict_clear(struct evidence_verdict *verdict)
{
    g_clear_pointer(&verdict->origin, g_free);
    g_clear_pointer(&verdict->explanation, g_free);
}

static gboolean read_hash(const json_t *value, struct merkle_hash *hash)
{
    const char *text = json_string_value(value);

    return text && base64_decode_into(text, -1, hash->bytes, MERKLE_HASH_SIZE);
}

static gboolean read_path(const json_t *list, struct merkle_hash path[MERKLE_PATH_LIMIT],
                          guint *length, GError **error)
{
    if (!json_is_array(list) || json_array_size(list) > MERKLE_PATH_LIMIT)
        return input_error(error, "evidence: \"path\" is no list of hashes");
    for (*length = 0; *length < json_array_size(list); (*length)++)
        if (!read_hash(json_array_get(list, *length), &path[*length]))
            return input_error(error, "evidence: \"path\" holds what is no hash");
    return TRUE;
}

/* --- who signed --- */

static gboolean same_key(const struct note_key *a, const struct note_key *b)
{
    return a->type == b->type && g_str_equal(a->name, b->name) &&
           memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

static gboolean is_among(const GPtrArray *keys, const struct note_key *key)
{
    for (guint i = 0; i < keys->len; i++)
        if (same_key(keys->pdata[i], key))
            return TRUE;
    return FALSE;
}

/* The bundle's keys, or those of them that the judge knows; all are named as the origin. */
static gboolean read_keys(struct judged *judged, const GPtrArray *known, GError **error)
{
    const json_t *list = json_object_get(judged->bundle, "log_keys"), *item;
    size_t index;

    judged->keys = g_ptr_array_new_with_free_func((GDestroyNotify)note_key_free);
    json_array_foreach(list, index, item)
    {
        const char *text = json_string_value(item);
        g_autoptr(note_key_t) key = note_key_parse(text ? text : "", error);

        if (!key)
            return FALSE;
        if (key->type != NOTE_KEY_ED25519 || !g_str_equal(key->name, judged->origin))
            return input_error(error, "evidence: \"%s\" is no key of the log \"%s\"", text,
                               judged->origin);
        if ((!known || is_among(known, key)) && !is_among(judged->keys, key))
            g_ptr_array_add(judged->keys, g_steal_pointer(&key));
    }
    judged->verdict->key_known = known != NULL;
    if (judged->keys->len == 0)
        return known ? found_error(error, "evidence: it is about another key than the log's")
                     : input_error(error, "evidence: it names no key of the log");
    return TRUE;
}

static gboolean read_note(struct judged *judged, const json_t *item, GError **error)
{
    const json_t *value = json_object_get(item, "note");
    const char *text = json_string_value(value);
    g_autoptr(note_t) note =
        text ? note_parse(text, json_string_length(value), "evidence", error) : NULL;
    g_autoptr(checkpoint_t) checkpoint = NULL;

    if (!note)
        return text ? FALSE : input_error(error, "evidence: a note is missing");
    checkpoint =
        checkpoint_parse(g_bytes_get_data(note->text, NULL), g_bytes_get_size(note->text), error);
    if (!checkpoint)
        return FALSE;
    if (!g_str_equal(checkpoint->origin, judged->origin))
        return found_error(error, "evidence: a note is of another log");
    if (note_verify(note, judged->keys, NULL) != NOTE_GOOD)
        return found_error(error, "evidence: a note is not signed by the log's key");
    g_ptr_array_add(judged->notes, g_steal_pointer(&note));
    g_ptr_array_add(judged->checkpoints, g_steal_pointer(&checkpoint));
    return TRUE;
}

static gboolean read_notes(struct judged *judged, guint wanted, GError **error)
{
    const json_t *list = json_object_get(judged->bundle, "notes");

    judged->notes = g_ptr_array_new_with_free_func((GDestroyNotify)note_free);
    judged->checkpoints = g_ptr_array_new_with_free_func((GDestroyNotify)checkpoint_free);
    if (json_array_size(list) != wanted)
        return input_error(error, "evidence: it holds %zu notes and not %u", json_array_size(list),
                           wanted);
    for (guint i = 0; i < wanted; i++) {
        if (!read_note(judged, json_array_get(list, i), error))
            return FALSE;
        judged->verdict->sizes[i] = ((struct checkpoint *)judged->checkpoints->pdata[i])->size;
    }
    return TRUE;
}

/* --- the kinds --- */

static gboolean equal(const struct merkle_hash *a, const struct merkle_hash *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

static gboolean judge_split_view(struct judged *judged, GError **error)
{
    const struct checkpoint *small, *large;
    struct merkle_hash prefix, path[MERKLE_PATH_LIMIT];
    guint length;

    if (!read_notes(judged, 2, error))
        return FALSE;
    small = judged->checkpoints->pdata[0];
    large = judged->checkpoints->pdata[1];
    if (small->size > large->size) {
        const struct checkpoint *swap = small;

        small = large;
        large = swap;
    }
    if (small->size == large->size) {
        if (equal(&small->root, &large->root))
            return found_error(error, "evidence: both notes show the same tree");
        judged->verdict->explanation = g_strdup_printf(
            "the log signed two different trees of %" G_GUINT64_FORMAT " entries", small->size);
        return TRUE;
    }
    if (!read_hash(json_object_get(judged->bundle, "prefix"), &prefix))
        return input_error(error, "evidence: \"prefix\" is no hash");
    if (!read_path(json_object_get(judged->bundle, "path"), path, &length, error))
        return FALSE;
    if (equal(&prefix, &small->root) || small->size == 0 ||
        !tree_is_consistent(judged->merkle, small->size, &prefix, large->size, &large->root, path,
                            length))
        return found_error(error, "evidence: the path does not show that the trees differ");
    judged->verdict->explanation = g_strdup_printf(
        "the log's tree of %" G_GUINT64_FORMAT
        " entries does not begin with the tree of %" G_GUINT64_FORMAT " entries that it signed",
        large->size, small->size);
    return TRUE;
}

static gboolean judge_rolled_back(struct judged *judged, GError **error)
{
    const struct checkpoint *before, *after;

    if (!read_notes(judged, 2, error))
        return FALSE;
    before = judged->checkpoints->pdata[0];
    after = judged->checkpoints->pdata[1];
    if (after->size >= before->size)
        return found_error(error, "evidence: the later note is not smaller");
    judged->verdict->proof = EVIDENCE_OBSERVED;
    judged->verdict->explanation =
        g_strdup_printf("the log signed %" G_GUINT64_FORMAT
                        " entries; the observer was later shown %" G_GUINT64_FORMAT,
                        before->size, after->size);
    return TRUE;
}

static gboolean entry_leaf(struct judged *judged, const json_t *entry, struct merkle_hash *leaf,
                           GError **error)
{
    g_autoptr(GBytes) bytes = json_canonical(entry, error);

    if (!bytes)
        return FALSE;
    *leaf = merkle_leaf(judged->merkle, g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
    return TRUE;
}

/* Another leaf stands where the receipt says. */
static gboolean judge_displaced(struct judged *judged, const struct receipt *receipt,
                                const struct checkpoint *checkpoint, GError **error)
{
    struct merkle_hash leaf, path[MERKLE_PATH_LIMIT];
    guint length;

    if (!read_hash(json_object_get(judged->bundle, "leaf"), &leaf))
        return input_error(error, "evidence: \"leaf\" is no hash");
    if (!read_path(json_object_get(judged->bundle, "path"), path, &length, error))
        return FALSE;
    if (receipt->status != RECEIPT_INCLUDED || equal(&leaf, &receipt->entry) ||
        json_number(judged->bundle, "index", -1) != (gint64)receipt->index ||
        !merkle_includes(judged->merkle, &leaf, receipt->index, checkpoint->size, path, length,
                         &checkpoint->root))
        return found_error(error, "evidence: the path does not show another entry there");
    judged->verdict->explanation =
        g_strdup_printf("the log said that the entry stands at index %" G_GUINT64_FORMAT
                        ", and another one stands there",
                        receipt->index);
    return TRUE;
}

/* The time by which the entry had to be there has gone by, as witnesses say. */
static gboolean judge_overdue(struct judged *judged, const struct receipt *receipt, GError **error)
{
    struct quorum_verdict quorum = { 0 };
    g_autoptr(checkpoint_t) checkpoint = NULL;
    gint64 due_us = receipt->status == RECEIPT_ACCEPTED ? receipt->by_us : receipt->time_us;
    g_autofree char *due = clock_format(due_us);
    gboolean witnessed = FALSE;

    if (judged->policy) {
        checkpoint = quorum_judge(judged->policy, judged->notes->pdata[0], 0, &quorum);
        witnessed =
            quorum.reason == QUORUM_GOOD && (gint64)quorum.log_time_s > due_us / G_USEC_PER_SEC;
        quorum_verdict_clear(&quorum);
        if (!witnessed)
            return found_error(
                error, "evidence: no quorum of witnesses cosigned the checkpoint after %s", due);
    }
    judged->verdict->proof = EVIDENCE_OBSERVED;
    judged->verdict->explanation =
        g_strdup_printf("the log promised to include the entry by %s; %s %" G_GUINT64_FORMAT
                        " entries: whoever has them can see that it is not among them",
                        due, witnessed ? "later, witnesses cosigned" : "its checkpoint holds",
                        judged->verdict->sizes[0]);
    return TRUE;
}

static struct receipt *read_receipt(const struct judged *judged, const json_t *value,
                                    GError **error)
{
    g_autoptr(GPtrArray) keys = note_public_keys(judged->keys);
    g_autoptr(GBytes) bytes = json_canonical(value, error);

    return bytes ? receipt_read(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), "evidence",
                                keys, error)
                 : NULL;
}

static gboolean judge_receipt(struct judged *judged, GError **error)
{
    const json_t *value = json_object_get(judged->bundle, "receipt");
    const json_t *entry = json_object_get(judged->bundle, "entry");
    g_autoptr(receipt_t) receipt = NULL;
    struct merkle_hash leaf;

    if (!read_notes(judged, 1, error))
        return FALSE;
    if (!value || !entry)
        return input_error(error, "evidence: it holds no receipt or no entry");
    receipt = read_receipt(judged, value, error);
    if (!receipt || !entry_leaf(judged, entry, &leaf, error))
        return FALSE;
    if (receipt->status == RECEIPT_REFUSED || !equal(&leaf, &receipt->entry))
        return found_error(error, "evidence: the receipt does not promise to include this entry");
    return json_object_get(judged->bundle, "path")
               ? judge_displaced(judged, receipt, judged->checkpoints->pdata[0], error)
               : judge_overdue(judged, receipt, error);
}

gboolean evidence_judge(const json_t *bundle, const GPtrArray *log_keys,
                        const struct quorum_policy *policy, struct evidence_verdict *verdict,
                        GError **error)
{
    static const struct {
        const char *kind;
        gboolean (*judge)(struct judged *judged, GError **error);
    } kinds[] = {
        { "split-view", judge_split_view },
        { "rolled-back", judge_rolled_back },
        { "receipt", judge_receipt },
    };
    const char *kind = json_text(bundle, "kind"), *observed = json_text(bundle, "observed");
    g_auto(judged_t) judged = { .bundle = bundle, .verdict = verdict };

    memset(verdict, 0, sizeof *verdict);
    judged.origin = json_text(bundle, "origin");
    judged.merkle = merkle_new();
    /* Without witnesses there is only the observer's clock. */
    judged.policy = policy && !policy->none ? policy : NULL;
    if (g_strcmp0(json_text(bundle, "schema"), EVIDENCE_SCHEMA) != 0)
        return input_error(error, "not a bundle of evidence (\"schema\" is not \"%s\")",
                           EVIDENCE_SCHEMA);
    if (!judged.origin || !kind)
        return input_error(error, "evidence: \"origin\" or \"kind\" is missing");
    if (observed && !clock_parse(observed, &verdict->observed_us, error))
        return FALSE;
    verdict->origin = g_strdup(judged.origin);
    if (!read_keys(&judged, log_keys, error))
        return FALSE;
    for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
        if (!g_str_equal(kinds[i].kind, kind))
            continue;
        verdict->kind = kinds[i].kind;
        return kinds[i].judge(&judged, error);
    }
    return input_error(error, "evidence: the kind \"%s\" is not known", kind);
}
