/*
 * feed.h: feeds of indicators, read whatever their format: who asserts what, how sure, until when,
 * and how far it may go.
 *
 *     files ─ mapped ─> worker: recognise, parse, normal form ─ batches ─> assertions, one by one
 *
 * Every format is recognised by its content. All of it is parsed in confined workers: a crash, a
 * hang or a babbling worker is an error that names the file, and what came before it is dropped by
 * the caller with the table that is not finished.
 *
 * Nothing is left out in silence: what could not be used is counted by reason, with examples.
 */
#pragma once
#include "base/tlp.h"
#include "p1_resilience/hunt/indicator.h"
#include "p1_resilience/hunt/warning_list.h"

enum assertion_flags {
    ASSERTION_TO_IDS = 1 << 0,         /* meant for detection */
    ASSERTION_WITHDRAWN = 1 << 1,      /* revoked, deleted or expired by its source */
    ASSERTION_EXACT = 1 << 2,          /* a public suffix, therefore of kind HOST */
    ASSERTION_PARTIAL = 1 << 3,        /* the source asks for more than this value to be seen */
    ASSERTION_FALSE_POSITIVE = 1 << 4, /* somebody reported it as one to the source */
};
#define ASSERTION_NO_CONFIDENCE 255

/* One source asserting one value. */
struct assertion {
    struct indicator indicator;
    guint32 source;       /* index in the report's sources */
    const char *object;   /* STIX id or MISP UUID; NULL: none */
    const char *original; /* as written; NULL: the normal form was */
    const char *labels;   /* separated by line feeds; NULL: none */
    const char
        *terms; /* of PARTIAL: what else a line has to have (hit_terms.h); NULL: it cannot tell */
    gint64 valid_from_us;  /* 0: not said */
    gint64 valid_until_us; /* 0: not said; the first moment at which it is not valid any more */
    guint8 confidence;     /* 0..100, or ASSERTION_NO_CONFIDENCE */
    enum tlp tlp;          /* of the object and all it stands in; the default where none is said */
    guint flags;           /* ASSERTION_ */
    guint warning;         /* list that warns of it, index + 1; 0: none */
};

enum feed_format {
    FEED_PLAIN,
    FEED_HOSTS,
    FEED_CSV,
    FEED_MISP,
    FEED_STIX,
    FEED_ZEEK,
    FEED_SURICATA,
    FEED_TEXT, /* running text: what stands out is taken */
    FEED_FORMATS
};
const char *feed_format_name(enum feed_format format); /* "plain", "misp" */

/* Who asserts: a list, a MISP event, the author of STIX objects. */
struct feed_source {
    char *name;  /* --source, else of the author or the file */
    char *title; /* of the event or bundle; NULL: none */
    char *id;    /* UUID of the event, STIX id of the identity or bundle; NULL: none */
    char *path;
    enum feed_format format;
    enum tlp tlp;
    gint64 time_us; /* the document's own time; 0: not said */
    guint64 assertions;
};

/* Why something in a feed is not hunted; those of indicator_why come first. */
enum feed_skip {
    FEED_SKIP_INDICATOR = 0,               /* + enum indicator_why */
    FEED_SKIP_NOT_TO_IDS = INDICATOR_WHYS, /* context: MISP to_ids false */
    FEED_SKIP_DELETED,
    FEED_SKIP_TYPE,          /* a type that logs are not searched for: file name, registry key */
    FEED_SKIP_OLD_VERSION,   /* a newer version of the object is there */
    FEED_SKIP_NOT_INDICATOR, /* a STIX object that asserts nothing to look for */
    FEED_SKIP_PATTERN_TYPE,  /* sigma, yara, snort, pcre */
    FEED_SKIP_PATTERN,       /* a STIX pattern that is none */
    FEED_SKIP_UNHUNTABLE,    /* a STIX pattern, or a part of one, beyond single values */
    FEED_SKIP_MALFORMED,     /* an object without what its format demands */
    FEED_SKIP_NOT_DEFANGED,  /* running text: a name or address that is written to be clicked */
    FEED_SKIP_MISSING,       /* an event that the manifest lists and the folder lacks */
    FEED_SKIP_MORE,          /* a TAXII envelope says that more follows */
    FEED_SKIP_UNREAD,        /* a file of a folder that could not be read, or is no feed */
    FEED_SKIPS
};
const char *feed_skip_name(enum feed_skip skip); /* "not-to-ids" */
const char *feed_skip_text(enum feed_skip skip);

#define FEED_EXAMPLES 3
#define FEED_SORTS 24 /* the last one stands for all others */

/* How many of what was skipped are of one sort: a type, a language, what a pattern asks for. */
struct feed_sort {
    char *name;
    guint64 count;
};

struct feed_skipped {
    guint64 count;
    char *detail[FEED_EXAMPLES];        /* what it was, cut */
    char *place[FEED_EXAMPLES];         /* "list.txt:12", "event.json: UUID" */
    struct feed_sort sorts[FEED_SORTS]; /* where the reason has some; names NULL behind the last */
};

/* What was read; grows over several feeds. */
struct feed_report {
    GPtrArray *sources; /* struct feed_source */
    guint64 bytes, files;
    guint64 assertions, kinds[INDICATOR_KINDS], warned;
    guint64 changed[INDICATOR_CHANGES]; /* taken, but changed: enum indicator_why */
    struct feed_skipped skipped[FEED_SKIPS];
};
struct feed_report *feed_report_new(void);
void feed_report_free(struct feed_report *report);
typedef struct feed_report feed_report_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(feed_report_t, feed_report_free)

struct feed_options {
    enum tlp tlp;             /* of what carries no marking; TLP_AMBER is the careful choice */
    gboolean include_non_ids; /* MISP attributes and rows that are not meant for detection, too */
    gboolean force;           /* networks that are very wide */
    gboolean all_text;        /* running text: also what is not defanged */
    const char *source;       /* name of the source; NULL: of the author, else of the file */
    const struct warning_lists *warnings; /* or NULL */
    const struct feed_survey *survey; /* of all inputs (feed_survey.h); NULL: each is by itself */
    /* Called now and then with the bytes done of all in this call; FALSE stops. Or NULL. */
    gboolean (*progress)(guint64 done, guint64 total, const char *path, gpointer data);
    gpointer progress_data;
};

/* Takes one assertion; all of it is borrowed for the call. FALSE with `error` stops. */
typedef gboolean (*feed_take)(const struct assertion *assertion, gpointer data, GError **error);

/*
 * Reads a file, a MISP feed (a folder with manifest.json), the files of another folder, or "-".
 * What is packed (gzip, zstd, bzip2, xz) is unpacked. The order of assertions is that of the files
 * and the same each time. ENTENTE_ERROR_INPUT when it is no feed, _SYSTEM when it cannot be read.
 */
gboolean feed_read(const char *path, const struct feed_options *options, struct feed_report *report,
                   feed_take take, gpointer data, GError **error);

/* The same from memory; `name` stands for the path. */
gboolean feed_read_bytes(GBytes *bytes, const char *name, const struct feed_options *options,
                         struct feed_report *report, feed_take take, gpointer data, GError **error);
