/* hunt_explain.c: entente hunt explain: who asserts a value, and what follows from it. */
#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "base/terminal.h"
#include "cli/hunt_command.h"
#include "p1_resilience/hunt/hunt_lookup.h"

#include <string.h>

/* One assertion that was found; owns its strings. */
struct found {
    struct assertion assertion;
    struct hunt_source source; /* borrowed from the table */
    const char *warning;       /* borrowed from the table; NULL: none */
    char *text, *object, *original, *labels;
};

static void found_clear(gpointer data)
{
    struct found *found = data;

    g_free(found->text);
    g_free(found->object);
    g_free(found->original);
    g_free(found->labels);
}

static void keep(GArray *all, const struct hunt_table *table, const struct assertion *assertion)
{
    struct found *found;

    g_array_set_size(all, all->len + 1);
    found = &g_array_index(all, struct found, all->len - 1);
    *found = (struct found){ .assertion = *assertion };
    hunt_table_source(table, assertion->source, &found->source);
    found->warning = assertion->warning ? hunt_table_warning(table, assertion->warning - 1) : NULL;
    found->text = g_strdup(assertion->indicator.text);
    found->object = g_strdup(assertion->object);
    found->original = g_strdup(assertion->original);
    found->labels = g_strdup(assertion->labels);
}

/* What is to be found, and where. */
struct search {
    const struct hunt_table *table;
    GArray *all; /* struct found */
};

static void find_key(const struct hunt_key *key, gboolean is_whole, gpointer data)
{
    struct search *search = data;
    g_auto(hunt_cursor_t) cursor = { 0 };
    struct assertion assertion;

    if (!hunt_table_find(search->table, key->hash, key->bytes, key->length, &cursor))
        return;
    while (hunt_table_next(search->table, &cursor, &assertion))
        if (is_whole || assertion.indicator.kind != INDICATOR_HOST)
            keep(search->all, search->table, &assertion);
}

static GArray *find(const struct hunt_table *table, const struct hunt_needles *needles,
                    const struct indicator *indicator)
{
    struct search search = { table, g_array_new(FALSE, FALSE, sizeof(struct found)) };

    g_array_set_clear_func(search.all, found_clear);
    hunt_lookup(needles, indicator, find_key, &search);
    return search.all;
}

static const struct {
    guint flag;
    const char *name, *text;
} flags[] = {
    { ASSERTION_WITHDRAWN, "withdrawn", "withdrawn by its source" },
    { ASSERTION_EXACT, "exact", "a public suffix: that one name, not what lies below" },
    { ASSERTION_PARTIAL, "partial", "the source asks for more than this value to be seen" },
    { ASSERTION_FALSE_POSITIVE, "false-positive", "somebody reported it as a false positive" },
};

/* Whether it is valid now, by what its source said. */
static const char *validity(const struct assertion *assertion)
{
    gint64 now_us = clock_now_us();

    if (assertion->flags & ASSERTION_WITHDRAWN)
        return "withdrawn";
    if (assertion->valid_from_us > now_us)
        return "not-yet";
    return assertion->valid_until_us && assertion->valid_until_us <= now_us ? "expired" : "valid";
}

/* ---- JSON */

static void put_text(struct json_writer *json, const char *key, const char *text)
{
    if (text)
        json_put_string(json, key, text);
}

static void put_time(struct json_writer *json, const char *key, gint64 time_us)
{
    g_autofree char *text = time_us ? clock_format(time_us) : NULL;

    put_text(json, key, text);
}

static void put_found(struct json_writer *json, const struct found *found)
{
    const struct assertion *assertion = &found->assertion;
    g_auto(GStrv) labels = found->labels ? g_strsplit(found->labels, "\n", -1) : NULL;

    json_begin_object(json, NULL);
    json_put_string(json, "kind", indicator_kind_name(assertion->indicator.kind));
    json_put_string(json, "indicator", found->text);
    json_begin_object(json, "source");
    put_text(json, "name", found->source.name);
    put_text(json, "title", found->source.title);
    put_text(json, "id", found->source.id);
    put_text(json, "path", found->source.path);
    json_put_string(json, "format", feed_format_name(found->source.format));
    put_time(json, "time", found->source.time_us);
    json_end_object(json);
    put_text(json, "object", found->object);
    put_text(json, "original", found->original);
    put_time(json, "valid_from", assertion->valid_from_us);
    put_time(json, "valid_until", assertion->valid_until_us);
    json_put_string(json, "validity", validity(assertion));
    if (assertion->confidence != ASSERTION_NO_CONFIDENCE)
        json_put_integer(json, "confidence", assertion->confidence);
    json_put_string(json, "tlp", tlp_name(assertion->tlp));
    json_put_boolean(json, "to_ids", (assertion->flags & ASSERTION_TO_IDS) != 0);
    json_begin_array(json, "flags");
    for (guint i = 0; i < G_N_ELEMENTS(flags); i++)
        if (assertion->flags & flags[i].flag)
            json_put_string(json, NULL, flags[i].name);
    json_end_array(json);
    json_begin_array(json, "labels");
    for (char **label = labels; label && *label; label++)
        json_put_string(json, NULL, *label);
    json_end_array(json);
    put_text(json, "suppressed_by", found->warning);
    json_end_object(json);
}

static void put_value(struct json_writer *json, const char *value,
                      const struct indicator *indicator, const GArray *all)
{
    json_begin_object(json, NULL);
    json_put_string(json, "value", value);
    json_put_string(json, "kind", indicator_kind_name(indicator->kind));
    json_put_string(json, "normal", indicator->text);
    json_begin_array(json, "assertions");
    for (guint i = 0; i < all->len; i++)
        put_found(json, &g_array_index(all, struct found, i));
    json_end_array(json);
    json_end_object(json);
}

/* ---- text */

static void add_line(GString *out, const char *name, const char *text)
{
    g_autofree char *escaped = text ? terminal_escape(text) : NULL;

    if (escaped)
        g_string_append_printf(out, "    %-12s %s\n", name, escaped);
}

static void add_found(GString *out, const struct found *found)
{
    const struct assertion *assertion = &found->assertion;
    g_autofree char *from =
        assertion->valid_from_us ? clock_format(assertion->valid_from_us) : NULL;
    g_autofree char *until =
        assertion->valid_until_us ? clock_format(assertion->valid_until_us) : NULL;
    g_autofree char *escaped = terminal_escape(found->text), *confidence = NULL, *labels = NULL;

    g_string_append_printf(out, "  %s %s\n", indicator_kind_name(assertion->indicator.kind),
                           escaped);
    add_line(out, "source", found->source.name);
    add_line(out, "title", found->source.title);
    add_line(out, "from", found->source.path);
    add_line(out, "object", found->object);
    add_line(out, "written", found->original);
    add_line(out, "valid from", from);
    add_line(out, "valid until", until);
    add_line(out, "validity", validity(assertion));
    if (assertion->confidence != ASSERTION_NO_CONFIDENCE) {
        confidence = g_strdup_printf("%u of 100", assertion->confidence);
        add_line(out, "confidence", confidence);
    }
    add_line(out, "TLP", tlp_name(assertion->tlp));
    if (!(assertion->flags & ASSERTION_TO_IDS))
        add_line(out, "note", "context, not meant for detection by its source");
    for (guint i = 0; i < G_N_ELEMENTS(flags); i++)
        if (assertion->flags & flags[i].flag)
            add_line(out, "note", flags[i].text);
    if (found->labels) {
        g_auto(GStrv) parts = g_strsplit(found->labels, "\n", -1);

        labels = g_strjoinv(", ", parts);
        add_line(out, "labels", labels);
    }
    if (found->warning) {
        g_autofree char *note = g_strconcat("on the warning list ", found->warning, NULL);

        add_line(out, "suppressed", note);
    }
}

static void add_value(GString *out, const struct indicator *indicator, const GArray *all)
{
    g_autofree char *escaped = terminal_escape(indicator->text);

    g_string_append_printf(out, "%s%s%s\n", out->len ? "\n" : "", escaped,
                           all->len ? "" : ": nobody asserts it");
    for (guint i = 0; i < all->len; i++)
        add_found(out, &g_array_index(all, struct found, i));
}

static int run(const struct context *context, gconstpointer shared, char **values, GError **error)
{
    const struct hunt_arguments *given = shared;
    gboolean as_json = cli_format_is(context, "json", FALSE), any = FALSE;
    g_autoptr(hunt_table_t) table = NULL;
    g_autoptr(GString) out = g_string_new(NULL);
    struct json_writer *json;
    struct hunt_needles needles;
    g_autofree char *text = NULL;
    gsize length;

    if (!given->tables || !values[0])
        return input_error(error, "entente hunt explain --table TABLE VALUE...");
    table = hunt_table_open_all((const char *const *)given->tables, error);
    if (!table)
        return EXIT_SYSTEM;
    needles = hunt_table_needles(table);
    json = json_writer_new();
    json_begin_object(json, NULL);
    json_put_string(json, "schema", "entente/hunt-explain/1");
    json_begin_array(json, "tables");
    for (char **path = given->tables; *path; path++)
        json_put_string(json, NULL, *path);
    json_end_array(json);
    json_begin_array(json, "values");
    for (char **value = values; *value; value++) {
        g_auto(indicator_t) indicator = { 0 };
        g_autoptr(GArray) all = NULL;
        enum indicator_why why;

        if (!indicator_parse(*value, strlen(*value), INDICATOR_FORCE, &indicator, &why)) {
            input_error(error, "\"%s\": %s", *value, indicator_why_text(why));
            break;
        }
        all = find(table, &needles, &indicator);
        any |= all->len > 0;
        put_value(json, *value, &indicator, all);
        add_value(out, &indicator, all);
    }
    json_end_array(json);
    json_end_object(json);
    text = json_writer_finish(json, &length);
    if (error && *error)
        return EXIT_INPUT;
    if (!cli_output(context, as_json ? text : out->str, as_json ? length : out->len, error))
        return EXIT_SYSTEM;
    return any ? EXIT_FOUND : EXIT_DONE;
}

const struct subcommand hunt_subcommand_explain = { "explain", run };
