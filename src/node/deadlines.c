/*
 * deadlines.c: cuts off peers that take longer for a step than it may last.
 *
 * libmicrohttpd starts its own timeout anew with every byte, so one byte a second would hold a
 * connection for hours. Here each step has one deadline, whatever trickles in. A connection past
 * it is shut down, not closed: its thread then sees the end and closes it, and the descriptor
 * cannot be another connection's meanwhile, for it leaves the list first, under the same lock.
 */
#include "node/face_private.h"

#include <sys/socket.h>

#define LOOK_EVERY_US (G_USEC_PER_SEC / 4)

void deadline_set(struct wire *wire, guint seconds)
{
    gint64 until_us = seconds ? g_get_monotonic_time() + (gint64)seconds * G_USEC_PER_SEC : 0;

    __atomic_store_n(&wire->deadline_us, until_us, __ATOMIC_RELAXED);
}

static void look(struct face *face, gint64 now_us)
{
    for (struct wire *wire = face->wires; wire; wire = wire->next) {
        gint64 until_us = __atomic_load_n(&wire->deadline_us, __ATOMIC_RELAXED);

        if (!until_us || until_us > now_us)
            continue;
        __atomic_store_n(&wire->deadline_us, 0, __ATOMIC_RELAXED);
        __atomic_fetch_add(&face->counters.cut, 1, __ATOMIC_RELAXED);
        shutdown(wire->fd, SHUT_RDWR);
    }
}

static gpointer watch(gpointer data)
{
    struct face *face = data;

    g_mutex_lock(&face->wires_lock);
    while (!face->wires_done) {
        gint64 now_us = g_get_monotonic_time();

        look(face, now_us);
        g_cond_wait_until(&face->wires_changed, &face->wires_lock, now_us + LOOK_EVERY_US);
    }
    g_mutex_unlock(&face->wires_lock);
    return NULL;
}

void deadlines_start(struct face *face)
{
    face->watcher = g_thread_new("deadlines", watch, face);
}

void deadlines_stop(struct face *face)
{
    if (!face->watcher)
        return;
    g_mutex_lock(&face->wires_lock);
    face->wires_done = TRUE;
    g_cond_signal(&face->wires_changed);
    g_mutex_unlock(&face->wires_lock);
    g_thread_join(g_steal_pointer(&face->watcher));
}

void deadlines_add(struct face *face, struct wire *wire)
{
    g_mutex_lock(&face->wires_lock);
    wire->next = face->wires;
    wire->previous = NULL;
    if (face->wires)
        face->wires->previous = wire;
    face->wires = wire;
    g_mutex_unlock(&face->wires_lock);
}

void deadlines_remove(struct face *face, struct wire *wire)
{
    g_mutex_lock(&face->wires_lock);
    if (wire->next)
        wire->next->previous = wire->previous;
    if (wire->previous)
        wire->previous->next = wire->next;
    else
        face->wires = wire->next;
    g_mutex_unlock(&face->wires_lock);
}
