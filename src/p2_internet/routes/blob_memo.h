/*
 * blob_memo.h: what was made of a run of bytes, kept for when the same bytes come again.
 *
 * In a table dump the attributes of a peer's route mostly are those of the route before: they are
 * taken apart once. A memo forgets what was not asked for lately, so it has a fixed number of
 * places; what is too long for a place is never kept. Of one thread.
 */
#pragma once
#include <glib.h>

#define BLOB_MEMO_KEY_MAX ((gsize)2048) /* bytes that are kept */

struct blob_memo;
typedef struct blob_memo blob_memo_t;

/*
 * 2^bits places for values of `value_size` bytes, zeroed at first. `clear` (or NULL) is called on
 * every value in the end.
 */
struct blob_memo *blob_memo_new(guint bits, gsize value_size, void (*clear)(gpointer value));
void blob_memo_free(struct blob_memo *memo);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(blob_memo_t, blob_memo_free)

/*
 * The value for `bytes` under `salt` (what else the value depends on). `*is_new`: it is zeroed or
 * of other bytes, whose memory may be used again, and is the caller's to fill. `*kept` are the same
 * bytes, good for as long as the value: until the next call.
 */
gpointer blob_memo_get(struct blob_memo *memo, const guint8 *bytes, gsize length, guint32 salt,
                       const guint8 **kept, gboolean *is_new);
