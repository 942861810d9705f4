/* hit.h: a match in a log, joined with who asserts the indicator. */
#pragma once
#include "base/json.h"
#include "p1_resilience/hunt/hit_time.h"
#include "p1_resilience/hunt/hunt_table.h"

/* Why a hit is not one to act on. */
#define HIT_FALSE_POSITIVE "reported as a false positive"

struct hunt_hit {
    const char *file;
    guint64 line, offset; /* of the token's first byte, in the unpacked file */
    enum indicator_kind kind;
    const char *indicator; /* its normal form */
    const guint8 *token;   /* as the view shows it; any bytes */
    gsize token_length;
    enum hunt_view view;
    GPtrArray *sources; /* const char *: names, each once, in the order of the feeds */
    guint8 confidence;  /* the highest; ASSERTION_NO_CONFIDENCE when nobody says */
    enum tlp tlp;       /* the most closed: what was said of the indicator may go no further */
    const char *suppressed_by; /* a warning list, HIT_FALSE_POSITIVE, or NULL */
    gboolean partial;   /* all who assert it ask for more (a pattern with AND) than was seen here */
    GPtrArray *in_part; /* char *: objects that ask for more, where others do not; NULL: none */
    gint64 time_us;     /* of the line; HIT_TIME_NONE */
    const guint8 *text; /* the line, when it was asked for; else NULL */
    gsize text_length;
    /* For statements and sightings: the key, and what was asserted, in order. */
    guint64 hash;
    const guint8 *key;
    gsize key_length;
};

/* When assertions must have been valid. */
enum hit_validity {
    HIT_VALID_ANY,  /* do not ask */
    HIT_VALID_AT,   /* at a given time */
    HIT_VALID_LINE, /* when the line was written; lines without a time: any */
};

struct hit_rule {
    enum hit_validity validity;
    gint64 at_us;
};

struct hit_seen;

typedef void (*hunt_hit_function)(const struct hunt_hit *hit, gpointer data);

/*
 * The hits that one match makes: one for each kind and text asserted under its key, none for what
 * was withdrawn or is out of its time. `base` has the place, the token and the line; its other
 * members are filled in here. `repeated` and `whole` as in struct hunt_match. `seen`: all keys of
 * the line (hit_terms.h), or NULL where that is not known. Gives how many assertions were out of
 * their time.
 */
guint hunt_hits(const struct hunt_table *table, const struct hunt_hit *base, gboolean whole,
                gboolean repeated, const struct hit_seen *seen, const struct hit_rule *rule,
                hunt_hit_function take, gpointer data);

/* The member "in_part", where there is something to say. */
void hunt_hit_put_in_part(const struct hunt_hit *hit, json_t *object);

/* The members of a hit: docs/schema/hunt-scan.json. */
json_t *hunt_hit_object(const struct hunt_hit *hit);

/* The same as one line, without its end. */
char *hunt_hit_json(const struct hunt_hit *hit);

/* The token for people: bytes that are no text are escaped. */
char *hunt_hit_token(const struct hunt_hit *hit);
