/*
 * What lies beside the tiles: the resume file of a check, the history, the WAL.
 *
 * Resume file: "entente-fsck 1" LF, origin LF, then 32 bytes for each full tile of level 0 that was
 * found good, from the first on.
 */
#include "base/error.h"
#include "base/file.h"
#include "log/fsck_private.h"
#include "log/tree.h"
#include "log/wal.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define RESUME_HEAD "entente-fsck 1\n"
#define RESUME_LIMIT (G_MAXUINT32 / 2)
#define RESUME_MODE 0600
#define HISTORY_LIMIT (256u << 20)
#define LENGTH_SIZE 4 /* be32 before each note of a history */

static char *resume_head(const struct checkpoint *checkpoint)
{
    return g_strconcat(RESUME_HEAD, checkpoint->origin, "\n", NULL);
}

GByteArray *fsck_resume_read(const char *file, const struct checkpoint *checkpoint, GError **error)
{
    g_autofree char *head = resume_head(checkpoint);
    g_autoptr(GBytes) bytes = NULL;
    GByteArray *roots;
    const guint8 *data;
    gsize size;

    if (access(file, F_OK) != 0)
        return NULL;
    bytes = file_read(file, RESUME_LIMIT, error);
    if (!bytes)
        return NULL;
    data = g_bytes_get_data(bytes, &size);
    if (size < strlen(head) || memcmp(data, head, strlen(head)) != 0 ||
        (size - strlen(head)) % MERKLE_HASH_SIZE != 0) {
        input_error(error, "%s: not where a check of \"%s\" was left: remove it", file,
                    checkpoint->origin);
        return NULL;
    }
    roots = g_byte_array_new();
    g_byte_array_append(roots, data + strlen(head), (guint)(size - strlen(head)));
    return roots;
}

gboolean fsck_resume_write(const char *file, const struct checkpoint *checkpoint,
                           const struct merkle_hash *roots, guint64 tiles, GError **error)
{
    g_autofree char *head = resume_head(checkpoint);
    g_autoptr(GByteArray) bytes = g_byte_array_new();

    if (tiles > (RESUME_LIMIT - strlen(head)) / MERKLE_HASH_SIZE)
        tiles = (RESUME_LIMIT - strlen(head)) / MERKLE_HASH_SIZE;
    g_byte_array_append(bytes, (const guint8 *)head, strlen(head));
    g_byte_array_append(bytes, (const guint8 *)roots, (guint)(tiles * MERKLE_HASH_SIZE));
    return file_write(file, bytes->data, bytes->len, RESUME_MODE, error);
}

/* ---- history ---- */

static gboolean root_at(struct log_reader *reader, struct merkle *merkle, guint64 size,
                        struct merkle_hash *root, GError **error)
{
    struct tree_edge edge;

    if (!log_reader_edge(reader, size, &edge, error))
        return FALSE;
    *root = tree_root(&edge, merkle);
    return TRUE;
}

/* One record: a checkpoint of this log, above the one before, whose root the tree had. */
static gboolean check_moment(struct log_reader *reader, struct merkle *merkle, const guint8 *record,
                             gsize length, const struct checkpoint *newest, guint64 *last_size,
                             struct log_fsck_finding *finding, GError **error)
{
    g_autoptr(note_t) note = note_parse(record, length, "history", NULL);
    g_autoptr(checkpoint_t) moment = NULL;
    struct merkle_hash root;

    if (note)
        moment = checkpoint_parse(g_bytes_get_data(note->text, NULL), g_bytes_get_size(note->text),
                                  NULL);
    if (!moment || strcmp(moment->origin, newest->origin) != 0 || moment->size <= *last_size)
        return fsck_differs(finding, newest->size, error,
                            "the history holds a record that is no later checkpoint of this log, "
                            "behind the one of %" G_GUINT64_FORMAT " entries",
                            *last_size);
    *last_size = moment->size;
    if (moment->size > newest->size)
        return TRUE; /* newer than what is checked */
    if (!root_at(reader, merkle, moment->size, &root, error))
        return FALSE;
    return memcmp(root.bytes, moment->root.bytes, MERKLE_HASH_SIZE) == 0 ||
           fsck_differs(finding, 0, error,
                        "the history holds a checkpoint of %" G_GUINT64_FORMAT
                        " entries with another root than the log had then",
                        moment->size);
}

static gboolean check_history(struct log_source *source, struct log_reader *reader,
                              struct merkle *merkle, const struct checkpoint *newest,
                              struct log_fsck_counts *counts, struct log_fsck_finding *finding,
                              GError **error)
{
    g_autoptr(GError) cause = NULL;
    g_autoptr(GBytes) bytes = source->fetch(source->data, "history", HISTORY_LIMIT, &cause);
    guint64 last_size = 0;
    const guint8 *data;
    gsize size, at = 0;

    if (!bytes && g_error_matches(cause, ENTENTE_ERROR, ENTENTE_ERROR_INPUT))
        return TRUE; /* a log need not have one */
    if (!bytes)
        return system_error(error, "the history was not looked at: %s", cause->message);
    data = g_bytes_get_data(bytes, &size);
    while (size - at >= LENGTH_SIZE) {
        const gsize length = (gsize)data[at] << 24 | (gsize)data[at + 1] << 16 |
                             (gsize)data[at + 2] << 8 | data[at + 3];

        at += LENGTH_SIZE;
        if (size - at < length)
            break; /* cut short by a crash: no record */
        if (!check_moment(reader, merkle, data + at, length, newest, &last_size, finding, error))
            return FALSE;
        counts->moments++;
        at += length;
    }
    return TRUE;
}

/* ---- WAL ---- */

struct replay {
    struct log_reader *reader;
    struct merkle *merkle;
    const struct checkpoint *newest;
    struct tree_edge edge;
    struct log_fsck_finding *finding;
    guint64 records;
};

/* wal_record_fn: grows the tree by the record and compares with the log as far as it is known. */
static gboolean check_record(const struct wal_record *record, GBytes *bundle, GPtrArray *entries,
                             gpointer data, GError **error)
{
    struct replay *replay = data;
    struct tree_edge edge = replay->edge;
    struct merkle_hash completed[TREE_LEVELS], root;

    (void)bundle;
    if (record->first != edge.size)
        return FALSE;
    for (guint i = 0; i < entries->len; i++) {
        gsize length;
        const void *entry = g_bytes_get_data(entries->pdata[i], &length);
        const struct merkle_hash leaf = merkle_leaf(replay->merkle, entry, length);

        tree_append(&edge, replay->merkle, &leaf, completed);
    }
    root = tree_root(&edge, replay->merkle);
    if (memcmp(root.bytes, record->root.bytes, MERKLE_HASH_SIZE) != 0)
        return FALSE;
    replay->edge = edge;
    replay->records++;
    if (edge.size > replay->newest->size)
        return TRUE;
    if (!root_at(replay->reader, replay->merkle, edge.size, &root, error))
        return FALSE;
    return memcmp(root.bytes, record->root.bytes, MERKLE_HASH_SIZE) == 0 ||
           fsck_differs(replay->finding, record->first, error,
                        "the WAL committed other entries from %" G_GUINT64_FORMAT
                        " on than the log has",
                        record->first);
}

static gboolean check_wal_file(struct replay *replay, int file, const char *path, GError **error)
{
    guint8 page[WAL_PAGE];
    struct wal_header header;
    struct merkle_hash root;
    guint64 end, last;

    if (pread(file, page, sizeof page, 0) != sizeof page || !wal_header_read(page, &header) ||
        header.start > replay->newest->size)
        return TRUE; /* not begun, or newer than what is checked */
    if (!log_reader_edge(replay->reader, header.start, &replay->edge, error))
        return FALSE;
    root = tree_root(&replay->edge, replay->merkle);
    if (memcmp(root.bytes, header.root.bytes, MERKLE_HASH_SIZE) != 0)
        return fsck_differs(replay->finding, 0, error,
                            "%s begins at %" G_GUINT64_FORMAT
                            " entries with another root than the log had then",
                            path, header.start);
    return wal_records_read(file, path, &header, check_record, replay, &end, &last, error);
}

static gboolean check_wal(const struct log_fsck_options *options, struct replay *replay,
                          GError **error)
{
    static const char *const names[] = { "wal-0", "wal-1" };
    gboolean good = TRUE;

    for (guint i = 0; good && i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(options->folder, names[i], NULL);
        const int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

        if (file < 0)
            continue;
        good = check_wal_file(replay, file, path, error);
        close(file);
    }
    return good;
}

gboolean fsck_records(const struct log_fsck_options *options, const struct checkpoint *checkpoint,
                      struct log_fsck_counts *counts, struct log_fsck_finding *finding,
                      GError **error)
{
    struct log_source source = options->open(options->open_data);
    g_autoptr(log_reader_t) reader = log_reader_new(options->open(options->open_data));
    g_autoptr(merkle_t) merkle = merkle_new();
    struct replay replay = {
        .reader = reader, .merkle = merkle, .newest = checkpoint, .finding = finding
    };
    gboolean good = log_reader_trust(reader, checkpoint->size, &checkpoint->root, error) &&
                    check_history(&source, reader, merkle, checkpoint, counts, finding, error) &&
                    (!options->folder || check_wal(options, &replay, error));

    counts->wal_records = replay.records;
    if (source.free_data)
        source.free_data(source.data);
    return good;
}
