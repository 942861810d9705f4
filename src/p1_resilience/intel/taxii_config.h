/*
 * taxii_config.h: what a node shares by TAXII, and with whom: the file of `serve --intel`.
 *
 *     title: Indicators of Example CERT
 *     description: ...                   optional, as is contact
 *     contact: soc@example.org
 *     max_content_length: 8388608        bytes of a POST; default 16 MiB, which is the most
 *     collections:
 *       - alias: shared                  in paths; lower-case letters, digits, "-", "_"
 *         title: Shared with members
 *         description: ...               optional
 *         id: UUID                       optional: else of the alias
 *         tlp: amber                     of what carries no marking (default)
 *         read: [cert.example, soc]      readers' names
 *         write: [soc]
 *         named: [soc]                   may get AMBER+STRICT and RED
 *         public: false                  anybody reads what is CLEAR
 *     readers:
 *       - name: cert.example             without ":"
 *         ceiling: amber                 nothing stricter goes there; default: amber
 *         own: false                     people and machines of this organisation
 *         token: sha256:HEX              of a token of `entente intel token`
 *         key: NAME+HEX+BASE64           signs requests (Entente-Signature)
 *         signatory: cert.example        so does any key that speaks for it in the community's
 *                                        register, as it stands when it asks
 */
#pragma once
#include "base/tlp.h"
#include "statement/key.h"

#define TAXII_CONTENT_MAX (16u << 20) /* bytes of a POST */
#define TAXII_TOKEN_DIGEST 32u

struct taxii_reader {
    char *name;
    enum tlp ceiling;
    gboolean own;
    gboolean has_token;
    guint8 token[TAXII_TOKEN_DIGEST]; /* its SHA-256 */
    struct public_key *key;           /* or NULL */
    char *signatory;                  /* domain or id; or NULL */
};

struct taxii_collection {
    char *id, *alias, *title, *description; /* the last may be NULL */
    enum tlp tlp;
    char **read, **write, **named; /* never NULL */
    gboolean is_public;
};

struct taxii_config {
    char *title, *description, *contact; /* but the first may be NULL */
    guint64 max_content_length;
    GPtrArray *collections; /* struct taxii_collection */
    GPtrArray *readers;     /* struct taxii_reader */
};

/* ENTENTE_ERROR_INPUT, "FILE:LINE:COLUMN: ...". */
struct taxii_config *taxii_config_load(const char *path, GError **error);
void taxii_config_free(struct taxii_config *config);
typedef struct taxii_config taxii_config_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(taxii_config_t, taxii_config_free)

/* By id or alias; NULL: there is none. */
const struct taxii_collection *taxii_config_collection(const struct taxii_config *config,
                                                       const char *name);

/* The UUID of a collection that was given none: made of its alias. Owned by the caller. */
char *taxii_collection_uuid(const char *alias);

/*
 * Who shows the token; `name` (of Basic) may be NULL (Bearer). Takes as long for every token of a
 * length, whoever's it is. NULL: nobody's.
 */
const struct taxii_reader *taxii_config_reader(const struct taxii_config *config, const char *name,
                                               const char *token);

gboolean taxii_may_read(const struct taxii_collection *collection,
                        const struct taxii_reader *reader);
gboolean taxii_may_write(const struct taxii_collection *collection,
                         const struct taxii_reader *reader);
