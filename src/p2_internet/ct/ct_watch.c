#include "p2_internet/ct/ct_watch.h"

#include "base/error.h"
#include "journal/journal.h"
#include "log/reader.h"
#include "p2_internet/ct/ct_chain.h"
#include "profile/values.h"

#include <string.h>

struct ct_watch {
    struct ct_watch_options options;
    GPtrArray *domains; /* struct ct_domain */
    GHashTable *known;  /* name -> struct ct_known */
    GArray *tallies;    /* struct ct_tally of each domain */
    json_t *logs, *certificates;
    struct ct_watch_counts counts;
};

struct ct_watch *ct_watch_new(const struct ct_watch_options *options)
{
    struct ct_watch *watch = g_new0(struct ct_watch, 1);

    watch->options = *options;
    watch->domains = ct_domains_new();
    watch->known =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)ct_known_free);
    watch->tallies = g_array_new(FALSE, TRUE, sizeof(struct ct_tally));
    watch->logs = json_array();
    watch->certificates = json_array();
    return watch;
}

void ct_watch_free(struct ct_watch *watch)
{
    if (!watch)
        return;
    g_ptr_array_unref(watch->domains);
    g_hash_table_unref(watch->known);
    g_array_unref(watch->tallies);
    json_decref(watch->logs);
    json_decref(watch->certificates);
    g_free(watch);
}

guint ct_watch_domains(const struct ct_watch *watch)
{
    return watch->domains->len;
}

json_t *ct_watch_logs(const struct ct_watch *watch)
{
    return watch->logs;
}

json_t *ct_watch_certificates(const struct ct_watch *watch)
{
    return watch->certificates;
}

const struct ct_watch_counts *ct_watch_counts(const struct ct_watch *watch)
{
    return &watch->counts;
}

/* ---- domains */

static gboolean add_domain(struct ct_watch *watch, const char *name, const struct asset *asset,
                           GError **error)
{
    const struct ct_tally none = { 0 };
    g_autofree char *lower = g_ascii_strdown(name, -1);
    struct ct_known *known = NULL;

    if (!value_check_domain(lower, error))
        return FALSE;
    if (asset) {
        known = ct_known_new(asset, error);
        if (!known)
            return FALSE;
    }
    ct_domains_add(watch->domains, lower);
    g_array_append_val(watch->tallies, none);
    g_hash_table_replace(watch->known, g_steal_pointer(&lower), known);
    return TRUE;
}

/* The domain of the profile that a name is, or lies below. */
static const struct asset *asset_of(const struct profile *profile, const char *name)
{
    for (const char *at = name; profile && at; at = strchr(at, '.'), at = at ? at + 1 : NULL) {
        const struct asset *asset = profile_asset(profile, ASSET_DOMAIN, at);

        if (asset)
            return asset;
    }
    return NULL;
}

gboolean ct_watch_domain(struct ct_watch *watch, const char *name, GError **error)
{
    g_autofree char *lower = g_ascii_strdown(name, -1);

    return add_domain(watch, name, asset_of(watch->options.profile, lower), error);
}

gboolean ct_watch_profile(struct ct_watch *watch, GError **error)
{
    const struct profile *profile = watch->options.profile;

    for (guint i = 0; profile && i < profile->assets->len; i++) {
        const struct asset *asset = profile->assets->pdata[i];

        if (asset->kind == ASSET_DOMAIN && !add_domain(watch, asset->name, asset, error))
            return FALSE;
    }
    return TRUE;
}

/* ---- alarms */

static gboolean raise_alarm(struct ct_watch *watch, const char *topic, const char *severity,
                            const char *text, GError **error)
{
    if (!watch->options.alarm(topic, severity, text, watch->options.now_us,
                              watch->options.alarm_data, error))
        return FALSE;
    watch->counts.alarms++;
    return TRUE;
}

static enum ct_verdict judge(const struct ct_watch *watch, const json_t *seen)
{
    const char *domain = json_text(seen, "domain");

    return ct_known_judge(domain ? g_hash_table_lookup(watch->known, domain) : NULL, seen);
}

char *ct_watch_names(const json_t *seen)
{
    const json_t *names = json_object_get(seen, "names");
    GString *text = g_string_new(NULL);

    for (size_t i = 0; i < json_array_size(names); i++)
        g_string_append_printf(text, "%s%s", i ? " " : "",
                               json_string_value(json_array_get(names, i)));
    return g_string_free(text, FALSE);
}

/* One alarm for precertificate and certificate, whatever logs show them. */
static gboolean tell(struct ct_watch *watch, const struct ct_result *result, const json_t *seen,
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
    const gboolean is_broken =
        g_strcmp0(json_text(seen, "chain"), ct_chain_name(CT_CHAIN_BROKEN)) == 0;
    g_autofree char *names = ct_watch_names(seen);
    g_autofree char *topic = g_strdup_printf("certificate %s %s %.16s", domain ? domain : "?",
                                             serial ? serial : "?", key ? key : "?");
    g_autofree char *text = g_strdup_printf(
        "%s: %s\nnames %s\nissuer %s%s\nserial %s\nkey sha256:%s\nlog %s, entry %" G_GINT64_FORMAT,
        words[verdict].title, domain ? domain : "?", names, issuer ? issuer : "?",
        is_broken ? " (who did not sign it, by the chain that the log gives)" : "",
        serial ? serial : "?", key ? key : "?", result->origin, json_number(seen, "index", -1));

    return raise_alarm(watch, topic, words[verdict].severity, text, error);
}

static gboolean take_news(const struct ct_result *result, guint count, gpointer data,
                          GError **error)
{
    struct ct_watch *watch = data;
    const size_t all = json_array_size(result->seen);

    for (size_t i = all - count; i < all; i++) {
        const json_t *seen = json_array_get(result->seen, i);
        const enum ct_verdict verdict = judge(watch, seen);

        watch->counts.fresh++;
        watch->counts.fresh_imitations += verdict == CT_IMITATION;
        if (verdict != CT_KNOWN && !tell(watch, result, seen, verdict, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean tell_fork(struct ct_watch *watch, const struct ct_result *result, GError **error)
{
    g_autofree char *topic = g_strdup_printf("fork %s", result->origin);
    g_autofree char *text =
        g_strdup_printf("A log of certificates shows different pasts: %s\n%s\n%s", result->origin,
                        result->error->message, result->evidence);

    return raise_alarm(watch, topic, "critical", text, error);
}

/* ---- one log */

static void tally(struct ct_watch *watch, const char *domain, enum ct_verdict verdict)
{
    for (guint i = 0; i < watch->domains->len; i++)
        if (strcmp(((struct ct_domain *)watch->domains->pdata[i])->name, domain) == 0)
            g_array_index(watch->tallies, struct ct_tally, i).verdicts[verdict]++;
}

/* What stands: that expired counts while it is new. */
static void count_seen(struct ct_watch *watch, const struct ct_result *result)
{
    const size_t fresh = json_array_size(result->seen) - result->fresh;
    const gint64 now_s = watch->options.now_us / G_USEC_PER_SEC;
    const json_t *seen;
    size_t index;

    json_array_foreach(result->seen, index, seen)
    {
        const gboolean expired = json_number(seen, "not_after", G_MAXINT64) < now_s;
        const enum ct_verdict verdict = judge(watch, seen);
        const char *domain = json_text(seen, "domain");
        json_t *shown;

        if ((expired && index < fresh) || !domain || !g_hash_table_contains(watch->known, domain))
            continue;
        tally(watch, domain, verdict);
        watch->counts.found |= verdict == CT_UNKNOWN || verdict == CT_NOT_ALLOWED;
        shown = json_copy((json_t *)seen);
        json_object_set_new(shown, "verdict", json_string(ct_verdict_name(verdict)));
        json_object_set_new(shown, "log", json_safe_string(result->origin));
        json_object_set_new(shown, "new", json_boolean(index >= fresh));
        json_array_append_new(watch->certificates, shown);
    }
}

static void count_log(struct ct_watch *watch, const struct ct_result *result)
{
    watch->counts.entries += result->until - result->from;
    watch->counts.unread += result->error || result->until < result->size;
    watch->counts.found |=
        g_error_matches(result->error, ENTENTE_ERROR, ENTENTE_ERROR_FOUND); /* it lied */
}

gboolean ct_watch_log(struct ct_watch *watch, const char *place, const char *key_text,
                      GError **error)
{
    const struct http_options *http = &watch->options.http;
    const gboolean remote =
        g_str_has_prefix(place, "http://") || g_str_has_prefix(place, "https://");
    g_autoptr(ct_key_t) key = ct_key_load(key_text, error);
    const struct ct_options how = {
        .data = watch->options.data,
        .domains = watch->domains,
        .limit = watch->options.limit,
        .from_end = watch->options.from_end,
        .now_us = watch->options.now_us,
    };
    struct ct_result result;
    gboolean good = TRUE;

    if (!key || (remote && !http_url_check(place, http->allow_plain, error)))
        return FALSE;
    ct_log_read(remote ? log_source_http(place, http) : log_source_folder(place), place, key, &how,
                take_news, watch, &result);
    if (result.consistency == CT_FORKED && result.evidence)
        good = tell_fork(watch, &result, error);
    count_log(watch, &result);
    count_seen(watch, &result);
    json_array_append_new(watch->logs, ct_record_log(&result));
    ct_result_clear(&result);
    return good;
}

gboolean ct_watch_keep(const struct ct_watch *watch, GError **error)
{
    g_autoptr(journal_t) journal = journal_open(watch->options.data, error);

    for (guint i = 0; journal && i < watch->domains->len; i++) {
        const struct ct_domain *domain = watch->domains->pdata[i];
        g_autoptr(json_t) record = ct_record(&g_array_index(watch->tallies, struct ct_tally, i),
                                             watch->logs, watch->options.now_us);
        g_autofree char *text = json_dumps(record, JSON_COMPACT);

        if (!journal_note(journal, CT_EVENT, domain->name, domain->name, text, error))
            return FALSE;
    }
    return journal != NULL;
}
