#include "p2_internet/zone/resolve.h"

#include "base/error.h"

#include <string.h>

#define ANCHOR_TEXT "/usr/share/dns/root.key"
#define NO_KEYS "no DNSKEY rrset"          /* what libunbound says when it got none */
#define NO_SIGNATURES "no signatures from" /* when it got keys alone */
#define NAMES_MAX 64u                      /* hosts of a zone that are looked at */

struct zone_resolver {
    struct dns *validating, *plain;
    char *anchor; /* file, or NULL */
};

const char *zone_security_name(enum zone_security security)
{
    static const char *const names[] = { "secure", "insecure", "bogus", "indeterminate",
                                         "no-zone" };

    return names[security];
}

void zone_host_free(struct zone_host *host)
{
    if (!host)
        return;
    g_free(host->name);
    g_free(host->target);
    g_free(host->absent);
    g_array_unref(host->addresses);
    g_free(host);
}

struct zone_resolver *zone_resolver_new(const struct dns_options *options, GError **error)
{
    g_autoptr(zone_resolver_t) resolver = g_new0(struct zone_resolver, 1);
    struct dns_options plain = *options;

    plain.permissive = TRUE; /* so it asks a resolver that validates for all that there is */
    resolver->anchor = g_strdup(options->trust_anchor ? options->trust_anchor : ANCHOR_TEXT);
    resolver->validating = dns_new(options, error);
    resolver->plain = resolver->validating ? dns_new(&plain, error) : NULL;
    return resolver->plain ? g_steal_pointer(&resolver) : NULL;
}

void zone_resolver_free(struct zone_resolver *resolver)
{
    if (!resolver)
        return;
    dns_free(resolver->validating);
    dns_free(resolver->plain);
    g_free(resolver->anchor);
    g_free(resolver);
}

/* ---- answers by index */

static void take(guint index, struct dns_answer *answer, const GError *error, gpointer data)
{
    GPtrArray *answers = data;
    struct dns_answer *copy;

    (void)error;
    if (!answer)
        return;
    copy = g_new0(struct dns_answer, 1);
    *copy = *answer;
    copy->data = g_ptr_array_ref(answer->data);
    copy->canonical_name = g_strdup(answer->canonical_name);
    copy->why = g_strdup(answer->why);
    answers->pdata[index] = copy;
}

/* struct dns_answer in the order of questions, NULL where there was none. */
static GPtrArray *ask(struct dns *dns, const GArray *questions, GError **error)
{
    g_autoptr(GPtrArray) answers =
        g_ptr_array_new_full(questions->len, (GDestroyNotify)dns_answer_free);

    g_ptr_array_set_size(answers, (int)questions->len);
    if (!dns_ask_all(dns, (const struct dns_question *)(gpointer)questions->data, questions->len,
                     take, answers, error))
        return NULL;
    return g_steal_pointer(&answers);
}

static void add_question(GArray *questions, const char *name, guint16 type)
{
    const struct dns_question question = { name, type };

    g_array_append_val(questions, question);
}

/* ---- verdicts */

/* The owner of an anchor in the file that is for the name or a zone above it. */
static gboolean anchor_above(const struct zone_resolver *resolver, const guint8 *name,
                             guint8 owner[DNS_NAME_MAX])
{
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;

    if (!g_file_get_contents(resolver->anchor, &text, NULL, NULL))
        return FALSE;
    lines = g_strsplit(text, "\n", -1);
    for (guint i = 0; lines[i]; i++) {
        char *end = strpbrk(lines[i], " \t;");

        if (!end || end == lines[i])
            continue;
        *end = '\0';
        if (dns_name_parse(lines[i], owner) && dns_name_within(name, owner))
            return TRUE;
    }
    return FALSE;
}

static void judge(const struct dns_answer *answer, gboolean is_anchored,
                  struct zone_verdict *verdict)
{
    verdict->security = ZONE_INDETERMINATE;
    if (!answer) {
        verdict->why = g_strdup("no answer in time");
    } else if (answer->security == DNS_BOGUS) {
        verdict->security = ZONE_BOGUS;
        verdict->why = g_strdup(answer->why ? answer->why : "the answer does not validate");
    } else if (answer->security == DNS_SECURE) {
        verdict->security = ZONE_SECURE;
    } else if (answer->rcode != DNS_RCODE_NOERROR && answer->rcode != DNS_RCODE_NXDOMAIN) {
        verdict->why = g_strdup_printf("no server gives an answer (RCODE %u)", answer->rcode);
    } else if (!is_anchored) {
        verdict->why = g_strdup("no trust anchor is above this name");
    } else {
        /* libunbound gives what it could not prove to be unsigned as bogus. */
        verdict->security = ZONE_INSECURE;
        verdict->why = g_strdup("a zone above proves that there is no DS record");
    }
}

/*
 * Where not even the keys of the trust anchor validate, nothing is said of the zone; of the
 * anchor's own zone (`is_own`) only when they did not come.
 */
static void excuse(const struct dns_answer *keys, gboolean is_own, struct zone_verdict *verdict)
{
    const char *why = keys && keys->why ? keys->why : "";
    const gboolean none = !keys || (is_own ? strstr(why, NO_KEYS) || strstr(why, NO_SIGNATURES)
                                           : keys->security != DNS_SECURE);

    if (!none || verdict->security != ZONE_BOGUS)
        return;
    verdict->security = ZONE_INDETERMINATE;
    g_free(verdict->why);
    verdict->why = g_strdup("the resolver gives no valid keys of the trust anchor: it is not "
                            "reached, or does not pass DNSSEC on");
}

/* Why there is no zone at the name whose SOA record was asked for; NULL: there may be one. */
static const char *no_zone(const struct dns_answer *answer, const guint8 *name)
{
    guint8 given[DNS_NAME_MAX];

    if (!answer || answer->security == DNS_BOGUS)
        return NULL;
    if (answer->rcode == DNS_RCODE_NXDOMAIN)
        return "the name does not exist";
    if (answer->rcode != DNS_RCODE_NOERROR)
        return NULL;
    if (answer->canonical_name && dns_name_parse(answer->canonical_name, given) &&
        !dns_name_equal(given, name))
        return "the name is an alias (CNAME)";
    return answer->data->len ? NULL : "the name has no SOA record";
}

/* A proof that nothing is there is no zone that validates. */
static void deny(const struct dns_answer *answer, const guint8 *name, struct zone_verdict *verdict)
{
    const char *why = no_zone(answer, name);

    if (!why)
        return;
    verdict->security = ZONE_NONE;
    g_free(verdict->why);
    verdict->why = g_strdup(why);
}

static void verdict_clear(gpointer data)
{
    struct zone_verdict *verdict = data;

    g_free(verdict->name);
    g_free(verdict->why);
}

static gboolean is_any(const GPtrArray *answers, GError **error)
{
    for (guint i = 0; i < answers->len; i++)
        if (answers->pdata[i])
            return TRUE;
    return system_error(error, "the resolver answers nothing");
}

GArray *zone_verdicts(struct zone_resolver *resolver, const struct zone_names *names,
                      GError **error)
{
    const struct {
        const char *what;
        const guint8 *name;
        guint16 type;
    } asked[] = {
        { "apex", names->apex, DNS_TYPE_SOA },
        { "keys", names->apex, DNS_TYPE_DNSKEY },
        { "www", names->www, DNS_TYPE_A },
        { "absent name", names->random, DNS_TYPE_A },
    };
    g_autoptr(GArray) questions = g_array_new(FALSE, FALSE, sizeof(struct dns_question));
    g_autoptr(GArray) verdicts = g_array_new(FALSE, TRUE, sizeof(struct zone_verdict));
    g_autoptr(GPtrArray) answers = NULL;
    g_autofree char *anchor = NULL;
    guint8 owner[DNS_NAME_MAX];
    gboolean is_anchored;

    g_array_set_clear_func(verdicts, verdict_clear);
    for (gsize i = 0; i < G_N_ELEMENTS(asked); i++) {
        const struct zone_verdict verdict = { .what = asked[i].what,
                                              .name = dns_name_text(asked[i].name),
                                              .type = asked[i].type };

        g_array_append_val(verdicts, verdict);
        add_question(questions, verdict.name, asked[i].type);
    }
    is_anchored = anchor_above(resolver, names->apex, owner);
    if (is_anchored) {
        anchor = dns_name_text(owner);
        add_question(questions, anchor, DNS_TYPE_DNSKEY);
    }
    answers = ask(resolver->validating, questions, error);
    if (!answers || !is_any(answers, error))
        return NULL;
    for (gsize i = 0; i < G_N_ELEMENTS(asked); i++) {
        struct zone_verdict *verdict = &g_array_index(verdicts, struct zone_verdict, i);

        judge(answers->pdata[i], is_anchored, verdict);
        if (is_anchored)
            excuse(answers->pdata[G_N_ELEMENTS(asked)], dns_name_equal(owner, names->apex),
                   verdict);
    }
    deny(answers->pdata[0], names->apex, &g_array_index(verdicts, struct zone_verdict, 0));
    return g_steal_pointer(&verdicts);
}

/* ---- names and hosts */

GPtrArray *zone_answers(struct zone_resolver *resolver, const GPtrArray *names, guint16 type,
                        GError **error)
{
    g_autoptr(GArray) questions = g_array_new(FALSE, FALSE, sizeof(struct dns_question));

    for (guint i = 0; i < names->len; i++)
        add_question(questions, names->pdata[i], type);
    return ask(resolver->plain, questions, error);
}

/* libunbound gives it as it came: checked here. */
char *zone_name_in(GBytes *data, gsize skip)
{
    gsize length, at = skip;
    const guint8 *bytes = g_bytes_get_data(data, &length);

    while (at < length && bytes[at] && bytes[at] <= DNS_LABEL_MAX)
        at += 1 + (gsize)bytes[at];
    return at < length && !bytes[at] && at - skip < DNS_NAME_MAX ? dns_name_text(bytes + skip)
                                                                 : NULL;
}

static int compare_names(gconstpointer a, gconstpointer b)
{
    return g_ascii_strcasecmp(*(const char *const *)a, *(const char *const *)b);
}

GPtrArray *zone_names_in(struct zone_resolver *resolver, const char *name, guint16 type,
                         GError **error)
{
    g_autoptr(GArray) questions = g_array_new(FALSE, FALSE, sizeof(struct dns_question));
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free), answers = NULL;
    const struct dns_answer *answer;

    add_question(questions, name, type);
    answers = ask(resolver->plain, questions, error);
    if (!answers)
        return NULL;
    answer = answers->pdata[0];
    for (guint i = 0; answer && i < answer->data->len && names->len < NAMES_MAX; i++) {
        char *found = zone_name_in(answer->data->pdata[i], type == DNS_TYPE_MX ? 2 : 0);

        if (found)
            g_ptr_array_add(names, found);
    }
    g_ptr_array_sort(names, compare_names); /* servers shuffle them */
    return g_steal_pointer(&names);
}

char *zone_parent(struct zone_resolver *resolver, const char *name, GError **error)
{
    g_autoptr(GPtrArray) above = g_ptr_array_new_with_free_func(g_free), answers = NULL;
    guint8 wire[DNS_NAME_MAX];

    if (!dns_name_parse(name, wire) || !*wire)
        return g_strdup(".");
    for (const guint8 *at = dns_name_parent(wire); *at; at = dns_name_parent(at))
        g_ptr_array_add(above, dns_name_text(at));
    answers = zone_answers(resolver, above, DNS_TYPE_SOA, error);
    if (!answers)
        return NULL;
    for (guint i = 0; i < above->len; i++) {
        const struct dns_answer *answer = answers->pdata[i];

        if (answer && answer->data->len)
            return g_strdup(above->pdata[i]);
    }
    return g_strdup(".");
}

static void add_addresses(struct zone_host *host, const struct dns_answer *answer, guint16 port)
{
    if (!answer) {
        host->is_unknown = TRUE;
        return;
    }
    host->is_absent |= answer->rcode == DNS_RCODE_NXDOMAIN;
    host->is_unknown |= answer->rcode != DNS_RCODE_NOERROR && answer->rcode != DNS_RCODE_NXDOMAIN;
    if (answer->canonical_name) {
        guint8 asked[DNS_NAME_MAX], given[DNS_NAME_MAX];

        if (dns_name_parse(host->name, asked) && dns_name_parse(answer->canonical_name, given) &&
            !dns_name_equal(asked, given)) {
            host->is_alias = TRUE;
            g_free(host->target);
            host->target = dns_name_text(given);
        }
    }
    for (guint i = 0; i < answer->data->len; i++) {
        struct sockaddr_storage address;
        gsize length;
        const guint8 *bytes = g_bytes_get_data(answer->data->pdata[i], &length);

        if (length != 4 && length != 16)
            continue;
        zone_address_set(&address, bytes, length, port);
        g_array_append_val(host->addresses, address);
    }
}

GPtrArray *zone_hosts(struct zone_resolver *resolver, const GPtrArray *names, guint16 port,
                      GError **error)
{
    g_autoptr(GArray) questions = g_array_new(FALSE, FALSE, sizeof(struct dns_question));
    g_autoptr(GPtrArray) hosts = g_ptr_array_new_with_free_func((GDestroyNotify)zone_host_free);
    g_autoptr(GPtrArray) answers = NULL;

    for (guint i = 0; i < names->len; i++) {
        add_question(questions, names->pdata[i], DNS_TYPE_A);
        add_question(questions, names->pdata[i], DNS_TYPE_AAAA);
    }
    answers = ask(resolver->plain, questions, error);
    if (!answers)
        return NULL;
    for (guint i = 0; i < names->len; i++) {
        struct zone_host *host = g_new0(struct zone_host, 1);

        host->name = g_strdup(names->pdata[i]);
        host->addresses = g_array_new(FALSE, FALSE, sizeof(struct sockaddr_storage));
        g_ptr_array_add(hosts, host);
        add_addresses(host, answers->pdata[2 * i], port);
        add_addresses(host, answers->pdata[2 * i + 1], port);
    }
    return g_steal_pointer(&hosts);
}
