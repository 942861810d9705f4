/*
 * intel_open.c: `entente intel open`: single objects of what `entente intel commit` signed, for who
 * may see them.
 */
#include "base/terminal.h"
#include "cli/claim.h"
#include "cli/intel_command.h"
#include "p1_resilience/intel/holding.h"
#include "statement/predicate.h"
#include "statement/verifier.h"

#include <stdio.h>
#include <string.h>

/* Every version of it that is held. FALSE: there is none. */
static gboolean open_object(const struct signed_claim *claim, const char *id, struct egress *egress,
                            json_t *opened, GError **error)
{
    gboolean held = FALSE;
    const json_t *entry;
    size_t index;

    json_array_foreach(claim->entries, index, entry)
    {
        if (g_strcmp0(holding_id(entry), id) != 0)
            continue;
        held = TRUE;
        if (holding_may_open(entry, egress))
            json_array_append_new(opened, commitment_open(claim->commitment, index));
    }
    return held || input_error(error, "%s: is not among the objects of this statement", id);
}

static gboolean check(const struct intel_arguments *given, char **arguments,
                      struct egress_recipient *recipient, GError **error)
{
    if (!arguments[0] || !arguments[1] || !given->to)
        return input_error(error, "entente intel open STATEMENT ID... --to WHO");
    *recipient = (struct egress_recipient){
        .kind = g_str_equal(given->to, INTEL_PUBLIC) ? EGRESS_PUBLIC : EGRESS_SIGNATORY,
        .id = given->to,
        .through = "open",
        .named = (const char *const *)given->named,
    };
    return intel_level(given->ceiling, TLP_RED, &recipient->ceiling, error);
}

static gboolean write_out(const struct context *context, const struct signed_claim *claim,
                          json_t *opened, GError **error)
{
    g_autoptr(json_t) disclosure = disclosure_build(claim->envelope, opened);
    g_autofree char *text = json_pretty(disclosure);

    return cli_output(context, text, strlen(text), error);
}

static int run(const struct context *context, gconstpointer shared, char **arguments,
               GError **error)
{
    static const struct marking_context careful = { .fallback = TLP_AMBER };
    struct egress_recipient recipient;
    g_auto(signed_claim_t) claim = { 0 };
    g_autoptr(json_t) opened = json_array();
    g_autofree char *data = NULL;
    g_autoptr(journal_t) journal = NULL;
    g_autoptr(egress_t) egress = NULL;

    if (!check(shared, arguments, &recipient, error))
        return EXIT_INPUT;
    data = cli_data_folder(context, error);
    journal = data ? journal_open(data, error) : NULL;
    if (!journal || !signed_claim_read(arguments[0], PREDICATE_INDICATORS, &claim, error))
        return EXIT_SYSTEM;
    if (!claim.commitment)
        return input_error(error, "%s: is a disclosure; only who holds the objects can open more",
                           arguments[0]);
    if (!intel_knows(context, recipient.id, error))
        return EXIT_INPUT;
    egress = egress_new(&recipient, &careful, journal);
    for (char **id = arguments + 1; *id; id++)
        if (!open_object(&claim, *id, egress, opened, error))
            return EXIT_INPUT;
    if (!egress_finish(egress, error) ||
        (json_array_size(opened) && !write_out(context, &claim, opened, error)))
        return EXIT_SYSTEM;
    return intel_refusals(egress, "not opened") ? EXIT_POLICY : EXIT_DONE;
}

const struct subcommand intel_open = { "open", run };
