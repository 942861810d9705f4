/*
 * cron.h: the jobs of cron: /etc/crontab, /etc/cron.d, root's own table, and the scripts of
 * /etc/cron.{hourly,daily,weekly,monthly} (crontab(5), run-parts(8), Debian's cron(8)).
 *
 * cron_words() splits a command as a shell would, far enough to see which programs it starts: it
 * never expands anything.
 */
#pragma once
#include "p7_hygiene/host/host.h"

#include <glib.h>

#define CRON_PATH_DEFAULT "/usr/bin:/bin" /* cron(8) of Debian */
#define CRON_JOBS_MAX 5000

struct cron_job {
    const char *path; /* of the table, or of the script itself */
    guint line;       /* 0: a script run by run-parts */
    char *user, *command;
    char *search; /* PATH in force */
};

struct cron {
    GPtrArray *jobs;    /* struct cron_job */
    GPtrArray *files;   /* const struct host_file: tables read, unreadable ones too */
    const char *denied; /* a folder that could not be listed, or NULL */
};
const struct cron *cron_of(struct host *host);

/* Jobs of one table; `user` NULL when each line names its own. Appends to `jobs`. For tests. */
void cron_read_table(const struct host_file *file, const char *user, GPtrArray *jobs);
void cron_job_free(struct cron_job *job);

/*
 * The simple commands of a shell text, each a GPtrArray of words without quotes, without
 * assignments in front and without redirections. An unquoted `*` or `?` in a word is kept as \001.
 */
GPtrArray *cron_commands(const char *text);
#define CRON_WILDCARD '\001'
