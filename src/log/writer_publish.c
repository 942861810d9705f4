#include "log/writer_private.h"

#include "base/clock.h"
#include "base/error.h"

#include <string.h>

/* ---- signing ---- */

/* The lock row first, then the signature: what was ever signed is never ahead of the row. */
static GBytes *sign_now(struct log_writer *writer, guint64 size, const struct merkle_hash *root,
                        GError **error)
{
    const struct lock_state *old = &writer->signed_state;
    const struct lock_state next = { size, *root, MAX(clock_now_us(), old->time_us) };

    if (writer->signed_note && old->size == size)
        return g_bytes_ref(writer->signed_note);
    if (old->size != size) {
        if (!writer->commits->calls->lock_advance(writer->commits, &next, error))
            return NULL;
        writer->signed_state = next;
    }
    g_clear_pointer(&writer->signed_note, g_bytes_unref);
    writer->signed_note = checkpoint_sign(writer->key, size, root);
    return g_bytes_ref(writer->signed_note);
}

GBytes *log_writer_checkpoint(struct log_writer *writer)
{
    struct merkle_hash root;
    GError *error = NULL;
    GBytes *note = NULL;
    guint64 size;

    pthread_mutex_lock(&writer->sign_lock);
    pthread_mutex_lock(&writer->lock);
    size = writer->size;
    root = writer->root;
    pthread_mutex_unlock(&writer->lock);
    if (writer_works(writer, NULL)) {
        note = sign_now(writer, size, &root, &error);
        if (!note)
            writer_fail(writer, error);
    }
    pthread_mutex_unlock(&writer->sign_lock);
    return note;
}

gint64 log_writer_time_us(struct log_writer *writer)
{
    gint64 time_us;

    pthread_mutex_lock(&writer->sign_lock);
    time_us = MAX(clock_now_us(), writer->signed_state.time_us);
    pthread_mutex_unlock(&writer->sign_lock);
    return time_us;
}

/* ---- proofs ---- */

/* Waits until all tiles below `size` are there; refuses a size that is not committed. */
static gboolean have_tiles(struct log_writer *writer, guint64 size, GError **error)
{
    gboolean committed;

    pthread_mutex_lock(&writer->lock);
    committed = size <= writer->size;
    while (committed && writer->tiled < size && !writer->failure)
        pthread_cond_wait(&writer->changed, &writer->lock);
    pthread_mutex_unlock(&writer->lock);
    return committed ? writer_works(writer, error)
                     : input_error(error, "the log has no size %" G_GUINT64_FORMAT " yet", size);
}

gboolean log_writer_consistency(struct log_writer *writer, guint64 old_size, guint64 size,
                                struct merkle_hash *path, guint *length, GError **error)
{
    g_autoptr(merkle_t) merkle = merkle_new();
    struct tile_nodes nodes = { writer->tiles, merkle };

    return have_tiles(writer, size, error) &&
           tree_consistency(merkle, old_size, size, tile_set_node, &nodes, path, length, error);
}

gboolean log_writer_inclusion(struct log_writer *writer, guint64 index, guint64 size,
                              struct merkle_hash *path, guint *length, GError **error)
{
    g_autoptr(merkle_t) merkle = merkle_new();
    struct tile_nodes nodes = { writer->tiles, merkle };

    return have_tiles(writer, size, error) &&
           tree_inclusion(merkle, index, size, tile_set_node, &nodes, path, length, error);
}

gboolean log_writer_settle(struct log_writer *writer, guint64 size, GError **error)
{
    return have_tiles(writer, size, error) && tile_set_write_partial(writer->tiles, size, error);
}

/* ---- publishing ---- */

static gboolean may_publish(struct log_writer *writer, guint64 size, GError **error)
{
    gboolean is_signed;

    if (size < writer->published.size)
        return policy_error(error,
                            "size %" G_GUINT64_FORMAT " is behind the published %" G_GUINT64_FORMAT,
                            size, writer->published.size);
    pthread_mutex_lock(&writer->sign_lock);
    is_signed = size <= writer->signed_state.size;
    pthread_mutex_unlock(&writer->sign_lock);
    return is_signed || policy_error(error, "size %" G_GUINT64_FORMAT " was not signed here", size);
}

/* Who follows the same commit log first. A failure of these writes is final. */
static gboolean publish(struct log_writer *writer, GBytes *note, guint64 size, gboolean trusted,
                        GError **error)
{
    g_autoptr(GError) trouble = NULL;

    if (writer->commits->calls->publish(writer->commits, note, size, trusted, &trouble) &&
        published_put(&writer->published, writer->tiles, note, size, trusted, &trouble))
        return TRUE;
    writer_fail(writer, g_error_copy(trouble));
    g_propagate_error(error, g_steal_pointer(&trouble));
    return FALSE;
}

gboolean log_writer_publish(struct log_writer *writer, GBytes *note, gboolean trusted,
                            GError **error)
{
    g_autoptr(checkpoint_t) checkpoint =
        published_parse(&writer->published, note, "the checkpoint", error);
    gboolean done;

    if (!checkpoint)
        return FALSE;
    pthread_mutex_lock(&writer->publish_lock);
    done = may_publish(writer, checkpoint->size, error) &&
           have_tiles(writer, checkpoint->size, error) &&
           published_has_root(writer->tiles, checkpoint, "the checkpoint", error) &&
           publish(writer, note, checkpoint->size, trusted, error);
    pthread_mutex_unlock(&writer->publish_lock);
    return done;
}
