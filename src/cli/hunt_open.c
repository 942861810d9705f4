/* hunt_open.c: entente hunt open: some files of a signed hunt, and their hits, for a reviewer. */
#include "base/json.h"
#include "cli/claim.h"
#include "cli/hunt_sign.h"
#include "statement/predicate.h"
#include "statement/verifier.h"

#include <string.h>

static gboolean open_file(const struct signed_claim *hunt, const char *name, json_t *opened,
                          GError **error)
{
    const json_t *entry;
    size_t index;

    json_array_foreach(hunt->entries, index, entry)
    {
        const gint64 first = json_number(entry, "first", 0), hits = json_number(entry, "hits", 0);

        if (g_strcmp0(json_text(entry, "type"), "file") != 0 ||
            g_strcmp0(json_text(entry, "file"), name) != 0)
            continue;
        json_array_append_new(opened, commitment_open(hunt->commitment, index));
        for (gint64 i = first; i < first + hits; i++)
            json_array_append_new(opened, commitment_open(hunt->commitment, (gsize)i));
        return TRUE;
    }
    return input_error(error, "%s: is not among the files of this hunt", name);
}

static int run(const struct context *context, gconstpointer shared, char **arguments,
               GError **error)
{
    const struct hunt_arguments *given = shared;
    g_auto(signed_claim_t) hunt = { 0 };
    g_autoptr(json_t) opened = json_array();
    g_autoptr(json_t) disclosure = NULL;
    g_autofree char *text = NULL;

    (void)given;
    if (!arguments[0] || !arguments[1])
        return input_error(error, "open takes a signed hunt, and files of it");
    if (!signed_claim_read(arguments[0], PREDICATE_HUNT, &hunt, error))
        return EXIT_SYSTEM;
    if (!hunt.commitment)
        return input_error(error, "%s: is a disclosure; only who hunted can open more",
                           arguments[0]);
    for (char **name = arguments + 1; *name; name++)
        if (!open_file(&hunt, *name, opened, error))
            return EXIT_INPUT;
    disclosure = disclosure_build(hunt.envelope, opened);
    text = json_pretty(disclosure);
    return cli_output(context, text, strlen(text), error) ? EXIT_DONE : EXIT_SYSTEM;
}

const struct subcommand hunt_subcommand_open = { "open", run };
