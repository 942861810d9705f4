/*
 * casework.h: the cases of this machine's signatory, as commands use them: who we are, with which
 * key we sign, and who the others are.
 *
 * Nothing is asked of the network: cases are judged by the register that this machine holds. Only
 * a party that it does not know makes it ask its node once.
 */
#pragma once
#include "cli/cli.h"
#include "delivery/courier.h"
#include "delivery/office.h"

#define CASEWORK_SHORT_ID 12 /* hex digits of a case that people read and type */

struct casework_options {
    char *key, *passphrase_file;
    gboolean allow_private;
};

/* The rows of the options; `STATE` has a member `work` of the type above. */
#define CASEWORK_OPTIONS(STATE)                                                                    \
    { "key",                                                                                       \
      0,                                                                                           \
      G_OPTION_ARG_STRING,                                                                         \
      offsetof(STATE, work.key),                                                                   \
      "Sign with this key: a name in the data folder's keys, or a file",                           \
      "NAME" },                                                                                    \
        { "passphrase-file",                                                                       \
          0,                                                                                       \
          G_OPTION_ARG_FILENAME,                                                                   \
          offsetof(STATE, work.passphrase_file),                                                   \
          "Take the key's passphrase from the first line of FILE (or ENTENTE_PASSPHRASE_FILE)",    \
          "FILE" },                                                                                \
    {                                                                                              \
        "allow-private", 0, G_OPTION_ARG_NONE, offsetof(STATE, work.allow_private),                \
            "Nodes may have private addresses, and plain http", NULL                               \
    }

struct casework {
    const struct context *context;
    const struct casework_options *options;
    struct office *office;
    struct cases *cases; /* the office's */
    const char *self;    /* id in the register, or OFFICE_LOCAL */
    char *data;
    GPtrArray *own_keys;     /* struct public_key *: of this data folder */
    struct signing_key *key; /* after casework_key() */
    GHashTable *domains;     /* id -> domain */
    gint64 now_us;
    gboolean french;
};
typedef struct casework casework_t;

struct casework *casework_open(const struct context *context,
                               const struct casework_options *options, GError **error);
void casework_close(struct casework *work);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(casework_t, casework_close)

/* Only who stands in the register writes to others: ENTENTE_ERROR_INPUT says how to get there. */
gboolean casework_is_signatory(const struct casework *work, GError **error);

/* The key of --key, else the default one. Borrowed. ENTENTE_ERROR_INPUT: there is none. */
const struct signing_key *casework_key(struct casework *work, GError **error);

/* The register; NULL: no community was joined. */
const struct reg *casework_register(const struct casework *work);

/* The id of a signatory called so: domain, name, id or its beginning, key. Owned by the caller. */
char *casework_party(struct casework *work, const char *who, GError **error);

/* What people call a party: its domain, "us", or the id, shortened; escaped. Owned by the caller.
 */
char *casework_name(const struct casework *work, const char *party);

/* Whether the register says where to write to a signatory, sealed to what. */
gboolean casework_can_reach(const struct casework *work, const char *party);

/* One round of delivery, where no node carries events; `round` says what was done. */
gboolean casework_sync(struct casework *work, struct courier_round *round, GError **error);

/*
 * Opens an alarm for each bundle of evidence that has none yet (delivery/evidence_alarm.h). Nobody
 * is asked for a passphrase. FALSE: there is evidence, and no key to sign an alarm with.
 */
gboolean casework_raise_alarms(struct casework *work, GError **error);

/* The whole case; borrowed until the next call. */
const struct kase *casework_case(struct casework *work, const char *id, GError **error);

/* The same of one kind (NULL: of any), which its command calls by that name. */
const struct kase *casework_case_of(struct casework *work, const char *id, const char *kind,
                                    GError **error);

/* Says the event, and what came of it on stderr; `id` (or NULL) receives the case's id. Gives an
 * exit status. */
int casework_say(struct casework *work, const struct case_draft *draft, char **id, GError **error);

/* One of two texts, by the language of the command. */
const char *casework_text(const struct casework *work, const struct process_text *text);
