/* MISP events at the way out: nothing that is marked stricter than the recipient's ceiling goes. */
#include "p1_resilience/intel/egress.h"

#include <stdint.h>

#define SIZE_LIMIT (1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const json_t *value)
{
    const json_t *member;
    enum tlp level;
    size_t index;

    if (marking_level_of_tags(json_object_get(value, "Tag"), &level))
        g_assert_cmpint(level, <=, TLP_GREEN);
    g_assert_null(json_object_get(value, "RelatedEvent"));
    json_array_foreach(json_object_get(value, "Attribute"), index, member) check(member);
    json_array_foreach(json_object_get(value, "Object"), index, member) check(member);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct egress_recipient recipient = { .kind = EGRESS_SIGNATORY,
                                                       .id = "x",
                                                       .ceiling = TLP_GREEN };
    static const struct marking_context context = { .fallback = TLP_GREEN };
    g_autoptr(json_t) event = json_parse(data, size, SIZE_LIMIT, "fuzz", NULL);
    g_autoptr(egress_t) egress = egress_new(&recipient, &context, NULL);
    g_autoptr(json_t) sent = NULL;
    enum egress_verdict verdict;

    if (!event)
        return 0;
    sent = egress_misp_event(egress, event, FALSE, &verdict);
    g_assert_cmpint(sent != NULL, ==, verdict == EGRESS_PASS);
    if (sent)
        check(json_object_get(sent, "Event") ? json_object_get(sent, "Event") : sent);
    return 0;
}
