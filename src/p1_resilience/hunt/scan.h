/*
 * scan.h: finds indicators in log lines, at the speed of memory.
 *
 * The rules: a log is lines ended by LF; what is a token of which kind, and when it matches, says
 * docs/architecture.md ("Hunting: what matches"). hits(line) = P(line), P(json(line)) when it has
 * a backslash, P(percent(line)) when it has a percent sign; a key is reported once per line.
 *
 *     bytes ─> class masks ─> candidates ─> small filters ─> queue ─> table's filter ─> exact key
 *              (class.h:      (dots, '@',   (last label,              (fetched ahead)   (holds())
 *               64 bytes to   "::", "://",   /24, URL host)
 *               one word)     hex runs)
 *
 * Tokens that touch a backslash or percent escape are unescaped into a second, small text, which
 * goes through the same engine (view.h). A scanner belongs to one thread; the needles may be
 * shared.
 */
#pragma once
#include "table/table.h"

#include <glib.h>

/* Bytes after the scanned ones that must be readable; what they are does not matter. */
#define HUNT_SCAN_PADDING 64

/* Filters probed one after another: a table and the segments added to it since. */
#define HUNT_NEEDLES_FILTERS_MAX 8

/* What passes over most of a text before anything is known of it; sieve.h makes them. */
struct hunt_sieve {
    const guint64 *endings; /* of names; NULL: everything is looked at */
    gsize ending_words;     /* a power of two */
    const guint64 *middles; /* of IPv4 networks, HUNT_KEY_MIDDLES_WORDS; NULL: all may be */
};

/* What is looked for: filters of an opened table (hunt_key.h), and the exact answer. Borrowed. */
struct hunt_needles {
    const guint64 *last_labels; /* HUNT_KEY_LAST_LABEL_WORDS words; NULL: no names */
    const guint64 *networks;    /* HUNT_KEY_NETWORKS_BITS bits; NULL: no IPv4 */
    guint64 lengths4;           /* bit n: there are IPv4 keys of prefix length n */
    guint64 lengths6[3];        /* the same for IPv6, 0..128; all 0: no IPv6 */
    const guint64 *url_hosts;   /* NULL: no URLs */
    gsize url_host_words;       /* a power of two */
    gboolean digests, emails;   /* whether there are any */
    struct hunt_sieve sieve;    /* sieve.h */
    struct table_filter filters[HUNT_NEEDLES_FILTERS_MAX];
    guint filter_count;
    /* Whether this very key is there. Called from several threads at once. */
    gboolean (*holds)(gconstpointer table, guint64 hash, gconstpointer key, gsize length);
    gconstpointer table;
};

/* How the token was written in the line. */
enum hunt_view {
    HUNT_VIEW_RAW,
    HUNT_VIEW_JSON,
    HUNT_VIEW_PERCENT,
    HUNT_VIEW_DEFANGED,
    HUNT_VIEW_JOINED, /* in two columns of it */
    HUNT_VIEWS
};
const char *hunt_view_name(enum hunt_view view); /* "raw", "json", "pct", "defanged", "joined" */

/* One key in one line. Borrowed: valid during the call. */
struct hunt_match {
    guint64 line;   /* as hunt_scan_lines() was told, the first one plus the LFs before */
    guint64 offset; /* of the token's first byte in the stream */
    enum hunt_view view;
    gboolean whole;      /* the key is the whole token: not a parent domain of it */
    gboolean repeated;   /* reported on this line before, then not whole */
    const guint8 *token; /* as the view shows it */
    gsize token_length;
    guint64 hash; /* hunt_key.h */
    const guint8 *key;
    gsize key_length;
    const guint8 *text; /* the line without its end, as far as it lies in the scanned bytes */
    gsize text_length;
};
typedef void (*hunt_match_function)(const struct hunt_match *match, gpointer data);

/* What went through the filters, for who wants to know why a scan is slow. */
struct hunt_scan_counts {
    guint64 bytes, lines;  /* LFs */
    guint64 candidates;    /* keys that reached the queue */
    guint64 filter_passes; /* of these, keys that the exact check had to decide */
    guint64 matches;
};

struct hunt_scanner;
struct hunt_scanner *hunt_scanner_new(const struct hunt_needles *needles);
void hunt_scanner_free(struct hunt_scanner *scanner);
typedef struct hunt_scanner hunt_scanner_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(hunt_scanner_t, hunt_scanner_free)

/*
 * From now on lines are also looked at without what people do to indicators so that nobody clicks
 * on them (refang.h). The offset of what is found so is that of its line.
 */
void hunt_scanner_defanged(struct hunt_scanner *scanner);

/*
 * The next scan is also of what was joined from its bytes; the offset of what is found so is that
 * of the first column. Borrowed until that scan is done.
 */
struct log_look;
void hunt_scanner_join(struct hunt_scanner *scanner, const struct log_look *look);

/*
 * Scans `bytes`: whole lines, or a piece of a line that begins and ends where no token is cut
 * (hunt_scan_cut()). At most 2^31 bytes, followed by HUNT_SCAN_PADDING readable ones. `offset` and
 * `line` are the first byte's place in its stream. Calls `report` in the order of (line, offset),
 * once per line and key, before it returns.
 */
void hunt_scan_lines(struct hunt_scanner *scanner, const guint8 *bytes, gsize length,
                     guint64 offset, guint64 line, hunt_match_function report, gpointer data);

/*
 * The length of the longest head of `bytes` that may be scanned without what follows: up to its
 * last LF or, when there is none, up to the last byte that ends every kind of token in every view
 * (whitespace, a control, '"', '<', '>'). 0: none.
 */
gsize hunt_scan_cut(const guint8 *bytes, gsize length);

const struct hunt_scan_counts *hunt_scanner_counts(const struct hunt_scanner *scanner);
