#include "cli/case_text.h"

#include "base/clock.h"
#include "base/terminal.h"

#include <string.h>

#define MINUTE_S 60
#define HOUR_S (60 * MINUTE_S)
#define DAY_S (24 * HOUR_S)
#define TIME_LENGTH 16 /* "2026-11-22T10:41" */

char *case_text_duration(gint64 time_us, gboolean french)
{
    const gint64 seconds = time_us / G_USEC_PER_SEC;
    const char *day = french ? "j" : "d";

    if (seconds < MINUTE_S)
        return g_strdup_printf("%d s", (int)seconds);
    if (seconds < HOUR_S)
        return g_strdup_printf("%d min", (int)(seconds / MINUTE_S));
    if (seconds < DAY_S)
        return g_strdup_printf("%d h %02d min", (int)(seconds / HOUR_S),
                               (int)(seconds % HOUR_S / MINUTE_S));
    return g_strdup_printf("%d %s %d h", (int)(seconds / DAY_S), day,
                           (int)(seconds % DAY_S / HOUR_S));
}

char *case_text_left(const char *time, gint64 now_us, gboolean french)
{
    g_autofree char *length = NULL;
    gint64 due_us;

    if (!time || !clock_parse(time, &due_us, NULL))
        return g_strdup("");
    length = case_text_duration(ABS(due_us - now_us), french);
    if (due_us <= now_us)
        return g_strdup_printf(french ? "en retard de %s" : "%s late", length);
    return g_strdup_printf(french ? "dans %s" : "in %s", length);
}

char *case_text_time(const char *time)
{
    char *text = g_strndup(time ? time : "", TIME_LENGTH);

    g_strdelimit(text, "T", ' ');
    return text;
}

/* --- names of what kinds are made of --- */

const char *case_text_kind(const struct casework *work, const char *kind)
{
    const struct kind *row = kind_find(kind);

    return row ? casework_text(work, &row->title) : kind ? kind : "";
}

const char *case_text_state(const struct casework *work, const char *kind, const char *state)
{
    const struct kind *row = kind_find(kind);
    const struct process_text *text =
        row && state ? kind_state_text(&row->machines[0], state) : NULL;

    return text ? casework_text(work, text) : state ? state : "";
}

const char *case_text_clock(const struct casework *work, const char *kind, const char *clock)
{
    const struct kind *row = kind_find(kind);

    for (const struct process_clock *known = row ? row->clocks : NULL; known && known->id; known++)
        if (g_strcmp0(known->id, clock) == 0)
            return casework_text(work, &known->title);
    return clock ? clock : "";
}

const char *case_text_step(const struct casework *work, const char *kind, const char *machine,
                           const char *event)
{
    const struct kind *row = kind_find(kind);

    if (g_strcmp0(event, CASE_EVENT_OPEN) == 0)
        return work->french ? "Ouvrir" : "Open";
    for (const struct process_step *step = row ? row->steps : NULL; step && step->machine; step++)
        if (g_strcmp0(step->event, event) == 0 && (!machine || g_str_equal(step->machine, machine)))
            return casework_text(work, &step->title);
    return event ? event : "";
}

/* --- tables --- */

static enum style urgency(const json_t *row)
{
    return json_is_true(json_object_get(row, "overdue")) ? STYLE_BAD : STYLE_PLAIN;
}

gboolean case_text_put(const struct casework *work, const json_t *document, const char *rows,
                       char *(*as_text)(const struct casework *work, const json_t *document),
                       GError **error)
{
    g_autofree char *text = NULL;

    if (cli_format_is(work->context, "json", FALSE))
        text = json_pretty(document);
    else
        text = json_array_size(json_object_get(document, rows)) ? as_text(work, document)
                                                                : g_strdup("");
    return cli_output(work->context, text, strlen(text), error);
}

/* The other side: whom it was opened to, or who opened it. */
static char *other_party(const struct casework *work, const json_t *row)
{
    const char *peer = json_text(row, "peer"), *opener = json_text(row, "opener");

    if (peer && *peer)
        return casework_name(work, peer);
    return casework_name(work, opener);
}

char *case_text_list(const struct casework *work, const json_t *list)
{
    static const char *const english[] = { "CASE", "KIND", "STATE",   "WITH",
                                           "DUE",  "",     "SUBJECT", NULL };
    static const char *const french[] = { "DOSSIER",  "TYPE", "ÉTAT",  "AVEC",
                                          "ÉCHÉANCE", "",     "OBJET", NULL };
    g_autoptr(text_table_t) table = text_table_new(work->french ? french : english);
    const json_t *row;
    size_t index;

    json_array_foreach(json_object_get(list, "cases"), index, row)
    {
        const char *kind = json_text(row, "kind"), *due = json_text(row, "due");
        g_autofree char *id = g_strndup(json_text(row, "id"), CASEWORK_SHORT_ID);
        g_autofree char *with = other_party(work, row), *when = case_text_time(due);
        g_autofree char *left = case_text_left(due, work->now_us, work->french);
        const char *const cells[] = { id,
                                      case_text_kind(work, kind),
                                      case_text_state(work, kind, json_text(row, "state")),
                                      with,
                                      when,
                                      left,
                                      json_text(row, "title") };
        const enum style styles[] = { STYLE_PLAIN, STYLE_PLAIN,  STYLE_PLAIN, STYLE_PLAIN,
                                      STYLE_PLAIN, urgency(row), STYLE_PLAIN };

        text_table_row(table, cells, styles);
    }
    return cli_table(work->context, table);
}

/* What somebody here has to do about it. */
static char *duty(const struct casework *work, const json_t *item)
{
    const char *reason = json_text(item, "reason"), *kind = json_text(item, "kind");

    if (g_strcmp0(reason, "draft") == 0)
        return g_strdup_printf(work->french ? "Signer aussi\u202f: %s" : "Sign, too: %s",
                               case_text_step(work, kind, NULL, json_text(item, "step")));
    if (g_strcmp0(reason, "clock") == 0)
        return g_strdup(case_text_clock(work, kind, json_text(item, "clock")));
    return g_strdup(work->french ? "Nouveau" : "New");
}

char *case_text_inbox(const struct casework *work, const json_t *inbox)
{
    static const char *const english[] = {
        "DUE", "", "TO DO", "ID", "KIND", "WITH", "SUBJECT", NULL
    };
    static const char *const french[] = { "ÉCHÉANCE", "",     "À FAIRE", "IDENTIFIANT",
                                          "TYPE",     "AVEC", "OBJET",   NULL };
    g_autoptr(text_table_t) table = text_table_new(work->french ? french : english);
    const json_t *item;
    size_t index;

    json_array_foreach(json_object_get(inbox, "items"), index, item)
    {
        const char *due = json_text(item, "due"), *draft = json_text(item, "draft");
        const char *title = json_text(item, "title");
        g_autofree char *id =
            draft ? g_strdup(draft) : g_strndup(json_text(item, "id"), CASEWORK_SHORT_ID);
        g_autofree char *when = case_text_time(due), *what = duty(work, item);
        g_autofree char *left = case_text_left(due, work->now_us, work->french);
        g_autofree char *with = other_party(work, item);
        const char *const cells[] = { when,
                                      left,
                                      what,
                                      id,
                                      case_text_kind(work, json_text(item, "kind")),
                                      with,
                                      title ? title : "" };
        const enum style styles[] = { STYLE_PLAIN, urgency(item), STYLE_PLAIN, STYLE_PLAIN,
                                      STYLE_PLAIN, STYLE_PLAIN,   STYLE_PLAIN };

        text_table_row(table, cells, styles);
    }
    return cli_table(work->context, table);
}
