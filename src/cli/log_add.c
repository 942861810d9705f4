#include "base/error.h"
#include "base/file.h"
#include "cli/log_folder.h"
#include "log/writer.h"
#include "statement/base64.h"
#include "statement/key_file.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A checkpoint with cosignatures gives way only to another one with them: that is the node's. */
static gboolean is_witnessed(const char *folder, gboolean *witnessed, GError **error)
{
    g_autofree char *path = g_build_filename(folder, "checkpoint", NULL);
    g_autoptr(GBytes) bytes = NULL;
    g_autoptr(note_t) note = NULL;

    *witnessed = FALSE;
    if (access(path, F_OK) != 0)
        return TRUE;
    bytes = file_read(path, NOTE_LIMIT, error);
    if (bytes)
        note = note_parse(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), path, error);
    *witnessed = note && note->signatures->len > 1;
    return note != NULL;
}

static gboolean publish(const struct context *context, struct log_writer *writer,
                        const char *folder, GError **error)
{
    g_autoptr(GBytes) note = NULL;
    gboolean witnessed;

    if (!is_witnessed(folder, &witnessed, error))
        return FALSE;
    if (witnessed) {
        if (!context->quiet)
            fputs("The log has witnesses: \"entente serve\" collects their cosignatures and "
                  "publishes the next checkpoint\n",
                  stderr);
        return TRUE;
    }
    note = log_writer_checkpoint(writer);
    return note ? log_writer_publish(writer, note, FALSE, error) : log_writer_works(writer, error);
}

static gboolean add(struct log_writer *writer, struct merkle *merkle, const char *path,
                    GString *text, GError **error)
{
    g_autoptr(GBytes) entry = cli_log_entry(path, error);
    g_autofree char *hex = NULL;
    struct merkle_hash leaf;
    guint64 index;

    if (!entry || !log_writer_add(writer, entry, &index, error))
        return FALSE;
    leaf = merkle_leaf(merkle, g_bytes_get_data(entry, NULL), g_bytes_get_size(entry));
    hex = hex_encode(leaf.bytes, MERKLE_HASH_SIZE);
    g_string_append_printf(text, "%" G_GUINT64_FORMAT " %s\n", index, hex);
    return TRUE;
}

static gboolean add_all(const struct context *context, struct log_writer *writer,
                        const char *folder, char **files, GError **error)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(merkle_t) merkle = merkle_new();

    for (guint i = 0; files[i]; i++)
        if (!add(writer, merkle, files[i], text, error))
            return FALSE;
    return publish(context, writer, folder, error) &&
           cli_output(context, text->str, text->len, error);
}

static int run_add(const struct context *context, gconstpointer shared, char **arguments,
                   GError **error)
{
    const struct log_state *state = shared;
    g_autofree char *folder = cli_log_folder(context, state, error);
    g_autoptr(signing_key_t) key = folder ? cli_log_key(context, state, error) : NULL;
    struct log_writer_options options = { .folder = folder, .key = key };
    struct log_writer *writer;
    gboolean done;

    if (!key)
        return EXIT_INPUT;
    if (!arguments[0]) {
        input_error(error, "log add takes one FILE or more: signed envelopes");
        return EXIT_INPUT;
    }
    options.lock_file = state->lock;
    writer = log_writer_open(&options, error);
    if (!writer)
        return EXIT_SYSTEM;
    done = add_all(context, writer, folder, arguments, error);
    log_writer_close(writer);
    return done ? EXIT_DONE : EXIT_SYSTEM;
}

const struct subcommand log_subcommand_add = { "add", run_add };

/* ---- a new log ---- */

/* The log's key file, made when there is none; its name is the origin. */
static struct signing_key *origin_key(const struct context *context, const struct log_state *state,
                                      const char *origin, GError **error)
{
    g_autofree char *path = cli_log_key_path(context, state, error);
    g_autofree char *folder = path ? g_path_get_dirname(path) : NULL;
    g_autoptr(signing_key_t) key = NULL;

    if (!path)
        return NULL;
    if (access(path, F_OK) == 0) {
        key = cli_log_key(context, state, error);
        if (key && !g_str_equal(key->public->name, origin)) {
            input_error(error, "%s: is the key of %s: each log has a key of its own", path,
                        key->public->name);
            return NULL;
        }
        return g_steal_pointer(&key);
    }
    key = signing_key_generate(origin, error);
    if (!key || !file_make_folder(folder, 0700, error) || !key_file_create(path, key, NULL, error))
        return NULL;
    return g_steal_pointer(&key);
}

static int run_new(const struct context *context, gconstpointer shared, char **arguments,
                   GError **error)
{
    const struct log_state *state = shared;
    g_autofree char *folder = cli_log_folder(context, state, error);
    g_autoptr(signing_key_t) key = NULL;
    struct log_writer_options options = { .folder = folder };
    g_autofree char *vkey = NULL;
    g_autofree char *text = NULL;

    if (!arguments[0] || arguments[1]) {
        input_error(error, "log new takes one ORIGIN: log.example.org/2026");
        return EXIT_INPUT;
    }
    key = folder ? origin_key(context, state, arguments[0], error) : NULL;
    if (!key)
        return EXIT_INPUT;
    options.key = key;
    options.lock_file = state->lock;
    if (!log_create(&options, error))
        return EXIT_SYSTEM;
    vkey = public_key_text(key->public);
    text = g_strconcat(vkey, "\n", NULL);
    return cli_output(context, text, strlen(text), error) ? EXIT_DONE : EXIT_SYSTEM;
}

const struct subcommand log_subcommand_new = { "new", run_new };

/* ---- a log that lost its WAL ---- */

static int run_restore(const struct context *context, gconstpointer shared, char **arguments,
                       GError **error)
{
    const struct log_state *state = shared;
    g_autofree char *folder = cli_log_folder(context, state, error);
    g_autoptr(signing_key_t) key = folder ? cli_log_key(context, state, error) : NULL;
    struct log_writer_options options = { .folder = folder, .key = key };
    g_autofree char *text = NULL;
    guint64 size;

    if (!key)
        return EXIT_INPUT;
    if (arguments[0]) {
        input_error(error, "\"%s\": log restore takes options only", arguments[0]);
        return EXIT_INPUT;
    }
    options.lock_file = state->lock;
    if (!log_restore(&options, &size, error))
        return EXIT_SYSTEM;
    text = g_strdup_printf("%" G_GUINT64_FORMAT "\n", size);
    return cli_output(context, text, strlen(text), error) ? EXIT_DONE : EXIT_SYSTEM;
}

const struct subcommand log_subcommand_restore = { "restore", run_restore };
