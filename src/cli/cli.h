/*
 * cli.h: what every command of the command line shares.
 *
 * A command is a row: its words, its options as data, and one function. Help, completion and the
 * check that manual pages name every option are made from the same rows.
 */
#pragma once
#include "base/error.h"
#include "base/file.h"

#include <glib.h>
#include <stddef.h>
#include <stdio.h>

/* One option; its value lands at `offset` in the command's state (zeroed before). */
struct command_option {
    const char *name;    /* "fail-on" */
    char letter;         /* 'o', or 0 */
    GOptionArg argument; /* G_OPTION_ARG_NONE, _STRING, _STRING_ARRAY, _INT, _FILENAME */
    gsize offset;        /* offsetof(struct ..., member); strings are freed by the caller of run */
    const char *help;    /* "exit 1 when a finding is at least this severe" */
    const char *value;   /* "SEVERITY"; NULL for G_OPTION_ARG_NONE */
};

/* What the options common to all commands gave. Borrowed by commands. */
struct context {
    const struct command *const *commands; /* the table, ends with NULL */
    char *profile;  /* --profile FILE; NULL: ENTENTE_PROFILE, ./entente.yaml, then /etc/entente/ */
    char *data;     /* --data DIR; NULL: ENTENTE_DATA, then the user's data folder */
    char *format;   /* --format; NULL: the command's default */
    char *output;   /* --output FILE; NULL: standard output */
    char *language; /* --lang en|fr; NULL: from the locale */
    gboolean quiet; /* --quiet: no progress, no hints */
};

/* A part of a command with a name of its own: `entente case list`. All share the options. */
struct subcommand {
    const char *name;
    /* As in struct command; `arguments` are those behind the name. */
    int (*run)(const struct context *context, gconstpointer shared, char **arguments,
               GError **error);
};

struct command {
    const char *name;      /* "assess" */
    const char *summary;   /* one line, no full stop; NULL keeps it out of the overview */
    const char *arguments; /* "[ID...]" or "" */
    const char *formats;   /* "text, json, html" or NULL when --format means nothing */
    const char *details;   /* for --help: a few sentences and an example */
    const struct command_option *options; /* ends with a NULL name; or NULL */
    gsize state_size;
    /* `arguments` ends with NULL. Returns an exit status; with `error` set, the error decides. */
    int (*run)(const struct context *context, void *state, char **arguments, GError **error);
    const struct subcommand *const *subcommands; /* instead of run(); ends with NULL */
    const char *subcommand;                      /* the one meant without a name; or NULL */
};

/* Finds the command, parses its options, runs it, prints its error. Returns the exit status. */
int cli_main(const struct command *const *commands, int argc, char **argv);

/* The options common to all commands, for completion; ends with a NULL name. */
extern const struct command_option cli_common_options[];

/* The data folder (made with mode 0700 when missing) and the profile path. Owned by the caller. */
char *cli_data_folder(const struct context *context, GError **error);
char *cli_profile_path(const struct context *context); /* NULL when there is none */

/*
 * What to type to start this program, for hints that people paste: "entente" when the shell finds
 * that, else the path of this one, quoted. Owned by the caller.
 */
char *cli_program(void);

/* Writes a result to --output (durably) or to standard output. */
gboolean cli_output(const struct context *context, const char *text, gsize length, GError **error);

/*
 * The same piece by piece: open, write to the file it gives, then end or discard, once. Nothing is
 * to be seen at --output before it ends well. A failed open needs neither.
 */
struct cli_stream {
    FILE *file;
    const char *path; /* NULL: standard output */
    gboolean is_draft;
    struct file_draft draft;
};
FILE *cli_stream_open(struct cli_stream *stream, const struct context *context, GError **error);
gboolean cli_stream_end(struct cli_stream *stream, GError **error);
void cli_stream_discard(struct cli_stream *stream);

struct text_table;
/*
 * A table as what the result goes to wants it: in colour and as wide as the terminal, or plain and
 * unwrapped in a file. Owned by the caller.
 */
char *cli_table(const struct context *context, const struct text_table *table);

/* "en" or "fr". */
const char *cli_language(const struct context *context);
gboolean cli_is_french(const struct context *context);

/* Whether --format asks for `format`; without --format, `is_default` is the answer. */
gboolean cli_format_is(const struct context *context, const char *format, gboolean is_default);
