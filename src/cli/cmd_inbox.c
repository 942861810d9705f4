/* cmd_inbox.c: everything that waits for somebody here, with its clock. */
#include "cli/case_text.h"
#include "cli/commands.h"
#include "delivery/echo.h"

#include <stdio.h>

struct state {
    struct casework_options work;
    gboolean sync;
    int limit;
};

static const struct command_option options[] = {
    { "sync", 0, G_OPTION_ARG_NONE, offsetof(struct state, sync),
      "First send and fetch what waits, where no node does it", NULL },
    { "limit", 0, G_OPTION_ARG_INT, offsetof(struct state, limit), "So many at most (default: 100)",
      "N" },
    CASEWORK_OPTIONS(struct state),
    { NULL },
};

/* What the node's courier does all the time, once: send, fetch, let clocks run out, echo drills. */
static gboolean sync_once(struct casework *work, GError **error)
{
    struct courier_round round = { 0 }, again = { 0 };
    guint happened, echoed = 0;

    if (!casework_sync(work, &round, error) ||
        !cases_tick(work->cases, work->now_us, &happened, error) ||
        !echo_drills(work->cases, work->self, casework_key(work, NULL), work->now_us, &echoed,
                     error) ||
        !echo_judge(work->cases, work->self, casework_key(work, NULL), work->now_us, error) ||
        (echoed && !casework_sync(work, &again, error)))
        return FALSE;
    if (!work->context->quiet)
        fprintf(stderr,
                work->french ? "%u envoyés, %u reçus, %u refusés, %u échecs\n"
                             : "%u sent, %u received, %u refused, %u failed\n",
                round.sent + again.sent, round.received + again.received,
                round.refused + again.refused, round.failed + again.failed);
    return TRUE;
}

static guint overdue_of(const json_t *inbox)
{
    const json_t *item;
    guint count = 0;
    size_t index;

    json_array_foreach(json_object_get(inbox, "items"), index, item) count +=
        json_is_true(json_object_get(item, "overdue"));
    return count;
}

static void hint(const struct casework *work, const json_t *inbox)
{
    const int total = (int)json_number(inbox, "total", 0);

    if (work->context->quiet)
        return;
    if (!total)
        fputs(work->french ? "Rien ne vous attend.\n" : "Nothing waits for you.\n", stderr);
    else
        fprintf(stderr,
                work->french ? "%d en tout, dont %u en retard. entente case show ID\n"
                             : "%d in all, %u of them overdue. entente case show ID\n",
                total, overdue_of(inbox));
}

static int run(const struct context *context, void *data, char **arguments, GError **error)
{
    const struct state *state = data;
    g_autoptr(casework_t) work = NULL;
    g_autoptr(json_t) inbox = NULL;
    g_autoptr(GError) problem = NULL;

    if (arguments[0])
        return input_error(error, "\"%s\": inbox takes options only", arguments[0]);
    if (state->limit < 0)
        return input_error(error, "--limit takes a number from 0");
    work = casework_open(context, &state->work, error);
    if (!work)
        return EXIT_SYSTEM;
    if (!casework_raise_alarms(work, &problem) && !context->quiet)
        fprintf(stderr, "%s\n", problem->message);
    if (state->sync && !sync_once(work, error))
        return EXIT_SYSTEM;
    inbox = cases_inbox(work->cases, (guint)state->limit, work->now_us, error);
    if (!inbox || !case_text_put(work, inbox, "items", case_text_inbox, error))
        return EXIT_SYSTEM;
    hint(work, inbox);
    return overdue_of(inbox) ? EXIT_FOUND : EXIT_DONE;
}

const struct command command_inbox = {
    .name = "inbox",
    .summary = "Show everything that waits for you, with its clock",
    .arguments = "",
    .formats = "text, json",
    .details = "What is due first stands first: clocks that run for us, drafts that want a second "
               "signature,\ncases that are new to us. Exit status 1: something is overdue.\n\n"
               "Example: entente inbox --sync\n"
               "         entente inbox --format json --output inbox.json",
    .options = options,
    .state_size = sizeof(struct state),
    .run = run,
};
