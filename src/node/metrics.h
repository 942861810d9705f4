/*
 * metrics.h: numbers of a node, as Prometheus reads them (text format 0.0.4).
 *
 * Names begin with "entente_", counters end with "_total", times are in seconds. Counting is
 * lock-free: every thread adds to the same atomic numbers.
 */
#pragma once
#include <glib.h>

enum metric_type { METRIC_COUNTER, METRIC_GAUGE };

/* "# HELP", "# TYPE" and one sample. `name` without "entente_". */
void metric_add(GString *text, enum metric_type type, const char *name, const char *help,
                guint64 value);
void metric_add_seconds(GString *text, enum metric_type type, const char *name, const char *help,
                        gint64 value_us);
/* Samples with labels: the head once, then each; `labels` is `group="state"`, escaped already. */
void metric_head(GString *text, const char *type, const char *name, const char *help);
void metric_sample(GString *text, const char *name, const char *labels, guint64 value);
/* A label's value: backslash, quote and line feed escaped. Owned by the caller. */
char *metric_label(const char *value);

/* Answers of one route: by status, and how long they took. */
#define METRIC_STATUSES 24
#define METRIC_BUCKETS 12
struct answer_numbers {
    guint64 by_status[METRIC_STATUSES];
    guint64 by_time[METRIC_BUCKETS]; /* not summed up yet */
    guint64 time_us, bytes;
};
void answer_numbers_count(struct answer_numbers *numbers, guint status, gint64 time_us,
                          guint64 bytes);
/* `routes[i]` belongs to `numbers[i]`. */
void answer_numbers_write(GString *text, const struct answer_numbers *numbers,
                          const char *const *methods, const char *const *routes, guint count);
