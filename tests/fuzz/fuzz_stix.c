/*
 * STIX documents: the bytes of each object are its JSON and nothing else; what passes the checks
 * still does when references were taken out of it, but for what it then lacks.
 */
#include "p1_resilience/intel/egress.h"
#include "p1_resilience/intel/stix.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct passage {
    egress_t *egress;
};

static gboolean take(const struct stix_object *object, gpointer data, GError **error)
{
    struct passage *passage = data;
    g_autoptr(GPtrArray) advice = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(json_t) again = json_loadb(object->text, object->length, 0, NULL);
    g_autoptr(GBytes) sent = NULL;
    enum egress_verdict verdict;

    (void)error;
    g_assert_nonnull(again);
    g_assert_true(json_equal(again, object->json));
    stix_check(object->json, advice, NULL);
    sent = egress_object(passage->egress, object->text, object->length, object->json, FALSE, NULL,
                         NULL, &verdict);
    g_assert_cmpint(sent != NULL, ==, verdict == EGRESS_PASS);
    if (stix_is_observable(json_text(object->json, "type"))) {
        g_autofree char *id = stix_observable_id(object->json, NULL);

        g_assert_true(!id || stix_is_id(id, json_text(object->json, "type")));
    }
    return TRUE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct egress_recipient recipient = { .kind = EGRESS_SIGNATORY,
                                                       .id = "x",
                                                       .ceiling = TLP_AMBER };
    static const struct marking_context context = { .fallback = TLP_AMBER };
    g_autoptr(egress_t) egress = egress_new(&recipient, &context, NULL);
    g_auto(stix_document_t) document = { 0 };
    struct passage passage = { egress };

    stix_read(data, size, "fuzz", &document, take, &passage, NULL);
    return 0;
}
