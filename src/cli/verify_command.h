/*
 * verify_command.h: the kinds of things that `entente verify` judges, one a file (verify_NAME.c).
 */
#pragma once
#include "base/json.h"
#include "cli/cli.h"
#include "log/quorum.h"

struct verify_state {
    char **keys, *document, *threshold, *policy, *entry, *ca;
    gboolean offline, allow_stale, allow_unwitnessed, allow_private;
};

#define VERIFY_FILE_LIMIT (64u << 20) /* an envelope, a proof, a bundle, a register */

/* An envelope, a disclosure, or a document beside its envelope. `bytes` NULL: read from `path`. */
int verify_envelope_file(const struct context *context, const struct verify_state *state,
                         const char *path, GBytes *bytes, GError **error);
/* An offline proof, with the entry beside it (or --entry). */
int verify_proof(const struct context *context, const struct verify_state *state, const char *path,
                 GBytes *bytes, GError **error);
/* A checkpoint or another signed note of the policy's log. */
int verify_checkpoint(const struct context *context, const struct verify_state *state,
                      const char *path, GBytes *bytes, GError **error);
/* A bundle that says what a log did wrong. */
int verify_evidence(const struct context *context, const struct verify_state *state,
                    const char *path, GBytes *bytes, GError **error);
/* A register document: made again from the log, and compared byte for byte. */
int verify_register(const struct context *context, const struct verify_state *state,
                    const char *path, GBytes *bytes, GError **error);
/* A proof of when an event of a case was there. */
int verify_case_proof(const struct context *context, const struct verify_state *state,
                      const char *path, GBytes *bytes, GError **error);
/* A whole log behind a URL: checkpoint, every entry, the register that its node shows. */
int verify_log(const struct context *context, const struct verify_state *state, const char *url,
               GError **error);
/* A signatory of the community, by domain, id or key. */
int verify_signatory(const struct context *context, const struct verify_state *state,
                     const char *who, GError **error);

/* What was found, for people and as JSON. */
struct verdict {
    const char *kind;   /* "proof" */
    const char *reason; /* NULL: good */
    char *message;      /* why not; or NULL */
    int status;         /* exit status */
    GString *lines;     /* for people, made by verdict_line() */
    json_t *details;    /* members of the JSON */
};
void verdict_init(struct verdict *verdict, const char *kind);
void verdict_clear(struct verdict *verdict);
/* Refuses with a reason: the gravest one stays, and of equal ones the first. */
void verdict_refuse(struct verdict *verdict, const char *reason, int status, const char *format,
                    ...) G_GNUC_PRINTF(4, 5);
/* What was found false of a log (ENTENTE_ERROR_FOUND): its reason begins the message. */
void verdict_refuse_log(struct verdict *verdict, const GError *found);
/* One line "  label  text"; the text is escaped. */
void verdict_line(struct verdict *verdict, const char *label, const char *format, ...)
    G_GNUC_PRINTF(3, 4);
/* Prints it; gives its exit status. */
int verdict_put(const struct context *context, struct verdict *verdict, const char *what,
                GError **error);

/* Takes over what a judged checkpoint says: quorum, margins, freshness, "unwitnessed". */
void verdict_take_quorum(struct verdict *verdict, const struct verify_state *state,
                         const struct quorum_policy *policy, const struct quorum_verdict *quorum);
