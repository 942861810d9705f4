/*
 * sshd.h: what the SSH server of a host does, as its configuration resolves.
 *
 * The rules are those of OpenSSH 9.2 (servconf.c, sshd_config(5)): the first value wins; some
 * keywords add up; a Match block that matches overrides what stands outside of blocks, the first
 * matching block wins, and `Match all` (or a block that keeps nobody out) is global; lists of
 * algorithms may start with + - ^ and are applied to the compiled defaults. Options in SSHD_OPTS of
 * /etc/default/ssh come before the file. Blocks for some connections are kept apart: a judge asks
 * for them with sshd_conditional() and names the condition.
 */
#pragma once
#include "p7_hygiene/host/host.h"
#include "p7_hygiene/host/ssh_statements.h"

#include <glib.h>

struct sshd_setting {
    char *value;           /* arguments joined by a space; lists as written */
    const char *path;      /* NULL: the compiled default */
    guint line;            /* 0 with the default */
    const char *condition; /* "Match User bob"; NULL: for everyone */
};
void sshd_setting_free(struct sshd_setting *setting);
typedef struct sshd_setting sshd_setting_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(sshd_setting_t, sshd_setting_free)

struct sshd {
    gboolean installed;                /* the program or its configuration is there */
    struct ssh_statements *statements; /* of the server */
    const struct host_file *file;      /* /etc/ssh/sshd_config, or that of -f */
    /* The listening daemon of a running machine. */
    gboolean running;
    gint64 loaded_us;  /* when it read its configuration last; 0 when unknown */
    const char *newer; /* a configuration file changed after that, or NULL */
};
const struct sshd *sshd_of(struct host *host);

/*
 * Says not-applicable when there is no server and not-measured when its configuration cannot be
 * read; NULL then. Otherwise the server.
 */
const struct sshd *sshd_or_finding(struct host *host, struct finding *finding);
/* To be called last by a judge: files that could not be read, and a daemon older than its files. */
void sshd_gaps(const struct sshd *sshd, struct finding *finding);

/* The value for every connection that no conditional block concerns. Never NULL; owned. */
struct sshd_setting *sshd_get(const struct sshd *sshd, const char *keyword);
/* Values in conditional Match blocks (struct sshd_setting), none where an earlier block wins. */
GPtrArray *sshd_conditional(const struct sshd *sshd, const char *keyword);
/* All values of a keyword that adds up (HostKey, AllowUsers, Port, ...); the default when none. */
GPtrArray *sshd_all(const struct sshd *sshd, const char *keyword);

/*
 * The list a value of Ciphers, MACs, KexAlgorithms, HostKeyAlgorithms, PubkeyAcceptedAlgorithms
 * stands for: + - ^ and wildcards resolved against OpenSSH 9.2's own lists. Owned.
 */
char **sshd_algorithms(const char *keyword, const char *value);

/* "2m30s" or "90" in seconds (convtime of OpenSSH); -1 when malformed. */
gint64 sshd_seconds(const char *text);
