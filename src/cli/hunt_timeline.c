#include "cli/hunt_timeline.h"

#include "base/clock.h"

#include <sodium.h>
#include <string.h>

#define PARTS 60u /* of the whole time */
#define ROWS_MAX 500u
#define BAR_WIDTH 10u
#define BAR_HEIGHT 18u
#define SHADES 4u

static const char style[] =
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem;color:#1a1a2e;background:#fff}"
    "table{border-collapse:collapse}th,td{padding:.2rem .7rem;text-align:left;"
    "border-bottom:1px solid #d8d8e0;vertical-align:middle}td.n{text-align:right}"
    "svg{display:block;background:#f2f2f7}rect{fill:#b3261e}caption{text-align:left}"
    "@media(prefers-color-scheme:dark){body{color:#eee;background:#16161d}svg{background:#26262f}"
    "rect{fill:#ff8a80}td,th{border-color:#3a3a44}}";

struct row {
    char *kind, *indicator, *place; /* place: of the first hit */
    GArray *times;                  /* gint64 */
    guint64 hits;
};

struct hunt_timeline {
    GHashTable *rows; /* "kind\nindicator" -> struct row */
    gint64 first_us, last_us;
};

static void row_free(gpointer data)
{
    struct row *row = data;

    g_free(row->kind);
    g_free(row->indicator);
    g_free(row->place);
    g_array_unref(row->times);
    g_free(row);
}

struct hunt_timeline *hunt_timeline_new(void)
{
    struct hunt_timeline *timeline = g_new0(struct hunt_timeline, 1);

    timeline->rows = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, row_free);
    timeline->first_us = G_MAXINT64;
    timeline->last_us = G_MININT64;
    return timeline;
}

void hunt_timeline_free(struct hunt_timeline *timeline)
{
    if (!timeline)
        return;
    g_hash_table_unref(timeline->rows);
    g_free(timeline);
}

void hunt_timeline_add(struct hunt_timeline *timeline, const struct hunt_hit *hit)
{
    const char *kind = indicator_kind_name(hit->kind);
    g_autofree char *key = g_strconcat(kind, "\n", hit->indicator, NULL);
    struct row *row = g_hash_table_lookup(timeline->rows, key);

    if (!row) {
        g_autofree char *file = g_utf8_make_valid(hit->file, -1);

        row = g_new0(struct row, 1);
        row->kind = g_strdup(kind);
        row->indicator = g_utf8_make_valid(hit->indicator, -1);
        row->place = g_strdup_printf("%s:%" G_GUINT64_FORMAT, file, hit->line);
        row->times = g_array_new(FALSE, FALSE, sizeof(gint64));
        g_hash_table_insert(timeline->rows, g_steal_pointer(&key), row);
    }
    row->hits++;
    if (hit->time_us == HIT_TIME_NONE)
        return;
    g_array_append_val(row->times, hit->time_us);
    timeline->first_us = MIN(timeline->first_us, hit->time_us);
    timeline->last_us = MAX(timeline->last_us, hit->time_us);
}

static int by_hits(gconstpointer a, gconstpointer b)
{
    const struct row *left = *(const struct row *const *)a, *right = *(const struct row *const *)b;

    if (left->hits != right->hits)
        return left->hits < right->hits ? 1 : -1;
    return strcmp(left->indicator, right->indicator);
}

static guint part_of(const struct hunt_timeline *timeline, gint64 time_us)
{
    const double whole = (double)(timeline->last_us - timeline->first_us) + 1;

    return (guint)((double)(time_us - timeline->first_us) / whole * PARTS);
}

/* The darker a bar, the more hits in this part of the time. */
static void put_bars(GString *out, const struct hunt_timeline *timeline, const struct row *row)
{
    guint64 counts[PARTS] = { 0 }, most = 1;

    for (guint i = 0; i < row->times->len; i++)
        counts[MIN(part_of(timeline, g_array_index(row->times, gint64, i)), PARTS - 1)]++;
    for (guint i = 0; i < PARTS; i++)
        most = MAX(most, counts[i]);
    g_string_append_printf(out, "<svg width=\"%u\" height=\"%u\" role=\"img\">", PARTS * BAR_WIDTH,
                           BAR_HEIGHT);
    for (guint i = 0; i < PARTS; i++) {
        const guint64 shade = counts[i] ? 1 + counts[i] * (SHADES - 1) / most : 0;

        if (shade)
            g_string_append_printf(
                out,
                "<rect x=\"%u\" y=\"0\" width=\"%u\" height=\"%u\" "
                "fill-opacity=\"%u%%\"><title>%" G_GUINT64_FORMAT "</title></rect>",
                i * BAR_WIDTH, BAR_WIDTH - 1, BAR_HEIGHT, (guint)(shade * 100 / SHADES), counts[i]);
    }
    g_string_append(out, "</svg>");
}

static void put_row(GString *out, const struct hunt_timeline *timeline, const struct row *row)
{
    g_autofree char *indicator = g_markup_escape_text(row->indicator, -1);
    g_autofree char *place = g_markup_escape_text(row->place, -1);

    g_string_append_printf(
        out, "<tr><td>%s</td><td>%s</td><td class=\"n\">%" G_GUINT64_FORMAT "</td><td>", row->kind,
        indicator, row->hits);
    put_bars(out, timeline, row);
    g_string_append_printf(out, "</td><td>%s</td></tr>\n", place);
}

static void put_head(GString *out, gboolean french)
{
    guint8 digest[crypto_hash_sha256_BYTES];
    g_autofree char *hash = NULL;

    crypto_hash_sha256(digest, (const guint8 *)style, strlen(style));
    hash = g_base64_encode(digest, sizeof digest);
    g_string_append_printf(
        out,
        "<!DOCTYPE html>\n<html lang=\"%s\"><head><meta charset=\"utf-8\">"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
        "'sha256-%s'\"><title>%s</title><style>%s</style></head><body>\n",
        french ? "fr" : "en", hash, french ? "Correspondances dans le temps" : "Hits over time",
        style);
}

static void put_summary(GString *out, const struct hunt_timeline *timeline,
                        const struct hunt_scan_summary *summary, gboolean french)
{
    g_string_append_printf(
        out,
        french ? "<h1>Correspondances dans le temps</h1><p>%" G_GUINT64_FORMAT
                 " correspondances dans %" G_GUINT64_FORMAT " lignes de %" G_GUINT64_FORMAT
                 " fichiers\u202f; fichiers non lus jusqu’au bout\u202f: %" G_GUINT64_FORMAT
                 ".</p>\n"
               : "<h1>Hits over time</h1><p>%" G_GUINT64_FORMAT " hits in %" G_GUINT64_FORMAT
                 " lines of %" G_GUINT64_FORMAT
                 " files; files not read to their end: %" G_GUINT64_FORMAT ".</p>\n",
        summary->hits, summary->lines, summary->files, summary->unread);
    if (timeline->last_us >= timeline->first_us) {
        g_autofree char *first = clock_format(timeline->first_us);
        g_autofree char *last = clock_format(timeline->last_us);

        g_string_append_printf(out, "<p>%s – %s</p>\n", first, last);
    }
}

char *hunt_timeline_html(const struct hunt_timeline *timeline,
                         const struct hunt_scan_summary *summary, gboolean french)
{
    GString *out = g_string_new(NULL);
    g_autoptr(GPtrArray) rows = g_ptr_array_new();
    GHashTableIter iter;
    gpointer row;

    g_hash_table_iter_init(&iter, timeline->rows);
    while (g_hash_table_iter_next(&iter, NULL, &row))
        g_ptr_array_add(rows, row);
    g_ptr_array_sort(rows, by_hits);
    put_head(out, french);
    put_summary(out, timeline, summary, french);
    g_string_append_printf(
        out,
        "<table><thead><tr><th>%s</th><th>%s</th><th>%s</th><th>%s</th><th>%s</th></tr></thead>",
        french ? "Type" : "Kind", french ? "Indicateur" : "Indicator", french ? "Nombre" : "Hits",
        french ? "Dans le temps" : "Over time", french ? "Première ligne" : "First line");
    g_string_append(out, "<tbody>\n");
    for (guint i = 0; i < MIN(rows->len, ROWS_MAX); i++)
        put_row(out, timeline, rows->pdata[i]);
    g_string_append(out, "</tbody></table>\n");
    if (rows->len > ROWS_MAX)
        g_string_append_printf(
            out, french ? "<p>et %u autres indicateurs</p>\n" : "<p>and %u more indicators</p>\n",
            rows->len - ROWS_MAX);
    g_string_append(out, "</body></html>\n");
    return g_string_free(out, FALSE);
}
