/*
 * MRT files: any bytes are read to an end, in both readings; what came before changes no text, and
 * every element is as its header says.
 */
#include "base/json.h"
#include "p2_internet/routes/element_json.h"
#include "p2_internet/routes/line.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_element(const struct route_element *element, gpointer data)
{
    struct text_out *out = data;
    gsize before = out->length;
    g_autoptr(json_t) json = NULL;

    g_assert_nonnull(element->peer);
    if (element->kind != ROUTE_STATE) {
        struct ip_prefix again;
        gboolean masked = TRUE;

        g_assert_true(ip_prefix_from_bytes(element->prefix.family, element->prefix.length,
                                           element->prefix.address, &again, &masked));
        g_assert_false(masked);
        g_assert_true(ip_prefix_equal(&again, &element->prefix));
    }
    element_json(NULL, element, out);
    json = json_parse(out->bytes + before, out->length - before, G_MAXINT32, "element", NULL);
    g_assert_nonnull(json);
}

/* The lines of all records that are there. */
static void put_lines(struct line_writer *writer, const uint8_t *data, size_t size,
                      struct text_out *out)
{
    g_autoptr(mrt_peers_t) peers = NULL;
    struct mrt_record record;
    gsize at = 0, step;

    while (mrt_record_at(data + at, size - at, &record, &step) == MRT_RECORD) {
        g_assert_cmpuint(step, >=, MRT_HEADER_SIZE);
        if (mrt_is_peers(&record)) {
            mrt_peers_unref(peers);
            peers = mrt_peers_read(&record);
        }
        line_record(writer, &record, peers, out);
        at += step;
    }
}

static void read_elements(const uint8_t *data, size_t size)
{
    static struct mrt_reader *reader;
    g_autoptr(mrt_peers_t) peers = NULL;
    struct text_out out = { 0 };
    struct mrt_record record;
    gsize at = 0, step;

    if (!reader)
        reader = mrt_reader_new(NULL);
    while (mrt_record_at(data + at, size - at, &record, &step) == MRT_RECORD) {
        const char *problem = NULL;

        if (mrt_is_peers(&record)) {
            mrt_peers_unref(peers);
            peers = mrt_peers_read(&record);
        }
        out.length = 0;
        g_assert_true(mrt_elements(reader, &record, peers, check_element, &out, &problem) ||
                      problem);
        at += step;
    }
    text_clear(&out);
}

/* Made once, since making their memos costs more than most inputs; so they remember other files. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct line_writer *writers[2];

    for (guint by_rfc = 0; by_rfc < 2; by_rfc++) {
        const struct line_options options = { .by_rfc = by_rfc != 0, .large = TRUE };
        struct text_out first = { 0 }, again = { 0 };

        if (!writers[by_rfc])
            writers[by_rfc] = line_writer_new(&options, NULL);
        put_lines(writers[by_rfc], data, size, &first);
        put_lines(writers[by_rfc], data, size, &again);
        g_assert_cmpuint(first.length, ==, again.length);
        g_assert_true(!first.length || memcmp(first.bytes, again.bytes, first.length) == 0);
        text_clear(&first);
        text_clear(&again);
    }
    read_elements(data, size);
    return 0;
}
