/*
 * feed_private.h: between the files that read feeds.
 *
 * In the worker, a parser of a format (feed_FORMAT.c) gets the bytes of one file and calls
 * feed_source_add(), feed_add() and feed_skip(). What they make goes over the pipe in batches
 * (feed_wire.c); the parent checks each record and gives it to the caller (feed.c).
 */
#pragma once
#include "p1_resilience/hunt/feed.h"
#include "p1_resilience/hunt/feed_survey.h"
#include "p1_resilience/hunt/public_suffix.h"
#include "sandbox/worker.h"

/* Longer strings of a record or a source are cut. */
#define FEED_OBJECT_LIMIT 256
#define FEED_LABELS_LIMIT 4096
#define FEED_TITLE_LIMIT 1024
#define FEED_EXAMPLE_LIMIT 120

/* Where messages go; FALSE: nobody listens any more. */
typedef gboolean (*feed_send)(gpointer to, guint8 kind, gconstpointer body, gsize length);

/* One file being parsed, in the worker. */
struct feed_parser {
    const struct feed_options *options;
    const struct public_suffixes *suffixes; /* NULL: no name is one */
    feed_send send;
    gpointer to;
    const char *path;
    guint flags;       /* for indicator_parse() */
    guint32 sources;   /* so many are known */
    guint64 done;      /* bytes of the file that are dealt with */
    GByteArray *batch; /* records to be sent */
    gboolean surveys;  /* only notes versions and authors, for feed_survey.h */
    GByteArray *noted; /* versions to be sent */
    gboolean parent_gone;
    guint64 changed[INDICATOR_CHANGES];
    struct feed_skipped skipped[FEED_SKIPS];
};

struct feed_parser *feed_parser_new(const struct feed_options *options,
                                    const struct public_suffixes *suffixes, feed_send send,
                                    gpointer to, guint32 sources);
void feed_parser_free(struct feed_parser *parser);
typedef struct feed_parser feed_parser_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(feed_parser_t, feed_parser_free)

/* The index of a new source. Members that are NULL are filled in where there is a default. */
guint32 feed_source_add(struct feed_parser *parser, const struct feed_source *source);

/*
 * Asserts the value `text` as `as` says (its indicator is not looked at), or skips it for its
 * reason. `only`: INDICATOR_ONLY() of kinds that it may be, or 0. `line`: where; 0: at its object.
 */
void feed_add(struct feed_parser *parser, const char *text, gsize length, guint only, guint64 line,
              const struct assertion *as);
/* The same for a value that was read already. */
void feed_add_indicator(struct feed_parser *parser, const struct indicator *indicator,
                        const struct assertion *as);
void feed_skip(struct feed_parser *parser, guint skip, guint64 line, const char *object,
               const char *detail, gsize length);
/* The same, of a sort: "regkey", "yara", "wildcard". */
void feed_skip_sort(struct feed_parser *parser, guint skip, guint64 line, const char *object,
                    const char *sort, const char *detail, gsize length);
/* Counts `count` of a sort. */
void feed_sort_add(struct feed_skipped *skipped, const char *name, guint64 count);
void feed_skipped_clear(struct feed_skipped *skipped);

/* A template of assertions of `source`: the defaults. */
struct assertion feed_assertion(guint32 source, enum tlp tlp);

/* Messages of a worker. */
enum feed_message {
    FEED_MESSAGE_FILE = 1, /* u32 index: begins with it */
    FEED_MESSAGE_SOURCE,
    FEED_MESSAGE_RECORDS, /* u64 bytes done of the file | records */
    FEED_MESSAGE_SKIPS,   /* what was skipped and changed in the file; ends it */
    FEED_MESSAGE_ERROR,   /* text: the file is not what it should be; ends it */
    /* Of a survey, beside what else says where it is: */
    FEED_MESSAGE_VERSIONS, /* struct feed_version, again and again */
    FEED_MESSAGE_NAME,     /* an author: feed_survey_take_name() */
    FEED_MESSAGE_MARKING,  /* a marking's definition: feed_survey_take_marking() */
};

/* In the worker, for a survey. */
void feed_note_version(struct feed_parser *parser, const struct feed_version *version);
void feed_note_name(struct feed_parser *parser, const char *identity, const char *name,
                    guint64 version);
void feed_note_marking(struct feed_parser *parser, const char *id, int level);

/* In the worker: sends what is left. */
void feed_parser_flush(struct feed_parser *parser);
/* The same, also when there is nothing left: says how far it is, and that it is alive. */
void feed_parser_progress(struct feed_parser *parser, guint64 done);
void feed_parser_finish_file(struct feed_parser *parser);

/* In the parent. FALSE: not a message that feed_wire.c made. */
gboolean feed_wire_source(const guint8 *body, gsize length, struct feed_source **source);
gboolean feed_wire_skips(const guint8 *body, gsize length, struct feed_report *report);
/* The next record at *at; FALSE at the end, or (`broken`) when it is none. Borrows from it. */
gboolean feed_wire_record(const guint8 **at, const guint8 *end, guint32 sources, guint warnings,
                          struct assertion *assertion, gboolean *broken);
void feed_source_free(struct feed_source *source);
void feed_report_skip(struct feed_report *report, enum feed_skip skip, const char *place,
                      const char *detail);

/* Has workers go through the inputs and note what they find; errors of inputs are passed over. */
gboolean feed_survey_inputs(GPtrArray *inputs, const struct feed_options *options,
                            struct feed_survey *survey, GError **error);

/* Recognises the format of a file and parses it. FALSE with `error`: it is no feed. */
gboolean feed_parse(struct feed_parser *parser, GBytes *bytes, GError **error);

/* The formats. `text` has no byte order mark. */
gboolean feed_parse_json(struct feed_parser *parser, const char *text, gsize length,
                         GError **error);
void feed_parse_lines(struct feed_parser *parser, enum feed_format format, const char *text,
                      gsize length);
void feed_parse_csv(struct feed_parser *parser, const char *text, gsize length);
void feed_parse_text(struct feed_parser *parser, const char *text, gsize length);

/* For text that no NUL ends. */
gboolean feed_begins(const char *text, gsize length, const char *prefix);

/* Lines without their ends and the spaces around them; starts as { text, text + length, 0 }. */
struct feed_lines {
    const char *at, *end;
    guint64 number; /* of the line given last, from 1 */
};
gboolean feed_lines_next(struct feed_lines *lines, const char **line, gsize *length);

gboolean feed_line_is_comment(const char *line, gsize length); /* or empty */
/* Whether a header names a column of values, or else a column holds nothing but values. */
gboolean feed_csv_has_header(const char *text, gsize length);
gboolean feed_csv_has_column(const char *text, gsize length);
/* The value on a line of a Suricata dataset: base64, or plain with a reputation behind it. */
gboolean feed_suricata_value(const char *line, gsize length, GString *value);
