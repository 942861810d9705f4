#include "p2_internet/ct/ct_log.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/gzip.h"
#include "p2_internet/ct/ct_chain.h"
#include "statement/base64.h"

#include <sodium.h>
#include <string.h>
#include <unistd.h>

#define FOLDER "ct"
#define STATE "state.json"
#define STATE_SCHEMA "entente/ct-state/1"
#define FORK_SCHEMA "entente/ct-fork/1"
#define STATE_LIMIT (64u << 20)
#define STATE_MODE 0600
#define FOLDER_MODE 0700
#define ID_SHOWN 8            /* bytes of the log id in the folder's name */
#define SEEN_MOST 20000u      /* certificates of ours that are kept; the oldest go */
#define TILE_MOST (64u << 20) /* bytes of a data tile, unpacked */
#define BATCH_TILES 16u       /* for one worker */

const char *ct_consistency_name(enum ct_consistency consistency)
{
    static const char *const names[] = { "first", "consistent", "stale", "forked", "unchecked" };

    return names[consistency];
}

void ct_result_clear(struct ct_result *result)
{
    g_free(result->place);
    g_free(result->origin);
    g_free(result->evidence);
    g_clear_error(&result->error);
    json_decref(result->seen);
}

struct reading {
    const struct ct_options *options;
    const struct ct_key *key;
    struct ct_result *result;
    struct log_reader *reader;
    struct ct_issuers *issuers;
    struct merkle *merkle;
    struct checkpoint *checkpoint;
    char *folder, *note; /* `note`: as it was fetched */
    /* of the state; `known` FALSE: none */
    gboolean known;
    guint64 size, read;
    struct merkle_hash root;
    char *old_note;
    ct_news_fn news;
    gpointer data;
};

/* ---- state ---- */

static json_t *names_json(const GPtrArray *domains)
{
    json_t *names = json_array();

    for (guint i = 0; i < domains->len; i++)
        json_array_append_new(names,
                              json_string(((const struct ct_domain *)domains->pdata[i])->name));
    return names;
}

/* Whether every domain that is watched now was watched then. */
static gboolean covers(const json_t *names, const GPtrArray *domains)
{
    for (guint i = 0; i < domains->len; i++) {
        const struct ct_domain *domain = domains->pdata[i];
        gboolean found = FALSE;

        for (size_t j = 0; j < json_array_size(names) && !found; j++)
            found = g_strcmp0(json_string_value(json_array_get(names, j)), domain->name) == 0;
        if (!found)
            return FALSE;
    }
    return TRUE;
}

static char *state_path(const struct reading *reading)
{
    return g_build_filename(reading->folder, STATE, NULL);
}

/*
 * A domain that is new is looked for from the beginning. What was seen stays, whatever the log
 * shows now.
 */
static gboolean load_state(struct reading *reading, GError **error)
{
    g_autofree char *path = state_path(reading);
    g_autoptr(json_t) state = NULL;
    const char *root, *origin;

    if (access(path, F_OK) != 0)
        return TRUE;
    state = json_read_file(path, STATE_LIMIT, error);
    if (!state)
        return FALSE;
    root = json_text(state, "root");
    origin = json_text(state, "origin");
    if (g_strcmp0(json_text(state, "schema"), STATE_SCHEMA) != 0 || !root || !origin ||
        !hex_decode_into(root, reading->root.bytes, MERKLE_HASH_SIZE))
        return input_error(error, "%s: not the state of a log; put it aside to begin anew", path);
    reading->known = TRUE;
    reading->result->origin = g_strdup(origin);
    reading->size = (guint64)MAX(json_number(state, "size", 0), 0);
    if (covers(json_object_get(state, "domains"), reading->options->domains))
        reading->read = MIN((guint64)MAX(json_number(state, "read", 0), 0), reading->size);
    reading->old_note = g_strdup(json_text(state, "checkpoint"));
    if (json_is_array(json_object_get(state, "seen"))) {
        json_decref(reading->result->seen);
        reading->result->seen = json_incref(json_object_get(state, "seen"));
    }
    return TRUE;
}

static gboolean save_state(const struct reading *reading, GError **error)
{
    g_autofree char *path = state_path(reading);
    g_autofree char *root = hex_encode(reading->checkpoint->root.bytes, MERKLE_HASH_SIZE);
    g_autofree char *time = clock_format(reading->options->now_us), *text = NULL;
    g_autoptr(json_t) state = json_pack(
        "{s:s, s:s, s:s, s:I, s:s, s:I, s:s, s:o, s:O}", "schema", STATE_SCHEMA, "time", time,
        "origin", reading->checkpoint->origin, "size", (json_int_t)reading->checkpoint->size,
        "root", root, "read", (json_int_t)reading->result->until, "checkpoint", reading->note,
        "domains", names_json(reading->options->domains), "seen", reading->result->seen);

    text = json_pretty(state);
    return file_write(path, text, strlen(text), STATE_MODE, error);
}

/* ---- the past ---- */

static gboolean keep_fork(struct reading *reading, GError **error)
{
    guint8 digest[crypto_hash_sha256_BYTES];
    g_autofree char *id = hex_encode(reading->key->id, CT_LOG_ID), *name = NULL, *text = NULL;
    g_autofree char *now = clock_format(reading->options->now_us);
    g_autofree char *spki = g_base64_encode(g_bytes_get_data(reading->key->spki, NULL),
                                            g_bytes_get_size(reading->key->spki));
    g_autoptr(json_t) fork =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:[s, s]}", "schema", FORK_SCHEMA, "origin",
                  reading->checkpoint->origin, "log_id", id, "key", spki, "observed", now,
                  "checkpoints", reading->old_note ? reading->old_note : "", reading->note);

    reading->result->consistency = CT_FORKED;
    crypto_hash_sha256(digest, (const guint8 *)reading->note, strlen(reading->note));
    g_free(id);
    id = hex_encode(digest, ID_SHOWN);
    name = g_strdup_printf("fork-%s.json", id);
    reading->result->evidence = g_build_filename(reading->folder, name, NULL);
    text = json_pretty(fork);
    return file_write(reading->result->evidence, text, strlen(text), STATE_MODE, error) &&
           found_error(error,
                       "%s shows another past than before: %" G_GUINT64_FORMAT
                       " entries then, %" G_GUINT64_FORMAT
                       " now, and neither begins with the other",
                       reading->checkpoint->origin, reading->size, reading->checkpoint->size);
}

static gboolean equal(const struct merkle_hash *a, const struct merkle_hash *b)
{
    return memcmp(a->bytes, b->bytes, MERKLE_HASH_SIZE) == 0;
}

/*
 * Verifies the larger of the two trees by its tiles, and that it begins with the smaller one. What
 * was seen before stays what is compared with: a smaller checkpoint is never kept.
 */
static gboolean check_past(struct reading *reading, GError **error)
{
    const struct checkpoint *now = reading->checkpoint;
    const gboolean smaller = reading->known && now->size < reading->size;
    struct merkle_hash root;

    if (reading->known && now->size == reading->size && !equal(&now->root, &reading->root))
        return keep_fork(reading, error);
    if (!log_reader_trust(reading->reader, smaller ? reading->size : now->size,
                          smaller ? &reading->root : &now->root, error))
        return FALSE;
    if (reading->known) {
        if (!log_reader_root(reading->reader, smaller ? now->size : reading->size, &root, error))
            return FALSE;
        if (!equal(&root, smaller ? &now->root : &reading->root))
            return keep_fork(reading, error);
    }
    reading->result->consistency = !reading->known ? CT_FIRST : smaller ? CT_STALE : CT_CONSISTENT;
    return !smaller || system_error(error,
                                    "%s gives an old checkpoint, of %" G_GUINT64_FORMAT
                                    " entries after %" G_GUINT64_FORMAT,
                                    now->origin, now->size, reading->size);
}

/* ---- entries ---- */

struct batch {
    GArray *entries;  /* struct ct_entry */
    GPtrArray *tiles; /* GBytes *: what they point into */
};

/* Servers may store tiles packed, and send them so to everybody. */
static GBytes *unpacked(GBytes *bytes)
{
    gsize size;
    const guint8 *data = g_bytes_get_data(bytes, &size);
    GByteArray *plain;

    if (size < 2 || data[0] != 0x1f || data[1] != 0x8b)
        return g_bytes_ref(bytes);
    plain = gzip_unpack(data, size, TILE_MOST);
    return plain ? g_byte_array_free_to_bytes(plain) : g_bytes_ref(bytes);
}

/* One entry of a tile: it is what the tree says, or the log lies. */
static gboolean check_leaf(struct reading *reading, guint64 index, const struct ct_leaf *leaf,
                           GError **error)
{
    const struct merkle_hash hash = ct_leaf_hash(reading->merkle, leaf);
    struct merkle_hash wanted;

    if (!log_reader_leaf(reading->reader, index, &wanted, error))
        return FALSE;
    if (!equal(&hash, &wanted))
        return found_error(error, "entry %" G_GUINT64_FORMAT " does not fit the root of the log",
                           index);
    return leaf->index == G_MAXUINT64 || leaf->index == index ||
           found_error(error,
                       "entry %" G_GUINT64_FORMAT " was promised the place %" G_GUINT64_FORMAT,
                       index, leaf->index);
}

static gboolean add_tile(struct reading *reading, struct batch *batch, guint64 tile, guint64 until,
                         GError **error)
{
    guint width;
    g_autoptr(GBytes) bytes = log_reader_data(reading->reader, tile, TILE_MOST, &width, error);
    g_autoptr(GBytes) plain = bytes ? unpacked(bytes) : NULL;
    gsize size, at = 0;
    const void *data = plain ? g_bytes_get_data(plain, &size) : NULL;

    if (!plain)
        return FALSE;
    g_ptr_array_add(batch->tiles, g_bytes_ref(plain));
    for (guint i = 0; i < width; i++) {
        struct ct_entry entry = { .index = tile * TILE_WIDTH + i };

        if (!ct_leaf_next(data, size, &at, &entry.leaf, error)) {
            g_prefix_error(error, "tile/data %" G_GUINT64_FORMAT ": ", tile);
            return FALSE;
        }
        if (entry.index < reading->result->until || entry.index >= until)
            continue;
        if (!check_leaf(reading, entry.index, &entry.leaf, error))
            return FALSE;
        g_array_append_val(batch->entries, entry);
    }
    return at == size ||
           found_error(error, "tile/data %" G_GUINT64_FORMAT " holds more than its %u entries",
                       tile, width);
}

/* Whether it was seen by a run before: a domain that is new makes reading begin anew. */
static gboolean was_seen(const json_t *all, const json_t *one)
{
    const json_t *other;
    size_t index;

    json_array_foreach(all, index, other)
    {
        if (json_equal(json_object_get(other, "index"), json_object_get(one, "index")) &&
            json_equal(json_object_get(other, "domain"), json_object_get(one, "domain")))
            return TRUE;
    }
    return FALSE;
}

/* Those that are new, with what their chains are worth. */
static gboolean add_new(struct reading *reading, const struct batch *batch, const json_t *seen,
                        GError **error)
{
    json_t *all = reading->result->seen, *one;
    g_autoptr(json_t) fresh = json_array();
    size_t index;

    json_array_foreach(seen, index, one)
    {
        if (!was_seen(all, one))
            json_array_append(fresh, one);
    }
    return ct_chains_judge(reading->issuers, batch->entries, fresh, error) &&
           json_array_extend(all, fresh) == 0;
}

/* What the worker found becomes part of what was seen, is told, and then the place is kept. */
static gboolean take_batch(struct reading *reading, const struct batch *batch, guint64 until,
                           GError **error)
{
    struct ct_result *result = reading->result;
    g_autoptr(json_t) seen = json_array();
    const guint count_before = (guint)json_array_size(result->seen);
    guint count;

    if (batch->entries->len && !ct_certificates_read(batch->entries, reading->options->domains,
                                                     seen, &result->unreadable, error))
        return FALSE;
    if (!add_new(reading, batch, seen, error))
        return FALSE;
    count = (guint)json_array_size(result->seen) - count_before;
    result->fresh += count;
    if (count && reading->news && !reading->news(result, count, reading->data, error))
        return FALSE;
    while (json_array_size(result->seen) > SEEN_MOST)
        json_array_remove(result->seen, 0);
    result->until = until;
    return save_state(reading, error);
}

static gboolean read_some(struct reading *reading, guint64 until, GError **error)
{
    struct batch batch = { g_array_new(FALSE, FALSE, sizeof(struct ct_entry)),
                           g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref) };
    guint64 tile = reading->result->until / TILE_WIDTH;
    gboolean good = TRUE;
    guint64 end = reading->result->until;

    for (; good && batch.tiles->len < BATCH_TILES && tile * TILE_WIDTH < until; tile++) {
        good = add_tile(reading, &batch, tile, until, error);
        end = MIN((tile + 1) * TILE_WIDTH, until);
    }
    good = good && take_batch(reading, &batch, end, error);
    g_array_unref(batch.entries);
    g_ptr_array_unref(batch.tiles);
    return good;
}

static gboolean read_entries(struct reading *reading, GError **error)
{
    struct ct_result *result = reading->result;
    const guint64 size = reading->checkpoint->size, limit = reading->options->limit;
    guint64 until;

    result->from = result->until =
        !reading->known && reading->options->from_end ? size : reading->read;
    until = limit && size - result->from > limit ? result->from + limit : size;
    if (result->until == until)
        return save_state(reading, error);
    while (result->until < until)
        if (!read_some(reading, until, error))
            return FALSE;
    return TRUE;
}

static gboolean begin(struct reading *reading, GError **error)
{
    g_autofree char *id = hex_encode(reading->key->id, ID_SHOWN);
    g_autoptr(note_t) note = NULL;

    reading->folder = g_build_filename(reading->options->data, FOLDER, id, NULL);
    if (!load_state(reading, error))
        return FALSE;
    note = log_reader_checkpoint(reading->reader, error);
    reading->checkpoint =
        note ? ct_key_verify(reading->key, note, &reading->result->time_us, error) : NULL;
    if (!reading->checkpoint)
        return FALSE;
    reading->note = g_strndup(g_bytes_get_data(note->bytes, NULL), g_bytes_get_size(note->bytes));
    reading->result->size = reading->checkpoint->size;
    if (reading->known && strcmp(reading->result->origin, reading->checkpoint->origin) != 0)
        return found_error(error, "the log with this key called itself %s, now %s",
                           reading->result->origin, reading->checkpoint->origin);
    if (!reading->known)
        reading->result->origin = g_strdup(reading->checkpoint->origin);
    return file_make_folder(reading->folder, FOLDER_MODE, error);
}

void ct_log_read(struct log_source source, const char *place, const struct ct_key *key,
                 const struct ct_options *options, ct_news_fn news, gpointer data,
                 struct ct_result *result)
{
    struct reading reading = {
        .options = options,
        .key = key,
        .result = result,
        .reader = log_reader_new(source),
        .merkle = merkle_new(),
        .news = news,
        .data = data,
    };

    *result = (struct ct_result){
        .place = g_strdup(place),
        .consistency = CT_UNCHECKED,
        .seen = json_array(),
    };
    reading.issuers = ct_issuers_new(reading.reader);
    if (begin(&reading, &result->error) && check_past(&reading, &result->error))
        read_entries(&reading, &result->error);
    if (reading.checkpoint)
        checkpoint_free(reading.checkpoint);
    ct_issuers_free(reading.issuers);
    log_reader_free(reading.reader);
    merkle_free(reading.merkle);
    g_free(reading.folder);
    g_free(reading.note);
    g_free(reading.old_note);
}
