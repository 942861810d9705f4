#include "net/dns.h"

#include "base/error.h"
#include "base/late_library.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unbound.h>

#define DEFAULT_TIMEOUT_US (10 * G_USEC_PER_SEC)
#define CONCURRENT_LIMIT 128 /* questions under way */
#define CLASS_IN 1
#define ROOT_KEY "/usr/share/dns/root.key" /* of Debian's dns-root-data */
#define RESOLV_CONF "/etc/resolv.conf"

struct unbound_calls {
    typeof(ub_ctx_create) *create;
    typeof(ub_ctx_delete) *delete;
    typeof(ub_ctx_set_option) *set_option;
    typeof(ub_ctx_set_fwd) *set_fwd;
    typeof(ub_ctx_set_stub) *set_stub;
    typeof(ub_ctx_zone_remove) *zone_remove;
    typeof(ub_ctx_resolvconf) *resolvconf;
    typeof(ub_ctx_add_ta_file) *add_ta_file;
    typeof(ub_ctx_async) *async;
    typeof(ub_fd) *fd;
    typeof(ub_process) *process;
    typeof(ub_resolve_async) *resolve_async;
    typeof(ub_cancel) *cancel;
    typeof(ub_resolve_free) *resolve_free;
    typeof(ub_strerror) *strerror;
};

static const struct late_symbol unbound_symbols[] = {
    { "ub_ctx_create", offsetof(struct unbound_calls, create) },
    { "ub_ctx_delete", offsetof(struct unbound_calls, delete) },
    { "ub_ctx_set_option", offsetof(struct unbound_calls, set_option) },
    { "ub_ctx_set_fwd", offsetof(struct unbound_calls, set_fwd) },
    { "ub_ctx_set_stub", offsetof(struct unbound_calls, set_stub) },
    { "ub_ctx_zone_remove", offsetof(struct unbound_calls, zone_remove) },
    { "ub_ctx_resolvconf", offsetof(struct unbound_calls, resolvconf) },
    { "ub_ctx_add_ta_file", offsetof(struct unbound_calls, add_ta_file) },
    { "ub_ctx_async", offsetof(struct unbound_calls, async) },
    { "ub_fd", offsetof(struct unbound_calls, fd) },
    { "ub_process", offsetof(struct unbound_calls, process) },
    { "ub_resolve_async", offsetof(struct unbound_calls, resolve_async) },
    { "ub_cancel", offsetof(struct unbound_calls, cancel) },
    { "ub_resolve_free", offsetof(struct unbound_calls, resolve_free) },
    { "ub_strerror", offsetof(struct unbound_calls, strerror) },
    { NULL, 0 },
};

struct dns {
    struct unbound_calls unbound;
    struct ub_ctx *context;
    gint64 timeout_us;
};

/* A question under way. */
struct question {
    struct round *round;
    guint index;
    int id; /* libunbound's */
    gint64 deadline_us;
};

struct round {
    struct dns *dns;
    const struct dns_question *questions;
    guint count, next;
    GPtrArray *running; /* struct question *, oldest first */
    dns_each_fn each;
    gpointer data;
};

void dns_answer_free(struct dns_answer *answer)
{
    if (!answer)
        return;
    g_ptr_array_unref(answer->data);
    g_free(answer->canonical_name);
    g_free(answer->why);
    g_free(answer);
}

static gboolean check(const struct dns *dns, int code, const char *what, GError **error)
{
    if (code == 0)
        return TRUE;
    return system_error(error, "DNS: %s: %s", what, dns->unbound.strerror(code));
}

static gboolean set_delegations(struct dns *dns, const char *const *delegations, GError **error)
{
    for (; *delegations; delegations++) {
        const char *at = strchr(*delegations, '@');
        g_autofree char *zone = at ? g_strndup(*delegations, (gsize)(at - *delegations)) : NULL;

        if (!at)
            return input_error(error, "\"%s\" is not ZONE@ADDRESS", *delegations);
        if (!check(dns, dns->unbound.set_stub(dns->context, zone, at + 1, FALSE), *delegations,
                   error))
            return FALSE;
    }
    return TRUE;
}

static gboolean set_servers(struct dns *dns, const struct dns_options *options, GError **error)
{
    if (options->server)
        return check(dns, dns->unbound.set_fwd(dns->context, options->server), options->server,
                     error);
    if (options->delegations)
        return set_delegations(dns, options->delegations, error);
    return !g_file_test(RESOLV_CONF, G_FILE_TEST_EXISTS) ||
           check(dns, dns->unbound.resolvconf(dns->context, RESOLV_CONF), RESOLV_CONF, error);
}

static gboolean set_anchor(struct dns *dns, const struct dns_options *options, GError **error)
{
    const char *anchor = options->trust_anchor;

    if (!anchor && g_file_test(ROOT_KEY, G_FILE_TEST_EXISTS))
        anchor = ROOT_KEY;
    /* Level 2 keeps the reasons of what is bogus. */
    if (!anchor || g_str_equal(anchor, DNS_NO_ANCHOR))
        return TRUE;
    return check(dns, dns->unbound.add_ta_file(dns->context, anchor), anchor, error) &&
           check(dns, dns->unbound.set_option(dns->context, "val-log-level:", "2"), "options",
                 error) &&
           (!options->permissive ||
            check(dns, dns->unbound.set_option(dns->context, "val-permissive-mode:", "yes"),
                  "options", error)) &&
           (!options->date ||
            check(dns, dns->unbound.set_option(dns->context, "val-override-date:", options->date),
                  options->date, error));
}

/* Names that libunbound answers by itself are asked like others. */
static gboolean open_names(struct dns *dns, const struct dns_options *options, GError **error)
{
    const char *const *delegations = options->delegations;

    if ((delegations || options->server) &&
        !check(dns, dns->unbound.zone_remove(dns->context, "test."), "test.", error))
        return FALSE;
    for (; delegations && *delegations; delegations++) {
        g_autofree char *zone = g_strndup(*delegations, strcspn(*delegations, "@"));

        if (!check(dns, dns->unbound.zone_remove(dns->context, zone), zone, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean configure(struct dns *dns, const struct dns_options *options, GError **error)
{
    /* The system's resolver is often one on this machine. */
    return check(dns, dns->unbound.set_option(dns->context, "do-not-query-localhost:", "no"),
                 "options", error) &&
           set_servers(dns, options, error) && set_anchor(dns, options, error) &&
           /* A thread, not a fork: the program may have threads of its own. */
           check(dns, dns->unbound.async(dns->context, TRUE), "threads", error) &&
           /* Last: it ends the configuration. */
           open_names(dns, options, error);
}

struct dns *dns_new(const struct dns_options *options, GError **error)
{
    g_autoptr(dns_t) dns = g_new0(struct dns, 1);

    dns->timeout_us = options->timeout_us ? options->timeout_us : DEFAULT_TIMEOUT_US;
    if (!late_library_load("libunbound.so.8", "libunbound8", unbound_symbols, &dns->unbound, error))
        return NULL;
    dns->context = dns->unbound.create();
    if (!dns->context) {
        system_error(error, "DNS: libunbound does not start");
        return NULL;
    }
    if (!configure(dns, options, error))
        return NULL;
    return g_steal_pointer(&dns);
}

void dns_free(struct dns *dns)
{
    if (!dns)
        return;
    if (dns->context)
        dns->unbound.delete(dns->context);
    g_free(dns);
}

static struct dns_answer *read_result(const struct ub_result *result)
{
    struct dns_answer *answer = g_new0(struct dns_answer, 1);

    answer->data = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    answer->rcode = (guint)result->rcode;
    answer->ttl_s = (guint32)MAX(result->ttl, 0);
    answer->canonical_name = g_strdup(result->canonname);
    answer->why = result->bogus ? g_strdup(result->why_bogus) : NULL;
    answer->security = result->bogus ? DNS_BOGUS : result->secure ? DNS_SECURE : DNS_INSECURE;
    if (answer->security == DNS_BOGUS || !result->havedata)
        return answer;
    for (guint i = 0; result->data[i]; i++)
        g_ptr_array_add(answer->data, g_bytes_new(result->data[i], (gsize)result->len[i]));
    return answer;
}

static void give(struct round *round, guint index, struct dns_answer *answer, const char *why)
{
    g_autoptr(GError) error = NULL;

    if (!answer)
        system_error(&error, "DNS: %s: %s", round->questions[index].name, why);
    round->each(index, answer, error, round->data);
}

/* Called by libunbound, within ub_process(). */
static void take_result(void *data, int code, struct ub_result *result)
{
    struct question *question = data;
    struct round *round = question->round;
    guint index = question->index;
    g_autoptr(dns_answer_t) answer = code == 0 && result ? read_result(result) : NULL;

    round->dns->unbound.resolve_free(result);
    g_ptr_array_remove(round->running, question);
    give(round, index, answer, round->dns->unbound.strerror(code));
}

static void start_some(struct round *round)
{
    struct dns *dns = round->dns;

    while (round->next < round->count && round->running->len < CONCURRENT_LIMIT) {
        guint index = round->next++;
        struct question *question = g_new0(struct question, 1);
        int code;

        question->round = round;
        question->index = index;
        question->deadline_us = g_get_monotonic_time() + dns->timeout_us;
        g_ptr_array_add(round->running, question);
        code = dns->unbound.resolve_async(dns->context, round->questions[index].name,
                                          round->questions[index].type, CLASS_IN, question,
                                          take_result, &question->id);
        if (code == 0)
            continue;
        g_ptr_array_remove(round->running, question);
        give(round, index, NULL, dns->unbound.strerror(code));
    }
}

/* Ends the questions whose time is up: the oldest ones. */
static void expire(struct round *round, gint64 now_us)
{
    while (round->running->len > 0) {
        struct question *question = round->running->pdata[0];
        guint index = question->index;

        if (question->deadline_us > now_us)
            return;
        round->dns->unbound.cancel(round->dns->context, question->id);
        g_ptr_array_remove_index(round->running, 0);
        give(round, index, NULL, "no answer in time");
    }
}

static gboolean wait_for_answers(struct round *round, GError **error)
{
    const struct question *oldest = round->running->pdata[0];
    struct dns *dns = round->dns;
    struct pollfd ready = { dns->unbound.fd(dns->context), POLLIN, 0 };
    gint64 left_us = oldest->deadline_us - g_get_monotonic_time();

    if (left_us <= 0)
        return TRUE;
    if (poll(&ready, 1, (int)(left_us / 1000 + 1)) < 0 && errno != EINTR)
        return errno_error(error, errno, "DNS: poll");
    if (ready.revents & (POLLIN | POLLERR | POLLHUP))
        return check(dns, dns->unbound.process(dns->context), "answers", error);
    return TRUE;
}

gboolean dns_ask_all(struct dns *dns, const struct dns_question *questions, guint count,
                     dns_each_fn each, gpointer data, GError **error)
{
    g_autoptr(GPtrArray) running = g_ptr_array_new_with_free_func(g_free);
    struct round round = { dns, questions, count, 0, running, each, data };
    gboolean good = TRUE;

    for (start_some(&round); good && running->len > 0; start_some(&round)) {
        good = wait_for_answers(&round, error);
        expire(&round, g_get_monotonic_time());
    }
    for (guint i = 0; i < running->len; i++)
        dns->unbound.cancel(dns->context, ((struct question *)running->pdata[i])->id);
    return good;
}

struct kept {
    struct dns_answer *answer;
    GError *error;
};

static void keep_answer(guint index, struct dns_answer *answer, const GError *error, gpointer data)
{
    struct kept *kept = data;

    if (!answer) {
        kept->error = g_error_copy(error);
        return;
    }
    kept->answer = g_new0(struct dns_answer, 1);
    *kept->answer = *answer;
    kept->answer->data = g_ptr_array_ref(answer->data);
    kept->answer->canonical_name = g_strdup(answer->canonical_name);
    kept->answer->why = g_strdup(answer->why);
}

struct dns_answer *dns_ask(struct dns *dns, const char *name, guint16 type, GError **error)
{
    const struct dns_question question = { name, type };
    struct kept kept = { NULL, NULL };

    if (!dns_ask_all(dns, &question, 1, keep_answer, &kept, error)) {
        g_clear_error(&kept.error);
        g_clear_pointer(&kept.answer, dns_answer_free);
        return NULL;
    }
    if (kept.error)
        g_propagate_error(error, kept.error);
    return kept.answer;
}

char *dns_txt(GBytes *data)
{
    gsize length;
    const guint8 *bytes = g_bytes_get_data(data, &length);
    g_autoptr(GString) text = g_string_new(NULL);

    if (length == 0)
        return NULL;
    for (gsize at = 0; at < length; at += 1 + bytes[at]) {
        if (bytes[at] > length - at - 1)
            return NULL;
        g_string_append_len(text, (const char *)bytes + at + 1, bytes[at]);
    }
    if (!g_utf8_validate(text->str, (gssize)text->len, NULL))
        return NULL;
    return g_string_free(g_steal_pointer(&text), FALSE);
}
