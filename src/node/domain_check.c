#include "node/domain_check.h"

#include "base/error.h"
#include "base/json.h"

#include <string.h>

#define TXT 16
#define TXT_PREFIX "entente="
#define WELL_KNOWN "https://%s/.well-known/entente.json"
#define WELL_KNOWN_LIMIT (64u << 10)
#define OK 200u

struct domain_checker {
    struct dns *dns;
    struct http *http;
};

struct domain_checker *domain_checker_new(const struct dns_options *dns,
                                          const struct http_options *http, GError **error)
{
    g_autoptr(domain_checker_t) checker = g_new0(struct domain_checker, 1);

    checker->dns = dns_new(dns, error);
    if (!checker->dns)
        return NULL;
    checker->http = http_new(http);
    return g_steal_pointer(&checker);
}

void domain_checker_free(struct domain_checker *checker)
{
    if (!checker)
        return;
    g_clear_pointer(&checker->dns, dns_free);
    g_clear_pointer(&checker->http, http_free);
    g_free(checker);
}

static gboolean in_dns(struct dns *dns, const char *domain, const char *id)
{
    g_autofree char *name = g_strconcat("_entente.", domain, NULL);
    g_autoptr(dns_answer_t) answer = dns_ask(dns, name, TXT, NULL);

    if (!answer || answer->security == DNS_BOGUS)
        return FALSE;
    for (guint i = 0; i < answer->data->len; i++) {
        g_autofree char *text = dns_txt(answer->data->pdata[i]);

        if (text && g_str_has_prefix(text, TXT_PREFIX) &&
            g_str_equal(text + strlen(TXT_PREFIX), id))
            return TRUE;
    }
    return FALSE;
}

static gboolean says_id(const json_t *said, const char *id)
{
    json_t *item;
    size_t i;

    if (json_is_string(said))
        return g_str_equal(json_string_value(said), id);
    json_array_foreach(said, i, item) if (json_is_string(item) &&
                                          g_str_equal(json_string_value(item), id)) return TRUE;
    return FALSE;
}

static gboolean at_well_known(struct http *http, const char *domain, const char *id)
{
    g_autofree char *url = g_strdup_printf(WELL_KNOWN, domain);
    const struct http_request request = { .method = "GET", .url = url };
    struct http_answer answer = { 0 };
    gboolean found = FALSE;

    if (http_fetch(http, &request, &answer, NULL) && answer.status == OK && answer.body) {
        gsize length;
        const void *data = g_bytes_get_data(answer.body, &length);
        g_autoptr(json_t) value = json_parse(data, length, WELL_KNOWN_LIMIT, url, NULL);

        found = value && says_id(json_object_get(value, "entente"), id);
    }
    http_answer_clear(&answer);
    return found;
}

gboolean domain_check(struct domain_checker *checker, const char *domain, const char *id,
                      GError **error)
{
    return in_dns(checker->dns, domain, id) || at_well_known(checker->http, domain, id) ||
           policy_error(error,
                        "control of %s is not shown: publish the TXT record _entente.%s "
                        "\"entente=%s\", or {\"entente\": \"%s\"} at "
                        "https://%s/.well-known/entente.json",
                        domain, domain, id, id, domain);
}
