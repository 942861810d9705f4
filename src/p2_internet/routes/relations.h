/*
 * relations.h: who buys from whom and who exchanges with whom, as given in a file, and paths that
 * contradict it.
 *
 *     # a comment
 *     3356|64500|-1        64500 is a customer of 3356
 *     3356|1299|0          they are peers
 *     174|64500|-1|bgp     serial-2 says where it is from
 *
 * These are the files of CAIDA (as-rel, serial-1 and serial-2), plain or packed. A pair that is
 * said to be both is known to be neither.
 *
 * A route goes up to providers, across once, then down to customers (valley-free; RFC 7908 types 1
 * to 4 are what is not). Who has a route from a provider or a peer and passes it to a provider or
 * a peer leaks. Judged where both relations of an AS are known, and nowhere else.
 */
#pragma once
#include <glib.h>

enum relation { RELATION_UNKNOWN, RELATION_PROVIDER, RELATION_CUSTOMER, RELATION_PEER };

struct relations;
typedef struct relations relations_t;
struct relations *relations_new(void);
struct relations *relations_ref(struct relations *relations);
void relations_unref(struct relations *relations); /* NULL too */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(relations_t, relations_unref)

/*
 * Reads a file in a worker, so in a process with a single thread; several are one. "-" is standard
 * input. What is refused is refused with its line.
 */
gboolean relations_read(struct relations *relations, const char *path, GError **error);
/* The same of bytes, in this process: for who is confined already, and for tests. */
gboolean relations_take(struct relations *relations, const void *bytes, gsize length,
                        const char *name, GError **error);

/* One more, in two ways: what `other` is to `as`. FALSE: there are too many. */
gboolean relations_add(struct relations *relations, guint32 as, guint32 other, enum relation is);
/* Ends the reading; only then can be asked. */
void relations_seal(struct relations *relations);

gsize relations_count(const struct relations *relations); /* pairs */
/* What `other` is to `as`. */
enum relation relations_of(const struct relations *relations, guint32 as, guint32 other);

struct relations_leak {
    guint32 as;                   /* who leaked */
    guint32 from, to;             /* of whom it had the route, and to whom it passed it */
    enum relation from_is, to_is; /* to it: RELATION_PROVIDER or RELATION_PEER */
};
/* A path of hops without repetitions, nearest first; 0: a set. The leak nearest to the origin. */
gboolean relations_leak(const struct relations *relations, const guint32 *hops, guint count,
                        struct relations_leak *leak);
