/* Judgements on the packet filter (FIRE). */
#include "p7_hygiene/host/firewall.h"
#include "p7_hygiene/host/sockets.h"
#include "p7_hygiene/host/units.h"

#include "catalogue_judges.h"

#include <string.h>
#include <sys/socket.h>

static const char *verdict_name(enum firewall_verdict verdict)
{
    static const char *const names[] = { "accept", "accept", "drop", "reject", "jump" };

    return names[verdict];
}

/* The filter when it is known; else says why not, and NULL. */
static const struct firewall *known_firewall(const struct asset_view *view, struct finding *finding)
{
    const struct firewall *firewall = firewall_get(view->host);

    if (firewall->origin != FIREWALL_UNKNOWN)
        return firewall;
    finding_not_measured(finding, firewall->reason, "nf_tables");
    return NULL;
}

/* The input chain for a family; when there is none, other measures do not apply. */
static const struct firewall_chain *input_chain(const struct firewall *firewall, int family)
{
    return firewall_base(firewall, "input", family);
}

static void no_filter(struct finding *finding)
{
    finding_not_applicable(finding, REASON_NOT_USED, "host.firewall.input-filter");
}

static const char *place_of(const struct firewall *firewall)
{
    return firewall->origin == FIREWALL_KERNEL ? "nf_tables" : "/etc/nftables.conf";
}

void judge_host_firewall_input_filter(const struct asset_view *view, struct finding *finding)
{
    const struct firewall *firewall = known_firewall(view, finding);
    const struct firewall_chain *chain;

    if (!firewall)
        return;
    chain = input_chain(firewall, AF_INET);
    if (chain)
        finding_pass(finding, chain->path, chain->line, "hook input", chain->name,
                     "an input base chain");
    else
        finding_fail(finding, place_of(firewall), 0, "hook input", "none", "an input base chain");
}

void judge_host_firewall_default_deny(const struct asset_view *view, struct finding *finding)
{
    static const struct {
        const char *hook;
        gboolean must; /* forward matters only where there is such a chain, or for a router */
    } hooks[] = { { "input", TRUE }, { "forward", FALSE } };
    const struct firewall *firewall = known_firewall(view, finding);

    if (!firewall)
        return;
    for (guint i = 0; i < G_N_ELEMENTS(hooks); i++) {
        const struct firewall_chain *chain = firewall_base(firewall, hooks[i].hook, AF_INET);
        gboolean last_refuses = FALSE;

        if (!chain && !hooks[i].must)
            continue;
        if (!chain) {
            finding_fail(finding, place_of(firewall), 0, "hook input", "none", "policy drop");
            continue;
        }
        if (chain->rules->len) {
            const struct firewall_rule *last =
                &g_array_index(chain->rules, struct firewall_rule, chain->rules->len - 1);

            last_refuses = (last->verdict == VERDICT_DROP || last->verdict == VERDICT_REJECT) &&
                           !last->narrow && !last->protocol && !last->ct_states &&
                           !last->loopback_source && !last->not_loopback_in && !last->loopback_in;
        }
        finding_check(finding, chain->policy != VERDICT_ACCEPT || last_refuses, chain->path,
                      chain->line, hooks[i].hook,
                      last_refuses ? "the last rule refuses" : verdict_name(chain->policy),
                      "policy drop");
    }
}

void judge_host_firewall_ipv6(const struct asset_view *view, struct finding *finding)
{
    const struct firewall *firewall = known_firewall(view, finding);
    const struct firewall_chain *four, *six;

    if (!firewall)
        return;
    four = input_chain(firewall, AF_INET);
    six = input_chain(firewall, AF_INET6);
    if (!four && !six)
        no_filter(finding);
    else if (!six)
        finding_fail(finding, four->path, four->line, "ip6", "no input chain",
                     "an inet or ip6 input chain");
    else if (four && four->policy != VERDICT_ACCEPT && six->policy == VERDICT_ACCEPT)
        finding_fail(finding, six->path, six->line, "ip6", "policy accept", "policy drop");
    else
        finding_pass(finding, six->path, six->line, "ip6", six->family, "an inet or ip6 chain");
}

static gboolean refuses(const struct firewall_rule *rule)
{
    return rule->verdict == VERDICT_DROP || rule->verdict == VERDICT_REJECT;
}

static gboolean accepts_loopback(const struct firewall_rule *rule)
{
    return rule->verdict == VERDICT_ACCEPT && rule->loopback_in;
}

static gboolean refuses_spoofed(const struct firewall_rule *rule)
{
    return refuses(rule) && rule->loopback_source;
}

static gboolean accepts_established(const struct firewall_rule *rule)
{
    return rule->verdict == VERDICT_ACCEPT && rule->ct_states & STATE_ESTABLISHED;
}

static gboolean refuses_invalid(const struct firewall_rule *rule)
{
    return refuses(rule) && rule->ct_states & STATE_INVALID;
}

/* Looks in the base chain and, one level down, in the chains it jumps to. */
static const struct firewall_rule *find_rule(const struct firewall *firewall,
                                             const struct firewall_chain *chain,
                                             gboolean (*matches)(const struct firewall_rule *),
                                             guint depth)
{
    for (guint i = 0; i < chain->rules->len; i++) {
        const struct firewall_rule *rule = &g_array_index(chain->rules, struct firewall_rule, i);
        const struct firewall_rule *below;

        if (matches(rule))
            return rule;
        if (rule->verdict != VERDICT_JUMP || !rule->target || depth == 0)
            continue;
        for (guint c = 0; c < firewall->chains->len; c++) {
            const struct firewall_chain *other = firewall->chains->pdata[c];

            if (g_str_equal(other->name, rule->target) && g_str_equal(other->table, chain->table) &&
                (below = find_rule(firewall, other, matches, depth - 1)))
                return below;
        }
    }
    return NULL;
}

void judge_host_firewall_base_rules(const struct asset_view *view, struct finding *finding)
{
    static const struct {
        const char *key, *wanted;
        gboolean (*matches)(const struct firewall_rule *);
    } rules[] = {
        { "iif lo", "accept", accepts_loopback },
        { "saddr 127.0.0.0/8", "drop", refuses_spoofed },
        { "ct state established", "accept", accepts_established },
        { "ct state invalid", "drop", refuses_invalid },
    };
    const struct firewall *firewall = known_firewall(view, finding);
    const struct firewall_chain *chain = firewall ? input_chain(firewall, AF_INET) : NULL;

    if (!firewall)
        return;
    if (!chain) {
        no_filter(finding);
        return;
    }
    for (guint i = 0; i < G_N_ELEMENTS(rules); i++) {
        const struct firewall_rule *rule = find_rule(firewall, chain, rules[i].matches, 2);

        finding_check(finding, rule != NULL, chain->path, rule ? rule->line : chain->line,
                      rules[i].key, rule ? verdict_name(rule->verdict) : "no rule",
                      rules[i].wanted);
    }
}

static const struct {
    const char *unit, *file;
} tools[] = {
    { "nftables.service", "/etc/nftables.conf" },
    { "ufw.service", "/etc/ufw/ufw.conf" },
    { "firewalld.service", "/etc/firewalld" },
    { "netfilter-persistent.service", "/etc/iptables/rules.v4" },
};

/* firewalld keeps a folder, in which its defaults need not stand. */
#define FIREWALLD 2
#define UFW 1

enum standing { INACTIVE, ACTIVE, UNKNOWN };

/*
 * Whether the tool loads rules at boot: its unit is enabled and it has something to load. UNKNOWN
 * when its file cannot be read.
 */
static enum standing standing_of(struct host *host, guint tool)
{
    const struct host_file *file = host_read(host, tools[tool].file);

    if (!unit_is_enabled(host, tools[tool].unit))
        return INACTIVE;
    if (tool == FIREWALLD)
        return ACTIVE;
    if (file->state != HOST_OK)
        return file->state == HOST_ABSENT ? INACTIVE : UNKNOWN;
    if (tool == UFW)
        return strstr(file->text, "ENABLED=yes") ? ACTIVE : INACTIVE;
    return file->length ? ACTIVE : INACTIVE;
}

void judge_host_firewall_persistent(const struct asset_view *view, struct finding *finding)
{
    const struct host_file *unknown = NULL;

    for (guint i = 0; i < G_N_ELEMENTS(tools); i++) {
        enum standing standing = standing_of(view->host, i);

        if (standing == ACTIVE) {
            finding_pass(finding, tools[i].file, 0, tools[i].unit, "enabled", "enabled");
            return;
        }
        if (standing == UNKNOWN && !unknown)
            unknown = host_read(view->host, tools[i].file);
    }
    if (!unknown || !host_missing(finding, unknown))
        finding_fail(finding, NULL, 0, "nftables.service",
                     unit_is_enabled(view->host, tools[0].unit) ? "enabled, nothing to load"
                                                                : "not enabled",
                     "enabled, with rules in /etc/nftables.conf");
}

void judge_host_firewall_single_tool(const struct asset_view *view, struct finding *finding)
{
    g_autoptr(GString) active = g_string_new(NULL);
    guint count = 0;

    for (guint i = 0; i < G_N_ELEMENTS(tools); i++) {
        enum standing standing = standing_of(view->host, i);

        if (standing == UNKNOWN)
            host_gap(finding, host_read(view->host, tools[i].file));
        else if (standing == ACTIVE)
            g_string_append_printf(active, "%s%s", count++ ? ", " : "", tools[i].unit);
    }
    if (count)
        finding_check(finding, count == 1, NULL, 0, "active", active->str, "one tool");
    else
        finding_not_applicable(finding, REASON_NOT_USED, NULL);
}

/* Whether some accept rule of the input chain lets the listener's port in. */
static gboolean is_let_in(const struct firewall_chain *chain, const struct listener *listener)
{
    guint8 protocol = g_str_equal(listener->protocol, "tcp") ? 6 : 17;

    for (guint i = 0; i < chain->rules->len; i++) {
        const struct firewall_rule *rule = &g_array_index(chain->rules, struct firewall_rule, i);

        if (rule->verdict == VERDICT_ACCEPT && !rule->loopback_in &&
            (!rule->protocol || rule->protocol == protocol) &&
            (rule->port_from ? rule->port_from <= listener->port && listener->port <= rule->port_to
                             : !rule->narrow && !rule->ct_states && !rule->port_set))
            return TRUE;
    }
    return chain->policy == VERDICT_ACCEPT;
}

static gboolean has_listener(const struct sockets *sockets, const struct firewall_rule *rule)
{
    for (guint i = 0; i < sockets->listeners->len; i++) {
        const struct listener *listener = &g_array_index(sockets->listeners, struct listener, i);
        guint8 protocol = g_str_equal(listener->protocol, "tcp") ? 6 : 17;

        if ((!rule->protocol || rule->protocol == protocol) && rule->port_from <= listener->port &&
            listener->port <= rule->port_to)
            return TRUE;
    }
    return FALSE;
}

void judge_host_firewall_rules_match_listeners(const struct asset_view *view,
                                               struct finding *finding)
{
    const struct firewall *firewall = known_firewall(view, finding);
    const struct firewall_chain *chain = firewall ? input_chain(firewall, AF_INET) : NULL;
    const struct sockets *sockets = sockets_get(view->host);

    if (!firewall)
        return;
    if (!chain) {
        no_filter(finding);
        return;
    }
    if (!sockets->known) {
        finding_not_measured(finding, REASON_ABSENT, "/proc/net/tcp");
        return;
    }
    for (guint i = 0; i < chain->rules->len; i++) {
        const struct firewall_rule *rule = &g_array_index(chain->rules, struct firewall_rule, i);
        g_autofree char *ports = g_strdup_printf("%u-%u", rule->port_from, rule->port_to);

        if (rule->port_set || rule->verdict == VERDICT_JUMP) {
            finding_incomplete(finding, REASON_UNSUPPORTED, "a set of ports, or a jump");
            return;
        }
        if (rule->verdict == VERDICT_ACCEPT && rule->port_from && !rule->loopback_in)
            finding_check(finding, has_listener(sockets, rule), chain->path, rule->line, ports,
                          has_listener(sockets, rule) ? "a service listens" : "nobody listens",
                          "a service behind every hole");
    }
    for (guint i = 0; i < sockets->listeners->len; i++) {
        const struct listener *listener = &g_array_index(sockets->listeners, struct listener, i);
        g_autofree char *address = listener_address(listener);
        gboolean let_in;

        if (listener_is_loopback(listener) || g_str_equal(listener->protocol, "raw"))
            continue;
        let_in = is_let_in(chain, listener);
        finding_check(finding, let_in, listener->source, 0, address,
                      let_in ? "a rule lets it in" : "no rule lets it in",
                      "a rule for every service, or loopback only");
    }
    finding_not_applicable(finding, REASON_NOT_USED, NULL);
}
