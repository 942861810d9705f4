/*
 * Reading the running rule set: nf_tables over netlink (linux/netfilter/nf_tables.h), by libmnl.
 *
 * A rule is a list of expressions that load a value into a register and compare it. One register
 * is enough to follow what hygiene asks about, because nft emits load, (mask,) compare in turn.
 */
#include "p7_hygiene/host/firewall.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <time.h>

#define MAX_CHAINS 4096
#define MAX_RULES 100000
#define MAX_PARTS 8192   /* reads of up to 32 KiB */
#define LOOPBACK_INDEX 1 /* lo is the first interface of every network namespace */

struct reading {
    GPtrArray *chains;
    guint rules;
};

static const char *family_name(guint8 family)
{
    switch (family) {
    case NFPROTO_INET:
        return "inet";
    case NFPROTO_IPV4:
        return "ip";
    case NFPROTO_IPV6:
        return "ip6";
    case NFPROTO_BRIDGE:
        return "bridge";
    case NFPROTO_NETDEV:
        return "netdev";
    default:
        return "arp";
    }
}

/* Attributes of one level into a table; unknown types are passed over. */
struct attributes {
    const struct nlattr **table;
    guint count;
};

static int keep_attribute(const struct nlattr *attribute, void *data)
{
    struct attributes *attributes = data;
    guint type = mnl_attr_get_type(attribute);

    if (type < attributes->count)
        attributes->table[type] = attribute;
    return MNL_CB_OK;
}

static void parse_nested(const struct nlattr *nest, const struct nlattr **table, guint count)
{
    struct attributes attributes = { table, count };

    memset(table, 0, count * sizeof *table);
    if (nest)
        mnl_attr_parse_nested(nest, keep_attribute, &attributes);
}

/* A NUL-terminated string attribute, or "". */
static const char *text_of(const struct nlattr *attribute)
{
    return attribute && mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) == 0
               ? mnl_attr_get_str(attribute)
               : "";
}

static guint32 number_of(const struct nlattr *attribute)
{
    return attribute && mnl_attr_get_payload_len(attribute) >= 4
               ? ntohl(mnl_attr_get_u32(attribute))
               : 0;
}

static const char *hook_name(guint8 family, guint32 number)
{
    static const char *const names[] = { "prerouting", "input", "forward", "output",
                                         "postrouting" };

    if (family == NFPROTO_NETDEV)
        return number == 0 ? "ingress" : "egress";
    return number < G_N_ELEMENTS(names) ? names[number] : "other";
}

static int on_chain(const struct nlmsghdr *header, void *data)
{
    struct reading *reading = data;
    const struct nfgenmsg *generic = mnl_nlmsg_get_payload(header);
    const struct nlattr *table[NFTA_CHAIN_MAX + 1] = { 0 }, *hook[NFTA_HOOK_MAX + 1];
    struct attributes attributes = { table, G_N_ELEMENTS(table) };
    struct firewall_chain *chain;

    if (mnl_nlmsg_get_payload_len(header) < sizeof *generic || reading->chains->len >= MAX_CHAINS)
        return MNL_CB_ERROR;
    mnl_attr_parse(header, sizeof *generic, keep_attribute, &attributes);
    chain = firewall_chain_new(family_name(generic->nfgen_family), text_of(table[NFTA_CHAIN_TABLE]),
                               text_of(table[NFTA_CHAIN_NAME]));
    chain->path = g_strdup("nf_tables");
    if (table[NFTA_CHAIN_HOOK]) {
        parse_nested(table[NFTA_CHAIN_HOOK], hook, G_N_ELEMENTS(hook));
        chain->hook =
            g_strdup(hook_name(generic->nfgen_family, number_of(hook[NFTA_HOOK_HOOKNUM])));
        /* A nat or route base chain does not filter. */
        if (!g_str_equal(text_of(table[NFTA_CHAIN_TYPE]), "filter"))
            g_clear_pointer(&chain->hook, g_free);
    }
    if (table[NFTA_CHAIN_POLICY] && number_of(table[NFTA_CHAIN_POLICY]) == NF_DROP)
        chain->policy = VERDICT_DROP;
    g_ptr_array_add(reading->chains, chain);
    return MNL_CB_OK;
}

/* What the register holds while a rule's expressions are followed. */
enum loaded {
    LOADED_OTHER,
    LOADED_IIF,
    LOADED_IIFNAME,
    LOADED_L4PROTO,
    LOADED_NFPROTO,
    LOADED_CT_STATE,
    LOADED_SADDR,
    LOADED_DPORT
};
struct state {
    enum loaded loaded;
    guint32 mask; /* of a ct state */
    struct firewall_rule *rule;
};

static void on_meta(struct state *state, const struct nlattr *data)
{
    const struct nlattr *meta[NFTA_META_MAX + 1];

    parse_nested(data, meta, G_N_ELEMENTS(meta));
    switch (number_of(meta[NFTA_META_KEY])) {
    case NFT_META_IIF:
        state->loaded = LOADED_IIF;
        break;
    case NFT_META_IIFNAME:
        state->loaded = LOADED_IIFNAME;
        break;
    case NFT_META_L4PROTO:
        state->loaded = LOADED_L4PROTO;
        break;
    case NFT_META_NFPROTO:
        state->loaded = LOADED_NFPROTO;
        break;
    default:
        state->loaded = LOADED_OTHER;
    }
}

static void on_payload(struct state *state, const struct nlattr *data)
{
    const struct nlattr *payload[NFTA_PAYLOAD_MAX + 1];
    guint32 base, offset;

    parse_nested(data, payload, G_N_ELEMENTS(payload));
    base = number_of(payload[NFTA_PAYLOAD_BASE]);
    offset = number_of(payload[NFTA_PAYLOAD_OFFSET]);
    state->loaded = LOADED_OTHER;
    if (base == NFT_PAYLOAD_TRANSPORT_HEADER && offset == 2)
        state->loaded = LOADED_DPORT;
    else if (base == NFT_PAYLOAD_NETWORK_HEADER && (offset == 12 || offset == 8))
        state->loaded = LOADED_SADDR; /* IPv4 at 12, IPv6 at 8 */
}

static const struct nlattr *value_of(const struct nlattr *data)
{
    const struct nlattr *value[NFTA_DATA_MAX + 1];

    parse_nested(data, value, G_N_ELEMENTS(value));
    return value[NFTA_DATA_VALUE];
}

static void compare(struct state *state, guint32 operation, const struct nlattr *value)
{
    const guint8 *bytes = value ? mnl_attr_get_payload(value) : NULL;
    gsize length = value ? mnl_attr_get_payload_len(value) : 0;
    struct firewall_rule *rule = state->rule;
    gboolean equal = operation == NFT_CMP_EQ, is_loopback;
    guint32 number = 0;

    memcpy(&number, bytes ? bytes : (const guint8 *)"", MIN(length, sizeof number));
    switch (state->loaded) {
    case LOADED_IIF:
    case LOADED_IIFNAME:
        is_loopback = state->loaded == LOADED_IIF ? number == LOOPBACK_INDEX
                                                  : length >= 3 && memcmp(bytes, "lo", 3) == 0;
        rule->loopback_in |= is_loopback && equal;
        rule->not_loopback_in |= is_loopback && !equal;
        rule->narrow |= !is_loopback;
        break;
    case LOADED_L4PROTO:
        if (equal && length)
            rule->protocol = bytes[0];
        else
            rule->narrow = TRUE;
        break;
    case LOADED_NFPROTO:
        break; /* the family is checked by the chain and by the addresses */
    case LOADED_CT_STATE:
        rule->ct_states |= equal ? number : state->mask;
        break;
    case LOADED_SADDR:
        is_loopback = (length && bytes[0] == 127) ||
                      (length == 16 && IN6_IS_ADDR_LOOPBACK((const struct in6_addr *)bytes));
        rule->loopback_source |= is_loopback && equal;
        rule->narrow |= !is_loopback;
        break;
    case LOADED_DPORT:
        if (equal && length == 2)
            rule->port_from = rule->port_to = bytes[0] << 8 | bytes[1];
        else
            rule->narrow = TRUE;
        break;
    case LOADED_OTHER:
        rule->narrow = TRUE;
    }
}

static void on_cmp(struct state *state, const struct nlattr *data)
{
    const struct nlattr *cmp[NFTA_CMP_MAX + 1];

    parse_nested(data, cmp, G_N_ELEMENTS(cmp));
    compare(state, number_of(cmp[NFTA_CMP_OP]), value_of(cmp[NFTA_CMP_DATA]));
}

static void on_range(struct state *state, const struct nlattr *data)
{
    const struct nlattr *range[NFTA_RANGE_MAX + 1], *from, *to;

    parse_nested(data, range, G_N_ELEMENTS(range));
    from = value_of(range[NFTA_RANGE_FROM_DATA]);
    to = value_of(range[NFTA_RANGE_TO_DATA]);
    if (state->loaded == LOADED_DPORT && number_of(range[NFTA_RANGE_OP]) == NFT_RANGE_EQ && from &&
        to && mnl_attr_get_payload_len(from) == 2 && mnl_attr_get_payload_len(to) == 2) {
        state->rule->port_from = ntohs(mnl_attr_get_u16(from));
        state->rule->port_to = ntohs(mnl_attr_get_u16(to));
    } else {
        state->rule->narrow = TRUE;
    }
}

static void on_lookup(struct state *state, const struct nlattr *data)
{
    if (state->loaded == LOADED_DPORT)
        state->rule->port_set = TRUE;
    else
        state->rule->narrow = TRUE;
}

static void on_ct(struct state *state, const struct nlattr *data)
{
    const struct nlattr *ct[NFTA_CT_MAX + 1];

    parse_nested(data, ct, G_N_ELEMENTS(ct));
    state->loaded = number_of(ct[NFTA_CT_KEY]) == NFT_CT_STATE ? LOADED_CT_STATE : LOADED_OTHER;
}

static void on_bitwise(struct state *state, const struct nlattr *data)
{
    const struct nlattr *bitwise[NFTA_BITWISE_MAX + 1], *mask;

    parse_nested(data, bitwise, G_N_ELEMENTS(bitwise));
    mask = value_of(bitwise[NFTA_BITWISE_MASK]);
    if (mask && mnl_attr_get_payload_len(mask) >= sizeof state->mask)
        memcpy(&state->mask, mnl_attr_get_payload(mask), sizeof state->mask);
}

static void on_immediate(struct state *state, const struct nlattr *data)
{
    const struct nlattr *immediate[NFTA_IMMEDIATE_MAX + 1], *value[NFTA_DATA_MAX + 1],
        *verdict[NFTA_VERDICT_MAX + 1];

    parse_nested(data, immediate, G_N_ELEMENTS(immediate));
    parse_nested(immediate[NFTA_IMMEDIATE_DATA], value, G_N_ELEMENTS(value));
    if (!value[NFTA_DATA_VERDICT])
        return;
    parse_nested(value[NFTA_DATA_VERDICT], verdict, G_N_ELEMENTS(verdict));
    switch ((gint32)number_of(verdict[NFTA_VERDICT_CODE])) {
    case NF_ACCEPT:
        state->rule->verdict = VERDICT_ACCEPT;
        break;
    case NF_DROP:
        state->rule->verdict = VERDICT_DROP;
        break;
    case NFT_JUMP:
    case NFT_GOTO:
        state->rule->verdict = VERDICT_JUMP;
        g_free(state->rule->target);
        state->rule->target = g_strdup(text_of(verdict[NFTA_VERDICT_CHAIN]));
    }
}

static void on_reject(struct state *state, const struct nlattr *data)
{
    state->rule->verdict = VERDICT_REJECT;
}

/* iptables-nft wraps xtables matches that nothing here understands. */
static void on_match(struct state *state, const struct nlattr *data)
{
    state->rule->narrow = TRUE;
}

static const struct {
    const char *name;
    void (*follow)(struct state *state, const struct nlattr *data);
} expressions[] = {
    { "meta", on_meta },       { "payload", on_payload }, { "cmp", on_cmp },
    { "range", on_range },     { "lookup", on_lookup },   { "ct", on_ct },
    { "bitwise", on_bitwise }, { "reject", on_reject },   { "immediate", on_immediate },
    { "match", on_match },
};

static int on_rule(const struct nlmsghdr *header, void *data)
{
    struct reading *reading = data;
    const struct nfgenmsg *generic = mnl_nlmsg_get_payload(header);
    const struct nlattr *table[NFTA_RULE_MAX + 1] = { 0 }, *element;
    struct attributes attributes = { table, G_N_ELEMENTS(table) };
    struct firewall_chain *chain = NULL;
    struct state state = { 0 };

    if (mnl_nlmsg_get_payload_len(header) < sizeof *generic || reading->rules++ >= MAX_RULES)
        return MNL_CB_ERROR;
    mnl_attr_parse(header, sizeof *generic, keep_attribute, &attributes);
    for (guint i = 0; i < reading->chains->len && !chain; i++) {
        struct firewall_chain *other = reading->chains->pdata[i];

        if (g_str_equal(other->family, family_name(generic->nfgen_family)) &&
            g_str_equal(other->table, text_of(table[NFTA_RULE_TABLE])) &&
            g_str_equal(other->name, text_of(table[NFTA_RULE_CHAIN])))
            chain = other;
    }
    if (!chain || !table[NFTA_RULE_EXPRESSIONS])
        return MNL_CB_OK;
    state.rule = firewall_add_rule(chain);
    mnl_attr_for_each_nested(element, table[NFTA_RULE_EXPRESSIONS])
    {
        const struct nlattr *expression[NFTA_EXPR_MAX + 1];

        parse_nested(element, expression, G_N_ELEMENTS(expression));
        for (guint i = 0; i < G_N_ELEMENTS(expressions); i++)
            if (g_str_equal(text_of(expression[NFTA_EXPR_NAME]), expressions[i].name))
                expressions[i].follow(&state, expression[NFTA_EXPR_DATA]);
    }
    return MNL_CB_OK;
}

/* --- asking, which takes CAP_NET_ADMIN, and so is done before the workers give it up --- */

/* What the kernel answered, unread. */
struct kernel_rules {
    GPtrArray *chains, *rules; /* of GBytes: what one read gave */
    gboolean complete;
    enum reason reason;
};

static gboolean dump(struct mnl_socket *socket, guint16 message, GPtrArray *parts)
{
    char buffer[32768];
    struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
    struct nfgenmsg *generic;
    int more = MNL_CB_OK;

    header->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | message;
    header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    header->nlmsg_seq = message + 1;
    generic = mnl_nlmsg_put_extra_header(header, sizeof *generic);
    generic->nfgen_family = NFPROTO_UNSPEC;
    generic->version = NFNETLINK_V0;
    if (mnl_socket_sendto(socket, header, header->nlmsg_len) < 0)
        return FALSE;
    while (more == MNL_CB_OK) {
        ssize_t got = mnl_socket_recvfrom(socket, buffer, sizeof buffer);

        if (got <= 0 || parts->len >= MAX_PARTS)
            return FALSE;
        g_ptr_array_add(parts, g_bytes_new(buffer, got));
        more = mnl_cb_run(buffer, got, message + 1, mnl_socket_get_portid(socket), NULL, NULL);
    }
    return more == MNL_CB_STOP;
}

static gpointer ask(struct host *host)
{
    struct kernel_rules *kernel = g_new0(struct kernel_rules, 1);
    struct mnl_socket *socket = mnl_socket_open(NETLINK_NETFILTER);

    kernel->chains = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    kernel->rules = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    errno = 0;
    kernel->complete = socket && mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) == 0 &&
                       dump(socket, NFT_MSG_GETCHAIN, kernel->chains) &&
                       dump(socket, NFT_MSG_GETRULE, kernel->rules);
    if (!kernel->complete)
        kernel->reason = errno == EPERM || errno == EACCES ? REASON_NEEDS_ROOT : REASON_ABSENT;
    if (socket)
        mnl_socket_close(socket);
    return kernel;
}

static void forget(gpointer fact)
{
    struct kernel_rules *kernel = fact;

    g_ptr_array_unref(kernel->chains);
    g_ptr_array_unref(kernel->rules);
    g_free(kernel);
}

static const struct kernel_rules *kernel_rules(struct host *host)
{
    static const struct fact_kind kind = { "running rules", ask, forget };

    return host_fact(host, &kind);
}

void firewall_keep_kernel(struct host *host)
{
    kernel_rules(host);
}

static gboolean read_parts(const GPtrArray *parts, guint16 message, mnl_cb_t each,
                           struct reading *reading)
{
    int more = MNL_CB_OK;

    for (guint i = 0; i < parts->len && more == MNL_CB_OK; i++) {
        gsize length;
        gconstpointer data = g_bytes_get_data(parts->pdata[i], &length);

        more = mnl_cb_run(data, length, message + 1, 0, each, reading);
    }
    return more == MNL_CB_STOP;
}

gboolean firewall_read_kernel(struct host *host, GPtrArray *chains, enum reason *reason)
{
    const struct kernel_rules *kernel = kernel_rules(host);
    struct reading reading = { .chains = chains };

    if (kernel->complete && read_parts(kernel->chains, NFT_MSG_GETCHAIN, on_chain, &reading) &&
        read_parts(kernel->rules, NFT_MSG_GETRULE, on_rule, &reading))
        return TRUE;
    *reason = kernel->complete ? REASON_ABSENT : kernel->reason;
    return FALSE;
}
