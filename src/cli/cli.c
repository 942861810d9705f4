#include "cli/cli.h"

#include "base/file.h"
#include "base/nearest_word.h"
#include "base/terminal.h"
#include "config.h"

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OTHERS_WRITE 022u
#define OUTPUT_MODE 0644u

static void print_overview(const struct command *const *commands)
{
    puts("Usage: entente COMMAND [OPTIONS] [ARGUMENTS]\n\n"
         "Carries out the nine principles of the Paris Call on your own assets, and proves it.\n\n"
         "Commands:");
    for (; *commands; commands++)
        if ((*commands)->summary)
            printf("  %-12s %s\n", (*commands)->name, (*commands)->summary);
    puts("\nExample: entente assess --format html --output report.html\n"
         "         entente COMMAND --help    what one command does\n"
         "         entente --version");
}

static const struct command *find(const struct command *const *commands, const char *name)
{
    for (; *commands; commands++)
        if (g_str_equal((*commands)->name, name))
            return *commands;
    return NULL;
}

static void report(const char *command, const GError *error)
{
    g_autofree char *text = terminal_escape(error->message);

    fflush(stdout);
    fprintf(stderr, "entente%s%s: %s\n", command ? " " : "", command ? command : "", text);
}

const struct command_option cli_common_options[] = {
    { "profile", 0, G_OPTION_ARG_FILENAME, offsetof(struct context, profile),
      "The profile (default: ./entente.yaml, then /etc/entente/entente.yaml)", "FILE" },
    { "data", 0, G_OPTION_ARG_FILENAME, offsetof(struct context, data),
      "Folder of keys, journal and reports", "DIR" },
    { "format", 0, G_OPTION_ARG_STRING, offsetof(struct context, format), "Form of the output",
      "FORMAT" },
    { "output", 'o', G_OPTION_ARG_FILENAME, offsetof(struct context, output),
      "Write the result there instead of standard output", "FILE" },
    { "lang", 0, G_OPTION_ARG_STRING, offsetof(struct context, language),
      "Language of texts: en, fr", "LANG" },
    { "quiet", 'q', G_OPTION_ARG_NONE, offsetof(struct context, quiet), "No progress and no hints",
      NULL },
    { 0 },
};

static void add_entries(GArray *entries, const struct command_option *options, void *state,
                        const struct command *command)
{
    for (const struct command_option *o = options; o && o->name; o++) {
        gboolean is_format = options == cli_common_options && g_str_equal(o->name, "format");
        GOptionEntry entry = { o->name,
                               o->letter,
                               0,
                               o->argument,
                               (char *)state + o->offset,
                               is_format ? command->formats : o->help,
                               o->value };

        if (!is_format || command->formats)
            g_array_append_val(entries, entry);
    }
}

static GOptionEntry *make_entries(const struct command *command, void *state,
                                  struct context *context)
{
    GArray *entries = g_array_new(TRUE, TRUE, sizeof(GOptionEntry));

    add_entries(entries, command->options, state, command);
    add_entries(entries, cli_common_options, context, command);
    return (GOptionEntry *)g_array_free(entries, FALSE);
}

static void free_state(const struct command *command, char *state)
{
    for (const struct command_option *o = command->options; o && o->name; o++) {
        if (o->argument == G_OPTION_ARG_STRING || o->argument == G_OPTION_ARG_FILENAME)
            g_free(*(char **)(state + o->offset));
        else if (o->argument == G_OPTION_ARG_STRING_ARRAY ||
                 o->argument == G_OPTION_ARG_FILENAME_ARRAY)
            g_strfreev(*(char ***)(state + o->offset));
    }
    g_free(state);
}

static int refuse_command(const struct command *const *commands, const char *word)
{
    g_autofree char *shown = terminal_escape(word);
    struct nearest_word nearest = { .word = word };

    for (; *commands; commands++)
        nearest_word_try(&nearest, (*commands)->name);
    if (*word == '-')
        fprintf(stderr, "entente: %s: a command stands before the options; see entente --help\n",
                shown);
    else if (nearest.best)
        fprintf(stderr, "entente: there is no command \"%s\"; did you mean \"%s\"?\n", shown,
                nearest.best);
    else
        fprintf(stderr, "entente: there is no command \"%s\"; see entente --help\n", shown);
    return EXIT_INPUT;
}

/* What option the user may have meant by the first one of `arguments` that is none. */
static const char *nearest_option(const GOptionEntry *entries, char **arguments)
{
    for (; *arguments; arguments++) {
        gsize length = strcspn(*arguments, "=");
        g_autofree char *word = NULL;
        struct nearest_word nearest;
        const GOptionEntry *entry;

        if (!g_str_has_prefix(*arguments, "--") || length == 2)
            continue;
        word = g_strndup(*arguments + 2, length - 2);
        nearest = (struct nearest_word){ .word = word };
        for (entry = entries; entry->long_name && !g_str_equal(entry->long_name, word); entry++)
            nearest_word_try(&nearest, entry->long_name);
        if (!entry->long_name && !g_str_equal(word, "help"))
            return nearest.best;
    }
    return NULL;
}

static gboolean language_is_known(const char *language, GError **error)
{
    return !language || g_str_equal(language, "en") || g_str_equal(language, "fr") ||
           input_error(error, "--lang %s is not known here (en, fr)", language);
}

static gboolean format_is_known(const struct command *command, const char *format, GError **error)
{
    g_auto(GStrv) known = g_strsplit(command->formats ? command->formats : "", ", ", -1);

    if (!format || g_strv_contains((const char *const *)known, format))
        return TRUE;
    return input_error(error, "--format %s is not known here (%s)", format, command->formats);
}

static int run(const struct command *command, const struct context *context, void *state,
               char **arguments, GError **error)
{
    const char *name = arguments[0] ? arguments[0] : command->subcommand;

    if (!command->subcommands)
        return command->run(context, state, arguments, error);
    for (guint i = 0; name && command->subcommands[i]; i++)
        if (g_str_equal(command->subcommands[i]->name, name))
            return command->subcommands[i]->run(context, state, arguments + !!arguments[0], error);
    if (!name)
        input_error(error, "say what to do: entente %s --help", command->name);
    else
        input_error(error, "\"%s\" is nothing that entente %s does: entente %s --help", name,
                    command->name, command->name);
    return EXIT_INPUT;
}

static int run_command(const struct command *const *commands, const struct command *command,
                       int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    struct context context = { .commands = commands };
    char *state = g_malloc0(MAX(command->state_size, 1));
    g_autofree GOptionEntry *entries = make_entries(command, state, &context);
    GOptionContext *options = g_option_context_new(command->arguments);
    g_auto(GStrv) copy = g_new0(char *, argc + 1);
    int count = argc, status = EXIT_INPUT;

    g_option_context_set_summary(options, command->summary);
    if (command->details)
        g_option_context_set_description(options, command->details);
    g_option_context_add_main_entries(options, entries, NULL);
    for (int i = 0; i < argc; i++)
        copy[i] = g_strdup(argv[i]);
    {
        g_autofree char **arguments = g_memdup2(copy, sizeof *copy * (argc + 1));
        g_autofree char *program = g_strconcat("entente ", command->name, NULL);

        g_set_prgname(program);
        if (g_option_context_parse(options, &count, &arguments, &error) &&
            format_is_known(command, context.format, &error) &&
            language_is_known(context.language, &error)) {
            if (count > 1 && g_str_equal(arguments[1], "--"))
                status = run(command, &context, state, arguments + 2, &error);
            else
                status = run(command, &context, state, arguments + 1, &error);
        }
    }
    if (error) {
        report(command->name, error);
        if (error->domain == G_OPTION_ERROR) {
            const char *meant = error->code == G_OPTION_ERROR_UNKNOWN_OPTION
                                    ? nearest_option(entries, copy + 1)
                                    : NULL;

            if (meant)
                fprintf(stderr, "Did you mean --%s? ", meant);
            fprintf(stderr, "Try: entente %s --help\n", command->name);
        }
        status = error_exit_status(error);
    }
    g_option_context_free(options);
    free_state(command, state);
    g_free(context.profile);
    g_free(context.data);
    g_free(context.format);
    g_free(context.output);
    g_free(context.language);
    /* What was found does not count when part of it was lost on the way. */
    if (status == EXIT_DONE || status == EXIT_FOUND) {
        const int code = fflush(stdout) != 0 ? errno : 0;

        if (code || ferror(stdout)) {
            fprintf(stderr, "entente %s: standard output cannot be written%s%s\n", command->name,
                    code ? ": " : "", code ? g_strerror(code) : "");
            status = EXIT_SYSTEM;
        }
    }
    return status;
}

int cli_main(const struct command *const *commands, int argc, char **argv)
{
    const struct command *command;

    /* Of the user's locale only characters and messages: numbers and names stay what they are. */
    setlocale(LC_CTYPE, "");
    setlocale(LC_MESSAGES, "");
    umask(umask(OTHERS_WRITE) | OTHERS_WRITE);
    if (argc < 2 || g_str_equal(argv[1], "--help") || g_str_equal(argv[1], "-h") ||
        (g_str_equal(argv[1], "help") && argc == 2)) {
        print_overview(commands);
        return argc < 2 ? EXIT_INPUT : EXIT_DONE;
    }
    if (g_str_equal(argv[1], "--version")) {
        puts("entente " ENTENTE_VERSION);
        return EXIT_DONE;
    }
    if (g_str_equal(argv[1], "help")) {
        char *help[] = { argv[2], (char *)"--help", NULL };

        command = find(commands, argv[2]);
        if (command)
            return run_command(commands, command, 2, help);
    }
    command = find(commands, argv[1]);
    if (!command)
        return refuse_command(commands, argv[1]);
    return run_command(commands, command, argc - 1, argv + 1);
}

/*
 * Plans of fixes, backups and keys are believed and carried out: who can write there commands who
 * runs this program.
 */
static gboolean is_own_folder(const char *folder, GError **error)
{
    struct stat status;

    if (stat(folder, &status) < 0)
        return errno_error(error, errno, "%s: cannot be looked at", folder);
    if (status.st_uid != geteuid())
        return policy_error(error, "%s: belongs to user %u; the data folder must be your own",
                            folder, (guint)status.st_uid);
    if (status.st_mode & (S_IWGRP | S_IWOTH))
        return policy_error(error, "%s: others may write there (try: chmod go-w)", folder);
    return TRUE;
}

char *cli_data_folder(const struct context *context, GError **error)
{
    const char *given = context->data ? context->data : g_getenv("ENTENTE_DATA");
    g_autofree char *folder =
        given ? g_strdup(given) : g_build_filename(g_get_user_data_dir(), "entente", NULL);

    if (!*folder) {
        input_error(error, "the data folder has no name (--data, ENTENTE_DATA)");
        return NULL;
    }
    if (!file_make_folder(folder, 0700, error) || !is_own_folder(folder, error))
        return NULL;
    return g_steal_pointer(&folder);
}

char *cli_profile_path(const struct context *context)
{
    static const char *const places[] = { "entente.yaml", "/etc/entente/entente.yaml" };
    const char *given = context->profile ? context->profile : g_getenv("ENTENTE_PROFILE");

    if (given)
        return g_strdup(given);
    for (guint i = 0; i < G_N_ELEMENTS(places); i++)
        if (access(places[i], F_OK) == 0)
            return g_strdup(places[i]);
    return NULL;
}

char *cli_program(void)
{
    static const char plain[] = G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "/._-+";
    g_autofree char *found = g_find_program_in_path("entente");
    g_autofree char *own = found ? NULL : g_file_read_link("/proc/self/exe", NULL);

    if (!own)
        return g_strdup("entente");
    return strspn(own, plain) == strlen(own) ? g_steal_pointer(&own) : g_shell_quote(own);
}

/* A device, a FIFO, or a name of an open one as /dev/stdout: it is written to, never replaced. */
static gboolean is_stream(const char *path)
{
    struct stat status;

    if (lstat(path, &status) == 0 && S_ISLNK(status.st_mode) && g_str_has_prefix(path, "/dev/"))
        return TRUE;
    return stat(path, &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode);
}

static gboolean write_stream(const char *path, const char *text, gsize length, GError **error)
{
    FILE *stream = fopen(path, "ae");
    gboolean written = stream && fwrite(text, 1, length, stream) == length;

    /* What is buffered is written when the stream is closed. */
    if (stream && fclose(stream) != 0)
        written = FALSE;
    return written || errno_error(error, errno, "%s: cannot be written", path);
}

static mode_t output_mode(void)
{
    mode_t mask = umask(OTHERS_WRITE); /* there is no other way to ask */

    umask(mask);
    return OUTPUT_MODE & ~mask;
}

gboolean cli_output(const struct context *context, const char *text, gsize length, GError **error)
{
    if (context->output && !g_str_equal(context->output, "-") && is_stream(context->output))
        return write_stream(context->output, text, length, error);
    if (context->output && !g_str_equal(context->output, "-"))
        return file_write(context->output, text, length, output_mode(), error);
    if (fwrite(text, 1, length, stdout) != length || fflush(stdout) != 0)
        return errno_error(error, errno, "standard output cannot be written");
    return TRUE;
}

FILE *cli_stream_open(struct cli_stream *stream, const struct context *context, GError **error)
{
    const char *path = context->output;

    *stream = (struct cli_stream){ .file = stdout, .draft.fd = -1 };
    if (!path || g_str_equal(path, "-"))
        return stream->file;
    stream->path = path;
    if (is_stream(path)) {
        stream->file = fopen(path, "ae");
    } else {
        if (!file_draft_open(&stream->draft, path, TRUE, error))
            return stream->file = NULL;
        stream->is_draft = TRUE;
        stream->file = fdopen(dup(stream->draft.fd), "w");
    }
    if (!stream->file) {
        errno_error(error, errno, "%s: cannot be written", path);
        cli_stream_discard(stream);
    }
    return stream->file;
}

/* The file behind it, or standard output, has all that was written. */
static gboolean close_file(struct cli_stream *stream)
{
    gboolean good = !ferror(stream->file) && fflush(stream->file) == 0;

    if (stream->file != stdout && fclose(stream->file) != 0)
        good = FALSE;
    stream->file = NULL;
    return good;
}

gboolean cli_stream_end(struct cli_stream *stream, GError **error)
{
    const char *name = stream->path ? stream->path : "standard output";

    if (!close_file(stream)) {
        cli_stream_discard(stream);
        return errno ? errno_error(error, errno, "%s: cannot be written", name)
                     : system_error(error, "%s: cannot be written", name);
    }
    if (!stream->is_draft)
        return TRUE;
    stream->is_draft = FALSE;
    return file_draft_finish(&stream->draft, output_mode(), error);
}

void cli_stream_discard(struct cli_stream *stream)
{
    if (stream->file)
        close_file(stream);
    if (stream->is_draft)
        file_draft_discard(&stream->draft);
    stream->is_draft = FALSE;
}

char *cli_table(const struct context *context, const struct text_table *table)
{
    const gboolean to_file = context->output && !g_str_equal(context->output, "-");

    return text_table_format(table, !to_file && terminal_has_colour(stdout),
                             to_file ? 0 : terminal_width(stdout));
}

const char *cli_language(const struct context *context)
{
    const char *const *names = g_get_language_names();

    if (context->language)
        return context->language;
    return g_str_has_prefix(names[0], "fr") ? "fr" : "en";
}

gboolean cli_is_french(const struct context *context)
{
    return g_str_equal(cli_language(context), "fr");
}

gboolean cli_format_is(const struct context *context, const char *format, gboolean is_default)
{
    return context->format ? g_str_equal(context->format, format) : is_default;
}
