/* intel_pull.c: `entente intel pull`: what is new at a TAXII server or in a MISP feed. */
#include "base/file.h"
#include "cli/intel_remote.h"
#include "p1_resilience/intel/taxii_store.h"

#include <stdio.h>

#define FOLDER_MODE 0700
#define STORE_STATE "intel-pull.db" /* in the data folder */
#define PAGE_MAX 100000u

/* What goes into a collection of this node. */
struct keeping {
    struct taxii_store *store;
    struct starter *workers; /* that read the objects */
    char *collection;
    guint64 refused;
};
typedef struct keeping keeping_t;

static void keeping_clear(struct keeping *keeping)
{
    g_clear_pointer(&keeping->store, taxii_store_close);
    g_clear_pointer(&keeping->workers, starter_free);
    g_clear_pointer(&keeping->collection, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(keeping_t, keeping_clear)

/* The page's objects as an envelope again, for a worker to read. */
static GBytes *envelope_of(const GPtrArray *objects)
{
    GString *text = g_string_new("{\"objects\":[");

    for (guint i = 0; i < objects->len; i++) {
        gsize length;
        const char *bytes = g_bytes_get_data(objects->pdata[i], &length);

        if (i)
            g_string_append_c(text, ',');
        g_string_append_len(text, bytes, (gssize)length);
    }
    g_string_append(text, "]}");
    return g_string_free_to_bytes(text);
}

static gboolean keep(const GPtrArray *objects, gpointer data, GError **error)
{
    struct keeping *keeping = data;
    g_autofree struct taxii_addition *additions = g_new0(struct taxii_addition, objects->len);
    g_autoptr(GBytes) envelope = envelope_of(objects);
    g_autoptr(GArray) heads = NULL;
    guint count = 0;
    gboolean done;

    if (!objects->len)
        return TRUE;
    heads = taxii_head_read(keeping->workers, envelope, error);
    if (!heads)
        return FALSE;
    for (guint i = 0; i < heads->len; i++) {
        const struct taxii_posted *one = &g_array_index(heads, struct taxii_posted, i);

        if (one->refused)
            keeping->refused++;
        else
            additions[count++] =
                (struct taxii_addition){ .text = (const char *)g_bytes_get_data(envelope, NULL) +
                                                 one->offset,
                                         .length = one->length,
                                         .head = &one->head };
    }
    done = taxii_store_add(keeping->store, keeping->collection, additions, count, TRUE, error);
    for (guint i = 0; i < count; i++) {
        keeping->refused += additions[i].refused != NULL;
        g_free(additions[i].refused);
    }
    return done;
}

static gboolean open_store(const struct context *context, const struct intel_arguments *given,
                           struct keeping *keeping, char **state, GError **error)
{
    g_autofree char *data = cli_data_folder(context, error);

    if (!data)
        return FALSE;
    *state = g_build_filename(data, STORE_STATE, NULL);
    keeping->collection = intel_collection_id(given->store);
    keeping->workers = taxii_head_starter(error);
    keeping->store = keeping->workers ? intel_store(context, given, error) : NULL;
    return keeping->store != NULL;
}

static gboolean check(const struct context *context, const struct intel_arguments *given,
                      char **arguments, guint *limit, GError **error)
{
    guint64 number = 0;

    if (!arguments[0] || arguments[1])
        return input_error(error, "entente intel pull URL --collection NAME -o FOLDER");
    if (!context->output == !given->store)
        return input_error(error, "where to: -o FOLDER, or --store COLLECTION");
    if (given->misp && (given->store || given->collection || given->match || given->added_after))
        return input_error(error, "a feed of MISP goes to a folder, as it is");
    if (given->page && !g_ascii_string_to_unsigned(given->page, 10, 1, PAGE_MAX, &number, NULL))
        return input_error(error, "--page: \"%s\" is not a number from 1 to %u", given->page,
                           PAGE_MAX);
    *limit = (guint)number;
    return TRUE;
}

static void summarise(const struct intel_arguments *given, const struct pulled *pulled,
                      const struct keeping *keeping)
{
    const char *what = given->misp ? "event" : "object";

    fprintf(stderr, "%" G_GUINT64_FORMAT " new %s%s", pulled->objects, what,
            pulled->objects == 1 ? "" : "s");
    if (!given->misp)
        fprintf(stderr, " on %" G_GUINT64_FORMAT " page%s", pulled->pages,
                pulled->pages == 1 ? "" : "s");
    if (pulled->known)
        fprintf(stderr, ", %" G_GUINT64_FORMAT " known", pulled->known);
    if (pulled->vanished)
        fprintf(stderr, ", %" G_GUINT64_FORMAT " not listed any more", pulled->vanished);
    if (keeping->refused)
        fprintf(stderr, ", %" G_GUINT64_FORMAT " refused: no sound objects", keeping->refused);
    fputc('\n', stderr);
}

static int run(const struct context *context, gconstpointer shared, char **arguments,
               GError **error)
{
    const struct intel_arguments *given = shared;
    g_auto(intel_remote_t) remote = { 0 };
    g_auto(keeping_t) keeping = { 0 };
    g_autofree char *path = NULL;
    g_autoptr(pull_state_t) state = NULL;
    struct pulled pulled = { 0 };
    struct pull pull = {
        .url = arguments[0],
        .collection = given->collection,
        .match = (const char *const *)given->match,
        .added_after = given->added_after,
        .folder = context->output,
    };

    if (!check(context, given, arguments, &pull.limit, error))
        return EXIT_INPUT;
    /* Its workers start before there is a token or a key that they could have. */
    if (given->store && !open_store(context, given, &keeping, &path, error))
        return EXIT_SYSTEM;
    if (!intel_remote_open(context, given, &remote, error))
        return EXIT_INPUT;
    if (given->store) {
        pull.take = keep;
        pull.take_data = &keeping;
    } else if (!file_make_folder(context->output, FOLDER_MODE, error)) {
        return EXIT_SYSTEM;
    } else {
        path = g_build_filename(context->output, PULL_STATE_FILE, NULL);
    }
    state = pull_state_open(path, error);
    if (!state || !(given->misp ? client_pull_misp : client_pull)(&remote.client, &pull, state,
                                                                  &pulled, error))
        return EXIT_SYSTEM;
    intel_remote_clear(&remote);
    if (!context->quiet)
        summarise(given, &pulled, &keeping);
    return EXIT_DONE;
}

const struct subcommand intel_pull = { "pull", run };
