#include "node/places.h"

#include "base/file.h"
#include "statement/key_import.h"
#include "statement/key_store.h"

#include <string.h>

#define GENESIS "community/policy.json"

char *node_place(const struct node *node, const char *name)
{
    return g_build_filename(node_options(node)->data_folder, name, NULL);
}

struct signing_key *node_key(const struct node *node, const char *name, GError **error)
{
    const struct passphrase_source source = { NULL, FALSE };
    g_autofree char *path = key_store_path(node_options(node)->data_folder, name);

    if (!g_file_test(path, G_FILE_TEST_EXISTS))
        return NULL;
    return key_import_private_file(path, NULL, &source, error);
}

struct community_policy *node_genesis(const struct node *node, GError **error)
{
    g_autofree char *path = node_place(node, GENESIS);
    g_autoptr(GBytes) bytes = NULL;
    gsize length;
    const void *data;

    if (!g_file_test(path, G_FILE_TEST_EXISTS))
        return NULL;
    bytes = file_read(path, COMMUNITY_POLICY_LIMIT, error);
    if (!bytes)
        return NULL;
    data = g_bytes_get_data(bytes, &length);
    return community_policy_parse(data, length, path, error);
}

struct http_options node_http_options(const struct node *node)
{
    const struct node_options *options = node_options(node);

    return (struct http_options){
        .allow_plain = TRUE, /* what is fetched is signed */
        .allow_private = options->allow_private,
        .ca_file = options->ca_file,
    };
}

struct dns_options node_dns_options(const struct node *node)
{
    const struct node_options *options = node_options(node);

    return (struct dns_options){
        .server = options->dns_server,
        .trust_anchor = options->trust_anchor,
    };
}

gboolean node_load_network(const struct node *node, GError **error)
{
    const struct http_options http = node_http_options(node);
    const struct dns_options dns = node_dns_options(node);
    g_autoptr(http_t) client = http_new(&http);
    g_autoptr(dns_t) resolver = dns_new(&dns, error);

    return client && resolver;
}
