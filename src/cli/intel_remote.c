#include "cli/intel_remote.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/terminal.h"
#include "cli/database.h"
#include "cli/keys.h"
#include "cli/network.h"
#include "delivery/mailbox_request.h"
#include "p1_resilience/intel/taxii_config.h"
#include "p1_resilience/intel/taxii_store.h"

#include <sodium.h>
#include <string.h>

#define TOKEN_LIMIT 4096u
#define PAGE_LIMIT (64u << 20) /* bytes of one answer */
#define PAGE_TIMEOUT_US (120 * (gint64)G_USEC_PER_SEC)

/* As the server sees it (taxii_answers.h): the path and the query, decoded. */
static char *target_of(GUri *uri)
{
    g_autofree char *path = g_uri_unescape_string(g_uri_get_path(uri), NULL);
    g_autofree char *query =
        g_uri_get_query(uri) ? g_uri_unescape_string(g_uri_get_query(uri), NULL) : NULL;

    return query ? g_strconcat(path, "?", query, NULL) : g_strdup(path);
}

static char *sign(const struct intel_remote *remote, const char *method, const char *url,
                  GBytes *body)
{
    g_autoptr(GUri) uri = g_uri_parse(url, G_URI_FLAGS_ENCODED, NULL);
    g_autofree char *authority = mailbox_authority(url), *sha256 = mailbox_sha256(body);
    g_autofree char *target = uri ? target_of(uri) : NULL, *value = NULL;
    struct mailbox_request request = { method, authority, target, sha256 };

    if (!authority || !target)
        return NULL;
    value = mailbox_sign(remote->key, &request, clock_now_us());
    return g_strconcat(MAILBOX_SIGNATURE_HEADER ": ", value, NULL);
}

static char **authorize(const char *method, const char *url, GBytes *body, gpointer data)
{
    const struct intel_remote *remote = data;
    char **lines = g_new0(char *, 2);

    lines[0] = remote->line ? g_strdup(remote->line) : sign(remote, method, url, body);
    return lines;
}

static gboolean read_token(const struct intel_arguments *given, struct intel_remote *remote,
                           GError **error)
{
    g_autoptr(GBytes) bytes = file_read(given->token_file, TOKEN_LIMIT, error);
    g_autofree char *token = NULL, *pair = NULL, *encoded = NULL;
    gsize length;
    const char *text = bytes ? g_bytes_get_data(bytes, &length) : NULL;

    if (!text)
        return FALSE;
    token = g_strstrip(g_strndup(text, length));
    if (!*token || strpbrk(token, "\r\n"))
        return input_error(error, "%s: holds no token of one line", given->token_file);
    if (!given->user) {
        remote->line = g_strconcat("Authorization: Bearer ", token, NULL);
        return TRUE;
    }
    pair = g_strconcat(given->user, ":", token, NULL);
    encoded = g_base64_encode((const guchar *)pair, strlen(pair));
    remote->line = g_strconcat("Authorization: Basic ", encoded, NULL);
    return TRUE;
}

static gboolean show(guint64 objects, gpointer data)
{
    progress_at(data, objects, NULL);
    return TRUE;
}

gboolean intel_remote_open(const struct context *context, const struct intel_arguments *given,
                           struct intel_remote *remote, GError **error)
{
    struct http_options options = cli_http(given->allow_private, given->ca);

    if (given->user && !given->token_file)
        return input_error(error, "--user goes with --token-file");
    if (given->key && given->token_file)
        return input_error(error, "--key and --token-file: one of them says who asks");
    if (given->token_file && !read_token(given, remote, error))
        return FALSE;
    if (given->key) {
        remote->key = cli_signing_key(context, given->key, NULL, NULL, error);
        if (!remote->key)
            return FALSE;
    }
    options.limit = PAGE_LIMIT;
    options.timeout_us = PAGE_TIMEOUT_US;
    remote->http = http_new(&options);
    remote->progress = context->quiet ? NULL : progress_begin("Objects", 0);
    remote->client = (struct client){
        .http = remote->http,
        .authorize = remote->line || remote->key ? authorize : NULL,
        .authorize_data = remote,
        .progress = remote->progress ? show : NULL,
        .progress_data = remote->progress,
    };
    return TRUE;
}

void intel_remote_clear(struct intel_remote *remote)
{
    if (remote->progress)
        progress_end(g_steal_pointer(&remote->progress));
    g_clear_pointer(&remote->http, http_free);
    g_clear_pointer(&remote->key, signing_key_free);
    if (remote->line)
        sodium_memzero(remote->line, strlen(remote->line));
    g_clear_pointer(&remote->line, g_free);
}

struct taxii_store *intel_store(const struct context *context, const struct intel_arguments *given,
                                GError **error)
{
    g_autofree char *data = NULL, *path = NULL;
    const char *database;

    if (!cli_database(given->database, &database, error))
        return NULL;
    if (database)
        return taxii_store_open(database, error);
    data = cli_data_folder(context, error);
    path = data ? g_build_filename(data, TAXII_STORE_FILE, NULL) : NULL;
    return path ? taxii_store_open(path, error) : NULL;
}

char *intel_collection_id(const char *name)
{
    return g_uuid_string_is_valid(name) ? g_ascii_strdown(name, -1) : taxii_collection_uuid(name);
}
