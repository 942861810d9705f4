/* Captures: what tshark finds in real ones is found; what cannot be read is counted. */
#include "p1_resilience/hunt/capture_values.h"
#include "stream/input_stream.h"

#include <string.h>

/* "kind\tvalue" of everything in a capture. */
struct reading {
    GHashTable *values;
    guint64 packets;
    struct capture_counts counts;
    char *problem;
};

static void take(const struct capture_value *value, gpointer data)
{
    struct reading *reading = data;

    g_assert_cmpuint(value->moment.packet, >, 0);
    g_hash_table_add(reading->values, g_strdup_printf("%s\t%.*s", capture_kind_name(value->kind),
                                                      (int)value->length, value->text));
}

static gsize fill(guint8 *to, gsize size, gpointer data)
{
    return input_stream_fill(data, to, size);
}

static void read_capture(const char *path, struct reading *reading)
{
    char *paths[] = { (char *)path, NULL };
    g_autoptr(GPtrArray) inputs = inputs_list(paths);
    struct input *input = inputs->pdata[0];
    g_autoptr(quic_library_t) quic = quic_library_new(NULL);
    g_autoptr(capture_values_t) values = capture_values_new(quic, take, reading);
    g_autoptr(input_stream_t) stream = NULL;
    g_autoptr(capture_t) capture = NULL;
    struct capture_packet packet;

    g_assert_nonnull(quic);
    if (!input_open(input))
        g_error("%s: %s", path, input->problem);
    stream = input_stream_new(input);
    capture = capture_new(fill, stream);
    reading->values = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    while (capture_next(capture, &packet))
        capture_values_add(values, &packet);
    capture_values_finish(values);
    reading->counts = *capture_values_counts(values);
    reading->problem = g_strdup(capture_problem(capture));
}

static void reading_clear(struct reading *reading)
{
    g_hash_table_unref(reading->values);
    g_free(reading->problem);
}

static char *folder(void)
{
    const char *shared = g_getenv("ENTENTE_SHARED");

    return g_build_filename(shared ? shared : "../../shared", "data/hunt/pcap", NULL);
}

/* Every row of the expected values, as tshark 4.0 wrote them. */
static void test_what_tshark_finds(void)
{
    g_autofree char *where = folder(), *list = g_build_filename(where, "expected.tsv", NULL);
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;
    struct reading reading = { 0 };
    const char *current = "";
    guint rows = 0, missing = 0;

    if (!g_file_get_contents(list, &text, NULL, NULL)) {
        g_test_skip("the shared captures are not here");
        return;
    }
    lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++) {
        g_auto(GStrv) fields = g_strsplit(*line, "\t", 3);
        g_autofree char *key = NULL;

        if (g_strv_length(fields) != 3 || fields[0][0] == '#')
            continue;
        if (strcmp(current, fields[0]) != 0) {
            g_autofree char *path = g_build_filename(where, fields[0], NULL);

            if (reading.values)
                reading_clear(&reading);
            read_capture(path, &reading);
            g_assert_cmpstr(reading.problem, ==, NULL);
            current = g_intern_string(fields[0]);
        }
        rows++;
        if (strcmp(fields[1], "packets") == 0) {
            g_assert_cmpuint(reading.counts.packets, ==, g_ascii_strtoull(fields[2], NULL, 10));
            continue;
        }
        key = g_strdup_printf("%s\t%s", fields[1], fields[2]);
        if (g_hash_table_contains(reading.values, key))
            continue;
        g_test_message("%s: missing: %s", fields[0], key);
        missing++;
    }
    reading_clear(&reading);
    g_assert_cmpuint(rows, >, 150);
    g_assert_cmpuint(missing, ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/capture/what-tshark-finds", test_what_tshark_finds);
    return g_test_run();
}
