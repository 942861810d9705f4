/* Versions of STIX objects that follow one another (STIX 2.1 section 3.6). */
#include "base/error.h"
#include "p1_resilience/intel/stix.h"
#include <string.h>

/* What is kept of an object: its newest version, and a digest of each. */
struct history {
    char *created, *created_by, *newest;
    gboolean revoked;    /* the newest version is */
    GHashTable *digests; /* version -> SHA-256 of what it says */
};

struct stix_versions {
    GHashTable *histories; /* id -> struct history */
};

static void history_free(struct history *history)
{
    g_free(history->created);
    g_free(history->created_by);
    g_free(history->newest);
    g_hash_table_unref(history->digests);
    g_free(history);
}

struct stix_versions *stix_versions_new(void)
{
    struct stix_versions *versions = g_new0(struct stix_versions, 1);

    versions->histories =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)history_free);
    return versions;
}

void stix_versions_free(struct stix_versions *versions)
{
    if (!versions)
        return;
    g_hash_table_unref(versions->histories);
    g_free(versions);
}

/* Equal for equal objects, in whatever order their members stand. */
static char *digest_of(const json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS);
    char *digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, text, -1);

    free(text);
    return digest;
}

/* Whether a further version may follow what is known. */
static gboolean check_follows(const struct history *history, const json_t *object, int order,
                              GError **error)
{
    const char *id = json_text(object, "id");

    if (g_strcmp0(json_text(object, "created"), history->created) != 0)
        return input_error(error, "%.120s: created: differs from that of another version", id);
    if (g_strcmp0(json_text(object, "created_by_ref"), history->created_by) != 0)
        return input_error(error, "%.120s: created_by_ref: differs from that of another version",
                           id);
    if (order > 0 && history->revoked)
        return input_error(error, "%.120s: modified: the object was revoked before", id);
    return TRUE;
}

static void make_newest(struct history *history, const json_t *object, const char *version)
{
    g_free(history->newest);
    history->newest = g_strdup(version);
    history->revoked = json_is_true(json_object_get(object, "revoked"));
}

gboolean stix_versions_add(struct stix_versions *versions, const json_t *object,
                           enum stix_novelty *novelty, GError **error)
{
    const char *id = json_text(object, "id"), *version = stix_version(object), *known;
    struct history *history = g_hash_table_lookup(versions->histories, id);
    g_autofree char *digest = digest_of(object);
    int order;

    version = version ? version : ""; /* an observable: one version, for ever */
    if (!history) {
        history = g_new0(struct history, 1);
        history->created = g_strdup(json_text(object, "created"));
        history->created_by = g_strdup(json_text(object, "created_by_ref"));
        history->digests = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        make_newest(history, object, version);
        g_hash_table_insert(history->digests, g_strdup(version), g_steal_pointer(&digest));
        g_hash_table_insert(versions->histories, g_strdup(id), history);
        *novelty = STIX_NEW_OBJECT;
        return TRUE;
    }
    known = g_hash_table_lookup(history->digests, version);
    if (known) {
        *novelty = STIX_SAME;
        return strcmp(known, digest) == 0 ||
               input_error(error, "%.120s: the version %.40s is there with other content", id,
                           *version ? version : "of an observable");
    }
    order = stix_time_compare(version, history->newest);
    if (!check_follows(history, object, order, error))
        return FALSE;
    g_hash_table_insert(history->digests, g_strdup(version), g_steal_pointer(&digest));
    if (order > 0)
        make_newest(history, object, version);
    *novelty = order > 0 ? STIX_NEW_VERSION : STIX_OLD_VERSION;
    return TRUE;
}
