#include "p1_resilience/recover/custody.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "statement/base64.h"
#include "statement/intoto.h"
#include "statement/predicate.h"

#include <sodium.h>
#include <string.h>

#define FOLDER "recover"
#define SALT_SIZE 32
#define PRIVATE_MODE 0600
#define FOLDER_MODE 0700
#define FOLDER_DIGITS 16 /* of the pseudonym */

/* --- the log --- */

gboolean recover_log_open(struct recover_log *log, const char *data,
                          const struct http_options *http, GError **error)
{
    const struct community_policy *policy;
    g_autoptr(GError) silent = NULL;

    if (!community_exists(data))
        return TRUE;
    log->community = community_open(data, error);
    if (!log->community)
        return FALSE;
    /* A node that does not answer keeps no drill from being held; a log that lies does. */
    if (!community_update(log->community, http, FRESHNESS_DEMANDED, &log->state, &silent)) {
        if (g_error_matches(silent, ENTENTE_ERROR, ENTENTE_ERROR_FOUND)) {
            g_propagate_error(error, g_steal_pointer(&silent));
            return FALSE;
        }
        community_state_clear(&log->state);
        log->state = (struct community_state){ 0 };
        if (!community_recall(log->community, &log->state, error))
            return FALSE;
    }
    policy = community_policy_in_force(log->community, error);
    log->origin = policy ? policy->origin : NULL;
    return policy != NULL;
}

void recover_log_clear(struct recover_log *log)
{
    community_state_clear(&log->state);
    g_clear_pointer(&log->community, community_close);
}

/* --- names --- */

static GBytes *salt_of(const char *data, GError **error)
{
    g_autofree char *folder = g_build_filename(data, FOLDER, NULL);
    g_autofree char *path = g_build_filename(folder, "salt", NULL);
    guint8 fresh[SALT_SIZE];

    if (!file_make_folder(folder, FOLDER_MODE, error))
        return NULL;
    if (!g_file_test(path, G_FILE_TEST_EXISTS)) {
        randombytes_buf(fresh, sizeof fresh);
        if (!file_create(path, fresh, sizeof fresh, PRIVATE_MODE, error))
            return NULL;
    }
    return file_read(path, SALT_SIZE, error);
}

char *recover_pseudonym(const char *data, const char *backup, GError **error)
{
    g_autoptr(GBytes) salt = salt_of(data, error);
    crypto_hash_sha256_state state;
    guint8 digest[crypto_hash_sha256_BYTES];

    if (!salt)
        return NULL;
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, g_bytes_get_data(salt, NULL), g_bytes_get_size(salt));
    crypto_hash_sha256_update(&state, (const guint8 *)backup, strlen(backup));
    crypto_hash_sha256_final(&state, digest);
    return hex_encode(digest, sizeof digest);
}

char *recover_folder(const char *data, const char *pseudonym, GError **error)
{
    g_autofree char *name = g_strndup(pseudonym, FOLDER_DIGITS);
    g_autofree char *folder = g_build_filename(data, FOLDER, name, NULL);

    return file_make_folder(folder, FOLDER_MODE, error) ? g_steal_pointer(&folder) : NULL;
}

/* --- statements --- */

json_t *recover_predicate(const struct recover_log *log, const char *pseudonym)
{
    g_autofree char *time = clock_format(clock_now_us());
    json_t *predicate = json_pack("{s:s, s:s}", "time", time, "backup", pseudonym);

    if (log->origin)
        json_object_set_new(predicate, "log", json_string(log->origin));
    return predicate;
}

struct dsse *recover_say(const struct signing_key *key, const char *type, const char *name,
                         const char *sha256, json_t *predicate, const char *path, GError **error)
{
    g_autoptr(json_t) owned = predicate;
    g_autoptr(GBytes) payload = intoto_build(name, sha256, type, owned, error);
    g_autoptr(json_t) statement = payload ? intoto_read(payload, error) : NULL;
    g_autoptr(dsse_t) envelope = NULL;
    g_autoptr(json_t) value = NULL;
    g_autofree char *text = NULL;

    if (!statement || !predicate_verify(predicate_find(type), statement, error))
        return NULL;
    envelope = dsse_new(INTOTO_PAYLOAD_TYPE, payload);
    dsse_sign(envelope, key);
    value = dsse_to_json(envelope);
    text = json_pretty(value);
    return file_write(path, text, strlen(text), PRIVATE_MODE, error) ? g_steal_pointer(&envelope)
                                                                     : NULL;
}

/* --- what the log has --- */

struct search {
    const struct reg *reg;
    const char *pseudonym, *signatory;
    char *root;
};

/* Later ones take the place of earlier ones: the order of the log is the order of time. */
static gboolean look_at(guint64 index, GBytes *entry, gpointer data, GError **error)
{
    struct search *search = data;
    gsize length;
    const void *bytes = g_bytes_get_data(entry, &length);
    g_autoptr(dsse_t) envelope = dsse_parse_canonical(bytes, length);
    g_autoptr(json_t) statement = NULL, known = NULL;
    const json_t *predicate;

    (void)error;
    if (!envelope || !g_str_equal(envelope->payload_type, INTOTO_PAYLOAD_TYPE))
        return TRUE;
    statement = intoto_read(envelope->payload, NULL);
    predicate = intoto_predicate(statement);
    if (!statement || g_strcmp0(intoto_predicate_type(statement), PREDICATE_BACKUP_MANIFEST) != 0 ||
        g_strcmp0(json_text(predicate, "backup"), search->pseudonym) != 0)
        return TRUE;
    known = register_entry(search->reg, index);
    if (!json_is_true(json_object_get(known, "counts")) ||
        g_strcmp0(json_text(known, "signatory"), search->signatory) != 0)
        return TRUE;
    g_free(search->root);
    search->root = g_strdup(json_text(predicate, "root"));
    return TRUE;
}

char *recover_anchored(const struct recover_log *log, const char *pseudonym, const char *domain,
                       GError **error)
{
    const struct reg *reg = log->community ? community_register(log->community, error) : NULL;
    struct log_reader *reader = reg ? community_reader(log->community, error) : NULL;
    g_autofree char *id = reg && domain ? register_id(reg, domain, NULL) : NULL;
    struct search search = { reg, pseudonym, id, NULL };

    if (!reader || !id)
        return NULL;
    if (!log_reader_each(reader, 0, log->state.size, look_at, &search, error))
        g_clear_pointer(&search.root, g_free);
    return search.root;
}
