#include "fix/fix_diff.h"

#include <string.h>

#define CONTEXT 3
/* Cells of the table for the longest common subsequence; beyond it the middle is replaced whole. */
#define CELLS_MAX (4u << 20)

struct part {
    const char *text;
    gsize length; /* with the line feed, when there is one */
};

enum mark { KEEP = ' ', DELETE = '-', INSERT = '+' };

struct step {
    enum mark mark;
    struct part part;
    guint old, new; /* lines before this step, counted from 0 */
};

static GArray *split(const char *text, gsize length)
{
    GArray *parts = g_array_new(FALSE, FALSE, sizeof(struct part));
    const char *end = text + length;

    while (text < end) {
        const char *feed = memchr(text, '\n', end - text);
        struct part part = { text, feed ? feed + 1 - text : end - text };

        g_array_append_val(parts, part);
        text += part.length;
    }
    return parts;
}

static gboolean same(const struct part *left, const struct part *right)
{
    return left->length == right->length && memcmp(left->text, right->text, left->length) == 0;
}

static void add(GArray *steps, enum mark mark, const struct part *part, guint *old, guint *new)
{
    struct step step = { mark, *part, *old, *new };

    g_array_append_val(steps, step);
    *old += mark != INSERT;
    *new += mark != DELETE;
}

/* The steps from `a` to `b`: common ends first, then a longest common subsequence of the middle. */
static GArray *compare(const GArray *a, const GArray *b)
{
    const struct part *x = (const struct part *)(void *)a->data;
    const struct part *y = (const struct part *)(void *)b->data;
    GArray *steps = g_array_new(FALSE, FALSE, sizeof(struct step));
    guint head = 0, tail = 0, rows, columns, old = 0, new = 0, i = 0, j = 0;
    g_autofree guint *length = NULL;

    while (head < a->len && head < b->len && same(&x[head], &y[head]))
        add(steps, KEEP, &x[head++], &old, &new);
    while (tail < a->len - head && tail < b->len - head &&
           same(&x[a->len - 1 - tail], &y[b->len - 1 - tail]))
        tail++;
    rows = a->len - head - tail;
    columns = b->len - head - tail;
    /* An array without elements has no data to step over. */
    x = head ? x + head : x;
    y = head ? y + head : y;
    if ((guint64)(rows + 1) * (columns + 1) <= CELLS_MAX) {
        gsize width = columns + 1;

        length = g_new0(guint, (gsize)(rows + 1) * width);
        for (guint r = rows; r-- > 0;)
            for (guint c = columns; c-- > 0;)
                length[r * width + c] = same(&x[r], &y[c]) ? length[(r + 1) * width + c + 1] + 1
                                                           : MAX(length[(r + 1) * width + c],
                                                                 length[r * width + c + 1]);
        while (i < rows && j < columns) {
            if (same(&x[i], &y[j])) {
                add(steps, KEEP, &x[i++], &old, &new);
                j++;
            } else if (length[(i + 1) * width + j] >= length[i * width + j + 1]) {
                add(steps, DELETE, &x[i++], &old, &new);
            } else {
                add(steps, INSERT, &y[j++], &old, &new);
            }
        }
    }
    while (i < rows)
        add(steps, DELETE, &x[i++], &old, &new);
    while (j < columns)
        add(steps, INSERT, &y[j++], &old, &new);
    for (guint k = 0; k < tail; k++)
        add(steps, KEEP, &x[rows + k], &old, &new);
    return steps;
}

static void print_hunk(GString *out, const struct step *steps, guint start, guint stop)
{
    guint old = 0, new = 0;

    for (guint i = start; i < stop; i++) {
        old += steps[i].mark != INSERT;
        new += steps[i].mark != DELETE;
    }
    /* A side without lines names the line before it (POSIX). */
    g_string_append_printf(out, "@@ -%u,%u +%u,%u @@\n", steps[start].old + (old ? 1 : 0), old,
                           steps[start].new + (new ? 1 : 0), new);
    for (guint i = start; i < stop; i++) {
        const struct part *part = &steps[i].part;

        g_string_append_c(out, (char)steps[i].mark);
        g_string_append_len(out, part->text, part->length);
        if (part->text[part->length - 1] != '\n')
            g_string_append(out, "\n\\ No newline at end of file\n");
    }
}

char *fix_diff(const char *from, const char *to, const char *old, gsize old_length, const char *new,
               gsize new_length)
{
    g_autoptr(GArray) a = split(old, old_length);
    g_autoptr(GArray) b = split(new, new_length);
    g_autoptr(GArray) steps = compare(a, b);
    const struct step *all = (const struct step *)(void *)steps->data;
    GString *out = g_string_new(NULL);

    for (guint i = 0; i < steps->len;) {
        guint start, stop, quiet = 0;

        if (all[i].mark == KEEP) {
            i++;
            continue;
        }
        if (!out->len)
            g_string_append_printf(out, "--- %s\n+++ %s\n", from, to);
        start = i > CONTEXT ? i - CONTEXT : 0;
        for (stop = i; stop < steps->len && quiet <= 2 * CONTEXT; stop++)
            quiet = all[stop].mark == KEEP ? quiet + 1 : 0;
        i = stop;
        if (quiet > CONTEXT)
            stop -= quiet - CONTEXT;
        print_hunk(out, all, start, stop);
    }
    return g_string_free(out, FALSE);
}
