#include "delivery/mailbox.h"

#include "base/error.h"
#include "statement/base64.h"
#include "store/store.h"

#include <string.h>

#define FILE_NAME "mail.db"
#define APPLICATION 0x454e4d4c /* "ENML" */
#define DAY_US (G_GINT64_CONSTANT(86400) * G_USEC_PER_SEC)
#define KEY_SIZE 32
#define DIGEST_SIZE 32
#define PERCENT 100
#define LARGE_SHARE 2 /* large messages fill one half of a quota */
#define ALL_BOXES 16  /* mailboxes' worth of bytes in all */

/* The quota of a mailbox is by its row here; that of all by the row with an empty name. */
#define ALL ""

static const struct mailboxes_limits standard = {
    .box_bytes = G_GUINT64_CONSTANT(1) << 30,
    .box_messages = 100000,
    .keep_us = 30 * DAY_US,
    .reply_keep_us = 180 * DAY_US,
};

/*
 * The bytes stand last in their row: what lists sizes and times does not read them. One file holds
 * rows and bytes, so that one fsync makes both durable.
 */
static const char *const steps[] = {
    "CREATE TABLE box (mailbox TEXT PRIMARY KEY, next INTEGER NOT NULL, messages INTEGER NOT NULL,"
    " bytes INTEGER NOT NULL) STRICT;"
    "CREATE TABLE message (mailbox TEXT NOT NULL, number INTEGER NOT NULL,"
    " time_us INTEGER NOT NULL, size INTEGER NOT NULL, digest BLOB NOT NULL, bytes BLOB NOT NULL,"
    " UNIQUE (mailbox, number), UNIQUE (mailbox, digest)) STRICT;"
    "CREATE INDEX message_by_time ON message (time_us);"
    "CREATE TABLE reply (mailbox TEXT PRIMARY KEY, used_us INTEGER NOT NULL) STRICT;"
    "INSERT INTO box VALUES ('', 1, 0, 0);",
    NULL,
};
static const struct store_schema schema = { APPLICATION, steps };

struct mailboxes {
    GMutex lock;
    struct store *store;
    struct mailboxes_limits limits;
};

char *mailbox_id(const char *origin, const char *signatory)
{
    g_autofree char *text = g_strdup_printf("entente/mailbox/1\n%s\n%s", origin, signatory);

    return g_compute_checksum_for_string(G_CHECKSUM_SHA256, text, -1);
}

char *mailbox_reply_id(const guint8 key[KEY_SIZE])
{
    return g_compute_checksum_for_data(G_CHECKSUM_SHA256, key, KEY_SIZE);
}

gboolean mailbox_id_is_valid(const char *mailbox)
{
    guint8 digest[DIGEST_SIZE];

    return hex_decode_into(mailbox, digest, sizeof digest);
}

struct mailboxes *mailboxes_open(const char *data_folder, const struct mailboxes_limits *limits,
                                 GError **error)
{
    g_autofree char *path = g_build_filename(data_folder, FILE_NAME, NULL);
    struct store *store = store_open(path, &schema, STORE_WRITE, error);
    struct mailboxes *mailboxes;

    if (!store)
        return NULL;
    mailboxes = g_new0(struct mailboxes, 1);
    g_mutex_init(&mailboxes->lock);
    mailboxes->store = store;
    mailboxes->limits = standard;
    if (limits) {
#define TAKE(MEMBER) mailboxes->limits.MEMBER = limits->MEMBER ? limits->MEMBER : standard.MEMBER
        TAKE(box_bytes);
        TAKE(box_messages);
        TAKE(all_bytes);
        TAKE(keep_us);
        TAKE(reply_keep_us);
#undef TAKE
    }
    if (!mailboxes->limits.all_bytes)
        mailboxes->limits.all_bytes = ALL_BOXES * mailboxes->limits.box_bytes;
    return mailboxes;
}

void mailboxes_close(struct mailboxes *mailboxes)
{
    if (!mailboxes)
        return;
    store_close(mailboxes->store);
    g_mutex_clear(&mailboxes->lock);
    g_free(mailboxes);
}

/* --- rows --- */

struct box {
    gint64 next, messages, bytes;
};

static gboolean read_box(struct store *store, const char *mailbox, struct box *box, GError **error)
{
    g_autoptr(query_t) query =
        store_query(store, "SELECT next, messages, bytes FROM box WHERE mailbox = $1", error);
    gboolean row;

    if (!query)
        return FALSE;
    query_bind_text(query, 1, mailbox);
    if (!query_step(query, &row, error))
        return FALSE;
    *box = row ? (struct box){ query_integer(query, 0), query_integer(query, 1),
                               query_integer(query, 2) }
               : (struct box){ .next = 1 };
    return TRUE;
}

static gboolean write_box(struct store *store, const char *mailbox, const struct box *box,
                          GError **error)
{
    g_autoptr(query_t) query =
        store_query(store,
                    "INSERT INTO box VALUES ($1, $2, $3, $4) ON CONFLICT (mailbox) DO UPDATE SET"
                    " next = excluded.next, messages = excluded.messages, bytes = excluded.bytes",
                    error);

    if (!query)
        return FALSE;
    query_bind_text(query, 1, mailbox);
    query_bind_integer(query, 2, box->next);
    query_bind_integer(query, 3, box->messages);
    query_bind_integer(query, 4, box->bytes);
    return query_run(query, error);
}

/* Counts messages that came or went, in their mailbox and in all. */
static gboolean count(struct store *store, const char *mailbox, gint64 messages, gint64 bytes,
                      GError **error)
{
    const char *const names[] = { mailbox, ALL };

    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        struct box box;

        if (!read_box(store, names[i], &box, error))
            return FALSE;
        box.next += MAX(messages, 0);
        box.messages += messages;
        box.bytes += bytes;
        if (!write_box(store, names[i], &box, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean find_same(struct store *store, const char *mailbox, const guint8 *digest,
                          guint64 *number, GError **error)
{
    g_autoptr(query_t) query =
        store_query(store, "SELECT number FROM message WHERE mailbox = $1 AND digest = $2", error);
    gboolean row;

    if (!query)
        return FALSE;
    query_bind_text(query, 1, mailbox);
    query_bind_bytes(query, 2, digest, DIGEST_SIZE);
    if (!query_step(query, &row, error))
        return FALSE;
    *number = row ? (guint64)query_integer(query, 0) : 0;
    return TRUE;
}

static gboolean insert(struct store *store, const char *mailbox, guint64 number, GBytes *message,
                       const guint8 *digest, gint64 now_us, GError **error)
{
    g_autoptr(query_t) query =
        store_query(store, "INSERT INTO message VALUES ($1, $2, $3, $4, $5, $6)", error);
    gsize size;
    const void *bytes = g_bytes_get_data(message, &size);

    if (!query)
        return FALSE;
    query_bind_text(query, 1, mailbox);
    query_bind_integer(query, 2, (gint64)number);
    query_bind_integer(query, 3, now_us);
    query_bind_integer(query, 4, (gint64)size);
    query_bind_bytes(query, 5, digest, DIGEST_SIZE);
    query_bind_bytes(query, 6, bytes, size);
    return query_run(query, error);
}

/* --- messages --- */

static gboolean within_quota(const struct mailboxes *mailboxes, const struct box *box,
                             const struct box *all, gsize size, GError **error)
{
    const struct mailboxes_limits *limits = &mailboxes->limits;
    const guint64 share = size > MAILBOX_SMALL_LIMIT ? LARGE_SHARE : 1;

    return ((guint64)box->bytes + size <= limits->box_bytes / share &&
            (guint64)box->messages < limits->box_messages &&
            (guint64)all->bytes + size <= limits->all_bytes / share) ||
           policy_error(error, "the mailbox is full%s", share > 1 ? " for large messages" : "");
}

static gboolean put(struct mailboxes *mailboxes, const char *mailbox, GBytes *message,
                    const guint8 *digest, gint64 now_us, guint64 *number, GError **error)
{
    struct store *store = mailboxes->store;
    const gsize size = g_bytes_get_size(message);
    struct box box, all;

    if (!find_same(store, mailbox, digest, number, error))
        return FALSE;
    if (*number)
        return TRUE;
    if (!read_box(store, mailbox, &box, error) || !read_box(store, ALL, &all, error) ||
        !within_quota(mailboxes, &box, &all, size, error))
        return FALSE;
    *number = (guint64)box.next;
    return insert(store, mailbox, *number, message, digest, now_us, error) &&
           count(store, mailbox, 1, (gint64)size, error);
}

gboolean mailbox_put(struct mailboxes *mailboxes, const char *mailbox, GBytes *message,
                     gint64 now_us, guint64 *number, GError **error)
{
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
    guint8 digest[DIGEST_SIZE];
    gsize digest_size = sizeof digest, size;
    const void *bytes = g_bytes_get_data(message, &size);
    gboolean done;

    if (size > MAILBOX_MESSAGE_LIMIT)
        return policy_error(error, "a message has at most %u bytes", MAILBOX_MESSAGE_LIMIT);
    g_checksum_update(checksum, bytes, (gssize)size);
    g_checksum_get_digest(checksum, digest, &digest_size);
    g_mutex_lock(&mailboxes->lock);
    done = store_begin(mailboxes->store, error) &&
           put(mailboxes, mailbox, message, digest, now_us, number, error) &&
           store_commit(mailboxes->store, error);
    if (!done)
        store_rollback(mailboxes->store);
    g_mutex_unlock(&mailboxes->lock);
    return done;
}

static gboolean select_rows(struct store *store, const char *mailbox, guint64 after, guint limit,
                            GArray *rows, GError **error)
{
    g_autoptr(query_t) query = store_query(store,
                                           "SELECT number, size, time_us FROM message WHERE"
                                           " mailbox = $1 AND number > $2 ORDER BY number LIMIT $3",
                                           error);
    gboolean row;

    if (!query)
        return FALSE;
    query_bind_text(query, 1, mailbox);
    query_bind_integer(query, 2, (gint64)MIN(after, (guint64)G_MAXINT64));
    query_bind_integer(query, 3, limit);
    while (query_step(query, &row, error)) {
        struct mailbox_row found;

        if (!row)
            return TRUE;
        found = (struct mailbox_row){ (guint64)query_integer(query, 0),
                                      (guint64)query_integer(query, 1), query_integer(query, 2) };
        g_array_append_val(rows, found);
    }
    return FALSE;
}

GArray *mailbox_list(struct mailboxes *mailboxes, const char *mailbox, guint64 after, guint limit,
                     GError **error)
{
    g_autoptr(GArray) rows = g_array_new(FALSE, FALSE, sizeof(struct mailbox_row));
    gboolean done;

    g_mutex_lock(&mailboxes->lock);
    done = select_rows(mailboxes->store, mailbox, after, limit, rows, error);
    g_mutex_unlock(&mailboxes->lock);
    return done ? g_steal_pointer(&rows) : NULL;
}

static GBytes *select_bytes(struct store *store, const char *mailbox, guint64 number,
                            GError **error)
{
    g_autoptr(query_t) query =
        store_query(store, "SELECT bytes FROM message WHERE mailbox = $1 AND number = $2", error);
    gboolean row;
    gsize size;
    const void *bytes;

    if (!query)
        return NULL;
    query_bind_text(query, 1, mailbox);
    query_bind_integer(query, 2, (gint64)MIN(number, (guint64)G_MAXINT64));
    if (!query_step(query, &row, error) || !row)
        return NULL;
    bytes = query_bytes(query, 0, &size);
    return g_bytes_new(bytes, size);
}

GBytes *mailbox_get(struct mailboxes *mailboxes, const char *mailbox, guint64 number,
                    GError **error)
{
    GBytes *bytes;

    g_mutex_lock(&mailboxes->lock);
    bytes = select_bytes(mailboxes->store, mailbox, number, error);
    g_mutex_unlock(&mailboxes->lock);
    return bytes;
}

static gboolean delete_row(struct store *store, const char *mailbox, guint64 number, GError **error)
{
    g_autoptr(query_t) find =
        store_query(store, "SELECT size FROM message WHERE mailbox = $1 AND number = $2", error);
    g_autoptr(query_t) drop = NULL;
    gboolean row;
    gint64 size;

    if (!find)
        return FALSE;
    query_bind_text(find, 1, mailbox);
    query_bind_integer(find, 2, (gint64)MIN(number, (guint64)G_MAXINT64));
    if (!query_step(find, &row, error))
        return FALSE;
    if (!row)
        return TRUE;
    size = query_integer(find, 0);
    drop = store_query(store, "DELETE FROM message WHERE mailbox = $1 AND number = $2", error);
    if (!drop)
        return FALSE;
    query_bind_text(drop, 1, mailbox);
    query_bind_integer(drop, 2, (gint64)number);
    return query_run(drop, error) && count(store, mailbox, -1, -size, error);
}

/* One change, whole or not at all. */
static gboolean change(struct mailboxes *mailboxes,
                       gboolean (*what)(struct mailboxes *mailboxes, const char *mailbox,
                                        guint64 number, gint64 now_us, guint *changed,
                                        GError **error),
                       const char *mailbox, guint64 number, gint64 now_us, guint *changed,
                       GError **error)
{
    gboolean done;

    g_mutex_lock(&mailboxes->lock);
    done = store_begin(mailboxes->store, error) &&
           what(mailboxes, mailbox, number, now_us, changed, error) &&
           store_commit(mailboxes->store, error);
    if (!done)
        store_rollback(mailboxes->store);
    g_mutex_unlock(&mailboxes->lock);
    return done;
}

/* Whether the message of a number, if there is one, is the one that is meant. */
static gboolean is_meant(struct store *store, const char *mailbox, guint64 number,
                         const char *sha256, GError **error)
{
    g_autoptr(query_t) query =
        store_query(store, "SELECT digest FROM message WHERE mailbox = $1 AND number = $2", error);
    guint8 wanted[DIGEST_SIZE];
    gboolean row;
    gsize size = 0;
    const void *digest;

    if (!query)
        return FALSE;
    query_bind_text(query, 1, mailbox);
    query_bind_integer(query, 2, (gint64)MIN(number, (guint64)G_MAXINT64));
    if (!query_step(query, &row, error))
        return FALSE;
    digest = row ? query_bytes(query, 0, &size) : NULL;
    return !row ||
           (hex_decode_into(sha256, wanted, sizeof wanted) && size == sizeof wanted &&
            memcmp(digest, wanted, sizeof wanted) == 0) ||
           policy_error(error, "the message of this number is another one");
}

gboolean mailbox_delete(struct mailboxes *mailboxes, const char *mailbox, guint64 number,
                        const char *sha256, GError **error)
{
    struct store *store = mailboxes->store;
    gboolean done;

    g_mutex_lock(&mailboxes->lock);
    done = store_begin(store, error) && is_meant(store, mailbox, number, sha256, error) &&
           delete_row(store, mailbox, number, error) && store_commit(store, error);
    if (!done)
        store_rollback(store);
    g_mutex_unlock(&mailboxes->lock);
    return done;
}

/* --- reply boxes --- */

static gboolean change_open(struct mailboxes *mailboxes, const char *mailbox, guint64 number,
                            gint64 now_us, guint *changed, GError **error)
{
    g_autoptr(query_t) query =
        store_query(mailboxes->store,
                    "INSERT INTO reply VALUES ($1, $2) ON CONFLICT (mailbox) DO UPDATE SET"
                    " used_us = excluded.used_us",
                    error);

    (void)number;
    (void)changed;
    if (!query)
        return FALSE;
    query_bind_text(query, 1, mailbox);
    query_bind_integer(query, 2, now_us);
    return query_run(query, error);
}

gboolean mailbox_open_reply(struct mailboxes *mailboxes, const char *mailbox, gint64 now_us,
                            GError **error)
{
    return change(mailboxes, change_open, mailbox, 0, now_us, NULL, error);
}

static gboolean is_reply(struct store *store, const char *mailbox, gboolean *is, GError **error)
{
    g_autoptr(query_t) query =
        store_query(store, "SELECT used_us FROM reply WHERE mailbox = $1", error);

    if (!query)
        return FALSE;
    query_bind_text(query, 1, mailbox);
    return query_step(query, is, error);
}

gboolean mailbox_is_reply(struct mailboxes *mailboxes, const char *mailbox, gboolean *is,
                          GError **error)
{
    gboolean done;

    g_mutex_lock(&mailboxes->lock);
    done = is_reply(mailboxes->store, mailbox, is, error);
    g_mutex_unlock(&mailboxes->lock);
    return done;
}

/* --- how full, and what is too old --- */

gboolean mailbox_fill(struct mailboxes *mailboxes, const char *mailbox, struct mailbox_fill *fill,
                      GError **error)
{
    const struct mailboxes_limits *limits = &mailboxes->limits;
    const guint64 bytes = mailbox ? limits->box_bytes : limits->all_bytes;
    struct box box;
    gboolean done;

    g_mutex_lock(&mailboxes->lock);
    done = read_box(mailboxes->store, mailbox ? mailbox : ALL, &box, error);
    g_mutex_unlock(&mailboxes->lock);
    if (!done)
        return FALSE;
    fill->bytes = (guint64)box.bytes;
    fill->messages = (guint64)box.messages;
    fill->share = (guint)(fill->bytes * PERCENT / bytes);
    if (mailbox)
        fill->share = MAX(fill->share, (guint)(fill->messages * PERCENT / limits->box_messages));
    return TRUE;
}

/* The next message that is too old: before one time in a reply box, before another elsewhere. */
static gboolean find_old(struct store *store, gint64 before_us, gint64 reply_before_us,
                         char **mailbox, guint64 *number, GError **error)
{
    g_autoptr(query_t) query =
        store_query(store,
                    "SELECT mailbox, number FROM message WHERE (time_us < $1 AND NOT EXISTS"
                    " (SELECT 1 FROM reply WHERE reply.mailbox = message.mailbox))"
                    " OR time_us < $2 ORDER BY time_us LIMIT 1",
                    error);
    gboolean row;

    *mailbox = NULL;
    if (!query)
        return FALSE;
    query_bind_integer(query, 1, before_us);
    query_bind_integer(query, 2, reply_before_us);
    if (!query_step(query, &row, error))
        return FALSE;
    if (row) {
        *mailbox = g_strdup(query_text(query, 0));
        *number = (guint64)query_integer(query, 1);
    }
    return TRUE;
}

static gboolean forget_replies(struct store *store, gint64 before_us, GError **error)
{
    g_autoptr(query_t) query =
        store_query(store,
                    "DELETE FROM reply WHERE used_us < $1 AND NOT EXISTS"
                    " (SELECT 1 FROM message WHERE message.mailbox = reply.mailbox)",
                    error);

    if (!query)
        return FALSE;
    query_bind_integer(query, 1, before_us);
    return query_run(query, error);
}

static gboolean change_tick(struct mailboxes *mailboxes, const char *mailbox, guint64 number,
                            gint64 now_us, guint *changed, GError **error)
{
    const gint64 before_us = now_us - mailboxes->limits.keep_us;
    const gint64 reply_before_us = now_us - mailboxes->limits.reply_keep_us;

    (void)mailbox;
    (void)number;
    for (;;) {
        g_autofree char *old = NULL;
        guint64 which;

        if (!find_old(mailboxes->store, before_us, reply_before_us, &old, &which, error))
            return FALSE;
        if (!old)
            return forget_replies(mailboxes->store, reply_before_us, error);
        if (!delete_row(mailboxes->store, old, which, error))
            return FALSE;
        ++*changed;
    }
}

gboolean mailboxes_tick(struct mailboxes *mailboxes, gint64 now_us, guint *dropped, GError **error)
{
    guint count_dropped = 0;
    gboolean done = change(mailboxes, change_tick, NULL, 0, now_us, &count_dropped, error);

    if (dropped)
        *dropped = count_dropped;
    return done;
}
