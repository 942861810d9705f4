/* case_list.c: `entente case list`. */
#include "cli/case_command.h"
#include "cli/case_text.h"

#include <stdio.h>

static gboolean check_numbers(const struct case_arguments *given, GError **error)
{
    return (given->limit >= 0 && given->offset >= 0) ||
           input_error(error, "--limit and --offset take numbers from 0");
}

static int compare_words(gconstpointer left, gconstpointer right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* The states in which a case of a kind (NULL: of any) can be, in order; each once. */
static GPtrArray *states_of(const struct kind *only)
{
    GPtrArray *states = g_ptr_array_new();

    for (const struct kind *kind = only ? only : kinds; kind->id && (!only || kind == only); kind++)
        for (const char *const *state = kind->machines[0].states; *state; state++)
            if (!g_ptr_array_find_with_equal_func(states, *state, g_str_equal, NULL))
                g_ptr_array_add(states, (gpointer)*state);
    g_ptr_array_sort(states, compare_words);
    return states;
}

static gboolean check_state(const struct case_arguments *given, GError **error)
{
    const struct kind *kind = given->kind ? kind_find(given->kind) : NULL;
    g_autoptr(GPtrArray) states = states_of(kind);
    g_autofree char *list = NULL;

    if (!given->state || g_ptr_array_find_with_equal_func(states, given->state, g_str_equal, NULL))
        return TRUE;
    g_ptr_array_add(states, NULL);
    list = g_strjoinv(", ", (char **)states->pdata);
    return input_error(error, "\"%s\" is no state of a case%s%s: %s", given->state,
                       kind ? " of kind " : "", kind ? kind->id : "", list);
}

int case_list(const struct context *context, const struct case_arguments *given, GError **error)
{
    struct cases_filter filter = {
        .kind = given->kind,
        .state = given->state,
        .text = given->text,
        .open = !given->ended || given->all,
        .ended = given->ended || given->all,
        .overdue = given->overdue,
        .mine = given->mine,
        .limit = (guint)given->limit,
        .offset = (guint)given->offset,
    };
    g_autoptr(casework_t) work = NULL;
    g_autoptr(json_t) list = NULL;
    g_autofree char *party = NULL;
    size_t shown;

    if (!check_numbers(given, error))
        return EXIT_INPUT;
    if (given->kind && !kind_find(given->kind))
        return input_error(error, "\"%s\" is no kind of case (entente case kinds)", given->kind);
    if (!check_state(given, error))
        return EXIT_INPUT;
    work = casework_open(context, &given->work, error);
    if (!work)
        return EXIT_SYSTEM;
    if (g_strcmp0(given->kind, "alarm") == 0 && !casework_raise_alarms(work, error))
        return EXIT_INPUT;
    if (given->party && !(filter.party = party = casework_party(work, given->party, error)))
        return EXIT_INPUT;
    list = cases_list(work->cases, &filter, work->now_us, error);
    if (!list)
        return EXIT_SYSTEM;
    shown = json_array_size(json_object_get(list, "cases"));
    if (!case_text_put(work, list, "cases", case_text_list, error))
        return EXIT_SYSTEM;
    if (!context->quiet && !cli_format_is(context, "json", FALSE))
        fprintf(stderr, work->french ? "%zu sur %d\n" : "%zu of %d\n", shown,
                (int)json_number(list, "total", 0));
    return EXIT_DONE;
}

static int run(const struct context *context, gconstpointer shared, char **arguments,
               GError **error)
{
    const struct case_arguments *given = shared;
    if (arguments[0])
        return input_error(error, "\"%s\": list takes options only", arguments[0]);
    return case_list(context, given, error);
}

const struct subcommand case_subcommand_list = { "list", run };
