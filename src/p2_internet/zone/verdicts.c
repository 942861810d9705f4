#include "p2_internet/zone/verdicts.h"

json_t *zone_verdicts_json(const GArray *verdicts)
{
    json_t *list = json_array();

    for (guint i = 0; i < verdicts->len; i++) {
        const struct zone_verdict *verdict = &g_array_index(verdicts, struct zone_verdict, i);
        g_autofree char *type = dns_type_text(verdict->type);
        json_t *row = json_pack("{s:s, s:o, s:s, s:s}", "what", verdict->what, "name",
                                json_safe_string(verdict->name), "type", type, "security",
                                zone_security_name(verdict->security));

        if (verdict->why)
            json_object_set_new(row, "why", json_safe_string(verdict->why));
        json_array_append_new(list, row);
    }
    return list;
}
