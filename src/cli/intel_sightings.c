/* intel_sightings.c: `entente intel sightings`: hits in, sightings out, through the egress point.
 */
#include "base/clock.h"
#include "base/file.h"
#include "base/terminal.h"
#include "cli/intel_command.h"
#include "p1_resilience/intel/sighting.h"
#include <string.h>

#define HITS_LIMIT (1u << 30) /* bytes of one file of hits */
/* All of what `who` is the source of goes back to it by name. */
static gboolean is_a_source(const struct sightings *sightings, const char *who)
{
    for (guint i = 0; i < sightings->list->len; i++)
        if (sighting_is_of(sightings->list->pdata[i], who))
            return TRUE;
    return FALSE;
}

/*
 * --named; the recipient when it is the source; for own use who runs this, since the hits lie open
 * to them already. Ends with NULL, borrows the texts.
 */
static const char **list_named(const struct intel_arguments *given,
                               const struct sightings *sightings)
{
    GPtrArray *named = g_ptr_array_new();

    for (guint i = 0; given->named && given->named[i]; i++)
        g_ptr_array_add(named, given->named[i]);
    if (!given->to)
        g_ptr_array_add(named, (gpointer)g_get_user_name());
    else if (is_a_source(sightings, given->to))
        g_ptr_array_add(named, given->to);
    g_ptr_array_add(named, NULL);
    return (const char **)g_ptr_array_free(named, FALSE);
}

static gboolean read_hits(struct sightings *sightings, const struct intel_arguments *given,
                          char **files, gint64 now_us, GError **error)
{
    const struct sighting_options options = { given->false_positives, given->partial, now_us };
    g_autoptr(hunt_table_t) table = hunt_table_open_all((const char *const *)given->tables, error);

    if (!table)
        return FALSE;
    for (guint i = 0; files[i]; i++) {
        const char *name = g_str_equal(files[i], "-") ? "standard input" : files[i];
        g_autoptr(GBytes) bytes = file_read(files[i], HITS_LIMIT, error);

        if (!bytes || !sighting_from_hits(sightings, g_bytes_get_data(bytes, NULL),
                                          g_bytes_get_size(bytes), name, table, &options, error))
            return FALSE;
    }
    return TRUE;
}

/* Who we are: of the profile, where there is one. */
static struct profile *load_profile(const struct context *context, gboolean anonymous,
                                    GError **error)
{
    g_autofree char *path = cli_profile_path(context);
    g_autoptr(profile_t) profile = path ? profile_load(path, error) : profile_default();

    if (profile && !anonymous && !profile->signatory.name) {
        input_error(error, "the profile names no signatory: entente init, or --anonymous");
        return NULL;
    }
    return g_steal_pointer(&profile);
}

static gboolean write_out(const struct context *context, const struct intel_arguments *given,
                          const struct sightings *sightings, const struct sighting_report *report,
                          struct egress *egress, guint *said, GError **error)
{
    if (given->misp) {
        g_autoptr(json_t) list = sighting_misp(sightings, report, egress);
        g_autofree char *text = json_pretty(list);

        *said = (guint)json_array_size(list);
        return egress_finish(egress, error) && cli_output(context, text, strlen(text), error);
    }
    {
        g_autoptr(GBytes) bundle = sighting_bundle(sightings, report, egress, said);

        return egress_finish(egress, error) &&
               cli_output(context, g_bytes_get_data(bundle, NULL), g_bytes_get_size(bundle), error);
    }
}

/* What was said, and for each reason how much was not; all on standard error. TRUE: some was
 * refused. */
static gboolean summarise(const struct context *context, const struct intel_arguments *given,
                          const struct sightings *sightings, const struct egress *egress,
                          guint said)
{
    const struct {
        guint64 count;
        const char *why;
    } left_out[] = {
        { sightings->suppressed, given->false_positives ? "not suppressed by a warning list"
                                                        : "suppressed by a warning list" },
        { sightings->partial, "seen in part only (--partial)" },
        { sightings->withdrawn, "withdrawn by their source" },
        { sightings->expired, "seen outside the time in which their source holds them valid" },
        { sightings->nameless, "from lists that give their indicators no id" },
        { sightings->unknown, "not in this table" },
    };
    const guint others = sighting_objects(sightings, given->misp);

    if (!context->quiet) {
        fprintf(stderr, "%u sighting%s of %" G_GUINT64_FORMAT " hit%s\n", said,
                said == 1 ? "" : "s", sightings->hits, sightings->hits == 1 ? "" : "s");
        for (guint i = 0; i < G_N_ELEMENTS(left_out); i++)
            if (left_out[i].count)
                fprintf(stderr, "%" G_GUINT64_FORMAT " not counted: %s\n", left_out[i].count,
                        left_out[i].why);
        if (others)
            fprintf(stderr, "%u indicator%s left out: %s\n", others, others == 1 ? "" : "s",
                    given->misp ? "of STIX, and MISP takes sightings of its own attributes only "
                                  "(without --misp)"
                                : "of MISP, and STIX names no attributes of it (--misp)");
    }
    return intel_refusals(egress, "refused");
}

static int run(const struct context *context, gconstpointer shared, char **arguments,
               GError **error)
{
    const struct intel_arguments *given = shared;
    const struct marking_context careful = { .fallback = TLP_AMBER };
    g_autoptr(sightings_t) sightings = sightings_new();
    g_autofree const char **named = NULL;
    g_autofree char *data = NULL;
    g_autoptr(profile_t) profile = NULL;
    g_autoptr(journal_t) journal = NULL;
    g_autoptr(egress_t) egress = NULL;
    struct egress_recipient recipient = { .kind = EGRESS_OWN,
                                          .id = given->to ? given->to : g_get_user_name(),
                                          .through = "sightings" };
    struct sighting_report report = { .anonymous = given->anonymous,
                                      .false_positives = given->false_positives,
                                      .observed = given->observed,
                                      .now_us = clock_now_us() };
    guint said = 0;

    if (!given->tables || !arguments[0])
        return input_error(error, "entente intel sightings --table TABLE HITS...");
    if (!intel_level(given->tlp, TLP_AMBER, &report.level, error) ||
        !intel_level(given->ceiling, TLP_RED, &recipient.ceiling, error))
        return EXIT_INPUT;
    profile = load_profile(context, given->anonymous, error);
    if (!profile || !read_hits(sightings, given, arguments, report.now_us, error))
        return EXIT_SYSTEM;
    report.signatory = &profile->signatory;
    if (given->to && !is_a_source(sightings, given->to) && !intel_knows(context, given->to, error))
        return EXIT_INPUT;
    if (given->to)
        recipient.kind = g_str_equal(given->to, INTEL_PUBLIC) ? EGRESS_PUBLIC : EGRESS_SIGNATORY;
    named = list_named(given, sightings);
    recipient.named = named;
    data = cli_data_folder(context, error);
    journal = data ? journal_open(data, error) : NULL;
    if (!journal)
        return EXIT_SYSTEM;
    egress = egress_new(&recipient, &careful, journal);
    if (!write_out(context, given, sightings, &report, egress, &said, error))
        return EXIT_SYSTEM;
    return summarise(context, given, sightings, egress, said) ? EXIT_POLICY : EXIT_DONE;
}

const struct subcommand intel_sightings = { "sightings", run };
