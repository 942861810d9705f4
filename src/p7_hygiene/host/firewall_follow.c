/*
 * Following a rule of nf_tables (linux/netfilter/nf_tables.h): a list of expressions that load a
 * value into a register and compare it. One register is enough to follow what hygiene asks about,
 * because nft emits load, (mask,) compare in turn. A lookup in a set ("dport { 22, 80 }") or in a
 * verdict map ("ct state vmap { ... }") makes one rule of each element.
 */
#include "p7_hygiene/host/firewall_netlink.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <netinet/in.h>
#include <string.h>

#define MAX_EXPRESSIONS 128 /* of one rule: NFT_RULE_MAXEXPRS */
#define MAX_ELEMENTS 512    /* of one set that become rules of their own */
#define LOOPBACK_INDEX 1    /* lo is the first interface of every network namespace */

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

void firewall_attributes(const struct nlmsghdr *header, gsize skip, const struct nlattr **table,
                         guint count)
{
    struct attributes attributes = { table, count };

    mnl_attr_parse(header, skip, keep_attribute, &attributes);
}

void firewall_nested(const struct nlattr *nest, const struct nlattr **table, guint count)
{
    struct attributes attributes = { table, count };

    memset(table, 0, count * sizeof *table);
    if (nest)
        mnl_attr_parse_nested(nest, keep_attribute, &attributes);
}

const char *firewall_text(const struct nlattr *attribute)
{
    return attribute && mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) == 0
               ? mnl_attr_get_str(attribute)
               : "";
}

guint32 firewall_number(const struct nlattr *attribute)
{
    return attribute && mnl_attr_get_payload_len(attribute) >= 4
               ? ntohl(mnl_attr_get_u32(attribute))
               : 0;
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
    guint32 mask;              /* of a ct state */
    struct firewall_rule rule; /* its target is borrowed */
};

static void on_meta(struct state *state, const struct nlattr *data)
{
    const struct nlattr *meta[NFTA_META_MAX + 1];

    firewall_nested(data, meta, G_N_ELEMENTS(meta));
    switch (firewall_number(meta[NFTA_META_KEY])) {
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
    guint32 base, offset, length;

    firewall_nested(data, payload, G_N_ELEMENTS(payload));
    base = firewall_number(payload[NFTA_PAYLOAD_BASE]);
    offset = firewall_number(payload[NFTA_PAYLOAD_OFFSET]);
    length = firewall_number(payload[NFTA_PAYLOAD_LEN]);
    state->loaded = LOADED_OTHER;
    if (base == NFT_PAYLOAD_TRANSPORT_HEADER && offset == 2)
        state->loaded = LOADED_DPORT;
    else if (base == NFT_PAYLOAD_NETWORK_HEADER && (offset == 12 || (offset == 8 && length == 16)))
        state->loaded = LOADED_SADDR; /* IPv4 at 12, IPv6 at 8 */
}

const struct nlattr *firewall_value(const struct nlattr *data)
{
    const struct nlattr *value[NFTA_DATA_MAX + 1];

    firewall_nested(data, value, G_N_ELEMENTS(value));
    return value[NFTA_DATA_VALUE];
}

static void compare(struct state *state, gboolean equal, const guint8 *bytes, gsize length)
{
    struct firewall_rule *rule = &state->rule;
    gboolean is_loopback;
    guint32 number = 0;

    memcpy(&number, bytes, MIN(length, sizeof number));
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
        rule->ct_states |= equal ? number : state->mask; /* a mask is compared with 0 */
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

/* "dport 1024-2048" is two comparisons. FALSE when it is none of these. */
static gboolean bound_ports(struct firewall_rule *rule, enum loaded loaded, guint32 operation,
                            const struct nlattr *value)
{
    guint port;

    if (loaded != LOADED_DPORT || mnl_attr_get_payload_len(value) != 2)
        return FALSE;
    port = ntohs(mnl_attr_get_u16(value));
    if (operation == NFT_CMP_GTE || operation == NFT_CMP_GT) {
        rule->port_from = port + (operation == NFT_CMP_GT);
        rule->port_to = rule->port_to ? rule->port_to : G_MAXUINT16;
    } else if (operation == NFT_CMP_LTE || operation == NFT_CMP_LT) {
        rule->port_from = MAX(rule->port_from, 1);
        rule->port_to = port - (operation == NFT_CMP_LT);
    } else {
        return FALSE;
    }
    return TRUE;
}

static void on_cmp(struct state *state, const struct nlattr *data)
{
    const struct nlattr *cmp[NFTA_CMP_MAX + 1], *value;

    firewall_nested(data, cmp, G_N_ELEMENTS(cmp));
    value = firewall_value(cmp[NFTA_CMP_DATA]);
    if (value &&
        !bound_ports(&state->rule, state->loaded, firewall_number(cmp[NFTA_CMP_OP]), value))
        compare(state, firewall_number(cmp[NFTA_CMP_OP]) == NFT_CMP_EQ, mnl_attr_get_payload(value),
                mnl_attr_get_payload_len(value));
}

static void on_range(struct state *state, const struct nlattr *data)
{
    const struct nlattr *range[NFTA_RANGE_MAX + 1], *from, *to;

    firewall_nested(data, range, G_N_ELEMENTS(range));
    from = firewall_value(range[NFTA_RANGE_FROM_DATA]);
    to = firewall_value(range[NFTA_RANGE_TO_DATA]);
    if (state->loaded == LOADED_DPORT && firewall_number(range[NFTA_RANGE_OP]) == NFT_RANGE_EQ &&
        from && to && mnl_attr_get_payload_len(from) == 2 && mnl_attr_get_payload_len(to) == 2) {
        state->rule.port_from = ntohs(mnl_attr_get_u16(from));
        state->rule.port_to = ntohs(mnl_attr_get_u16(to));
    } else {
        state->rule.narrow = TRUE;
    }
}

static void on_ct(struct state *state, const struct nlattr *data)
{
    const struct nlattr *ct[NFTA_CT_MAX + 1];

    firewall_nested(data, ct, G_N_ELEMENTS(ct));
    state->loaded =
        firewall_number(ct[NFTA_CT_KEY]) == NFT_CT_STATE ? LOADED_CT_STATE : LOADED_OTHER;
}

static void on_bitwise(struct state *state, const struct nlattr *data)
{
    const struct nlattr *bitwise[NFTA_BITWISE_MAX + 1], *mask;

    firewall_nested(data, bitwise, G_N_ELEMENTS(bitwise));
    mask = firewall_value(bitwise[NFTA_BITWISE_MASK]);
    if (mask && mnl_attr_get_payload_len(mask) >= sizeof state->mask)
        memcpy(&state->mask, mnl_attr_get_payload(mask), sizeof state->mask);
}

gboolean firewall_verdict(const struct nlattr *data, enum firewall_verdict *kind,
                          const char **target)
{
    const struct nlattr *value[NFTA_DATA_MAX + 1], *verdict[NFTA_VERDICT_MAX + 1];

    firewall_nested(data, value, G_N_ELEMENTS(value));
    if (!value[NFTA_DATA_VERDICT])
        return FALSE;
    firewall_nested(value[NFTA_DATA_VERDICT], verdict, G_N_ELEMENTS(verdict));
    switch ((gint32)firewall_number(verdict[NFTA_VERDICT_CODE])) {
    case NF_ACCEPT:
        *kind = VERDICT_ACCEPT;
        return TRUE;
    case NF_DROP:
        *kind = VERDICT_DROP;
        return TRUE;
    case NFT_JUMP:
    case NFT_GOTO:
        *kind = VERDICT_JUMP;
        *target = firewall_text(verdict[NFTA_VERDICT_CHAIN]);
        return TRUE;
    default:
        return FALSE;
    }
}

static void on_immediate(struct state *state, const struct nlattr *data)
{
    const struct nlattr *immediate[NFTA_IMMEDIATE_MAX + 1];
    const char *target = NULL;

    firewall_nested(data, immediate, G_N_ELEMENTS(immediate));
    if (firewall_verdict(immediate[NFTA_IMMEDIATE_DATA], &state->rule.verdict, &target))
        state->rule.target = (char *)target;
}

static void on_reject(struct state *state, const struct nlattr *data)
{
    state->rule.verdict = VERDICT_REJECT;
}

/* iptables-nft wraps xtables matches that nothing here understands. */
static void on_match(struct state *state, const struct nlattr *data)
{
    state->rule.narrow = TRUE;
}

static const struct {
    const char *name;
    void (*step)(struct state *state, const struct nlattr *data);
} expressions[] = {
    { "meta", on_meta },     { "payload", on_payload },
    { "cmp", on_cmp },       { "range", on_range },
    { "ct", on_ct },         { "bitwise", on_bitwise },
    { "reject", on_reject }, { "immediate", on_immediate },
    { "match", on_match },
};

/* A rule on its way from expression to expression. */
struct path {
    struct firewall_chain *chain;
    GHashTable *sets;
    guint *rules; /* added so far */
    const struct nlattr *const *expressions;
    guint count;
};

static void follow(const struct path *path, guint at, struct state state);

char *firewall_set_key(const char *family, const char *table, const char *name)
{
    return g_strjoin(" ", family, table, name, NULL);
}

/* One port, or those from the element to the next, which ends the interval. */
static void take_ports(struct state *state, const struct set *set, guint index)
{
    const struct element *element = &g_array_index(set->elements, struct element, index);
    const struct element *end = index + 1 < set->elements->len ? element + 1 : NULL;

    state->rule.port_from = element->key[0] << 8 | element->key[1];
    state->rule.port_to = !set->intervals ? state->rule.port_from
                          : end           ? (guint)(end->key[0] << 8 | end->key[1]) - 1
                                          : G_MAXUINT16;
}

/* Goes on once for each element of a set; FALSE when its elements are not known, or too many. */
static gboolean branch(const struct path *path, guint at, const struct state *state,
                       const struct nlattr *const *lookup)
{
    g_autofree char *key = firewall_set_key(path->chain->family, path->chain->table,
                                            firewall_text(lookup[NFTA_LOOKUP_SET]));
    const struct set *set = g_hash_table_lookup(path->sets, key);
    gboolean ports = state->loaded == LOADED_DPORT;

    if (!set || !set->elements->len || set->elements->len > MAX_ELEMENTS ||
        firewall_number(lookup[NFTA_LOOKUP_FLAGS]) & NFT_LOOKUP_F_INV ||
        (set->intervals && !ports) || set->maps != !!lookup[NFTA_LOOKUP_DREG] ||
        *path->rules >= FIREWALL_MAX_RULES)
        return FALSE;
    for (guint i = 0; i < set->elements->len; i++) {
        const struct element *element = &g_array_index(set->elements, struct element, i);
        struct state next = *state;

        if (element->ends)
            continue;
        if (ports)
            take_ports(&next, set, i);
        else
            compare(&next, TRUE, element->key, element->length);
        next.loaded = LOADED_OTHER;
        if (set->maps) {
            next.rule.verdict = element->verdict;
            next.rule.target = element->target;
        }
        follow(path, at + 1, next);
    }
    return TRUE;
}

/* Follows a rule from its expression `at` on, and adds it to its chain. */
static void follow(const struct path *path, guint at, struct state state)
{
    struct firewall_rule *rule;

    for (; at < path->count; at++) {
        const struct nlattr *expression[NFTA_EXPR_MAX + 1], *lookup[NFTA_LOOKUP_MAX + 1];
        const char *name;

        firewall_nested(path->expressions[at], expression, G_N_ELEMENTS(expression));
        name = firewall_text(expression[NFTA_EXPR_NAME]);
        if (g_str_equal(name, "lookup")) {
            firewall_nested(expression[NFTA_EXPR_DATA], lookup, G_N_ELEMENTS(lookup));
            if (branch(path, at, &state, lookup))
                return;
            state.rule.port_set |= state.loaded == LOADED_DPORT;
            state.rule.narrow |= state.loaded != LOADED_DPORT;
        }
        for (guint i = 0; i < G_N_ELEMENTS(expressions); i++)
            if (g_str_equal(name, expressions[i].name))
                expressions[i].step(&state, expression[NFTA_EXPR_DATA]);
    }
    if (++*path->rules > FIREWALL_MAX_RULES)
        return;
    rule = firewall_add_rule(path->chain);
    *rule = state.rule;
    rule->target = g_strdup(state.rule.target);
}

gboolean firewall_follow(struct firewall_chain *chain, GHashTable *sets, const struct nlattr *nest,
                         guint *rules)
{
    const struct nlattr *list[MAX_EXPRESSIONS], *expression;
    struct path path = { .chain = chain, .sets = sets, .rules = rules, .expressions = list };

    mnl_attr_for_each_nested(expression, nest)
    {
        if (path.count == MAX_EXPRESSIONS)
            return FALSE;
        list[path.count++] = expression;
    }
    follow(&path, 0, (struct state){ 0 });
    return *rules <= FIREWALL_MAX_RULES;
}
