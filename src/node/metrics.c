#include "node/metrics.h"

#define PREFIX "entente_"

/* What the node answers; another status is counted with the last one. */
static const guint statuses[] = {
    200, 202, 204, 206, 304, 400, 401, 403, 404, 405, 408, 409,
    411, 413, 414, 415, 416, 422, 429, 500, 502, 503, 507,
};
G_STATIC_ASSERT(G_N_ELEMENTS(statuses) < METRIC_STATUSES);

static const gint64 buckets_us[METRIC_BUCKETS] = {
    100, 500, 1000, 5000, 10000, 50000, 100000, 500000, 1000000, 5000000, 10000000, G_MAXINT64,
};

void metric_head(GString *text, const char *type, const char *name, const char *help)
{
    g_string_append_printf(text, "# HELP " PREFIX "%s %s\n# TYPE " PREFIX "%s %s\n", name, help,
                           name, type);
}

void metric_sample(GString *text, const char *name, const char *labels, guint64 value)
{
    g_string_append_printf(text, PREFIX "%s%s%s%s %" G_GUINT64_FORMAT "\n", name, labels ? "{" : "",
                           labels ? labels : "", labels ? "}" : "", value);
}

static void add_head(GString *text, enum metric_type type, const char *name, const char *help)
{
    metric_head(text, type == METRIC_COUNTER ? "counter" : "gauge", name, help);
}

void metric_add(GString *text, enum metric_type type, const char *name, const char *help,
                guint64 value)
{
    add_head(text, type, name, help);
    metric_sample(text, name, NULL, value);
}

static void append_seconds(GString *text, gint64 value_us)
{
    char number[G_ASCII_DTOSTR_BUF_SIZE];

    g_string_append(
        text, g_ascii_formatd(number, sizeof number, "%.6f", (double)value_us / G_USEC_PER_SEC));
}

void metric_add_seconds(GString *text, enum metric_type type, const char *name, const char *help,
                        gint64 value_us)
{
    add_head(text, type, name, help);
    g_string_append_printf(text, PREFIX "%s ", name);
    append_seconds(text, value_us);
    g_string_append_c(text, '\n');
}

char *metric_label(const char *value)
{
    GString *text = g_string_new(NULL);

    for (; *value; value++) {
        if (*value == '\n') {
            g_string_append(text, "\\n");
            continue;
        }
        if (*value == '\\' || *value == '"')
            g_string_append_c(text, '\\');
        g_string_append_c(text, *value);
    }
    return g_string_free(text, FALSE);
}

static void add(guint64 *number, guint64 more)
{
    __atomic_fetch_add(number, more, __ATOMIC_RELAXED);
}

static guint64 get(const guint64 *number)
{
    return __atomic_load_n(number, __ATOMIC_RELAXED);
}

void answer_numbers_count(struct answer_numbers *numbers, guint status, gint64 time_us,
                          guint64 bytes)
{
    guint i = 0, bucket = 0;

    while (i < G_N_ELEMENTS(statuses) && statuses[i] != status)
        i++;
    while (time_us > buckets_us[bucket])
        bucket++;
    add(&numbers->by_status[i], 1);
    add(&numbers->by_time[bucket], 1);
    add(&numbers->time_us, MAX(time_us, 0));
    add(&numbers->bytes, bytes);
}

static void write_statuses(GString *text, const struct answer_numbers *numbers, const char *method,
                           const char *route)
{
    for (guint i = 0; i <= G_N_ELEMENTS(statuses); i++) {
        g_autofree char *status =
            i < G_N_ELEMENTS(statuses) ? g_strdup_printf("%u", statuses[i]) : g_strdup("other");
        g_autofree char *labels = NULL;
        guint64 count = get(&numbers->by_status[i]);

        if (!count)
            continue;
        labels = g_strdup_printf("method=\"%s\",route=\"%s\",status=\"%s\"", method, route, status);
        metric_sample(text, "http_requests_total", labels, count);
    }
}

static void write_times(GString *text, const struct answer_numbers *numbers, const char *method,
                        const char *route)
{
    g_autofree char *labels = g_strdup_printf("method=\"%s\",route=\"%s\"", method, route);
    guint64 sum = 0;

    for (guint i = 0; i < METRIC_BUCKETS; i++) {
        sum += get(&numbers->by_time[i]);
        g_string_append_printf(text, PREFIX "http_request_duration_seconds_bucket{%s,le=\"",
                               labels);
        if (buckets_us[i] == G_MAXINT64)
            g_string_append(text, "+Inf");
        else
            append_seconds(text, buckets_us[i]);
        g_string_append_printf(text, "\"} %" G_GUINT64_FORMAT "\n", sum);
    }
    g_string_append_printf(text, PREFIX "http_request_duration_seconds_sum{%s} ", labels);
    append_seconds(text, get(&numbers->time_us));
    g_string_append_c(text, '\n');
    metric_sample(text, "http_request_duration_seconds_count", labels, sum);
}

void answer_numbers_write(GString *text, const struct answer_numbers *numbers,
                          const char *const *methods, const char *const *routes, guint count)
{
    guint64 bytes = 0;

    metric_head(text, "counter", "http_requests_total", "Answers by route and status.");
    for (guint i = 0; i < count; i++)
        write_statuses(text, &numbers[i], methods[i], routes[i]);
    metric_head(text, "histogram", "http_request_duration_seconds",
                "From the request's last byte to the answer's.");
    for (guint i = 0; i < count; i++)
        write_times(text, &numbers[i], methods[i], routes[i]);
    for (guint i = 0; i < count; i++)
        bytes += get(&numbers[i].bytes);
    metric_add(text, METRIC_COUNTER, "http_answer_bytes_total", "Bytes of bodies sent.", bytes);
}
