/* cmd_ct.c: which certificates logs show for our domains, and which of them nobody here knows. */
#include "base/clock.h"
#include "base/json.h"
#include "base/terminal.h"
#include "cli/casework.h"
#include "cli/commands.h"
#include "cli/keys.h"
#include "cli/network.h"
#include "p2_internet/ct/ct_watch.h"
#include "profile/profile.h"

#include <string.h>

#define SOURCE "ct"
#define FROM_END "end"

struct state {
    char *log, *key, *ca, *begin, *limit;
    gboolean allow_private;
};

#define MEMBER(NAME) offsetof(struct state, NAME)

static const struct command_option options[] = {
    { "log", 0, G_OPTION_ARG_STRING, MEMBER(log),
      "Read this log: a URL or a folder (default: those of the profile)", "LOG" },
    { "log-key", 0, G_OPTION_ARG_STRING, MEMBER(key), "Its public key: base64, or a PEM file",
      "KEY" },
    { "begin", 0, G_OPTION_ARG_STRING, MEMBER(begin),
      "Where to begin with a log that was never read: start (default) or end", "WHERE" },
    { "limit", 0, G_OPTION_ARG_STRING, MEMBER(limit),
      "Read so many entries of each log at most; the next run goes on", "NUMBER" },
    { "ca", 0, G_OPTION_ARG_FILENAME, MEMBER(ca),
      "Trust the certificates in this PEM file, not the system's (or ENTENTE_CA_FILE)", "FILE" },
    { "allow-private", 0, G_OPTION_ARG_NONE, MEMBER(allow_private),
      "Logs may have private addresses, and plain http", NULL },
    { NULL },
};

/* All of one run. */
struct run {
    const struct context *context;
    const struct state *state;
    struct profile *profile;
    char *data;
    struct ct_watch *watch;
    struct signing_key *key;
    struct casework *work; /* opened with the first alarm */
    gint64 now_us;
};

/* ---- what is watched and read */

static gboolean watch_all(struct run *run, char *const *arguments, GError **error)
{
    if (!*arguments && !ct_watch_profile(run->watch, error))
        return FALSE;
    for (; *arguments; arguments++)
        if (!ct_watch_domain(run->watch, *arguments, error))
            return FALSE;
    return ct_watch_domains(run->watch) > 0 ||
           input_error(error, "no domain is named: entente ct check NAME ..., or \"domains\" in "
                              "entente.yaml(5)");
}

static gboolean raise_alarm(const char *topic, const char *severity, const char *text,
                            gint64 now_us, gpointer data, GError **error)
{
    static const struct casework_options none = { 0 };
    struct run *run = data;

    if (!run->key) /* before cases are opened, which know our keys as they are then */
        run->key = cli_default_key(run->context, error);
    if (run->key && !run->work)
        run->work = casework_open(run->context, &none, error);
    return run->work && cases_alarm(run->work->cases, run->key, SOURCE, topic, severity, text,
                                    now_us, NULL, error);
}

static gboolean read_logs(struct run *run, GError **error)
{
    if (run->state->log)
        return run->state->key
                   ? ct_watch_log(run->watch, run->state->log, run->state->key, error)
                   : input_error(error, "--log needs the log's public key: --log-key KEY");
    if (!run->profile || !run->profile->certificate_logs->len)
        return input_error(error, "no log is named: --log LOG --log-key KEY, or \"transparency\" "
                                  "in entente.yaml(5)");
    for (guint i = 0; i < run->profile->certificate_logs->len; i++) {
        const struct certificate_log *log = run->profile->certificate_logs->pdata[i];

        if (!ct_watch_log(run->watch, log->place, log->key, error))
            return FALSE;
    }
    return TRUE;
}

/* ---- what is shown and kept ---- */

static char *as_text(const struct run *run)
{
    static const char *const log_headings[] = { "log", "entries", "read", "past", "problem", NULL };
    static const char *const headings[] = { "certificate", "verdict", "domain", "match",
                                            "issuer",      "until",   "names",  NULL };
    g_autoptr(text_table_t) logs = text_table_new(log_headings);
    g_autoptr(text_table_t) table = text_table_new(headings);
    g_autofree char *above = NULL, *below = NULL;
    const json_t *item;
    size_t index;
    guint shown = 0;

    json_array_foreach(ct_watch_logs(run->watch), index, item)
    {
        const char *origin = json_text(item, "origin"), *problem = json_text(item, "problem");
        g_autofree char *size = g_strdup_printf("%" G_GINT64_FORMAT, json_number(item, "size", 0));
        g_autofree char *read =
            g_strdup_printf("%" G_GINT64_FORMAT "-%" G_GINT64_FORMAT, json_number(item, "from", 0),
                            json_number(item, "until", 0));

        text_table_row(logs,
                       (const char *[]){ origin ? origin : json_text(item, "log"), size, read,
                                         json_text(item, "past"), problem ? problem : "" },
                       NULL);
    }
    json_array_foreach(ct_watch_certificates(run->watch), index, item)
    {
        const char *verdict = json_text(item, "verdict"), *issuer = json_text(item, "issuer");
        const char *serial = json_text(item, "serial");
        const gboolean known = g_strcmp0(verdict, ct_verdict_name(CT_KNOWN)) == 0;
        g_autofree char *names = ct_watch_names(item);
        g_autofree char *until = clock_format(json_number(item, "not_after", 0) * G_USEC_PER_SEC);
        const enum style styles[G_N_ELEMENTS(headings)] = { STYLE_PLAIN,
                                                            known ? STYLE_GOOD : STYLE_BAD };

        if (known && !json_is_true(json_object_get(item, "new")))
            continue;
        shown++;
        text_table_row(table,
                       (const char *[]){ serial ? serial : "?", verdict, json_text(item, "domain"),
                                         json_text(item, "match"), issuer ? issuer : "", until,
                                         names },
                       styles);
    }
    above = cli_table(run->context, logs);
    below = shown ? cli_table(run->context, table) : g_strdup("No certificate to tell of.\n");
    return g_strdup_printf("%s\n%s", above, below);
}

static int status_of(const struct ct_watch_counts *counts)
{
    if (counts->found || counts->fresh_imitations)
        return EXIT_FOUND;
    return counts->unread ? EXIT_SYSTEM : EXIT_DONE;
}

static int show(struct run *run, GError **error)
{
    const struct ct_watch_counts *counts = ct_watch_counts(run->watch);
    g_autofree char *text = NULL, *time = clock_format(run->now_us);

    if (!ct_watch_keep(run->watch, error))
        return EXIT_SYSTEM;
    if (cli_format_is(run->context, "json", FALSE)) {
        g_autoptr(json_t) document =
            json_pack("{s:s, s:s, s:O, s:O, s:i}", "schema", "entente/ct-check/1", "time", time,
                      "logs", ct_watch_logs(run->watch), "certificates",
                      ct_watch_certificates(run->watch), "alarms", (int)counts->alarms);

        text = json_pretty(document);
    } else {
        text = as_text(run);
    }
    return cli_output(run->context, text, strlen(text), error) ? status_of(counts) : EXIT_SYSTEM;
}

static gboolean prepare(struct run *run, GError **error)
{
    g_autofree char *path = cli_profile_path(run->context);

    run->data = cli_data_folder(run->context, error);
    if (!run->data)
        return FALSE;
    if (run->state->begin && !g_str_equal(run->state->begin, FROM_END) &&
        !g_str_equal(run->state->begin, "start"))
        return input_error(error, "--begin takes start or end");
    if (run->state->limit &&
        !g_ascii_string_to_unsigned(run->state->limit, 10, 1, G_MAXINT64, NULL, NULL))
        return input_error(error, "--limit takes a number from 1");
    if (path)
        run->profile = profile_load(path, error);
    return !path || run->profile;
}

static struct ct_watch *start_watch(struct run *run)
{
    const struct ct_watch_options wanted = {
        .data = run->data,
        .profile = run->profile,
        .http = cli_http(run->state->allow_private, run->state->ca),
        .limit = run->state->limit ? g_ascii_strtoull(run->state->limit, NULL, 10) : 0,
        .from_end = g_strcmp0(run->state->begin, FROM_END) == 0,
        .now_us = run->now_us,
        .alarm = raise_alarm,
        .alarm_data = run,
    };

    return ct_watch_new(&wanted);
}

static int run_check(const struct context *context, gconstpointer shared, char **arguments,
                     GError **error)
{
    struct run run = { .context = context, .state = shared, .now_us = clock_now_us() };
    int status = EXIT_INPUT;

    if (prepare(&run, error)) {
        run.watch = start_watch(&run);
        if (watch_all(&run, arguments, error))
            status = read_logs(&run, error) ? show(&run, error) : EXIT_SYSTEM;
    }
    ct_watch_free(run.watch);
    casework_close(run.work);
    signing_key_free(run.key);
    profile_free(run.profile);
    g_free(run.data);
    return status;
}

static const struct subcommand subcommand_check = { "check", run_check };
static const struct subcommand *const subcommands[] = { &subcommand_check, NULL };

const struct command command_ct = {
    .name = "ct",
    .summary = "Find certificates for your domains that nobody here knows",
    .arguments = "check [NAME...]",
    .formats = "text, json",
    .details =
        "check  read logs of certificates from where the last run ended, verify them, and raise "
        "an\n"
        "       alarm for each certificate of a domain, or of a name that looks like it, that the\n"
        "       profile does not know\n\n"
        "Example: entente ct check example.org --log https://log.example/2026 --log-key log.pem",
    .options = options,
    .state_size = sizeof(struct state),
    .subcommands = subcommands,
};
