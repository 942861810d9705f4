/*
 * Answers of hostile name servers (p2_internet/zone/view.h and all checks): whatever they say, each
 * check has an outcome. The input is a list of answers: server, probe, length (u16), bytes.
 */
#include "p2_internet/zone/view.h"

#include <stdint.h>
#include <string.h>

#define SERVERS 3

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Takes `bytes`. */
static void add_reply(GArray *replies, guint server, enum zone_probe probe, GBytes *bytes)
{
    const struct zone_reply reply = { .server = server, .probe = probe, .bytes = bytes };

    g_array_append_val(replies, reply);
}

static GArray *read_replies(const uint8_t *data, size_t size)
{
    GArray *replies = g_array_new(FALSE, TRUE, sizeof(struct zone_reply));
    gboolean taken[SERVERS][PROBES] = { 0 };

    g_array_set_clear_func(replies, (GDestroyNotify)zone_reply_clear);
    while (size >= 4) {
        const guint server = data[0] % SERVERS, probe = data[1] % PROBES;
        const gsize length = MIN((gsize)dns_get16(data + 2), size - 4);
        if (!taken[server][probe])
            add_reply(replies, server, (enum zone_probe)probe, g_bytes_new(data + 4, length));
        taken[server][probe] = TRUE;
        data += 4 + length;
        size -= 4 + length;
    }
    return replies;
}

static void judge(const struct zone_input *input)
{
    g_autoptr(zone_view_t) view = zone_view_new(input);
    g_autoptr(json_t) results = zone_view_judge(view), servers = zone_view_servers(view);
    g_autoptr(json_t) keys = zone_view_keys(view);
    const struct zone_check *check;

    for (guint i = 0; (check = zone_check_at(i)); i++)
        g_assert_nonnull(json_text(json_object_get(results, check->id), "outcome"));
    g_assert_cmpuint(json_array_size(servers), ==, SERVERS);
    g_assert_true(json_is_array(keys));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const guint8 apex[] = "\4good\4test";
    struct zone_server servers[SERVERS] = { { .of_parent = TRUE }, { 0 }, { 0 } };
    g_autoptr(GArray) replies = read_replies(data, size);
    g_autoptr(GArray) verdicts = g_array_new(FALSE, TRUE, sizeof(struct zone_verdict));
    g_autoptr(GPtrArray) none = g_ptr_array_new();
    g_autoptr(dnssec_library_t) library = dnssec_library_new(NULL);
    struct zone_names names;

    zone_names_set(&names, apex);
    for (guint i = 0; i < SERVERS; i++)
        zone_address_set(&servers[i].address, (const guint8 *)"\300\0\2\1", 4, 53);
    judge(&(struct zone_input){ .names = &names,
                                .servers = servers,
                                .n_servers = SERVERS,
                                .replies = replies,
                                .hosts = none,
                                .mail = none,
                                .origin = none,
                                .www = none,
                                .verdicts = verdicts,
                                .library = library,
                                .now_s = 1795348800, /* November 2026 */
                                .horizon_s = 259200 });
    return 0;
}
