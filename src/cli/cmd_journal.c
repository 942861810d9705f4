#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "base/terminal.h"
#include "cli/commands.h"
#include "journal/journal.h"

#include <string.h>

#define SHOWN_MAX 60 /* bytes of a body in the list */

struct state {
    char *kind, *asset, *key, *head;
};

/* A body that is JSON stays JSON; other text becomes a string; other bytes their length. */
static json_t *body_value(GBytes *body)
{
    gsize length;
    const char *bytes = g_bytes_get_data(body, &length);
    json_t *value = json_parse(bytes, length, JOURNAL_BODY_MAX, "body", NULL);

    if (value)
        return value;
    if (g_utf8_validate(bytes, (gssize)length, NULL))
        return json_stringn(bytes, length);
    return json_pack("{s:I}", "bytes", (json_int_t)length);
}

static json_t *event_value(const struct event *event)
{
    const struct journal_head head = { .seq = event->seq };
    struct journal_head own = head;
    g_autofree char *time = clock_format(event->time_us);
    g_autofree char *name = NULL;
    json_t *value = json_object();

    memcpy(own.hash, event->hash, JOURNAL_HASH);
    name = journal_head_format(&own);
    json_object_set_new(value, "seq", json_integer((json_int_t)event->seq));
    json_object_set_new(value, "time", json_string(time));
    json_object_set_new(value, "kind", json_safe_string(event->kind));
    if (event->asset)
        json_object_set_new(value, "asset", json_safe_string(event->asset));
    if (event->key)
        json_object_set_new(value, "key", json_safe_string(event->key));
    json_object_set_new(value, "body", body_value(event->body));
    json_object_set_new(value, "hash", json_string(strchr(name, ':') + 1));
    return value;
}

struct listing {
    text_table_t *table;
    GString *lines; /* JSON Lines, or NULL */
};

static gboolean list_event(const struct event *event, gpointer data)
{
    struct listing *listing = data;
    g_autoptr(json_t) value = NULL;
    g_autofree char *seq = NULL, *time = NULL, *body = NULL, *text = NULL;
    gsize length;
    const char *bytes;

    if (listing->lines) {
        value = event_value(event);
        text = json_dumps(value, JSON_COMPACT);
        g_string_append(listing->lines, text);
        g_string_append_c(listing->lines, '\n');
        return TRUE;
    }
    bytes = g_bytes_get_data(event->body, &length);
    seq = g_strdup_printf("%" G_GUINT64_FORMAT, event->seq);
    time = clock_format(event->time_us / G_USEC_PER_SEC * G_USEC_PER_SEC);
    body = g_strndup(bytes, MIN(length, SHOWN_MAX));
    {
        const char *const cells[] = {
            seq, time, event->kind, event->asset ? event->asset : "", event->key ? event->key : "",
            body
        };

        text_table_row(listing->table, cells, NULL);
    }
    return TRUE;
}

static int list(const struct context *context, const struct state *state, struct journal *journal,
                GError **error)
{
    static const char *const headings[] = { "SEQ", "TIME", "KIND", "ASSET", "KEY", "BODY", NULL };
    static const char *const headings_fr[] = {
        "SEQ", "DATE", "GENRE", "ACTIF", "CLÉ", "CORPS", NULL
    };
    const struct journal_filter filter = { state->kind, state->asset, state->key, 0 };
    g_autoptr(text_table_t) table = text_table_new(cli_is_french(context) ? headings_fr : headings);
    g_autoptr(GString) lines = g_string_new(NULL);
    gboolean json = cli_format_is(context, "json", FALSE);
    struct listing listing = { table, json ? lines : NULL };
    g_autofree char *text = NULL;

    text_table_align_right(table, 0);
    if (journal && !journal_each(journal, &filter, list_event, &listing, error))
        return EXIT_SYSTEM;
    text = json ? g_strdup(lines->str) : cli_table(context, table);
    return cli_output(context, text, strlen(text), error) ? EXIT_DONE : EXIT_SYSTEM;
}

static gboolean take_event(const struct event *event, gpointer data)
{
    *(struct event **)data = event_copy(event);
    return FALSE;
}

static int show(const struct context *context, struct journal *journal, const char *argument,
                GError **error)
{
    struct journal_filter filter = { 0 };
    g_autoptr(event_t) event = NULL;
    g_autoptr(json_t) value = NULL;
    g_autofree char *text = NULL;
    guint64 seq;

    if (!argument || !g_ascii_string_to_unsigned(argument, 10, 1, G_MAXINT64, &seq, NULL)) {
        input_error(error, "which event? entente journal show SEQ");
        return EXIT_INPUT;
    }
    filter.after = seq - 1;
    if (journal && !journal_each(journal, &filter, take_event, &event, error))
        return EXIT_SYSTEM;
    if (!event || event->seq != seq) {
        input_error(error, "there is no event %s; see entente journal list", argument);
        return EXIT_INPUT;
    }
    value = event_value(event);
    text = json_pretty(value);
    return cli_output(context, text, strlen(text), error) ? EXIT_DONE : EXIT_SYSTEM;
}

static int verify(const struct context *context, const struct state *state, struct journal *journal,
                  GError **error)
{
    struct journal_head known, head = { 0 };
    g_autofree char *name = NULL;
    g_autofree char *text = NULL;

    if (state->head && !journal_head_parse(state->head, &known, error))
        return EXIT_INPUT;
    if (!journal && state->head) {
        found_error(error, "there is no journal here, but %s is known", state->head);
        return EXIT_FOUND;
    }
    if (journal && !journal_verify(journal, state->head ? &known : NULL, &head, error))
        return EXIT_FOUND;
    name = journal_head_format(&head);
    if (cli_format_is(context, "json", FALSE))
        text =
            g_strdup_printf("{\"events\":%" G_GUINT64_FORMAT ",\"head\":\"%s\"}\n", head.seq, name);
    else if (head.seq == 0)
        text =
            g_strdup(cli_is_french(context) ? "Le journal est vide.\n" : "The journal is empty.\n");
    else
        text =
            g_strdup_printf(cli_is_french(context)
                                ? "Le journal est entier\u202f: %" G_GUINT64_FORMAT " événements.\n"
                                  "Tête\u202f: %s\n"
                                  "Gardez la tête ailleurs\u202f; entente journal verify --head "
                                  "trouve alors aussi\n"
                                  "un journal qui a été entièrement réécrit.\n"
                                : "The journal is whole: %" G_GUINT64_FORMAT " events.\nHead: %s\n"
                                  "Keep the head elsewhere; entente journal verify --head then "
                                  "also finds a journal\n"
                                  "that was rewritten as a whole.\n",
                            head.seq, name);
    return cli_output(context, text, strlen(text), error) ? EXIT_DONE : EXIT_SYSTEM;
}

static int run(const struct context *context, void *data, char **arguments, GError **error)
{
    const struct state *state = data;
    g_autofree char *folder = cli_data_folder(context, error);
    g_autoptr(journal_t) journal = NULL;
    GError *problem = NULL;
    const char *verb = arguments[0] ? arguments[0] : "list";

    if (!folder)
        return EXIT_SYSTEM;
    journal = journal_open_existing(folder, &problem);
    if (problem) {
        g_propagate_error(error, problem);
        return EXIT_SYSTEM;
    }
    if (g_str_equal(verb, "list"))
        return list(context, state, journal, error);
    if (g_str_equal(verb, "show"))
        return show(context, journal, arguments[1], error);
    if (g_str_equal(verb, "verify"))
        return verify(context, state, journal, error);
    input_error(error, "\"%s\" is not list, show or verify", verb);
    return EXIT_INPUT;
}

static const struct command_option options[] = {
    { "kind", 'k', G_OPTION_ARG_STRING, offsetof(struct state, kind), "list: only this kind",
      "KIND" },
    { "asset", 0, G_OPTION_ARG_STRING, offsetof(struct state, asset), "list: only this asset",
      "NAME" },
    { "key", 0, G_OPTION_ARG_STRING, offsetof(struct state, key), "list: only this key", "KEY" },
    { "head", 0, G_OPTION_ARG_STRING, offsetof(struct state, head),
      "verify: a head seen before must still be there", "SEQ:HASH" },
    { NULL },
};

const struct command command_journal = {
    .name = "journal",
    .summary = "Look at the record of events, and verify that nobody changed it",
    .arguments = "[list | show SEQ | verify]",
    .formats = "text, json",
    .details = "Every answer, waiver and import is an event; each holds the hash of the one\n"
               "before it. verify exits 1 when an event was altered, removed or moved.\n\n"
               "Example: entente journal verify\n"
               "         entente journal list --kind answer",
    .options = options,
    .state_size = sizeof(struct state),
    .run = run,
};
