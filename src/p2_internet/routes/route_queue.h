/*
 * route_queue.h: route elements that wait for their turn, with all that they point to.
 *
 * A reader's elements are borrowed during a call; what several readers say together has to be put
 * in order first. Attributes are kept but for MP_REACH_NLRI's and MP_UNREACH_NLRI's prefixes, which
 * are elements themselves by then; elements of one message share theirs.
 */
#pragma once
#include "p2_internet/routes/route.h"

struct route_queue;
typedef struct route_queue route_queue_t;
struct route_queue *route_queue_new(void);
void route_queue_free(struct route_queue *queue);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(route_queue_t, route_queue_free)

/* Adds a copy, with the name of its feed. */
void route_queue_add(struct route_queue *queue, const char *feed,
                     const struct route_element *element);

/*
 * The first; NULL: it is empty. Borrowed until route_queue_drop(), which takes it out. The memory
 * of all is given back once the last was taken out.
 */
const struct route_element *route_queue_first(const struct route_queue *queue, const char **feed);
void route_queue_drop(struct route_queue *queue);
