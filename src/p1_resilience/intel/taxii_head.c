#include "p1_resilience/intel/taxii_head.h"

#include "base/error.h"
#include "p1_resilience/intel/stix.h"
#include "p1_resilience/intel/taxii_filter.h"

#include <sodium.h>
#include <string.h>

#define SPEC_OF_OBSERVABLES "2.1"
#define SPEC_OF_OLD_OBJECTS "2.0"
#define ENVELOPE "envelope" /* its name in messages */

#define LIMIT_US (30 * (gint64)G_USEC_PER_SEC)
#define MEMORY (G_GUINT64_CONSTANT(2) << 30)
#define CPU_S 30u
#define ANSWER_MAX (256u << 20) /* bytes */

/* Why it is no envelope, or ""; offset, length, refused, id, type, spec, version, created,
 * created_by, revoked, digest. */
#define OBJECT_TYPE "(ttmssssmsmsmsbay)"
#define OBJECT_FORMAT "(ttmssssmsmsmsb@ay)"
#define ANSWER_TYPE "(sa" OBJECT_TYPE ")"

/* --- heads --- */

static const char *spec_of(const json_t *object)
{
    const char *spec = json_text(object, "spec_version");

    return spec                                            ? spec
           : stix_is_observable(json_text(object, "type")) ? SPEC_OF_OBSERVABLES
                                                           : SPEC_OF_OLD_OBJECTS;
}

void taxii_head_of(const json_t *object, const char *text, gsize length, struct taxii_head *head)
{
    g_autoptr(GBytes) canonical = json_canonical(object, NULL);
    gsize size = length;
    const void *bytes = canonical ? g_bytes_get_data(canonical, &size) : text;

    *head = (struct taxii_head){
        .id = g_strdup(json_text(object, "id")),
        .type = g_strdup(json_text(object, "type")),
        .spec = g_strdup(spec_of(object)),
        .version = g_strdup(stix_version(object)),
        .created = g_strdup(json_text(object, "created")),
        .created_by = g_strdup(json_text(object, "created_by_ref")),
        .revoked = json_is_true(json_object_get(object, "revoked")),
    };
    crypto_hash_sha256(head->digest, bytes, size);
}

void taxii_head_clear(struct taxii_head *head)
{
    g_clear_pointer(&head->id, g_free);
    g_clear_pointer(&head->type, g_free);
    g_clear_pointer(&head->spec, g_free);
    g_clear_pointer(&head->version, g_free);
    g_clear_pointer(&head->created, g_free);
    g_clear_pointer(&head->created_by, g_free);
}

/* --- in the worker --- */

struct telling {
    GVariantBuilder *objects;
    const char *from;
    guint count;
};

static gboolean tell(const struct stix_object *object, gpointer data, GError **error)
{
    struct telling *telling = data;
    struct taxii_head head;
    g_autoptr(GError) unsound = NULL;
    g_autofree char *why = NULL;

    (void)error;
    if (!stix_check(object->json, NULL, &unsound))
        why = g_utf8_make_valid(unsound->message, -1);
    taxii_head_of(object->json, object->text, object->length, &head);
    g_variant_builder_add(
        telling->objects, OBJECT_FORMAT, (guint64)(object->text - telling->from),
        (guint64)object->length, why, head.id, head.type, head.spec, head.version, head.created,
        head.created_by, head.revoked,
        g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, head.digest, sizeof head.digest, 1));
    telling->count++;
    taxii_head_clear(&head);
    return TRUE;
}

/* An envelope: no bundle, no object alone. */
static gboolean is_envelope(const struct stix_document *document, guint count, GError **error)
{
    if (document->id || json_object_get(document->around, "type"))
        return input_error(error, "the body is no envelope {\"objects\": [...]}");
    return count > 0 || input_error(error, "the envelope has no objects");
}

GBytes *taxii_head_job(gconstpointer bytes, gsize length)
{
    g_auto(GVariantBuilder) objects = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("a" OBJECT_TYPE));
    struct telling telling = { &objects, bytes, 0 };
    g_auto(stix_document_t) document = { 0 };
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) answer = NULL;
    g_autofree char *why = NULL;

    if (!stix_read(bytes, length, ENVELOPE, &document, tell, &telling, &error) ||
        !is_envelope(&document, telling.count, &error))
        why = g_utf8_make_valid(error->message, -1);
    answer = g_variant_ref_sink(
        g_variant_new("(s@a" OBJECT_TYPE ")", why ? why : "", g_variant_builder_end(&objects)));
    return g_variant_get_data_as_bytes(answer);
}

/* --- outside --- */

static void posted_clear(gpointer data)
{
    struct taxii_posted *posted = data;

    taxii_head_clear(&posted->head);
    g_free(posted->refused);
}

static gboolean is_head(const struct taxii_head *head)
{
    g_autofree char *key = taxii_version_key(head->version);

    return *head->id && *head->type && (!head->version || key);
}

/* Over one object of the answer. FALSE: it says what cannot be. */
static gboolean take_object(GVariant *object, gsize size, GArray *all)
{
    struct taxii_posted posted = { 0 };
    g_autoptr(GVariant) digest = NULL;
    guint64 offset, length;
    const guint8 *bytes;
    gsize count;

    g_variant_get(object, OBJECT_FORMAT, &offset, &length, &posted.refused, &posted.head.id,
                  &posted.head.type, &posted.head.spec, &posted.head.version, &posted.head.created,
                  &posted.head.created_by, &posted.head.revoked, &digest);
    g_array_append_val(all, posted);
    bytes = g_variant_get_fixed_array(digest, &count, 1);
    if (count != TAXII_HEAD_DIGEST || offset > size || length > size - offset ||
        (!posted.refused && !is_head(&posted.head)))
        return FALSE;
    g_array_index(all, struct taxii_posted, all->len - 1).offset = offset;
    g_array_index(all, struct taxii_posted, all->len - 1).length = length;
    memcpy(g_array_index(all, struct taxii_posted, all->len - 1).head.digest, bytes, count);
    return TRUE;
}

GArray *taxii_head_take(GBytes *answer, gsize length, GError **error)
{
    g_autoptr(GVariant) read =
        g_variant_ref_sink(g_variant_new_from_bytes(G_VARIANT_TYPE(ANSWER_TYPE), answer, FALSE));
    g_autoptr(GArray) all = g_array_new(FALSE, TRUE, sizeof(struct taxii_posted));
    g_autoptr(GVariantIter) objects = NULL;
    g_autoptr(GVariant) child = NULL;
    const char *refused;

    g_array_set_clear_func(all, posted_clear);
    if (!g_variant_is_normal_form(read)) {
        system_error(error, "the worker's answer is malformed");
        return NULL;
    }
    g_variant_get(read, "(&sa" OBJECT_TYPE ")", &refused, &objects);
    if (*refused) {
        input_error(error, "%s", refused);
        return NULL;
    }
    while ((child = g_variant_iter_next_value(objects))) {
        if (!take_object(child, length, all)) {
            system_error(error, "the worker's answer says what cannot be");
            return NULL;
        }
        g_clear_pointer(&child, g_variant_unref);
    }
    return g_steal_pointer(&all);
}

struct starter *taxii_head_starter(GError **error)
{
    static const starter_job jobs[] = { taxii_head_job };
    static const struct confine_limits limits = { MEMORY, CPU_S };

    return starter_new(jobs, G_N_ELEMENTS(jobs), &limits, LIMIT_US, error);
}

GArray *taxii_head_read(struct starter *starter, GBytes *envelope, GError **error)
{
    g_autoptr(GBytes) answer = starter_call(starter, 0, envelope, ANSWER_MAX, error);

    return answer ? taxii_head_take(answer, g_bytes_get_size(envelope), error) : NULL;
}
