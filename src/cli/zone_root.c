/* zone_root.c: entente zone root: the chain, the servers and a copy of the root zone. */
#include "p2_internet/zone/zone_root.h"

#include "base/terminal.h"
#include "cli/zone_command.h"

static void add_servers(const struct context *context, GString *out, const json_t *document)
{
    static const char *const headings[] = { "SERVER", "ADDRESS", "SERIAL", "INSTANCE", NULL };
    g_autoptr(text_table_t) table = text_table_new(headings);
    g_autofree char *text = NULL;
    const json_t *row;
    size_t index;

    json_array_foreach(json_object_get(document, "servers"), index, row)
    {
        const char *identity = json_text(row, "identity"), *udp = json_text(row, "udp");
        g_autofree char *serial =
            json_object_get(row, "serial")
                ? g_strdup_printf("%" G_GINT64_FORMAT, json_number(row, "serial", 0))
                : g_strdup(udp ? udp : "-");

        text_table_row(table,
                       (const char *const[]){ json_text(row, "host"), json_text(row, "address"),
                                              serial, identity ? identity : "" },
                       NULL);
    }
    text = cli_table(context, table);
    g_string_append(out, text);
}

static void add_copy(const struct context *context, GString *out, const json_t *document)
{
    const gboolean french = cli_is_french(context);
    const json_t *copy = json_object_get(document, "copy");
    const char *problem = json_text(document, "copy_error"),
               *from = json_text(document, "copy_from");
    g_autofree char *place = from ? terminal_escape(from) : g_strdup("-");

    if (problem) {
        g_autofree char *text = terminal_escape(problem);

        g_string_append_printf(
            out, french ? "pas de copie de la zone : %s\n" : "no copy of the zone: %s\n", text);
        return;
    }
    g_string_append_printf(out,
                           french ? "copie de %s : série %" G_GINT64_FORMAT ", %" G_GINT64_FORMAT
                                    " enregistrements, ZONEMD %s, authentique : %s\n"
                                  : "copy from %s: serial %" G_GINT64_FORMAT ", %" G_GINT64_FORMAT
                                    " records, ZONEMD %s, authentic: %s\n",
                           place, json_number(copy, "serial", 0), json_number(copy, "records", 0),
                           json_text(copy, "zonemd"), json_text(copy, "authentic"));
}

static char *make_text(const struct context *context, const json_t *document, gboolean all)
{
    const gboolean french = cli_is_french(context);
    GString *out = g_string_new(NULL);
    const json_t *row;
    size_t index;

    (void)all;
    g_string_append_printf(out, ".: %s\n\n", json_text(document, "verdict"));
    add_servers(context, out, document);
    add_copy(context, out, document);
    json_array_foreach(json_object_get(document, "problems"), index, row)
    {
        g_autofree char *text = terminal_escape(json_text(row, "text"));
        enum severity level = SEVERITY_HIGH;

        severity_parse(json_text(row, "level"), &level, NULL);
        g_string_append_printf(out, "%s: %s\n", severity_word(level, french), text);
    }
    return g_string_free(out, FALSE);
}

static int status_of(const json_t *document, enum severity fail_on)
{
    const json_t *row;
    size_t index;

    if (g_strcmp0(json_text(document, "verdict"), "indeterminate") == 0)
        return EXIT_SYSTEM;
    json_array_foreach(json_object_get(document, "problems"), index, row)
    {
        enum severity level;

        if (severity_parse(json_text(row, "level"), &level, NULL) && level >= fail_on)
            return EXIT_FOUND;
    }
    return json_object_get(document, "copy") ? EXIT_DONE : EXIT_SYSTEM;
}

static int run(const struct context *context, gconstpointer shared, char **arguments,
               GError **error)
{
    const struct zone_arguments *given = shared;
    g_auto(zone_settings_t) settings = { 0 };
    struct zone_root_options options = { .file = given->file, .transfer_from = given->transfer };
    g_autoptr(json_t) document = NULL;
    g_autoptr(GString) out = g_string_new(NULL);

    if (arguments[0]) {
        input_error(error, "\"%s\": zone root takes no name", arguments[0]);
        return EXIT_INPUT;
    }
    if (!zone_settings_read(given, &settings, error))
        return EXIT_INPUT;
    options.check = settings.options;
    document = zone_root_run(&options, error);
    if (!document)
        return error_exit_status(*error);
    zone_output(context, out, document, FALSE, make_text);
    return cli_output(context, out->str, out->len, error) ? status_of(document, settings.fail_on)
                                                          : EXIT_SYSTEM;
}

const struct subcommand zone_subcommand_root = { "root", run };
