#include "process/cases.h"

#include "base/clock.h"
#include "base/file.h"
#include "process/cases_private.h"

#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#define APPLICATION 0x456e7443 /* "EntC" */

/*
 * An envelope that is NULL was erased; its row stays, so that the event cannot come a second time
 * and our own timeliness can be proven. `peer` is the first other party, `topic` what an alarm is
 * about. A head is new to us until we said something; `wake` is when a clock next does something
 * by itself, `erase` when the content goes. `rank` orders the queue of calls for help (triage.h).
 * Each list has an index that holds all it counts by: 100,000 rows are counted in milliseconds.
 */
static const char *const schema_steps[] = {
    "CREATE TABLE event ("
    "  number INTEGER PRIMARY KEY NOT NULL,"
    "  hash BLOB NOT NULL UNIQUE,"
    "  id TEXT NOT NULL,"
    "  author TEXT NOT NULL,"
    "  stream TEXT NOT NULL,"
    "  seq INTEGER NOT NULL,"
    "  verdict INTEGER NOT NULL,"
    "  signers INTEGER NOT NULL,"
    "  received INTEGER NOT NULL,"
    "  envelope BLOB"
    ") STRICT;"
    "CREATE INDEX event_of_case ON event (id, number);"
    "CREATE INDEX event_received ON event (received);"
    "CREATE INDEX event_verdict ON event (id, verdict);"
    "CREATE INDEX event_waiting ON event (received) WHERE verdict = 2;"
    "CREATE TABLE head ("
    "  id TEXT PRIMARY KEY NOT NULL,"
    "  kind TEXT NOT NULL,"
    "  state TEXT NOT NULL,"
    "  title TEXT NOT NULL,"
    "  opener TEXT NOT NULL,"
    "  peer TEXT NOT NULL,"
    "  topic TEXT NOT NULL,"
    "  tlp INTEGER NOT NULL,"
    "  opened INTEGER NOT NULL,"
    "  changed INTEGER NOT NULL,"
    "  ended INTEGER NOT NULL,"
    "  due INTEGER,"
    "  due_own INTEGER,"
    "  clock TEXT NOT NULL,"
    "  fresh INTEGER NOT NULL,"
    "  mine INTEGER NOT NULL,"
    "  wake INTEGER,"
    "  erase INTEGER,"
    "  erased INTEGER NOT NULL,"
    "  rank INTEGER,"
    "  score INTEGER,"
    "  inputs TEXT"
    ") STRICT;"
    "CREATE INDEX head_changed ON head (ended, changed, title);"
    "CREATE INDEX head_due ON head (ended, due);"
    "CREATE INDEX head_mine ON head (ended, mine, changed);"
    "CREATE INDEX head_fresh ON head (ended, fresh, due_own, opened);"
    "CREATE INDEX head_kind ON head (ended, kind, state, changed);"
    "CREATE INDEX head_topic ON head (topic) WHERE ended = 0 AND topic <> '';"
    "CREATE INDEX head_wake ON head (wake) WHERE wake IS NOT NULL;"
    "CREATE INDEX head_erase ON head (erase) WHERE erase IS NOT NULL;"
    "CREATE INDEX head_rank ON head (rank) WHERE rank IS NOT NULL;"
    "CREATE TABLE party (id TEXT NOT NULL, party TEXT NOT NULL, role TEXT NOT NULL,"
    "  PRIMARY KEY (id, party)) STRICT;"
    "CREATE INDEX party_cases ON party (party);"
    "CREATE TABLE clock ("
    "  id TEXT NOT NULL,"
    "  kind TEXT NOT NULL,"
    "  clock TEXT NOT NULL,"
    "  instance TEXT NOT NULL,"
    "  bearer TEXT NOT NULL,"
    "  own INTEGER NOT NULL,"
    "  begun INTEGER NOT NULL,"
    "  due INTEGER NOT NULL,"
    "  met INTEGER NOT NULL,"
    "  witnessed INTEGER NOT NULL,"
    "  standing INTEGER NOT NULL,"
    "  open INTEGER NOT NULL,"
    "  PRIMARY KEY (id, clock, instance, bearer, begun)"
    ") STRICT;"
    "CREATE INDEX clock_open ON clock (own, open, due);"
    "CREATE INDEX clock_begun ON clock (kind, clock, begun);"
    "CREATE TABLE draft ("
    "  id TEXT PRIMARY KEY NOT NULL,"
    "  case_id TEXT NOT NULL,"
    "  kind TEXT NOT NULL,"
    "  machine TEXT NOT NULL,"
    "  instance TEXT NOT NULL,"
    "  step TEXT NOT NULL,"
    "  state TEXT NOT NULL,"
    "  since INTEGER NOT NULL,"
    "  approvals INTEGER NOT NULL,"
    "  created INTEGER NOT NULL,"
    "  envelope BLOB NOT NULL"
    ") STRICT;"
    "CREATE INDEX draft_of_case ON draft (case_id);"
    "CREATE TABLE outbox ("
    "  number INTEGER PRIMARY KEY NOT NULL,"
    "  recipient TEXT NOT NULL,"
    "  id TEXT NOT NULL,"
    "  author TEXT NOT NULL,"
    "  stream TEXT NOT NULL,"
    "  seq INTEGER NOT NULL,"
    "  event BLOB NOT NULL,"
    "  attempts INTEGER NOT NULL,"
    "  next INTEGER NOT NULL,"
    "  created INTEGER NOT NULL"
    ") STRICT;"
    "CREATE INDEX outbox_next ON outbox (next);"
    "CREATE UNIQUE INDEX outbox_once ON outbox (event, recipient);"
    "CREATE INDEX outbox_stream ON outbox (recipient, id, stream, seq);"
    "CREATE TABLE attachment (sha256 BLOB PRIMARY KEY NOT NULL, size INTEGER NOT NULL,"
    "  whole INTEGER NOT NULL) STRICT;"
    "CREATE TABLE attached (id TEXT NOT NULL, sha256 BLOB NOT NULL, name TEXT NOT NULL,"
    "  PRIMARY KEY (id, sha256)) STRICT;"
    "CREATE INDEX attached_where ON attached (sha256);"
    "CREATE TABLE part (sha256 BLOB NOT NULL, start INTEGER NOT NULL, stop INTEGER NOT NULL,"
    "  PRIMARY KEY (sha256, start)) STRICT;"
    "CREATE TABLE desk (key BLOB PRIMARY KEY NOT NULL, name TEXT NOT NULL,"
    "  role INTEGER NOT NULL) STRICT;"
    "CREATE TABLE recused (id TEXT NOT NULL, key BLOB NOT NULL, reason TEXT NOT NULL,"
    "  since INTEGER NOT NULL, PRIMARY KEY (id, key)) STRICT;"
    "CREATE TABLE outcome (id TEXT NOT NULL, dimension TEXT NOT NULL, value TEXT NOT NULL,"
    "  accepted INTEGER NOT NULL, wait INTEGER NOT NULL, ended INTEGER NOT NULL,"
    "  PRIMARY KEY (id, dimension, value)) STRICT;"
    "CREATE INDEX outcome_ended ON outcome (ended);"
    "CREATE TABLE tally (month INTEGER NOT NULL, dimension TEXT NOT NULL, value TEXT NOT NULL,"
    "  accepted INTEGER NOT NULL, calls INTEGER NOT NULL, wait INTEGER NOT NULL,"
    "  PRIMARY KEY (month, dimension, value, accepted)) STRICT;",
    /* Files belong to a stream of a case; cases_rekey() gives those that are there to theirs. */
    "ALTER TABLE attachment RENAME TO unkeyed_attachment;"
    "ALTER TABLE attached RENAME TO unkeyed_attached;"
    "DROP TABLE part;"
    "CREATE TABLE attachment (id TEXT NOT NULL, stream TEXT NOT NULL, sha256 BLOB NOT NULL,"
    "  size INTEGER NOT NULL, whole INTEGER NOT NULL,"
    "  PRIMARY KEY (id, stream, sha256, size)) STRICT;"
    "CREATE TABLE attached (id TEXT NOT NULL, stream TEXT NOT NULL, sha256 BLOB NOT NULL,"
    "  size INTEGER NOT NULL, event BLOB NOT NULL, name TEXT NOT NULL,"
    "  PRIMARY KEY (id, stream, sha256, size, event)) STRICT;"
    "CREATE INDEX attached_by ON attached (event);"
    "CREATE TABLE part (id TEXT NOT NULL, stream TEXT NOT NULL, sha256 BLOB NOT NULL,"
    "  size INTEGER NOT NULL, start INTEGER NOT NULL, stop INTEGER NOT NULL,"
    "  PRIMARY KEY (id, stream, sha256, size, start)) STRICT;",
    NULL,
};
static const struct store_schema schema = { APPLICATION, schema_steps };

static void folded_free(gpointer data)
{
    struct folded *folded = data;

    case_fold_free(folded->fold);
    g_free(folded);
}

struct cases *cases_open(const char *data_folder, const struct cases_options *options,
                         GError **error)
{
    g_autoptr(cases_t) cases = g_new0(struct cases, 1);
    g_autofree char *path = g_build_filename(data_folder, CASES_FILE, NULL);
    g_autofree char *attachments = g_build_filename(data_folder, CASES_ATTACHMENTS, NULL);

    cases->folds = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, folded_free);
    cases->data_folder = g_strdup(data_folder);
    cases->self = g_strdup(options->self);
    cases->origin = g_strdup(options->origin);
    cases->options = *options;
    cases->options.self = cases->options.fold.self = cases->self;
    cases->options.origin = cases->options.fold.log = cases->origin;
    cases->options.fold.keys = (struct case_keys){ cases_keys, cases };
    if (options->fold.keys.keys)
        cases->keys = options->fold.keys;
    if (!file_make_folder(attachments, CASES_FOLDER_MODE, error))
        return NULL;
    cases->store = store_open(path, &schema, STORE_WRITE, error);
    return cases->store && cases_rekey(cases, error) ? g_steal_pointer(&cases) : NULL;
}

struct cases *cases_open_existing(const char *data_folder, GError **error)
{
    g_autoptr(cases_t) cases = NULL;
    g_autofree char *path = g_build_filename(data_folder, CASES_FILE, NULL);

    if (access(path, F_OK) != 0)
        return NULL;
    cases = g_new0(struct cases, 1);
    cases->folds = g_hash_table_new(g_str_hash, g_str_equal);
    cases->store = store_open(path, &schema, STORE_READ, error);
    return cases->store ? g_steal_pointer(&cases) : NULL;
}

void cases_close(struct cases *cases)
{
    if (!cases)
        return;
    store_close(cases->store);
    g_hash_table_unref(cases->folds);
    g_free(cases->data_folder);
    g_free(cases->self);
    g_free(cases->origin);
    g_free(cases);
}

const char *cases_self(const struct cases *cases, const struct kase *kase)
{
    const struct case_party *own = kase && kase->kind && kase->kind->own && kase->parties->len
                                       ? kase->parties->pdata[0]
                                       : NULL;

    return own ? own->id : cases->self;
}

/* --- statements in short --- */

static struct query *ask(struct cases *cases, GError **error, const char *sql, const char *types,
                         va_list arguments)
{
    struct query *query = store_query(cases->store, sql, error);

    for (int i = 1; query && *types; types++, i++) {
        const struct case_hash *hash;
        GBytes *bytes;

        switch (*types) {
        case 't':
            query_bind_text(query, i, va_arg(arguments, const char *));
            break;
        case 'i':
            query_bind_integer(query, i, va_arg(arguments, gint64));
            break;
        case 'h':
            hash = va_arg(arguments, const struct case_hash *);
            query_bind_bytes(query, i, hash->bytes, sizeof hash->bytes);
            break;
        default:
            bytes = va_arg(arguments, GBytes *);
            query_bind_bytes(query, i, bytes ? g_bytes_get_data(bytes, NULL) : NULL,
                             bytes ? g_bytes_get_size(bytes) : 0);
        }
    }
    return query;
}

struct query *cases_ask(struct cases *cases, GError **error, const char *sql, const char *types,
                        ...)
{
    struct query *query;
    va_list arguments;

    va_start(arguments, types);
    query = ask(cases, error, sql, types, arguments);
    va_end(arguments);
    return query;
}

gboolean cases_do(struct cases *cases, GError **error, const char *sql, const char *types, ...)
{
    g_autoptr(query_t) query = NULL;
    va_list arguments;

    va_start(arguments, types);
    query = ask(cases, error, sql, types, arguments);
    va_end(arguments);
    return query && query_run(query, error);
}

gboolean cases_number(struct cases *cases, gint64 *number, gint64 fallback, GError **error,
                      const char *sql, const char *types, ...)
{
    g_autoptr(query_t) query = NULL;
    va_list arguments;
    gboolean row;

    va_start(arguments, types);
    query = ask(cases, error, sql, types, arguments);
    va_end(arguments);
    if (!query || !query_step(query, &row, error))
        return FALSE;
    *number = row && !query_is_null(query, 0) ? query_integer(query, 0) : fallback;
    return TRUE;
}

char *cases_text_column(struct query *query, int column)
{
    const char *text = query_text(query, column);

    return g_strdup(text ? text : "");
}

gboolean cases_hash_column(struct query *query, int column, struct case_hash *hash)
{
    gsize length;
    const void *bytes = query_bytes(query, column, &length);

    if (!bytes || length != sizeof hash->bytes)
        return FALSE;
    memcpy(hash->bytes, bytes, sizeof hash->bytes);
    return TRUE;
}

void cases_set_time(json_t *object, const char *member, gint64 time_us)
{
    g_autofree char *text = clock_format(time_us);

    json_object_set_new(object, member, json_string(text));
}

gboolean cases_finish(struct cases *cases, gboolean done, GError **error)
{
    if (done && store_commit(cases->store, error))
        return TRUE;
    store_rollback(cases->store);
    g_hash_table_remove_all(cases->folds);
    return FALSE;
}
