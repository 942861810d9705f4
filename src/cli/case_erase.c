/* case_erase.c: `entente case erase`: the content of a case goes before its retention ends. */
#include "base/terminal.h"
#include "cli/case_command.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static gboolean confirmed(const struct casework *work, const struct case_arguments *given,
                          const char *id, GError **error)
{
    char answer[8];

    if (given->yes)
        return TRUE;
    if (!isatty(STDIN_FILENO))
        return policy_error(error, "nothing was erased: there is nobody to ask (--yes erases "
                                   "without asking)");
    fprintf(stderr,
            work->french
                ? "Effacer le contenu du dossier %.12s\u202f? Nul ne pourra le relire ici. "
                  "[o/N] "
                : "Erase the content of case %.12s? Nobody can read it here again. "
                  "[y/N] ",
            id);
    return (fgets(answer, sizeof answer, stdin) && strchr("yYoO", answer[0])) ||
           policy_error(error, "nothing was erased");
}

static int run(const struct context *context, gconstpointer shared, char **arguments,
               GError **error)
{
    const struct case_arguments *given = shared;
    g_autoptr(casework_t) work = NULL;
    const struct kase *kase;

    if (!arguments[0] || arguments[1])
        return input_error(error, "which case? entente case erase ID");
    work = casework_open(context, &given->work, error);
    kase = work ? casework_case(work, arguments[0], error) : NULL;
    if (!kase || !confirmed(work, given, kase->id, error) ||
        !cases_erase(work->cases, arguments[0], error))
        return EXIT_SYSTEM;
    if (!context->quiet)
        fputs(work->french ? "Effacé ici. Les autres parties gardent le leur selon leurs délais.\n"
                           : "Erased here. Other parties keep theirs by their own clocks.\n",
              stderr);
    return EXIT_DONE;
}

const struct subcommand case_subcommand_erase = { "erase", run };
