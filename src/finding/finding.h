/*
 * finding.h: the outcome of one measure on one asset, with its evidence.
 *
 * A judge calls finding_check() (or _pass, _warn, _fail) for each thing it looked at: the worst
 * becomes the outcome, and each call leaves a line of evidence: where, what was found, what was
 * wanted. What does not apply or could not be looked at says so, with a reason from one table.
 * Evidence is hostile text; secrets never enter it (finding_redacted()).
 */
#pragma once
#include <glib.h>

enum outcome {
    OUTCOME_NONE, /* the judge said nothing yet */
    OUTCOME_NOT_APPLICABLE,
    OUTCOME_NOT_MEASURED,
    OUTCOME_PASS,
    OUTCOME_WARN,
    OUTCOME_FAIL,
    OUTCOME_ERROR,
};
const char *outcome_name(enum outcome outcome); /* "pass", "not-applicable", ... */
gboolean outcome_parse(const char *text, enum outcome *outcome);

/* Why something was not measured, does not apply, or went wrong. Names: "needs-root", ... */
enum reason {
    REASON_NONE,
    /* not-measured */
    REASON_NEEDS_ROOT,  /* a source can be read by root only */
    REASON_OFFLINE,     /* a tree, not a running machine */
    REASON_SKIPPED,     /* the user asked not to (--no-walk) */
    REASON_ABSENT,      /* the source is not there (kernel too old, container, no systemd) */
    REASON_UNREADABLE,  /* the source is damaged, too large, or not a regular file */
    REASON_NO_RECORD,   /* no answer, drill or other record in the journal */
    REASON_UNSUPPORTED, /* a format or a version this program does not read */
    /* not-applicable */
    REASON_NOT_INSTALLED, /* the software is not there */
    REASON_NO_HARDWARE,   /* no EFI, no wireless, a virtual machine */
    REASON_CONTAINER,     /* the host of the container decides */
    REASON_ROLE,          /* the asset's declared role makes it right (router, mail, workstation) */
    REASON_NOT_USED,      /* the feature is off or has no content */
    REASON_FLEET_ONLY,    /* needs more than one host to compare */
    /* error */
    REASON_CRASH,
    REASON_TIMEOUT,
    REASON_SILENT, /* the judge gave no outcome: a defect of ours */
};
const char *reason_name(enum reason reason);

enum evidence_kind {
    EVIDENCE_SETTING,  /* path:line, key: found, wanted */
    EVIDENCE_TEXT,     /* found: a sentence or a value */
    EVIDENCE_REDACTED, /* path:line, key (rule), found (length) */
};
const char *evidence_kind_name(enum evidence_kind kind);

struct evidence {
    enum evidence_kind kind;
    enum outcome outcome; /* PASS, WARN or FAIL: what this line alone says */
    guint line;           /* 1-based; 0 when there is none */
    char *path;           /* as seen from the audited root: "/etc/ssh/sshd_config"; or NULL */
    char *key;            /* "PermitRootLogin", or NULL */
    char *found, *wanted; /* or NULL */
};

#define EVIDENCE_MAX 100      /* lines kept in a finding; more only count in `omitted` */
#define EVIDENCE_TEXT_MAX 400 /* bytes kept of each text */

struct finding {
    const char *measure; /* id, borrowed from the catalogue */
    guint asset;         /* index into the assessment's assets */
    enum outcome outcome;
    enum reason reason;
    char *detail;        /* of the reason: "openssh-server", "/etc/shadow"; or NULL */
    GPtrArray *evidence; /* of struct evidence */
    guint omitted;       /* evidence beyond EVIDENCE_MAX; failing lines are kept first */
    char *source;        /* NULL for our own; "lynis 3.0.8" for imported findings */
};

struct finding *finding_new(const char *measure, guint asset);
void finding_free(struct finding *finding);
typedef struct finding finding_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(finding_t, finding_free)

/* One thing looked at. `path`, `key`, `found`, `wanted` may be NULL; all are copied and bounded. */
void finding_pass(struct finding *finding, const char *path, guint line, const char *key,
                  const char *found, const char *wanted);
void finding_warn(struct finding *finding, const char *path, guint line, const char *key,
                  const char *found, const char *wanted);
void finding_fail(struct finding *finding, const char *path, guint line, const char *key,
                  const char *found, const char *wanted);
/* finding_pass() when `good`, else finding_fail(). Returns `good`. */
gboolean finding_check(struct finding *finding, gboolean good, const char *path, guint line,
                       const char *key, const char *found, const char *wanted);

/*
 * A secret was found: keeps the rule, the place and the length, never the bytes. Nor a digest: next
 * to its salt it would let a weak password be guessed from a report.
 */
void finding_redacted(struct finding *finding, enum outcome outcome, const char *path, guint line,
                      const char *rule, gsize length);

/*
 * Says that nothing was judged, and why; `format` gives the detail (NULL for none). Ignored when
 * something was judged before, so a judge may call it at its end without asking.
 */
void finding_not_applicable(struct finding *finding, enum reason reason, const char *format, ...)
    G_GNUC_PRINTF(3, 4);
void finding_not_measured(struct finding *finding, enum reason reason, const char *format, ...)
    G_GNUC_PRINTF(3, 4);
/*
 * Part of what was to be looked at could not be: when nothing failed so far, the outcome becomes
 * not-measured whatever passed (an unread file is no proof); a failure stays a failure.
 */
void finding_incomplete(struct finding *finding, enum reason reason, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

/* As bytes, for the pipe between worker and runner (GVariant costs as much as most judgements). */
GByteArray *finding_pack(const struct finding *finding);
/* From untrusted bytes; NULL when they are malformed. `measure` is borrowed. */
struct finding *finding_unpack(const void *data, gsize length, const char *measure, guint asset);
