/*
 * import.h: findings of other tools, as they say them.
 *
 * Formats: SARIF 2.1.0 (OASIS), XCCDF 1.1 and 1.2 results and ARF 1.1 around them (NIST), the
 * report file of Lynis. Whoever wrote the document is not trusted: it is parsed in a confined
 * worker, bounded in size and number; XML with a document type is refused, so no entity is ever
 * expanded and nothing is fetched. What was read is one journal event of kind IMPORT_EVENT; the
 * newest import of a tool on an asset is shown in later assessments, with its source, and never
 * counts in a score.
 */
#pragma once
#include "assess/assessment.h"
#include "journal/records.h"

#include <glib.h>
#include <jansson.h>

#define IMPORT_EVENT "import"
#define IMPORT_FILE_MAX (64u << 20) /* bytes of a document */
#define IMPORT_FINDINGS_MAX 5000u   /* kept of a document; failing ones first, more only count */
#define IMPORT_TEXT_MAX 300u        /* bytes kept of each text */
#define IMPORT_RULES_MAX 100000u    /* definitions of rules that are looked at */

struct imported_finding {
    char *rule;  /* "SSH-7408" */
    char *title; /* or NULL */
    char *text;  /* what was found, or NULL */
    char *fix;   /* or NULL */
    char *path;  /* or NULL */
    guint line;
    enum outcome outcome;
    enum severity severity;
    char *reference; /* one of ours, "anssi-bp-028:R33"; or NULL */
};

struct imported {
    char *tool;          /* "lynis 3.0.8" */
    char *asset;         /* the host it speaks of, or NULL */
    gint64 time_us;      /* when the tool ran; 0: not said */
    GPtrArray *findings; /* of struct imported_finding */
    guint omitted;
};
struct imported *imported_new(void);
void imported_free(struct imported *imported);
typedef struct imported imported_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(imported_t, imported_free)

/* Adds a finding; texts are copied and cut; NULL `rule` is ignored. Borrowed result or NULL. */
struct imported_finding *imported_add(struct imported *imported, const char *rule,
                                      enum outcome outcome, enum severity severity);
/* A copy of at most IMPORT_TEXT_MAX bytes of valid UTF-8; NULL for NULL or nothing. */
char *imported_text(const char *text);

/* The parsers, for the worker and the fuzz targets. NULL and ENTENTE_ERROR_INPUT. */
struct imported *import_sarif(const char *data, gsize length, const char *name, GError **error);
struct imported *import_xccdf(const char *data, gsize length, const char *name, GError **error);
struct imported *import_lynis(const char *data, gsize length, const char *name, GError **error);

/* By what the document looks like; in this process. */
struct imported *import_parse(const char *data, gsize length, const char *name, GError **error);
/* The same in a confined worker: a crash or a hang is an error like any other. */
struct imported *import_parse_confined(GBytes *document, const char *name, GError **error);

/* The body of the event, "entente/import/1", there and back. */
char *imported_format(const struct imported *imported);
struct imported *imported_read(const void *data, gsize length, GError **error);

/* Adds the findings of the newest import of each tool and asset; scores stay as they are. */
void import_apply(struct assessment *assessment, const struct records *records);
