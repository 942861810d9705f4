/*
 * ssh_statements.h: the files of OpenSSH's server and client as one list of statements.
 *
 * Reads sshd_config or ssh_config with every Include at its place (globs in lexical order, names
 * without a slash in front under /etc/ssh), and says for each statement in which Match or Host
 * scope it stands. A scope ends with the next Match, the next Host, or its file; a file included
 * inside a scope stays inside it. What values are in force is for sshd.h and the client's judge.
 *
 * Lexing as OpenSSH 9.2 does (readconf.c, servconf.c, misc.c): keywords in any case, one `=`
 * between keyword and argument, double or single quotes, backslash escapes, `#` starts a comment.
 * Bounds: SSH_DEPTH_MAX nested files, SSH_FILES_MAX files, SSH_STATEMENTS_MAX statements; what lies
 * beyond is not read and `problem` says so.
 */
#pragma once
#include "p7_hygiene/host/host.h"

#include <glib.h>

#define SSH_DEPTH_MAX 16u /* SERVCONF_MAX_DEPTH, READCONF_MAX_DEPTH */
#define SSH_FILES_MAX 256u
#define SSH_STATEMENTS_MAX 20000u

enum ssh_role { SSH_SERVER, SSH_CLIENT };

/* Whom statements concern. The first scope is the file's own, without a condition. */
struct ssh_scope {
    char *condition;   /* "Match User bob", "Host *.example and Match ..."; NULL for the first */
    gboolean everyone; /* holds for every connection: "Match all", "Match User *", "Host *" */
};

struct ssh_statement {
    char *keyword;    /* lower case, as written */
    char **arguments; /* without quotes; at least one, maybe empty */
    const char *path;
    guint line;
    const struct ssh_scope *scope;
};

struct ssh_statements {
    GPtrArray *list;   /* struct ssh_statement, in reading order */
    GPtrArray *scopes; /* struct ssh_scope */
    GPtrArray *files;  /* const struct host_file, in reading order, unreadable ones too */
    char *problem;     /* "…: Include nested deeper than 16", or NULL */
    char *denied;      /* a folder of an Include that could not be listed, or NULL */
};

/* Reads `path` and what it includes. Never NULL. */
struct ssh_statements *ssh_statements_read(struct host *host, const char *path, enum ssh_role role);
/* Adds a statement in front of all others, in the first scope (an option of the command line). */
void ssh_statements_prepend(struct ssh_statements *statements, guint position, const char *option,
                            const char *path, guint line);
/* Says in `finding` which files could not be read; nothing when all were. */
void ssh_statements_gaps(const struct ssh_statements *statements, struct finding *finding);
void ssh_statements_free(struct ssh_statements *statements);

/* Arguments of a statement as one text, joined by a space. Owned by the caller. */
char *ssh_statement_value(const struct ssh_statement *statement);
