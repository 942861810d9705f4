#include "p1_resilience/hunt/hit_line.h"

#include "p1_resilience/hunt/hit_terms.h"

#include <string.h>

/* A line with more is told in parts, each with the knowledge of its own. */
#define KEPT_MAX ((gsize)1 << 20)

/* A match of the line; offsets are of the bytes kept. */
struct kept {
    struct hunt_hit hit;
    gsize token, key, text;
    gboolean whole, repeated;
};

struct hit_line {
    const struct hunt_table *table;
    const struct hit_rule *rule;
    hunt_hit_function take;
    gpointer data;
    guint64 out_of_time;
    struct hit_seen *seen; /* NULL: the table has nothing that asks for more than one value */
    GArray *kept;
    GByteArray *bytes;
};

struct hit_line *hit_line_new(const struct hunt_table *table, const struct hit_rule *rule,
                              hunt_hit_function take, gpointer data)
{
    struct hit_line *line = g_new0(struct hit_line, 1);

    *line = (struct hit_line){
        .table = table,
        .rule = rule,
        .take = take,
        .data = data,
        .seen = hunt_table_has_terms(table) ? hit_seen_new() : NULL,
        .kept = g_array_new(FALSE, FALSE, sizeof(struct kept)),
        .bytes = g_byte_array_new(),
    };
    return line;
}

void hit_line_free(struct hit_line *line)
{
    if (!line)
        return;
    hit_seen_free(line->seen);
    g_array_unref(line->kept);
    g_byte_array_unref(line->bytes);
    g_free(line);
}

static gsize keep(struct hit_line *line, const guint8 *bytes, gsize length)
{
    gsize at = line->bytes->len;

    if (length)
        g_byte_array_append(line->bytes, bytes, (guint)length);
    return at;
}

/* Once for all matches that have the same. */
static gsize keep_text(struct hit_line *line, const struct hunt_hit *hit)
{
    const struct kept *last =
        line->kept->len ? &g_array_index(line->kept, struct kept, line->kept->len - 1) : NULL;

    if (last && last->hit.text_length == hit->text_length && hit->text_length &&
        memcmp(line->bytes->data + last->text, hit->text, hit->text_length) == 0)
        return last->text;
    return keep(line, hit->text, hit->text ? hit->text_length : 0);
}

void hit_line_add(struct hit_line *line, const struct hunt_hit *hit, gboolean whole,
                  gboolean repeated)
{
    struct kept kept = { .hit = *hit, .whole = whole, .repeated = repeated };
    const struct hunt_hit *first = NULL;

    if (!line->seen) {
        line->out_of_time +=
            hunt_hits(line->table, hit, whole, repeated, NULL, line->rule, line->take, line->data);
        return;
    }
    if (line->kept->len)
        first = &g_array_index(line->kept, struct kept, 0).hit;
    if (first && (first->line != hit->line || first->file != hit->file ||
                  line->bytes->len + line->kept->len * sizeof kept > KEPT_MAX))
        hit_line_end(line);
    kept.token = keep(line, hit->token, hit->token_length);
    kept.key = keep(line, hit->key, hit->key_length);
    kept.text = keep_text(line, hit);
    g_array_append_val(line->kept, kept);
    hit_seen_add(line->seen, hit->key, hit->key_length, whole);
}

void hit_line_end(struct hit_line *line)
{
    for (guint i = 0; i < line->kept->len; i++) {
        const struct kept *kept = &g_array_index(line->kept, struct kept, i);
        struct hunt_hit hit = kept->hit;

        hit.token = line->bytes->data + kept->token;
        hit.key = line->bytes->data + kept->key;
        if (hit.text)
            hit.text = line->bytes->data + kept->text;
        line->out_of_time += hunt_hits(line->table, &hit, kept->whole, kept->repeated, line->seen,
                                       line->rule, line->take, line->data);
    }
    g_array_set_size(line->kept, 0);
    g_byte_array_set_size(line->bytes, 0);
    if (line->seen)
        hit_seen_clear(line->seen);
}

guint64 hit_line_out_of_time(const struct hit_line *line)
{
    return line->out_of_time;
}
