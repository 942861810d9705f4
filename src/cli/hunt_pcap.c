/* hunt_pcap.c: entente hunt pcap: what captures tell, and which indicators are in it. */
#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "base/terminal.h"
#include "cli/hunt_command.h"
#include "p1_resilience/hunt/capture_hunt.h"

#include <arpa/inet.h>
#include <string.h>

#define ROWS_AT_A_TIME 200 /* that a table shows; then another one begins */
#define VALUE_SHOWN 512    /* bytes of a value in a table */
#define OUTPUT_AT_A_TIME (64u << 10)
#define NANOSECONDS_A_MICROSECOND 1000

struct reading {
    const struct context *context;
    const struct hunt_arguments *given;
    gboolean json;
    struct capture_hunter *hunter; /* NULL: without a table */
    const char *file;
    const struct capture_value *value; /* that is looked up */
    GString *out;                      /* what is not written yet */
    struct text_table *rows[2];        /* values, hits */
    guint row_count;
    GHashTable *lists; /* what suppressed hits: name -> count */
    GPtrArray *unread; /* char *: "FILE: why" */
    guint64 files, read, values, hits, out_of_time;
    struct capture_counts counts; /* of all files */
    guint64 total, before;        /* bytes of the files, and of those done */
    struct progress *progress;
    gboolean is_gone; /* nobody reads what is written */
};

/* ---- writing */

/* With --output, all of it is written at the end. */
static void write_some(struct reading *reading)
{
    if (reading->context->output || reading->out->len == 0)
        return;
    if (fwrite(reading->out->str, 1, reading->out->len, stdout) != reading->out->len)
        reading->is_gone = TRUE;
    g_string_truncate(reading->out, 0);
}

static void end_rows(struct reading *reading)
{
    for (guint i = 0; i < G_N_ELEMENTS(reading->rows); i++) {
        g_autofree char *text = NULL;

        if (!reading->rows[i])
            continue;
        text = cli_table(reading->context, reading->rows[i]);
        if (reading->progress)
            progress_clear(reading->progress);
        g_string_append(reading->out, text);
        g_clear_pointer(&reading->rows[i], text_table_free);
    }
    write_some(reading);
    reading->row_count = 0;
}

static void end_row(struct reading *reading)
{
    if (++reading->row_count == ROWS_AT_A_TIME)
        end_rows(reading);
}

static void put_json(struct reading *reading, const json_t *object)
{
    g_autofree char *line = json_dumps(object, JSON_COMPACT);

    g_string_append(reading->out, line);
    g_string_append_c(reading->out, '\n');
    if (reading->out->len >= OUTPUT_AT_A_TIME)
        write_some(reading);
}

static char *valid_text(const char *text, gsize length)
{
    return g_utf8_make_valid(text, (gssize)length);
}

/* "192.0.2.1:443", "[2001:db8::1]:443" */
static char *endpoint(guint8 family, const guint8 *address, guint16 port)
{
    char text[INET6_ADDRSTRLEN];

    inet_ntop(family == 4 ? AF_INET : AF_INET6, address, text, sizeof text);
    return g_strdup_printf(family == 4 ? "%s:%u" : "[%s]:%u", text, port);
}

static char *time_of(const struct flow_moment *moment)
{
    return moment->time_ns == CAPTURE_NO_TIME
               ? NULL
               : clock_format(moment->time_ns / NANOSECONDS_A_MICROSECOND);
}

/* Where a value was seen, and what it is: members of every line. */
static void put_value(json_t *object, const struct reading *reading)
{
    const struct capture_value *value = reading->value;
    const struct packet_flow *flow = &value->flow;
    g_autofree char *time = time_of(&value->moment), *text = valid_text(value->text, value->length);

    json_object_set_new(object, "file", json_safe_string(reading->file));
    json_object_set_new(object, "packet", json_integer((json_int_t)value->moment.packet));
    json_object_set_new(object, "time", time ? json_string(time) : json_null());
    json_object_set_new(object, "seen", json_string(capture_kind_name(value->kind)));
    json_object_set_new(object, "value", json_string(text));
    if (flow->family) {
        g_autofree char *from = endpoint(flow->family, flow->source, flow->source_port);
        g_autofree char *to = endpoint(flow->family, flow->destination, flow->destination_port);

        json_object_set_new(object, "from", json_string(from));
        json_object_set_new(object, "to", json_string(to));
    }
}

static void show_value(struct reading *reading)
{
    static const char *const headings[] = { "PACKET", "TIME", "SEEN", "VALUE", NULL };
    const struct capture_value *value = reading->value;
    g_autofree char *packet = NULL, *time = NULL, *text = NULL;

    if (reading->json) {
        g_autoptr(json_t) object = json_object();

        put_value(object, reading);
        put_json(reading, object);
        return;
    }
    packet = g_strdup_printf("%" G_GUINT64_FORMAT, value->moment.packet);
    time = time_of(&value->moment);
    text = valid_text(value->text, MIN(value->length, VALUE_SHOWN));
    if (!reading->rows[0])
        reading->rows[0] = text_table_new(headings);
    text_table_row(
        reading->rows[0],
        (const char *const[]){ packet, time ? time : "-", capture_kind_name(value->kind), text },
        NULL);
    end_row(reading);
}

static void put_hit(json_t *object, const struct hunt_hit *hit)
{
    g_autofree char *token = hunt_hit_token(hit);
    json_t *sources = json_array();

    for (guint i = 0; i < hit->sources->len; i++)
        json_array_append_new(sources, json_safe_string(hit->sources->pdata[i]));
    json_object_set_new(object, "kind", json_string(indicator_kind_name(hit->kind)));
    json_object_set_new(object, "indicator", json_string(hit->indicator));
    json_object_set_new(object, "token", json_string(token));
    json_object_set_new(object, "sources", sources);
    json_object_set_new(object, "confidence",
                        hit->confidence == ASSERTION_NO_CONFIDENCE ? json_null()
                                                                   : json_integer(hit->confidence));
    json_object_set_new(object, "tlp", json_string(tlp_name(hit->tlp)));
    json_object_set_new(object, "partial", json_boolean(hit->partial));
    hunt_hit_put_in_part(hit, object);
    json_object_set_new(object, "suppressed_by",
                        hit->suppressed_by ? json_safe_string(hit->suppressed_by) : json_null());
}

static void show_hit(struct reading *reading, const struct hunt_hit *hit)
{
    static const char *const headings[] = { "PLACE", "SEEN",   "VALUE", "KIND", "INDICATOR",
                                            "CONF",  "SOURCE", "TLP",   "",     NULL };
    const struct capture_value *value = reading->value;
    g_autofree char *place = NULL, *text = NULL, *confidence = NULL, *note = NULL, *sources = NULL;

    if (reading->json) {
        g_autoptr(json_t) object = json_object();

        put_value(object, reading);
        put_hit(object, hit);
        put_json(reading, object);
        return;
    }
    place = g_strdup_printf("%s:%" G_GUINT64_FORMAT, reading->file, value->moment.packet);
    text = valid_text(value->text, MIN(value->length, VALUE_SHOWN));
    confidence = hit->confidence == ASSERTION_NO_CONFIDENCE
                     ? g_strdup("-")
                     : g_strdup_printf("%u", hit->confidence);
    note = hit->suppressed_by ? g_strdup_printf("suppressed: %s", hit->suppressed_by)
                              : g_strdup(hit->partial ? "partial" : "");
    g_ptr_array_add(hit->sources, NULL);
    sources = g_strjoinv(", ", (char **)hit->sources->pdata);
    g_ptr_array_set_size(hit->sources, (int)hit->sources->len - 1);
    if (!reading->rows[1])
        reading->rows[1] = text_table_new(headings);
    text_table_row(reading->rows[1],
                   (const char *const[]){ place, capture_kind_name(value->kind), text,
                                          indicator_kind_name(hit->kind), hit->indicator,
                                          confidence, sources, tlp_name(hit->tlp), note },
                   NULL);
    end_row(reading);
}

/* ---- what comes of a file */

static void take_hit(const struct hunt_hit *hit, gpointer data)
{
    struct reading *reading = data;

    if (hit->suppressed_by) {
        gpointer count = g_hash_table_lookup(reading->lists, hit->suppressed_by);

        g_hash_table_replace(reading->lists, g_strdup(hit->suppressed_by),
                             GSIZE_TO_POINTER(GPOINTER_TO_SIZE(count) + 1));
        if (!reading->given->show_suppressed)
            return;
    } else {
        reading->hits++;
    }
    show_hit(reading, hit);
}

static void take_value(const struct capture_value *value, gpointer data)
{
    struct reading *reading = data;

    reading->values++;
    reading->value = value;
    if (reading->given->values)
        show_value(reading);
    if (reading->hunter)
        reading->out_of_time +=
            capture_hunt(reading->hunter, reading->file, value, take_hit, reading);
}

static gboolean show_progress(guint64 done, gpointer data)
{
    struct reading *reading = data;

    if (reading->progress)
        progress_at(reading->progress, (reading->before + done) / 1000000, reading->file);
    return !reading->is_gone;
}

static void add_counts(struct reading *reading, const struct capture_read *read)
{
    struct capture_counts *all = &reading->counts;

    reading->files++;
    reading->read += read->read;
    all->packets += read->counts.packets;
    all->bytes += read->counts.bytes;
    for (guint gap = 0; gap < CAPTURE_GAPS; gap++)
        all->gaps[gap] += read->counts.gaps[gap];
    if (read->counts.gaps[PACKET_UNKNOWN_LINK])
        all->unknown_link = read->counts.unknown_link;
    if (read->problem)
        g_ptr_array_add(reading->unread, g_strdup_printf("%s: %s", reading->file, read->problem));
}

static gboolean read_files(struct reading *reading, GPtrArray *inputs, GError **error)
{
    const struct capture_calls calls = { take_value, show_progress, reading };
    g_autoptr(quic_library_t) quic = quic_library_new(NULL);

    for (guint i = 0; i < inputs->len && !reading->is_gone; i++) {
        struct input *input = inputs->pdata[i];
        g_auto(capture_read_t) read = { 0 };

        reading->file = input->name;
        if (!capture_read_file(input, quic, &calls, &read, error))
            return FALSE;
        reading->before += input->size;
        add_counts(reading, &read);
        if (!reading->given->values || reading->hunter)
            continue;
        end_rows(reading); /* packets are numbered by file */
    }
    return TRUE;
}

/* ---- the summary */

static gboolean is_complete(const struct reading *reading)
{
    for (guint gap = 0; gap < CAPTURE_GAPS; gap++)
        if (reading->counts.gaps[gap] && capture_gap_is_loss(gap))
            return FALSE;
    return reading->unread->len == 0;
}

static void add_text(struct reading *reading, gint64 elapsed_us)
{
    const struct capture_counts *counts = &reading->counts;
    GString *out = reading->out;
    GHashTableIter lists;
    gpointer list, count;

    if (reading->hunter)
        g_string_append_printf(out, "%" G_GUINT64_FORMAT " %s in ", reading->hits,
                               reading->hits == 1 ? "hit" : "hits");
    g_string_append_printf(out,
                           "%" G_GUINT64_FORMAT " values of %" G_GUINT64_FORMAT
                           " packets, %.1f MB, in %" G_GUINT64_FORMAT " %s; %.2f s\n",
                           reading->values, counts->packets, (double)counts->bytes / 1e6,
                           reading->files, reading->files == 1 ? "file" : "files",
                           (double)elapsed_us / G_USEC_PER_SEC);
    g_hash_table_iter_init(&lists, reading->lists);
    while (g_hash_table_iter_next(&lists, &list, &count)) {
        g_autofree char *escaped = terminal_escape(list);

        g_string_append_printf(out, "suppressed: %" G_GSIZE_FORMAT " (%s)\n",
                               GPOINTER_TO_SIZE(count), escaped);
    }
    if (reading->out_of_time)
        g_string_append_printf(out, "not valid at the time asked for: %" G_GUINT64_FORMAT "\n",
                               reading->out_of_time);
    for (guint gap = 0; gap < CAPTURE_GAPS; gap++)
        if (counts->gaps[gap])
            g_string_append_printf(out, "%s: %" G_GUINT64_FORMAT " %s\n",
                                   capture_gap_is_loss(gap) ? "not read" : "not seen",
                                   counts->gaps[gap], capture_gap_text(gap));
    if (counts->gaps[PACKET_UNKNOWN_LINK])
        g_string_append_printf(out, "unknown link type: %u\n", counts->unknown_link);
    for (guint i = 0; i < reading->unread->len; i++) {
        g_autofree char *escaped = terminal_escape(reading->unread->pdata[i]);

        g_string_append_printf(out, "not read to its end: %s\n", escaped);
    }
}

static void add_json(struct reading *reading, gint64 elapsed_us)
{
    const struct capture_counts *counts = &reading->counts;
    json_t *unread = json_array(), *lists = json_object(), *gaps = json_object();
    g_autoptr(json_t) line = NULL;
    GHashTableIter each;
    gpointer list, count;

    for (guint i = 0; i < reading->unread->len; i++)
        json_array_append_new(unread, json_safe_string(reading->unread->pdata[i]));
    g_hash_table_iter_init(&each, reading->lists);
    while (g_hash_table_iter_next(&each, &list, &count))
        json_object_set_new(lists, list, json_integer((json_int_t)GPOINTER_TO_SIZE(count)));
    for (guint gap = 0; gap < CAPTURE_GAPS; gap++)
        if (counts->gaps[gap])
            json_object_set_new(gaps, capture_gap_name(gap),
                                json_integer((json_int_t)counts->gaps[gap]));
    line =
        json_pack("{s:{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:I, s:b, s:o, s:o, s:f}}",
                  "summary", "schema", "entente/hunt-pcap/1", "files", (json_int_t)reading->files,
                  "bytes_read", (json_int_t)reading->read, "packets", (json_int_t)counts->packets,
                  "bytes", (json_int_t)counts->bytes, "values", (json_int_t)reading->values, "hits",
                  (json_int_t)reading->hits, "suppressed", lists, "out_of_time",
                  (json_int_t)reading->out_of_time, "complete", is_complete(reading), "not_seen",
                  gaps, "unread", unread, "seconds", (double)elapsed_us / G_USEC_PER_SEC);
    if (counts->gaps[PACKET_UNKNOWN_LINK])
        json_object_set_new(json_object_get(line, "summary"), "unknown_link",
                            json_integer(counts->unknown_link));
    put_json(reading, line);
}

/* ---- the command */

static gboolean end_output(struct reading *reading, GError **error)
{
    if (reading->context->output)
        return cli_output(reading->context, reading->out->str, reading->out->len, error);
    write_some(reading);
    if (reading->is_gone || fflush(stdout) != 0)
        return system_error(error, "standard output: cannot be written to");
    return TRUE;
}

static int run(const struct context *context, gconstpointer shared, char **arguments,
               GError **error)
{
    const struct hunt_arguments *given = shared;
    struct reading reading = { .context = context, .given = given };
    g_autoptr(GHashTable) lists = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GPtrArray) inputs = NULL, unread = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(capture_hunter_t) hunter = NULL;
    g_autoptr(hunt_table_t) table = NULL;
    g_autoptr(GString) out = g_string_new(NULL);
    gint64 start_us = g_get_monotonic_time();
    struct hit_rule rule = { 0 };
    gboolean done;

    if (!given->tables && !given->values)
        return input_error(error, "--table says which table to look for, --values shows all");
    if (!arguments[0])
        return input_error(error, "what to read: captures, folders of them, or - for standard "
                                  "input");
    if (!hunt_read_rule(given, &rule, error))
        return EXIT_INPUT;
    if (given->tables) {
        table = hunt_table_open_all((const char *const *)given->tables, error);
        if (!table)
            return EXIT_INPUT;
        reading.hunter = hunter = capture_hunter_new(table, &rule);
    }
    inputs = inputs_list(arguments);
    reading.json = cli_format_is(context, "json", FALSE);
    reading.lists = lists;
    reading.unread = unread;
    reading.out = out;
    reading.total = inputs_size(inputs);
    if (!context->quiet && reading.total)
        reading.progress = progress_begin("Hunting,", reading.total / 1000000);
    done = read_files(&reading, inputs, error);
    g_clear_pointer(&reading.progress, progress_end);
    end_rows(&reading);
    if (!done)
        return EXIT_SYSTEM;
    if (reading.json)
        add_json(&reading, g_get_monotonic_time() - start_us);
    else
        add_text(&reading, g_get_monotonic_time() - start_us);
    if (!end_output(&reading, error))
        return EXIT_SYSTEM;
    if (reading.hits)
        return EXIT_FOUND;
    return is_complete(&reading) ? EXIT_DONE : EXIT_SYSTEM;
}

const struct subcommand hunt_subcommand_pcap = { "pcap", run };
