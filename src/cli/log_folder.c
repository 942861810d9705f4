#include "cli/log_folder.h"

#include "base/error.h"
#include "base/file.h"
#include "cli/keys.h"
#include "log/tile.h"
#include "statement/dsse.h"
#include "statement/key_store.h"

#define LOG_KEY "log" /* DATA/keys/log.key */

char *cli_log_folder(const struct context *context, const struct log_state *state, GError **error)
{
    g_autofree char *data = NULL;

    if (state->log)
        return g_strdup(state->log);
    data = cli_data_folder(context, error);
    return data ? g_build_filename(data, "log", NULL) : NULL;
}

char *cli_log_key_path(const struct context *context, const struct log_state *state, GError **error)
{
    g_autofree char *data = NULL;

    if (state->key)
        return g_strdup(state->key);
    data = cli_data_folder(context, error);
    return data ? key_store_path(data, LOG_KEY) : NULL;
}

struct signing_key *cli_log_key(const struct context *context, const struct log_state *state,
                                GError **error)
{
    g_autofree char *path = cli_log_key_path(context, state, error);

    return path ? cli_signing_key(context, path, NULL, state->passphrase_file, error) : NULL;
}

GBytes *cli_log_entry(const char *path, GError **error)
{
    g_autoptr(GBytes) bytes = file_read(path, DSSE_LIMIT, error);
    g_autoptr(json_t) json = NULL;
    g_autoptr(dsse_t) envelope = NULL;
    g_autoptr(json_t) plain = NULL;
    g_autoptr(GBytes) entry = NULL;

    if (!bytes)
        return NULL;
    envelope = dsse_parse(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), path, error);
    if (!envelope)
        return NULL;
    plain = dsse_to_json(envelope);
    entry = json_canonical(plain, error);
    if (entry && g_bytes_get_size(entry) > ENTRY_LIMIT) {
        input_error(error, "%s: larger than an entry may be (%u bytes)", path, ENTRY_LIMIT);
        return NULL;
    }
    return g_steal_pointer(&entry);
}
