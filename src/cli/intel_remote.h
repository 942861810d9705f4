/* intel_remote.h: what `entente intel pull` and `push` share: who asks, and what they say. */
#pragma once
#include "cli/intel_command.h"
#include "p1_resilience/intel/taxii_client.h"
#include "statement/key.h"

struct intel_remote {
    struct client client;
    struct http *http;
    char *line; /* "Authorization: ..."; NULL: none */
    struct signing_key *key;
    struct progress *progress;
};
typedef struct intel_remote intel_remote_t;

/* By --user, --token-file and --key. */
gboolean intel_remote_open(const struct context *context, const struct intel_arguments *given,
                           struct intel_remote *remote, GError **error);
void intel_remote_clear(struct intel_remote *remote);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(intel_remote_t, intel_remote_clear)

/* The collections of this node: --database, ENTENTE_DATABASE, or a file in its data folder. */
struct taxii_store *intel_store(const struct context *context, const struct intel_arguments *given,
                                GError **error);

/* The id of a collection of this node: a UUID, or that of its alias. Owned by the caller. */
char *intel_collection_id(const char *name);
