/*
 * hunt_table.h: tables of kind "hunt": assertions of many feeds, compiled for the scanner.
 *
 *     assertions ─ key, hash (hunt_key.h) ─> table: key ─> one value per assertion (table/table.h)
 *                └ small filters ─> sections: last labels, /24 networks, URL hosts
 *
 * A key is what can be seen in a log; its values are who asserted it, in the order of the feeds.
 * Domain and host names share their keys, and so do the ways to write one network.
 */
#pragma once
#include "p1_resilience/hunt/feed.h"
#include "p1_resilience/hunt/hunt_key.h"
#include "p1_resilience/hunt/scan.h"
#include "table/table_set.h"

#define HUNT_TABLE_KIND "hunt"

/* The key of an indicator, as the scanner makes it from a log. */
struct hunt_key {
    guint64 hash;
    gsize length;
    guint8 bytes[HUNT_KEY_MAX];
};
/* FALSE when it is longer than any key. */
gboolean hunt_key_of(const struct indicator *indicator, struct hunt_key *key);
/* An indicator that has this key; FALSE when none has. Cleared by the caller. */
gboolean hunt_key_indicator(const guint8 *key, gsize length, struct indicator *indicator);

/* Building. */

struct hunt_compiler;
typedef struct hunt_compiler hunt_compiler_t;

/* The table is built at `path` by the time `built_us`, which is its serial; expires_us 0: never. */
struct hunt_compiler *hunt_compiler_new(const char *path, gint64 built_us, gint64 expires_us,
                                        GError **error);
/* Also an unfinished one, which leaves nothing. */
void hunt_compiler_free(struct hunt_compiler *compiler);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hunt_compiler_t, hunt_compiler_free)

/* Takes one assertion; a feed_take, with the compiler as its data. */
gboolean hunt_compiler_take(const struct assertion *assertion, gpointer compiler, GError **error);

/*
 * Puts the table in place, readable for its owner: what feeds say may be TLP:RED. The report's
 * sources and skips go with it, after what was too long for a key was added to them; `warnings`
 * (may be NULL) are the lists that the assertions name.
 */
gboolean hunt_compiler_finish(struct hunt_compiler *compiler, struct feed_report *report,
                              const struct warning_lists *warnings, GError **error);

/* Reading. */

struct hunt_table;
typedef struct hunt_table hunt_table_t;

/* As table_open(), and checks the sections. Safe whatever the file holds. */
struct hunt_table *hunt_table_open(const char *path, GError **error);
struct hunt_table *hunt_table_open_bytes(GBytes *bytes, const char *name, GError **error);

/*
 * Several tables (NULL-terminated paths, at most HUNT_NEEDLES_FILTERS_MAX) that answer as one: a
 * large one, and those of what came since; their order does not matter. Refused when two were built
 * at the same moment, as is one that is named twice.
 */
struct hunt_table *hunt_table_open_all(const char *const *paths, GError **error);
void hunt_table_free(struct hunt_table *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hunt_table_t, hunt_table_free)

/* The tables themselves, the oldest first: serial, times, digest, number of keys. */
gsize hunt_table_parts(const struct hunt_table *table);
const struct table *hunt_table_part(const struct hunt_table *table, gsize index);
guint64 hunt_table_bytes(const struct hunt_table *table); /* of all files */

/* Assertions of a kind; keys are fewer. */
guint64 hunt_table_count(const struct hunt_table *table, enum indicator_kind kind);

/* Whether something in it asks for more than one value on a line. */
gboolean hunt_table_has_terms(const struct hunt_table *table);

/* What the scanner looks for; borrows from the table. */
struct hunt_needles hunt_table_needles(const struct hunt_table *table);

/* Who asserts: strings live as long as the table, those that are not known are NULL. */
struct hunt_source {
    const char *name, *title, *id, *path;
    enum feed_format format;
    enum tlp tlp;
    gint64 time_us;
    guint64 assertions;
};
guint hunt_table_sources(const struct hunt_table *table);
gboolean hunt_table_source(const struct hunt_table *table, guint index, struct hunt_source *source);

/* The warning list `index` (an assertion's `warning` less 1); NULL when there is none. */
const char *hunt_table_warning(const struct hunt_table *table, guint index);

/* What of the feeds is not hunted: the reason's name and text, and how often; FALSE after the last.
 */
gboolean hunt_table_skipped(const struct hunt_table *table, guint index, const char **name,
                            const char **text, guint64 *count);

/* The assertions of one key. Starts as { 0 }; what it gives lives until the next call on it. */
struct hunt_cursor {
    struct table_set_cursor values;
    const guint8 *key;
    gsize key_length;
    char *text; /* of the indicator */
    guint text_kind;
};
void hunt_cursor_clear(struct hunt_cursor *cursor);
typedef struct hunt_cursor hunt_cursor_t;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(hunt_cursor_t, hunt_cursor_clear)

/* Whether the key is there; then the cursor stands before its first assertion. Borrows `key`. */
gboolean hunt_table_find(const struct hunt_table *table, guint64 hash, gconstpointer key,
                         gsize length, struct hunt_cursor *cursor);

/* The next assertion under the key, in the order of the feeds; FALSE after the last. */
gboolean hunt_table_next(const struct hunt_table *table, struct hunt_cursor *cursor,
                         struct assertion *assertion);

/* Every key once, in no order that means anything; a walk starts as { 0 }. */
struct hunt_walk {
    gsize part;
    struct table_walk keys; /* of that part; the one met last: keys.hash, keys.key, keys.length */
};
gboolean hunt_table_walk(const struct hunt_table *table, struct hunt_walk *walk,
                         struct hunt_cursor *cursor);
