/* Bash completion, made from the table of commands. */
#include "cli/commands.h"

#include <string.h>

static void put_options(GString *out, const struct command_option *options, gboolean formats)
{
    for (const struct command_option *o = options; o && o->name; o++)
        if (formats || !g_str_equal(o->name, "format"))
            g_string_append_printf(out, " --%s", o->name);
}

static void put_words(GString *out, const char *list)
{
    g_auto(GStrv) words = g_strsplit(list, ", ", -1);
    g_autofree char *joined = g_strjoinv(" ", words);

    g_string_append(out, joined);
}

static int run(const struct context *context, void *state, char **arguments, GError **error)
{
    g_autoptr(GString) out = NULL;

    if (arguments[0])
        return input_error(error, "\"%s\": completion takes options only", arguments[0]);
    out = g_string_new("# bash completion for entente\n"
                       "_entente()\n{\n"
                       "    local word=${COMP_WORDS[COMP_CWORD]}\n"
                       "    local before=${COMP_WORDS[COMP_CWORD-1]}\n"
                       "    local options= formats=\n"
                       "    if [ \"$COMP_CWORD\" = 1 ]; then\n"
                       "        COMPREPLY=($(compgen -W '");

    for (const struct command *const *c = context->commands; *c; c++)
        if ((*c)->summary)
            g_string_append_printf(out, "%s ", (*c)->name);
    g_string_append(out, "--help --version' -- \"$word\"))\n        return\n    fi\n"
                         "    case ${COMP_WORDS[1]} in\n");
    for (const struct command *const *c = context->commands; *c; c++) {
        g_string_append_printf(out, "    %s)\n        options='--help", (*c)->name);
        put_options(out, (*c)->options, TRUE);
        put_options(out, cli_common_options, (*c)->formats != NULL);
        g_string_append(out, "'\n");
        if ((*c)->formats) {
            g_string_append(out, "        formats='");
            put_words(out, (*c)->formats);
            g_string_append(out, "'\n");
        }
        g_string_append(out, "        ;;\n");
    }
    g_string_append(out, "    esac\n"
                         "    case $before in\n"
                         "    --format) COMPREPLY=($(compgen -W \"$formats\" -- \"$word\")) ;;\n"
                         "    --lang) COMPREPLY=($(compgen -W 'en fr' -- \"$word\")) ;;\n"
                         "    --data | --root) COMPREPLY=($(compgen -d -- \"$word\")) ;;\n"
                         "    *)\n"
                         "        case $word in\n"
                         "        -*) COMPREPLY=($(compgen -W \"$options\" -- \"$word\")) ;;\n"
                         "        *) COMPREPLY=($(compgen -f -- \"$word\")) ;;\n"
                         "        esac\n"
                         "        ;;\n"
                         "    esac\n"
                         "}\n"
                         "complete -o filenames -F _entente entente\n");
    return cli_output(context, out->str, out->len, error) ? EXIT_DONE : EXIT_SYSTEM;
}

const struct command command_completion = {
    .name = "completion",
    .summary = "Print what makes bash complete commands and options",
    .arguments = "",
    .details = "Example: source <(entente completion)",
    .run = run,
};
