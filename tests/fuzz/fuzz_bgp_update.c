/* BGP messages: any bytes are taken apart within their bounds, and paths hold together. */
#include "p2_internet/routes/route.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take(const struct route_element *element, gpointer data)
{
    guint *count = data;

    g_assert_cmpuint(element->prefix.length, <=, ip_family_bits(element->prefix.family));
    if (element->flags & ROUTE_TREATED)
        g_assert_cmpint(element->kind, ==, ROUTE_WITHDRAW);
    ++*count;
}

static void check_path(const struct bgp_path *path)
{
    g_autoptr(GString) text = g_string_new(NULL);
    guint asns = 0;
    guint32 asn;

    for (guint i = 0; i < path->segment_count; i++) {
        g_assert_cmpuint(path->segments[i].type, >=, BGP_AS_SET);
        g_assert_cmpuint(path->segments[i].type, <=, BGP_CONFED_SET);
        g_assert_cmpuint(path->segments[i].count, >, 0);
        asns += path->segments[i].count;
    }
    g_assert_cmpuint(asns, ==, path->asn_count);
    if (bgp_path_origin(path, &asn))
        g_assert_cmpuint(asn, ==, path->asns[path->asn_count - 1]);
    bgp_path_append_text(path, text);
    g_assert_cmpint(text->len > 0, ==, path->segment_count > 0);
}

/* The first byte chooses how the rest is read. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct route_peer peer = { .family = 4 };
    const struct route_source source = { .peer = &peer };
    struct bgp_update update = { 0 };
    enum bgp_message_type type;
    struct bgp_options options;
    struct bgp_span body;
    struct bgp_open open;
    guint count = 0;

    if (!size)
        return 0;
    options = (struct bgp_options){ data[0] & 1, data[0] & 2, data[0] & 4, data[0] & 8 };
    data++;
    size--;
    if (bgp_message_split(data, size, &type, &body))
        g_assert_cmpuint(body.length, <=, size - BGP_HEADER_SIZE);
    if (bgp_update_parse(data, size, &options, &update)) {
        g_assert_cmpuint(route_elements_of(&update, &source, take, &count), ==, count);
        g_assert_cmpuint(count, <=, size);
        if (update.attributes.verdict != BGP_FINE)
            g_assert_nonnull(update.attributes.problem);
    } else {
        g_assert_cmpint(update.attributes.verdict, ==, BGP_BROKEN);
    }
    check_path(&update.attributes.path);
    bgp_attributes_parse(data, size, &options, &update.attributes);
    check_path(&update.attributes.path);
    bgp_attributes_clear(&update.attributes);
    if (bgp_open_parse(data, size, &open))
        g_assert_cmpuint(size, >=, 10);
    return 0;
}
