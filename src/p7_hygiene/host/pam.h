/*
 * pam.h: the stacks of PAM: what a service asks for, in which order, and what comes out.
 *
 * Reads /etc/pam.d/SERVICE, else /usr/lib/pam.d/SERVICE, else "other" (pam.conf(5), Linux-PAM 1.5):
 * `@include` and `include` are put in at their place, `substack` stays a stack of its own, controls
 * in brackets and the four words are tables of actions, a leading `-` marks a module that may be
 * missing. pam_run() carries a stack out with answers the caller makes up, as _pam_dispatch_aux()
 * of Linux-PAM does: so a jump that skips the deny line is seen for what it is.
 */
#pragma once
#include "p7_hygiene/host/host.h"

#include <glib.h>

#define PAM_DEPTH_MAX 16u  /* nested includes */
#define PAM_RULES_MAX 500u /* rules of one stack, includes counted */

enum pam_type { PAM_AUTH, PAM_ACCOUNT, PAM_PASSWORD, PAM_SESSION };

/* Answers of a module that the judges tell apart. */
enum pam_answer { PAM_SAYS_SUCCESS, PAM_SAYS_IGNORE, PAM_SAYS_AUTH_ERR, PAM_ANSWERS };

/* What is done on an answer; a positive number jumps over so many modules. */
enum pam_action {
    PAM_DO_IGNORE = 0,
    PAM_DO_OK = -1,
    PAM_DO_DONE = -2,
    PAM_DO_BAD = -3,
    PAM_DO_DIE = -4,
    PAM_DO_RESET = -5,
};

struct pam_rule {
    char *module;     /* "pam_unix", without folder and ".so"; NULL for a substack */
    char *control;    /* as written */
    char **arguments; /* never NULL */
    int actions[PAM_ANSWERS];
    gboolean may_miss;   /* leading `-` */
    GPtrArray *substack; /* of struct pam_rule, or NULL */
    const char *path;
    guint line;
};

struct pam_stack {
    GPtrArray *rules;  /* struct pam_rule */
    GPtrArray *files;  /* const struct host_file that were read, unreadable ones too */
    char *problem;     /* include loop, or too long; NULL */
    gboolean by_other; /* the service has no rules of its own: those of "other" */
};

/* Never NULL; without rules when neither the service nor "other" has any. */
struct pam_stack *pam_stack_read(struct host *host, const char *service, enum pam_type type);
void pam_stack_free(struct pam_stack *stack);
typedef struct pam_stack pam_stack_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(pam_stack_t, pam_stack_free)

/* Whether a file of the service is there. */
gboolean pam_has_service(struct host *host, const char *service);
/* Names in /etc/pam.d, sorted. NULL with `state` when it cannot be read. Owned by the caller. */
char **pam_services(struct host *host, enum host_state *state);

/* All rules in order, those of substacks at their place; borrowed rules, owned array. */
GPtrArray *pam_flat(const struct pam_stack *stack);

/* Value of "NAME=value", "" for a bare NAME, NULL when absent. Borrowed. */
const char *pam_argument(const struct pam_rule *rule, const char *name);

/* Whether the stack says yes when its modules answer so. */
typedef enum pam_answer (*pam_answer_fn)(const struct pam_rule *rule, gpointer data);
gboolean pam_run(const struct pam_stack *stack, pam_answer_fn answer, gpointer data);
