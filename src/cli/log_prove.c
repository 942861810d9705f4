#include "base/decimal.h"
#include "base/error.h"
#include "cli/log_folder.h"
#include "log/reader.h"
#include "log/tlog_proof.h"
#include "net/http.h"

#include <string.h>

/* ---- where an entry is ---- */

struct search {
    struct merkle *merkle;
    struct merkle_hash wanted;
    gboolean found;
    guint64 index;
};

static gboolean look(guint64 index, GBytes *entry, gpointer data, GError **error)
{
    struct search *search = data;
    const struct merkle_hash leaf =
        merkle_leaf(search->merkle, g_bytes_get_data(entry, NULL), g_bytes_get_size(entry));

    search->found = memcmp(&leaf, &search->wanted, sizeof leaf) == 0;
    search->index = index;
    return !search->found;
}

static gboolean find_entry(struct log_reader *reader, guint64 size, const char *path,
                           guint64 *index, GError **error)
{
    g_autoptr(merkle_t) merkle = merkle_new();
    g_autoptr(GBytes) entry = cli_log_entry(path, error);
    g_autoptr(GError) trouble = NULL;
    struct search search = { .merkle = merkle };

    if (!entry)
        return FALSE;
    search.wanted = merkle_leaf(merkle, g_bytes_get_data(entry, NULL), g_bytes_get_size(entry));
    if (!log_reader_each(reader, 0, size, look, &search, &trouble) && trouble) {
        g_propagate_error(error, g_steal_pointer(&trouble));
        return FALSE;
    }
    *index = search.index;
    return search.found ||
           found_error(error, "%s: is not in the log of %" G_GUINT64_FORMAT " entries", path, size);
}

/* ---- the proof ---- */

static char *prove(struct log_reader *reader, const char *what, GError **error)
{
    g_autoptr(note_t) note = log_reader_checkpoint(reader, error);
    g_autoptr(checkpoint_t) checkpoint = NULL;
    struct merkle_hash path[MERKLE_PATH_LIMIT];
    guint64 index;
    guint length;

    if (note)
        checkpoint = checkpoint_parse(g_bytes_get_data(note->text, NULL),
                                      g_bytes_get_size(note->text), error);
    if (!checkpoint || !log_reader_trust(reader, checkpoint->size, &checkpoint->root, error))
        return NULL;
    if (!decimal_parse(what, strlen(what), &index) &&
        !find_entry(reader, checkpoint->size, what, &index, error))
        return NULL;
    if (!log_reader_inclusion(reader, index, checkpoint->size, path, &length, error))
        return NULL;
    return tlog_proof_text(index, path, length, note->bytes);
}

static int run(const struct context *context, gconstpointer shared, char **arguments,
               GError **error)
{
    const struct log_state *state = shared;
    const struct http_options http = { .allow_plain = state->allow_private,
                                       .allow_private = state->allow_private,
                                       .ca_file = state->ca };
    g_autofree char *place = cli_log_folder(context, state, error);
    g_autoptr(log_reader_t) reader = NULL;
    g_autofree char *text = NULL;

    if (!place)
        return EXIT_SYSTEM;
    if (!arguments[0] || arguments[1]) {
        input_error(error, "log prove takes one INDEX or FILE (an entry)");
        return EXIT_INPUT;
    }
    reader = log_reader_new(strstr(place, "://") ? log_source_http(place, &http)
                                                 : log_source_folder(place));
    text = prove(reader, arguments[0], error);
    return text && cli_output(context, text, strlen(text), error) ? EXIT_DONE : EXIT_SYSTEM;
}

const struct subcommand log_subcommand_prove = { "prove", run };
