/* cmd_ct.c: which certificates logs show for our domains, and which of them nobody here knows. */
#include "base/clock.h"
#include "base/json.h"
#include "base/terminal.h"
#include "cli/casework.h"
#include "cli/commands.h"
#include "cli/keys.h"
#include "cli/network.h"
#include "journal/journal.h"
#include "p2_internet/ct/ct_known.h"
#include "p2_internet/ct/ct_log.h"
#include "p2_internet/ct/ct_record.h"
#include "profile/profile.h"
#include "profile/values.h"

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
    GPtrArray *domains; /* struct ct_domain */
    GHashTable *known;  /* name -> struct ct_known */
    struct signing_key *key;
    struct casework *work; /* opened with the first alarm */
    json_t *logs, *certificates;
    struct ct_tally *tallies; /* as many as domains */
    guint alarms, fresh_imitations;
    int status;
    gint64 now_us;
};

/* ---- what is watched ---- */

static gboolean watch(struct run *run, const char *name, const struct asset *asset, GError **error)
{
    g_autofree char *lower = g_ascii_strdown(name, -1);
    struct ct_known *known = NULL;

    if (!value_check_domain(lower, error))
        return FALSE;
    if (asset) {
        known = ct_known_new(asset, error);
        if (!known)
            return FALSE;
    }
    ct_domains_add(run->domains, lower);
    g_hash_table_replace(run->known, g_steal_pointer(&lower), known);
    return TRUE;
}

/* The domain of the profile that a name is, or lies below. */
static const struct asset *asset_of(const struct run *run, const char *name)
{
    for (const char *at = name; run->profile && at; at = strchr(at, '.'), at = at ? at + 1 : NULL) {
        const struct asset *asset = profile_asset(run->profile, ASSET_DOMAIN, at);

        if (asset)
            return asset;
    }
    return NULL;
}

static gboolean watch_all(struct run *run, char *const *arguments, GError **error)
{
    const gboolean named = *arguments != NULL;

    for (; *arguments; arguments++) {
        g_autofree char *lower = g_ascii_strdown(*arguments, -1);

        if (!watch(run, *arguments, asset_of(run, lower), error))
            return FALSE;
    }
    for (guint i = 0; !named && run->profile && i < run->profile->assets->len; i++) {
        const struct asset *asset = run->profile->assets->pdata[i];

        if (asset->kind == ASSET_DOMAIN && !watch(run, asset->name, asset, error))
            return FALSE;
    }
    return run->domains->len > 0 ||
           input_error(error, "no domain is named: entente ct check NAME ..., or \"domains\" in "
                              "entente.yaml(5)");
}

/* ---- alarms ---- */

static gboolean alarm_raised(struct run *run, const char *topic, const char *severity,
                             const char *text, GError **error)
{
    static const struct casework_options none = { 0 };

    if (!run->key) /* before cases are opened, which know our keys as they are then */
        run->key = cli_default_key(run->context, error);
    if (run->key && !run->work)
        run->work = casework_open(run->context, &none, error);
    if (!run->work || !cases_alarm(run->work->cases, run->key, SOURCE, topic, severity, text,
                                   run->now_us, NULL, error))
        return FALSE;
    run->alarms++;
    return TRUE;
}

static enum ct_verdict judge(const struct run *run, const json_t *seen)
{
    const char *domain = json_text(seen, "domain");

    return ct_known_judge(domain ? g_hash_table_lookup(run->known, domain) : NULL, seen);
}

static char *names_text(const json_t *seen)
{
    const json_t *names = json_object_get(seen, "names");
    GString *text = g_string_new(NULL);

    for (size_t i = 0; i < json_array_size(names); i++)
        g_string_append_printf(text, "%s%s", i ? " " : "",
                               json_string_value(json_array_get(names, i)));
    return g_string_free(text, FALSE);
}

/* One alarm for precertificate and certificate, whatever logs show them. */
static gboolean tell(struct run *run, const struct ct_result *result, const json_t *seen,
                     enum ct_verdict verdict, GError **error)
{
    static const struct {
        const char *severity, *title;
    } words[] = {
        [CT_UNKNOWN] = { "high", "A certificate that nobody here knows" },
        [CT_NOT_ALLOWED] = { "critical", "A certificate by an issuer that CAA does not allow" },
        [CT_IMITATION] = { "medium", "A certificate for a name that looks like ours" },
    };
    const char *domain = json_text(seen, "domain"), *serial = json_text(seen, "serial");
    const char *issuer = json_text(seen, "issuer"), *key = json_text(seen, "key");
    g_autofree char *names = names_text(seen);
    g_autofree char *topic = g_strdup_printf("certificate %s %s %.16s", domain ? domain : "?",
                                             serial ? serial : "?", key ? key : "?");
    g_autofree char *text = g_strdup_printf(
        "%s: %s\nnames %s\nissuer %s\nserial %s\nkey sha256:%s\nlog %s, entry %" G_GINT64_FORMAT,
        words[verdict].title, domain ? domain : "?", names, issuer ? issuer : "?",
        serial ? serial : "?", key ? key : "?", result->origin, json_number(seen, "index", -1));

    return alarm_raised(run, topic, words[verdict].severity, text, error);
}

static gboolean take_news(const struct ct_result *result, guint count, gpointer data,
                          GError **error)
{
    struct run *run = data;
    const size_t all = json_array_size(result->seen);

    for (size_t i = all - count; i < all; i++) {
        const json_t *seen = json_array_get(result->seen, i);
        const enum ct_verdict verdict = judge(run, seen);

        run->fresh_imitations += verdict == CT_IMITATION;
        if (verdict != CT_KNOWN && !tell(run, result, seen, verdict, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean tell_fork(struct run *run, const struct ct_result *result, GError **error)
{
    g_autofree char *topic = g_strdup_printf("fork %s", result->origin);
    g_autofree char *text =
        g_strdup_printf("A log of certificates shows different pasts: %s\n%s\n%s", result->origin,
                        result->error->message, result->evidence);

    return alarm_raised(run, topic, "critical", text, error);
}

/* ---- one log ---- */

static void count_seen(struct run *run, const struct ct_result *result)
{
    const size_t fresh = json_array_size(result->seen) - result->fresh;
    const json_t *seen;
    size_t index;

    json_array_foreach(result->seen, index, seen)
    {
        const gboolean expired =
            json_number(seen, "not_after", G_MAXINT64) < run->now_us / G_USEC_PER_SEC;
        const enum ct_verdict verdict = judge(run, seen);
        const char *domain = json_text(seen, "domain");
        json_t *shown;

        if ((expired && index < fresh) || !domain || !g_hash_table_contains(run->known, domain))
            continue;
        for (guint i = 0; i < run->domains->len; i++)
            if (strcmp(((struct ct_domain *)run->domains->pdata[i])->name, domain) == 0)
                run->tallies[i].verdicts[verdict]++;
        if (verdict == CT_UNKNOWN || verdict == CT_NOT_ALLOWED)
            run->status = EXIT_FOUND;
        shown = json_copy((json_t *)seen);
        json_object_set_new(shown, "verdict", json_string(ct_verdict_name(verdict)));
        json_object_set_new(shown, "log", json_safe_string(result->origin));
        json_object_set_new(shown, "new", json_boolean(index >= fresh));
        json_array_append_new(run->certificates, shown);
    }
}

static void worsen(struct run *run, int status)
{
    if (run->status != EXIT_FOUND)
        run->status = status == EXIT_FOUND ? EXIT_FOUND : EXIT_SYSTEM;
}

static gboolean read_log(struct run *run, const char *place, const char *key_text, GError **error)
{
    const struct http_options http = cli_http(run->state->allow_private, run->state->ca);
    const gboolean remote =
        g_str_has_prefix(place, "http://") || g_str_has_prefix(place, "https://");
    g_autoptr(ct_key_t) key = ct_key_load(key_text, error);
    struct ct_options how = {
        .data = run->data,
        .domains = run->domains,
        .limit = run->state->limit ? g_ascii_strtoull(run->state->limit, NULL, 10) : 0,
        .from_end = g_strcmp0(run->state->begin, FROM_END) == 0,
        .now_us = run->now_us,
    };
    struct ct_result result;
    gboolean good = TRUE;

    if (!key || (remote && !http_url_check(place, http.allow_plain, error)))
        return FALSE;
    ct_log_read(remote ? log_source_http(place, &http) : log_source_folder(place), place, key, &how,
                take_news, run, &result);
    if (result.consistency == CT_FORKED && result.evidence)
        good = tell_fork(run, &result, error);
    if (result.error)
        worsen(run, error_exit_status(result.error));
    else if (result.until < result.size)
        worsen(run, EXIT_SYSTEM);
    count_seen(run, &result);
    json_array_append_new(run->logs, ct_record_log(&result));
    ct_result_clear(&result);
    return good;
}

static gboolean read_logs(struct run *run, GError **error)
{
    if (run->state->log)
        return run->state->key
                   ? read_log(run, run->state->log, run->state->key, error)
                   : input_error(error, "--log needs the log's public key: --log-key KEY");
    if (!run->profile || !run->profile->certificate_logs->len)
        return input_error(error, "no log is named: --log LOG --log-key KEY, or \"transparency\" "
                                  "in entente.yaml(5)");
    for (guint i = 0; i < run->profile->certificate_logs->len; i++) {
        const struct certificate_log *log = run->profile->certificate_logs->pdata[i];

        if (!read_log(run, log->place, log->key, error))
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

    json_array_foreach(run->logs, index, item)
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
    json_array_foreach(run->certificates, index, item)
    {
        const char *verdict = json_text(item, "verdict"), *issuer = json_text(item, "issuer");
        const char *serial = json_text(item, "serial");
        const gboolean known = g_strcmp0(verdict, ct_verdict_name(CT_KNOWN)) == 0;
        g_autofree char *names = names_text(item);
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

static gboolean keep(const struct run *run, GError **error)
{
    g_autoptr(journal_t) journal = journal_open(run->data, error);

    for (guint i = 0; journal && i < run->domains->len; i++) {
        const struct ct_domain *domain = run->domains->pdata[i];
        g_autoptr(json_t) record = ct_record(&run->tallies[i], run->logs, run->now_us);
        g_autofree char *text = json_dumps(record, JSON_COMPACT);

        if (!journal_note(journal, CT_EVENT, domain->name, domain->name, text, error))
            return FALSE;
    }
    return journal != NULL;
}

static int show(struct run *run, GError **error)
{
    g_autofree char *text = NULL, *time = clock_format(run->now_us);

    if (!keep(run, error))
        return EXIT_SYSTEM;
    if (run->fresh_imitations)
        run->status = EXIT_FOUND;
    if (cli_format_is(run->context, "json", FALSE)) {
        g_autoptr(json_t) document = json_pack(
            "{s:s, s:s, s:O, s:O, s:i}", "schema", "entente/ct-check/1", "time", time, "logs",
            run->logs, "certificates", run->certificates, "alarms", (int)run->alarms);

        text = json_pretty(document);
    } else {
        text = as_text(run);
    }
    return cli_output(run->context, text, strlen(text), error) ? run->status : EXIT_SYSTEM;
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

static int run_check(const struct context *context, gconstpointer shared, char **arguments,
                     GError **error)
{
    struct run run = {
        .context = context,
        .state = shared,
        .domains = ct_domains_new(),
        .known =
            g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)ct_known_free),
        .logs = json_array(),
        .certificates = json_array(),
        .status = EXIT_DONE,
        .now_us = clock_now_us(),
    };
    int status = EXIT_INPUT;

    if (prepare(&run, error) && watch_all(&run, arguments, error)) {
        run.tallies = g_new0(struct ct_tally, run.domains->len);
        status = read_logs(&run, error) ? show(&run, error) : EXIT_SYSTEM;
    }
    casework_close(run.work);
    signing_key_free(run.key);
    profile_free(run.profile);
    g_hash_table_unref(run.known);
    g_ptr_array_unref(run.domains);
    json_decref(run.logs);
    json_decref(run.certificates);
    g_free(run.tallies);
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
