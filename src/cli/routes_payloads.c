/* routes_payloads.c: the payloads of RPKI that routes are judged by. */
#include "base/clock.h"
#include "base/terminal.h"
#include "cli/routes_command.h"
#include "rpki/payload.h"
#include "rpki/rtr.h"

#include <stdio.h>

#define CACHE_LIMIT_US (60 * (gint64)G_USEC_PER_SEC)

struct asked {
    const struct context *context;
    const char *where;
};

static void tell_problem(const char *problem, gpointer data)
{
    const struct asked *asked = data;
    g_autofree char *text = terminal_escape(problem);

    if (!asked->context->quiet)
        fprintf(stderr, "entente: --rtr %s: %s; waiting for it\n", asked->where, text);
}

/* The client's thread has ended when this returns: workers are forked from one thread. */
static gboolean ask_cache(const struct context *context, const char *where, struct payload *payload,
                          GError **error)
{
    struct asked asked = { context, where };
    g_autofree char *host = NULL, *port = NULL;
    g_autoptr(rtr_client_t) client = NULL;
    g_autoptr(vrp_set_t) vrps = NULL;
    g_autoptr(aspa_set_t) aspas = NULL;
    struct rtr_options options = { .version = RTR_VERSION_MAX };

    if (!rtr_split(where, &host, &port, error)) {
        g_prefix_error(error, "--rtr: ");
        return FALSE;
    }
    options.host = host;
    options.port = port;
    client = rtr_client_start(&options, error);
    if (!client || !rtr_client_wait(client, CACHE_LIMIT_US, tell_problem, &asked, error))
        return FALSE;
    if (rtr_client_sets(client, &vrps, &aspas))
        payload_add(payload, vrps, aspas);
    return TRUE;
}

static gboolean read_files(struct payload *payload, char **paths, GError **error)
{
    for (; paths && *paths; paths++)
        if (!payload_read(payload, *paths, error))
            return FALSE;
    return TRUE;
}

static void warn_of_files(const struct context *context, const struct payload *payload)
{
    const GPtrArray *files = payload_files(payload);

    for (guint i = 0; !context->quiet && i < files->len; i++) {
        const struct payload_file *file = files->pdata[i];
        g_autofree char *built = file->is_stale ? clock_format(file->built_us) : NULL;

        if (built)
            fprintf(stderr, "entente: %s: stale: built at %s, more than 24 hours ago\n", file->name,
                    built);
        if (file->expired)
            fprintf(stderr,
                    "entente: %s: %" G_GUINT64_FORMAT " payloads have expired and do not count\n",
                    file->name, file->expired);
    }
}

gboolean routes_payloads(const struct context *context, const struct routes_arguments *given,
                         struct payload *payload, GError **error)
{
    if (given->rtr && !ask_cache(context, given->rtr, payload, error))
        return FALSE;
    if (!read_files(payload, given->vrps, error) || !read_files(payload, given->aspas, error) ||
        !read_files(payload, given->slurms, error))
        return FALSE;
    payload_finish(payload);
    warn_of_files(context, payload);
    return TRUE;
}
