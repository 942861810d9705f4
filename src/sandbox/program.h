/*
 * program.h: other people's programs, run with a bound on time and on what they say.
 *
 * A program is looked for in PATH, gets exactly the environment it is given, /dev/null as standard
 * input and a process group of its own, which is killed when its time is over or when whoever
 * listens has heard enough; it dies with the thread that runs it. Nothing of its environment or
 * arguments enters a message of ours: either may name a secret.
 */
#pragma once
#include <glib.h>

#define PROGRAM_SAID_MAX 8192 /* bytes kept of standard error, the last of them */

/* Takes a piece of standard output. FALSE (with or without `error`) ends the program. */
typedef gboolean (*program_fn)(const void *bytes, gsize length, gpointer data, GError **error);

struct program {
    const char *const *arguments;   /* the first is its name; ends with NULL */
    const char *const *environment; /* "NAME=VALUE"; ends with NULL */
    gint64 limit_us;                /* from its start */
    program_fn take;                /* NULL: its output is read and dropped */
    gpointer data;
};

enum program_end {
    PROGRAM_EXITED,  /* by itself: `status` */
    PROGRAM_KILLED,  /* by a signal that was not ours: `status` is its number */
    PROGRAM_LATE,    /* by us, when its time was over */
    PROGRAM_STOPPED, /* by us, because `take` said so */
    PROGRAM_MISSING, /* there is no such program */
};

struct program_result {
    enum program_end end;
    int status;
    gint64 elapsed_us;
    char *said; /* on standard error; valid UTF-8 */
};
void program_result_clear(struct program_result *result);
typedef struct program_result program_result_t;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(program_result_t, program_result_clear)

/* FALSE and an error: `take` failed, or a pipe or process could not be had. `result` is filled
 * whenever the program was started, and is to be cleared. */
gboolean program_run(const struct program *program, struct program_result *result, GError **error);
