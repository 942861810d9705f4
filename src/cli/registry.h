/*
 * registry.h: the register that a command reads: of the community of this machine, or of a log in
 * a folder. The genesis policy is never taken from the log that it is to judge: it is the
 * community's, a file, or entry 0 when its hash was given.
 */
#pragma once
#include "cli/cli.h"
#include "community/community.h"
#include "community/replay.h"

struct registry_options {
    char *log, *policy, *policy_hash;
};

/* The rows of the options; `STATE` has a member `registry` of the type above. */
#define REGISTRY_OPTIONS(STATE)                                                                    \
    { "log",                                                                                       \
      0,                                                                                           \
      G_OPTION_ARG_FILENAME,                                                                       \
      offsetof(STATE, registry.log),                                                               \
      "Read the log in this folder instead of the community's",                                    \
      "DIR" },                                                                                     \
        { "policy",                                                                                \
          0,                                                                                       \
          G_OPTION_ARG_FILENAME,                                                                   \
          offsetof(STATE, registry.policy),                                                        \
          "With --log: its genesis policy (default: the community's)",                             \
          "FILE" },                                                                                \
    {                                                                                              \
        "policy-hash", 0, G_OPTION_ARG_STRING, offsetof(STATE, registry.policy_hash),              \
            "With --log: the hash of its genesis policy", "HEX"                                    \
    }

struct registry {
    struct community *community; /* or NULL: a folder's */
    struct replay replay;        /* of a folder */
    const struct reg *reg;
    gint64 now_us;
    gboolean unwitnessed; /* the log's word alone */
};
typedef struct registry registry_t;

/*
 * Reads what is on this machine; nothing is fetched. ENTENTE_ERROR_FOUND: a log that shows another
 * than it signed; _INPUT: there is no community, or no policy to judge the folder by.
 */
struct registry *registry_open(const struct context *context,
                               const struct registry_options *options, GError **error);
/* The community's, after asking its node for what is new; what is remembered, when that does not
 * answer. */
struct registry *registry_open_newest(const struct context *context,
                                      const struct http_options *http, GError **error);
void registry_close(struct registry *registry);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(registry_t, registry_close)

/* Says on stderr when the register stands on the log's word alone. */
void registry_warn(const struct registry *registry, const struct context *context);
