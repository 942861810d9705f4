/*
 * intel_commit.c: `entente intel commit`: how many STIX objects we hold, for the public log, each
 * by its salted digest only.
 */
#include "base/clock.h"
#include "base/file.h"
#include "base/terminal.h"
#include "cli/claim.h"
#include "cli/intel_command.h"
#include "cli/keys.h"
#include "p1_resilience/intel/holding.h"
#include "p1_resilience/intel/stix.h"

#include <stdio.h>

/* Objects wait until all definitions of markings were seen. */
struct committing {
    GPtrArray *objects; /* json_t */
    struct markings *markings;
};

static gboolean take(const struct stix_object *object, gpointer data, GError **error)
{
    struct committing *committing = data;

    markings_learn(committing->markings, object->json);
    g_ptr_array_add(committing->objects, json_incref((json_t *)object->json));
    return stix_check(object->json, NULL, error);
}

static gboolean read_all(struct committing *committing, char **files, GError **error)
{
    for (; *files; files++) {
        g_autoptr(GBytes) bytes = file_read(*files, STIX_LIMIT, error);

        if (!bytes || !stix_read(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), *files,
                                 NULL, take, committing, error))
            return FALSE;
    }
    return TRUE;
}

/* All of them, through the point at which TLP says that a log gets a digest and no more. */
static struct holding *hold(const struct committing *committing, const char *identity,
                            struct journal *journal, GError **error)
{
    static const struct egress_recipient log = { .kind = EGRESS_LOG, .ceiling = TLP_RED };
    const struct marking_context context = { .markings = committing->markings,
                                             .fallback = TLP_AMBER };
    g_autoptr(egress_t) egress = egress_new(&log, &context, journal);
    g_autoptr(holding_t) holding = holding_new();

    for (guint i = 0; i < committing->objects->len; i++) {
        const json_t *object = committing->objects->pdata[i];
        const char *by = json_text(object, "created_by_ref");

        if (!holding_add(holding, egress, object, by && g_strcmp0(by, identity) != 0, error))
            return NULL;
    }
    return egress_finish(egress, error) ? g_steal_pointer(&holding) : NULL;
}

static gboolean sign(const struct context *context, const struct intel_arguments *given,
                     struct holding *holding, GError **error)
{
    g_autoptr(signing_key_t) key =
        cli_signing_key(context, given->key, NULL, given->passphrase_file, error);
    g_autofree char *log = NULL, *beside = claim_openings_path(context->output);
    g_autofree char *shown = terminal_escape(context->output), *private = terminal_escape(beside);
    g_autoptr(GBytes) envelope = NULL, openings = NULL;

    if (!key || !claim_log(context, &log, error) ||
        !holding_sign(holding, log, clock_now_us(), key, &envelope, &openings, error) ||
        !claim_write(context->output, envelope, openings, error))
        return FALSE;
    if (!context->quiet)
        fprintf(stderr,
                "%" G_GUINT64_FORMAT " objects, by their salted digests, in %s; the objects and "
                "salts stay in %s\nPublish it with: entente publish %s\n",
                holding_count(holding), shown, private, shown);
    return TRUE;
}

static int run(const struct context *context, gconstpointer shared, char **arguments,
               GError **error)
{
    g_autoptr(GPtrArray) objects = g_ptr_array_new_with_free_func((GDestroyNotify)json_decref);
    g_autoptr(markings_t) markings = markings_new();
    struct committing committing = { objects, markings };
    g_autofree char *path = cli_profile_path(context), *data = NULL, *identity = NULL;
    g_autoptr(profile_t) profile = NULL;
    g_autoptr(journal_t) journal = NULL;
    g_autoptr(holding_t) holding = NULL;

    if (!arguments[0] || !context->output)
        return input_error(error, "entente intel commit FILE... -o STATEMENT.dsse.json");
    profile = path ? profile_load(path, error) : profile_default();
    data = profile ? cli_data_folder(context, error) : NULL;
    journal = data ? journal_open(data, error) : NULL;
    if (!journal || !read_all(&committing, arguments, error))
        return EXIT_SYSTEM;
    identity = intel_identity(profile);
    holding = hold(&committing, identity, journal, error);
    return holding && sign(context, shared, holding, error) ? EXIT_DONE : EXIT_SYSTEM;
}

const struct subcommand intel_commit = { "commit", run };
