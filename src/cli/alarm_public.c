#include "cli/alarm_public.h"

#include "base/file.h"
#include "base/terminal.h"
#include "cli/ceremony.h"
#include "cli/network.h"
#include "cli/public_alarms.h"
#include "p2_internet/routes/public_alarm.h"
#include "p2_internet/routes/watch_alarm.h"
#include "process/desk.h"

#include <string.h>

#define KIND "alarm"
#define REPORTS_LIMIT ((gsize)64 << 20) /* bytes of a file of reports */

/* --- which incident --- */

/* What the case of an alarm holds. */
static json_t *report_of_case(const struct context *context, const struct case_arguments *given,
                              const char *id, GError **error)
{
    g_autoptr(casework_t) work = casework_open(context, &given->work, error);
    g_autoptr(json_t) view = NULL;
    json_t *report;

    if (!work || !casework_case_of(work, id, KIND, error))
        return NULL;
    view = desk_view(work->cases, id, NULL, work->now_us, error);
    report = view ? public_alarms_report(view) : NULL;
    if (view && !report)
        input_error(error, "alarm %s is not about a route: only those can be published", id);
    return report;
}

/* The last report of the incident with this key; without a key there has to be one alone. */
static json_t *report_of_lines(const char *text, const char *path, const char *key, GError **error)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_autoptr(json_t) found = NULL;

    for (guint i = 0; lines[i]; i++) {
        g_autofree char *name = g_strdup_printf("--report %s:%u", path, i + 1);
        g_autoptr(json_t) report = NULL;
        g_auto(read_report_t) read = { 0 };

        if (!*lines[i])
            continue;
        report = json_parse(lines[i], strlen(lines[i]), ROUTE_ALARM_LINE_MAX, name, error);
        if (!report)
            return NULL;
        if (!watch_report_read(report, &read, error)) {
            g_prefix_error(error, "%s: ", name);
            return NULL;
        }
        if (key && g_strcmp0(json_text(report, "key"), key) != 0)
            continue;
        if (found && g_strcmp0(json_text(found, "key"), json_text(report, "key")) != 0) {
            input_error(error,
                        "--report %s: there are several incidents; name one by its \"key\", as the "
                        "lines have it",
                        path);
            return NULL;
        }
        g_clear_pointer(&found, json_decref);
        found = g_steal_pointer(&report);
    }
    if (!found)
        input_error(error, "--report %s: there is no incident%s%s", path, key ? " " : "",
                    key ? key : "");
    return g_steal_pointer(&found);
}

static json_t *report_of_file(const char *path, const char *key, GError **error)
{
    g_autoptr(GBytes) bytes = file_read(path, REPORTS_LIMIT, error);
    g_autofree char *text = NULL;

    if (!bytes)
        return NULL;
    text = g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
    return report_of_lines(text, path, key, error);
}

/* --- publish --- */

static json_t *predicate_of(const struct context *context, json_t *line, gboolean raw,
                            GError **error)
{
    g_autofree char *path = cli_profile_path(context);
    g_autoptr(profile_t) profile = NULL;
    g_auto(read_report_t) read = { 0 };

    if (!path) {
        input_error(error, "a profile says which networks are yours (--profile FILE)");
        return NULL;
    }
    profile = profile_load(path, error);
    if (!profile || !watch_report_read(line, &read, error))
        return NULL;
    return public_alarm_of(&read.report, profile, raw, error);
}

static int publish(const struct context *context, const struct case_arguments *given,
                   json_t *members, GError **error)
{
    char *keys[] = { given->work.key, NULL };
    const struct ceremony_options options = { .keys = given->work.key ? keys : NULL,
                                              .passphrase_file = given->work.passphrase_file,
                                              .yes = given->yes,
                                              .allow_private = given->work.allow_private };
    g_autoptr(ceremony_t) ceremony = ceremony_open(context, &options, error);
    json_t *predicate;

    if (!ceremony)
        return error_exit_status(*error);
    if (!ceremony_needs_community(ceremony, error) || !ceremony_needs_self(ceremony, error))
        return EXIT_INPUT;
    predicate = ceremony_predicate(ceremony);
    json_object_update(predicate, members);
    return ceremony_finish(ceremony, PREDICATE_ROUTE_ALARM, ceremony->domain, ceremony->id,
                           predicate, KEY_ROLE_ISSUER, NULL, error);
}

int alarm_publish(const struct context *context, const struct case_arguments *given,
                  const struct alarm_public_options *options, char **arguments, GError **error)
{
    const char *named = arguments[0];
    g_autoptr(json_t) report = NULL, members = NULL;

    if ((!named && !options->report) || (named && arguments[1]))
        return input_error(error, "publish takes one alarm (entente alarm list), or --report FILE "
                                  "and the KEY of an incident in it");
    report = options->report ? report_of_file(options->report, named, error)
                             : report_of_case(context, given, named, error);
    members = report ? predicate_of(context, report, options->raw, error) : NULL;
    return members ? publish(context, given, members, error) : EXIT_INPUT;
}

/* --- public --- */

static char *one_text(const struct context *context, const json_t *alarm)
{
    g_autoptr(json_t) list = json_pack("[O]", (json_t *)alarm);
    g_autofree char *head = public_alarms_text(context, list),
                    *answers = public_alarms_answers_text(context, alarm);

    return g_strconcat(head, "\n", answers, NULL);
}

/* An index or a leaf hash is one alarm; everything else somebody who published. */
static gboolean is_entry(const char *argument)
{
    return strspn(argument, "0123456789") == strlen(argument) ||
           (strlen(argument) == 2 * SIGNATORY_ID_SIZE &&
            strspn(argument, "0123456789abcdef") == strlen(argument));
}

static gboolean is_signatory(const struct registry *registry, const char *argument)
{
    g_autofree char *id = register_id(registry->reg, argument, NULL);

    return id != NULL;
}

int alarm_public(const struct context *context, const struct case_arguments *given,
                 char **arguments, GError **error)
{
    const struct http_options http = cli_http(given->work.allow_private, NULL);
    const char *asked = arguments[0];
    g_autoptr(registry_t) registry = NULL;
    g_autoptr(json_t) list = NULL;
    g_autofree char *text = NULL;
    const json_t *alarm = NULL;
    gboolean one;

    if (asked && arguments[1])
        return input_error(error, "public takes one ENTRY of the log, or one signatory");
    registry = registry_open_newest(context, &http, error);
    if (!registry)
        return EXIT_SYSTEM;
    one = asked && is_entry(asked) && !is_signatory(registry, asked);
    list = public_alarms_of(registry->reg, one ? NULL : asked, registry->now_us, error);
    if (!list || (one && !(alarm = public_alarm_named(list, asked, error))))
        return EXIT_INPUT;
    if (cli_format_is(context, "json", FALSE))
        text = json_pretty(one ? alarm : list);
    else
        text = one ? one_text(context, alarm) : public_alarms_text(context, list);
    if (!cli_output(context, text, strlen(text), error))
        return EXIT_SYSTEM;
    registry_warn(registry, context);
    return registry->unwitnessed ? EXIT_SYSTEM : EXIT_DONE;
}
