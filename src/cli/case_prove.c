/* case_prove.c: `entente case prove`: shows anyone by when an event existed, and nothing of it. */
#include "base/clock.h"
#include "cli/case_command.h"
#include "cli/case_text.h"
#include "delivery/commitment_root.h"
#include "statement/base64.h"

#include <stdio.h>
#include <string.h>

/* The event whose hash begins so. */
static const struct case_event *find_event(const struct kase *kase, const char *word,
                                           GError **error)
{
    const struct case_event *found = NULL;

    for (guint i = 0; i < kase->entries->len; i++) {
        const struct case_event *event = ((struct case_entry *)kase->entries->pdata[i])->event;
        g_autofree char *hex =
            event ? hex_encode(event->hash.bytes, sizeof event->hash.bytes) : NULL;

        if (!hex || !g_str_has_prefix(hex, word))
            continue;
        if (found) {
            input_error(error, "\"%s\": several events begin so", word);
            return NULL;
        }
        found = event;
    }
    if (!found)
        input_error(error, "case %.*s has no event \"%s\" (entente case show)", CASEWORK_SHORT_ID,
                    kase->id, word);
    return found;
}

/* Why there is no proof yet, and when to come back. */
static int not_yet(struct casework *work, const struct case_event *event, GError **error)
{
    enum case_root_stage stage;
    gint64 until_us;
    g_autofree char *time = NULL, *shown = NULL, *left = NULL;

    if (!case_root_stage_of(work->office->ledger, work->cases, &event->hash, work->now_us, &stage,
                            &until_us, error))
        return EXIT_SYSTEM;
    if (stage == CASE_ROOT_LOGGED)
        return system_error(error, "the root of this event's hour is in the log, and in no trusted "
                                   "checkpoint here yet: try again in a minute (entente community "
                                   "show --update)");
    if (stage == CASE_ROOT_DUE)
        return system_error(error, "the hour of this event is over, and its root is not in the log "
                                   "yet: the node puts one root an hour into it and tries again "
                                   "every minute (does entente serve run?)");
    time = clock_format(until_us);
    shown = case_text_time(time);
    left = case_text_duration(until_us - work->now_us, FALSE);
    return system_error(
        error,
        "the hour of this event is not over: its node puts one root an hour into "
        "the log. Try again after %s UTC, in %s, and give the log's witnesses a few "
        "minutes",
        shown, left);
}

static int prove(struct casework *work, char **arguments, GError **error)
{
    const struct kase *kase = casework_case(work, arguments[0], error);
    const struct case_event *event = kase ? find_event(kase, arguments[1], error) : NULL;
    g_autoptr(json_t) proof = NULL;
    g_autoptr(GError) problem = NULL;
    g_autofree char *text = NULL;

    if (!event || !casework_is_signatory(work, error))
        return EXIT_INPUT;
    proof = case_root_prove(work->office->ledger, work->office->community, &event->hash, &problem);
    if (problem) {
        g_propagate_error(error, g_steal_pointer(&problem));
        return EXIT_SYSTEM;
    }
    if (!proof)
        return not_yet(work, event, error);
    text = json_pretty(proof);
    return cli_output(work->context, text, strlen(text), error) ? EXIT_DONE : EXIT_SYSTEM;
}

static int run(const struct context *context, gconstpointer shared, char **arguments,
               GError **error)
{
    const struct case_arguments *given = shared;
    g_autoptr(casework_t) work = NULL;

    if (!arguments[0] || !arguments[1] || arguments[2])
        return input_error(error, "prove takes a case and an event: the beginning of its hash");
    work = casework_open(context, &given->work, error);
    return work ? prove(work, arguments, error) : EXIT_SYSTEM;
}

const struct subcommand case_subcommand_prove = { "prove", run };
