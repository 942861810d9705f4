/*
 * ceremony.h: making a statement of the protocol: what will be signed is shown and asked for, the
 * register says beforehand whether it would count, and then it is handed to the log, or to a file.
 *
 * Root keys may lie elsewhere: --request writes the statement unsigned; "entente key root sign"
 * signs it where the keys are, without a network; "entente key root add" puts signatures together;
 * "entente key root submit" hands it in.
 */
#pragma once
#include "cli/registry.h"
#include "statement/dsse.h"

struct ceremony_options {
    char **keys; /* key files that sign instead of the own ones */
    char *request, *origin, *passphrase_file;
    gboolean yes, allow_private;
};

/* The rows of the options; `STATE` has a member `ceremony` of the type above. */
#define CEREMONY_OPTIONS(STATE, KEY)                                                                   \
    { KEY,                                                                                             \
      0,                                                                                               \
      G_OPTION_ARG_FILENAME_ARRAY,                                                                     \
      offsetof(STATE, ceremony.keys),                                                                  \
      "Sign with this private key; may be given several times",                                        \
      "FILE" },                                                                                        \
        { "request",                                                                                   \
          0,                                                                                           \
          G_OPTION_ARG_FILENAME,                                                                       \
          offsetof(STATE, ceremony.request),                                                           \
          "Write the statement unsigned into FILE, for keys that lie elsewhere",                       \
          "FILE" },                                                                                    \
        { "origin",                                                                                    \
          0,                                                                                           \
          G_OPTION_ARG_STRING,                                                                         \
          offsetof(STATE, ceremony.origin),                                                            \
          "The log it is for, where no community was joined",                                          \
          "ORIGIN" },                                                                                  \
        { "yes", 'y', G_OPTION_ARG_NONE, offsetof(STATE, ceremony.yes), "Sign without asking", NULL }, \
    {                                                                                                  \
        "allow-private", 0, G_OPTION_ARG_NONE, offsetof(STATE, ceremony.allow_private),                \
            "The node may have a private address, and plain http", NULL                                \
    }
#define CEREMONY_PASSPHRASE(STATE)                                                                 \
    {                                                                                              \
        "passphrase-file", 0, G_OPTION_ARG_FILENAME, offsetof(STATE, ceremony.passphrase_file),    \
            "Take the passphrase from the first line of FILE (or ENTENTE_PASSPHRASE_FILE)", "FILE" \
    }

struct ceremony {
    const struct context *context;
    const struct ceremony_options *options;
    char *data, *origin;
    struct registry *registry; /* NULL: no community here */
    struct root_keys root;     /* own root set; no keys: unknown here */
    char *id, *domain;         /* own, by the register, else by root set and profile; or NULL */
};
typedef struct ceremony ceremony_t;

struct ceremony *ceremony_open(const struct context *context,
                               const struct ceremony_options *options, GError **error);
void ceremony_free(struct ceremony *ceremony);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ceremony_t, ceremony_free)

/* A community was joined; ENTENTE_ERROR_INPUT: for those that only speak to one. */
gboolean ceremony_needs_community(const struct ceremony *ceremony, GError **error);

/* Own id and domain are there; ENTENTE_ERROR_INPUT says how to get them. */
gboolean ceremony_needs_self(const struct ceremony *ceremony, GError **error);

/* {"log", "time"} of now. */
json_t *ceremony_predicate(const struct ceremony *ceremony);

/*
 * Builds, shows, asks, signs and hands in. `role`: KEY_ROLE_ROOT signs with the own root keys,
 * KEY_ROLE_ISSUER with the default key. `also` (or NULL) signs besides: the key that is delegated.
 * Gives an exit status: 4 refused by the register, the log or the user.
 */
int ceremony_finish(struct ceremony *ceremony, const char *type, const char *name,
                    const char *sha256, json_t *predicate, enum key_role role,
                    const struct signing_key *also, GError **error);

/* The parts of it, for envelopes that travel as files. */
struct dsse *ceremony_read_envelope(const char *path, GError **error);
gboolean ceremony_write_envelope(const struct dsse *envelope, const char *path, GError **error);
gboolean ceremony_confirm(const struct ceremony *ceremony, const struct dsse *envelope,
                          const GPtrArray *keys, GError **error);
/* The own root keys on this machine, or those of the options; struct signing_key *. */
GPtrArray *ceremony_keys(const struct ceremony *ceremony, enum key_role role, GError **error);
int ceremony_submit(struct ceremony *ceremony, const struct dsse *envelope, GError **error);

/* DATA/keys/root.json: the own root set, public. */
char *ceremony_root_path(const char *data);
