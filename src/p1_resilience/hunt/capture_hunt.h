/*
 * capture_hunt.h: captures in, values out: what `entente hunt pcap` calls.
 *
 *     parent: opens the file ──descriptor──> worker, confined: unpacks, reads (capture_values.h)
 *             looks values up <──pipe─────── distinct values, where it stands
 *
 * Nothing of a capture is parsed in the parent.
 */
#pragma once
#include "p1_resilience/hunt/capture_values.h"
#include "p1_resilience/hunt/hit.h"
#include "stream/input.h"

/* How one file came through. */
struct capture_read {
    guint64 read; /* bytes of the file, as it lies */
    struct capture_counts counts;
    char *problem; /* why not all of it was read; NULL */
};
void capture_read_clear(struct capture_read *read);
typedef struct capture_read capture_read_t;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(capture_read_t, capture_read_clear)

struct capture_calls {
    capture_take value;
    /* Now and then: bytes of the file done. FALSE stops. Or NULL. */
    gboolean (*progress)(guint64 done, gpointer data);
    gpointer data;
};

/*
 * Reads one file, which it opens and closes; `quic` may be NULL. FALSE and ENTENTE_ERROR_SYSTEM
 * when no worker can be had; what is wrong with the file is in `read`.
 */
gboolean capture_read_file(struct input *input, const struct quic_library *quic,
                           const struct capture_calls *calls, struct capture_read *read,
                           GError **error);

/* Hits of a value. */
struct capture_hunter;
struct capture_hunter *capture_hunter_new(const struct hunt_table *table,
                                          const struct hit_rule *rule);
void capture_hunter_free(struct capture_hunter *hunter);
typedef struct capture_hunter capture_hunter_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(capture_hunter_t, capture_hunter_free)

/*
 * Looks the value up by what it is: addresses in their networks, names below their domains, URLs
 * as they are; user agents and texts are searched as lines of a log are. Of each hit, `line` is the
 * packet. Gives how many assertions were out of their time.
 */
guint capture_hunt(struct capture_hunter *hunter, const char *file,
                   const struct capture_value *value, hunt_hit_function take, gpointer data);
