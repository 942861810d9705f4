/* network.h: how commands reach other machines, and what they show of a community. */
#pragma once
#include "cli/cli.h"
#include "community/community.h"
#include "net/http.h"

/*
 * --allow-private (or ENTENTE_ALLOW_PRIVATE=1) also allows http:// and addresses that are not
 * public: for closed networks and tests. `ca` is a PEM file or NULL (or ENTENTE_CA_FILE).
 */
struct http_options cli_http(gboolean allow_private, const char *ca);

/* The community of the data folder. */
struct community *cli_community(const struct context *context, GError **error);

/*
 * Submits an entry and says what came of it ("WHAT: entry 12 ..."), on standard error unless
 * --quiet. ENTENTE_ERROR_POLICY: refused, with the log's reason.
 */
gboolean cli_submit(const struct context *context, struct community *community,
                    const struct http_options *http, const char *what, GBytes *entry,
                    struct submitted *submission, GError **error);

/* "witnessed by 3 of 4", "unwitnessed", "stale": one line about a state. Owned by the caller. */
char *cli_state_text(const struct community_state *state);
json_t *cli_state_json(const struct community *community, const struct community_state *state);
