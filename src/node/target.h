/*
 * target.h: what a request asks for (RFC 9112 section 3.2): the path decoded, the query's members,
 * and which route that is.
 */
#pragma once
#include "node/service.h"

#define TARGET_PATH_LIMIT 1024u
#define TARGET_QUERY_LIMIT 2048u

struct target {
    char path[TARGET_PATH_LIMIT];
    char query[TARGET_QUERY_LIMIT]; /* NAME NUL VALUE NUL ..., decoded */
    gsize query_length;
};

/*
 * Reads the origin form ("/path?query") and the absolute form ("http://host/path"). Gives the
 * status to answer with: 200; 400 for broken escapes, escaped '/', NUL and controls; 414 for what
 * is longer than the limits; then `path` is what was read before that.
 */
guint target_parse(const char *text, struct target *target);

/* The first value of a member of the query; NULL when it is not there. */
const char *target_query(const struct target *target, const char *name);

/*
 * Whether `path` is what `pattern` says; `parameter` points `length` bytes into it, or is NULL. Of
 * a pattern with several "{...}" it is all from the first to the last: "ab/messages/7".
 */
gboolean route_matches(const char *pattern, const char *path, const char **parameter,
                       gsize *length);

/*
 * "bytes=N-M", "bytes=N-", "bytes=-N" of something of `size` bytes (RFC 9110 section 14.2): the
 * status to answer with. 200: no range, or one that is to be ignored (several, or none that we
 * know); 206; 416.
 */
guint range_parse(const char *text, guint64 size, guint64 *first, guint64 *count);
