#include "node/admission.h"

#include "base/clock.h"
#include "base/error.h"
#include "register/entry.h"
#include "statement/base64.h"
#include "statement/intoto.h"

#include <string.h>

G_DEFINE_QUARK(entente - admission - refusal, admission_refusal)

/* An entry as JCS begins so; what is not so is malformed and is refused when it is judged. */
#define CHUNK 4096 /* entries folded at once while loading */
#define ENTRY_BEGINS "{\"payload\":\""

struct admission {
    GRWLock lock;
    struct reg *reg;
    struct merkle *merkle; /* of who folds */
    GHashTable *by_leaf;   /* the first 8 bytes of a leaf hash -> index + 1 */
};

struct admission *admission_new(const struct community_policy *genesis)
{
    struct admission *admission = g_new0(struct admission, 1);

    g_rw_lock_init(&admission->lock);
    admission->reg = register_new(genesis);
    admission->merkle = merkle_new();
    admission->by_leaf = g_hash_table_new(NULL, NULL);
    return admission;
}

void admission_free(struct admission *admission)
{
    if (!admission)
        return;
    register_free(admission->reg);
    merkle_free(admission->merkle);
    g_hash_table_unref(admission->by_leaf);
    g_rw_lock_clear(&admission->lock);
    g_free(admission);
}

struct loading {
    struct admission *admission;
    GPtrArray *entries;
};

/* Without log times: judged by the statements' own, as they were admitted. */
static void fold_chunk(struct loading *loading)
{
    register_fold_many(loading->admission->reg, loading->entries, NULL, 0);
    g_ptr_array_set_size(loading->entries, 0);
}

static gpointer key_of_leaf(const struct merkle_hash *leaf)
{
    guint64 key;

    memcpy(&key, leaf->bytes, sizeof key);
    return (gpointer)(gsize)key;
}

/* With the lock held for writing. */
static void remember(struct admission *admission, guint64 index, GBytes *entry)
{
    gsize length;
    const void *data = g_bytes_get_data(entry, &length);
    struct merkle_hash leaf = merkle_leaf(admission->merkle, data, length);

    if (!g_hash_table_contains(admission->by_leaf, key_of_leaf(&leaf)))
        g_hash_table_insert(admission->by_leaf, key_of_leaf(&leaf), (gpointer)(gsize)(index + 1));
}

static gboolean fold_each(guint64 index, GBytes *entry, gpointer data, GError **error)
{
    struct loading *loading = data;

    remember(loading->admission, index, entry);
    g_ptr_array_add(loading->entries, g_bytes_ref(entry));
    if (loading->entries->len == CHUNK)
        fold_chunk(loading);
    return TRUE;
}

gboolean admission_load(struct admission *admission, const char *folder, guint64 size,
                        const struct merkle_hash *root, GError **error)
{
    g_autoptr(log_reader_t) reader = log_reader_new(log_source_folder(folder));
    g_autoptr(GPtrArray) entries = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    struct loading loading = { admission, entries };
    gboolean done;

    if (!size)
        return TRUE;
    g_rw_lock_writer_lock(&admission->lock);
    done = log_reader_trust(reader, size, root, error) &&
           log_reader_each(reader, register_size(admission->reg), size, fold_each, &loading, error);
    if (done)
        fold_chunk(&loading);
    g_rw_lock_writer_unlock(&admission->lock);
    return done;
}

gboolean admission_check(GBytes *entry, gpointer data, GError **error)
{
    struct admission *admission = data;
    g_autofree char *message = NULL;
    enum register_verdict verdict;

    g_rw_lock_reader_lock(&admission->lock);
    verdict = register_judge(admission->reg, entry, clock_now_us(), &message);
    g_rw_lock_reader_unlock(&admission->lock);
    if (verdict == REGISTER_COUNTS)
        return TRUE;
    g_set_error(error, ADMISSION_REFUSAL, (int)verdict, "%s",
                message ? message : register_verdict_name(verdict));
    return FALSE;
}

void admission_fold(struct admission *admission, guint64 index, GBytes *entry)
{
    g_rw_lock_writer_lock(&admission->lock);
    if (index == register_size(admission->reg)) {
        register_fold(admission->reg, index, entry, clock_now_us());
        remember(admission, index, entry);
    }
    g_rw_lock_writer_unlock(&admission->lock);
}

guint64 admission_size(struct admission *admission)
{
    guint64 size;

    g_rw_lock_reader_lock(&admission->lock);
    size = register_size(admission->reg);
    g_rw_lock_reader_unlock(&admission->lock);
    return size;
}

gboolean admission_find(struct admission *admission, const struct merkle_hash *leaf, guint64 *index)
{
    gsize found;

    g_rw_lock_reader_lock(&admission->lock);
    found = (gsize)g_hash_table_lookup(admission->by_leaf, key_of_leaf(leaf));
    g_rw_lock_reader_unlock(&admission->lock);
    *index = found - 1;
    return found > 0;
}

const struct community_policy *admission_policy(struct admission *admission, guint64 size)
{
    const struct community_policy *policy;

    g_rw_lock_reader_lock(&admission->lock);
    policy = register_policy_at(admission->reg, size);
    g_rw_lock_reader_unlock(&admission->lock);
    return policy;
}

/* Whether it may be an endorsement: cheap, so that other entries pay nothing for the question. */
static gboolean may_endorse(GBytes *entry)
{
    gsize length, begins = strlen(ENTRY_BEGINS), size;
    const char *data = g_bytes_get_data(entry, &length), *end;
    g_autofree char *text = NULL;
    g_autofree guchar *payload = NULL;

    if (length < begins || memcmp(data, ENTRY_BEGINS, begins) != 0)
        return FALSE;
    end = memchr(data + begins, '"', length - begins);
    text = end ? g_strndup(data + begins, end - data - begins) : NULL;
    payload = text && *text ? g_base64_decode(text, &size) : NULL;
    return payload && memmem(payload, size, PREDICATE_ENDORSEMENT, strlen(PREDICATE_ENDORSEMENT));
}

/* The policy vouches for its members. */
static gboolean is_member_of(const struct community_policy *policy, const char *domain,
                             const char *id)
{
    const struct community_member *member = community_policy_member(policy, domain);
    g_autofree char *hex = NULL;
    guint8 bytes[SIGNATORY_ID_SIZE];

    if (!member)
        return FALSE;
    root_keys_id(&member->root, bytes);
    hex = hex_encode(bytes, sizeof bytes);
    return g_str_equal(hex, id);
}

gboolean admission_claims_domain(struct admission *admission, GBytes *bytes, char **domain,
                                 char **id)
{
    g_autoptr(entry_t) entry = may_endorse(bytes) ? entry_parse(bytes) : NULL;
    g_autoptr(json_t) known = NULL;
    const char *claimed, *subject;
    gboolean is_member;

    if (!entry || entry->verdict != REGISTER_COUNTS ||
        g_strcmp0(entry->predicate->type, PREDICATE_ENDORSEMENT) != 0)
        return FALSE;
    claimed = json_text(json_object_get(intoto_predicate(entry->statement), "signatory"), "domain");
    subject = intoto_subject_sha256(entry->statement);
    if (!claimed || !subject)
        return FALSE;
    g_rw_lock_reader_lock(&admission->lock);
    known = register_signatory(admission->reg, subject, clock_now_us(), NULL);
    is_member = is_member_of(register_policy(admission->reg), claimed, subject);
    g_rw_lock_reader_unlock(&admission->lock);
    if (is_member || (known && g_strcmp0(json_text(known, "domain"), claimed) == 0))
        return FALSE;
    *domain = g_strdup(claimed);
    *id = g_strdup(subject);
    return TRUE;
}
