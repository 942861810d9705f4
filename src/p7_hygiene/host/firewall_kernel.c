/*
 * Reading the running rule set: nf_tables over netlink (linux/netfilter/nf_tables.h), by libmnl.
 * Chains, the sets that rules may be taken apart by, their elements, and rules; firewall_follow.c
 * makes rules of the model of a rule's expressions.
 */
#include "p7_hygiene/host/firewall_netlink.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>
#include <time.h>

#define MAX_CHAINS 4096
#define MAX_PARTS 8192 /* reads of up to 32 KiB */
#define MAX_SETS 1024  /* whose elements are asked for */
#define PORT_BYTES 2

struct reading {
    GPtrArray *chains;
    GHashTable *sets; /* firewall_set_key() -> struct set */
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
    struct firewall_chain *chain;

    if (mnl_nlmsg_get_payload_len(header) < sizeof *generic || reading->chains->len >= MAX_CHAINS)
        return MNL_CB_ERROR;
    firewall_attributes(header, sizeof *generic, table, G_N_ELEMENTS(table));
    chain = firewall_chain_new(family_name(generic->nfgen_family),
                               firewall_text(table[NFTA_CHAIN_TABLE]),
                               firewall_text(table[NFTA_CHAIN_NAME]));
    chain->path = g_strdup("nf_tables");
    if (table[NFTA_CHAIN_HOOK]) {
        firewall_nested(table[NFTA_CHAIN_HOOK], hook, G_N_ELEMENTS(hook));
        chain->hook =
            g_strdup(hook_name(generic->nfgen_family, firewall_number(hook[NFTA_HOOK_HOOKNUM])));
        /* A nat or route base chain does not filter. */
        if (!g_str_equal(firewall_text(table[NFTA_CHAIN_TYPE]), "filter"))
            g_clear_pointer(&chain->hook, g_free);
    }
    if (table[NFTA_CHAIN_POLICY] && firewall_number(table[NFTA_CHAIN_POLICY]) == NF_DROP)
        chain->policy = VERDICT_DROP;
    g_ptr_array_add(reading->chains, chain);
    return MNL_CB_OK;
}

static int on_rule(const struct nlmsghdr *header, void *data)
{
    struct reading *reading = data;
    const struct nfgenmsg *generic = mnl_nlmsg_get_payload(header);
    const struct nlattr *table[NFTA_RULE_MAX + 1] = { 0 };
    struct firewall_chain *chain = NULL;

    if (mnl_nlmsg_get_payload_len(header) < sizeof *generic)
        return MNL_CB_ERROR;
    firewall_attributes(header, sizeof *generic, table, G_N_ELEMENTS(table));
    for (guint i = 0; i < reading->chains->len && !chain; i++) {
        struct firewall_chain *other = reading->chains->pdata[i];

        if (g_str_equal(other->family, family_name(generic->nfgen_family)) &&
            g_str_equal(other->table, firewall_text(table[NFTA_RULE_TABLE])) &&
            g_str_equal(other->name, firewall_text(table[NFTA_RULE_CHAIN])))
            chain = other;
    }
    if (chain && table[NFTA_RULE_EXPRESSIONS] &&
        !firewall_follow(chain, reading->sets, table[NFTA_RULE_EXPRESSIONS], &reading->rules))
        return MNL_CB_ERROR;
    return MNL_CB_OK;
}

/* --- sets: which there are, and their elements --- */

static void element_clear(gpointer data)
{
    g_free(((struct element *)data)->target);
}

static void set_free(struct set *set)
{
    g_free(set->table);
    g_free(set->name);
    g_array_unref(set->elements);
    g_free(set);
}

/*
 * Sets that a rule may be taken apart by: of ports, and those written in a rule itself. Large sets
 * of addresses are none of these.
 */
static int on_set(const struct nlmsghdr *header, void *data)
{
    GHashTable *sets = data;
    const struct nfgenmsg *generic = mnl_nlmsg_get_payload(header);
    const struct nlattr *table[NFTA_SET_MAX + 1] = { 0 };
    guint32 flags, length;
    struct set *set;

    if (mnl_nlmsg_get_payload_len(header) < sizeof *generic)
        return MNL_CB_ERROR;
    firewall_attributes(header, sizeof *generic, table, G_N_ELEMENTS(table));
    flags = firewall_number(table[NFTA_SET_FLAGS]);
    length = firewall_number(table[NFTA_SET_KEY_LEN]);
    if ((length != PORT_BYTES && !(flags & NFT_SET_ANONYMOUS)) || length > FIREWALL_KEY_MAX ||
        g_hash_table_size(sets) >= MAX_SETS)
        return MNL_CB_OK;
    set = g_new0(struct set, 1);
    set->family = generic->nfgen_family;
    set->table = g_strdup(firewall_text(table[NFTA_SET_TABLE]));
    set->name = g_strdup(firewall_text(table[NFTA_SET_NAME]));
    set->intervals = (flags & NFT_SET_INTERVAL) != 0;
    set->maps = (flags & NFT_SET_MAP) != 0;
    set->elements = g_array_new(FALSE, TRUE, sizeof(struct element));
    g_array_set_clear_func(set->elements, element_clear);
    g_hash_table_replace(sets, firewall_set_key(family_name(set->family), set->table, set->name),
                         set);
    return MNL_CB_OK;
}

static GHashTable *sets_new(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)set_free);
}

static void add_element(struct set *set, const struct nlattr *nest)
{
    const struct nlattr *table[NFTA_SET_ELEM_MAX + 1], *key;
    struct element element = { 0 };
    const char *target = NULL;
    gboolean has_verdict = FALSE;

    firewall_nested(nest, table, G_N_ELEMENTS(table));
    key = table[NFTA_SET_ELEM_KEY] ? firewall_value(table[NFTA_SET_ELEM_KEY]) : NULL;
    element.length = key ? mnl_attr_get_payload_len(key) : 0;
    if (!element.length || element.length > sizeof element.key)
        return; /* the catch-all element, or a key of several fields */
    memcpy(element.key, mnl_attr_get_payload(key), element.length);
    element.ends = firewall_number(table[NFTA_SET_ELEM_FLAGS]) & NFT_SET_ELEM_INTERVAL_END;
    if (table[NFTA_SET_ELEM_DATA] &&
        firewall_verdict(table[NFTA_SET_ELEM_DATA], &element.verdict, &target))
        has_verdict = TRUE;
    g_array_append_val(set->elements, element);
    if (has_verdict)
        g_array_index(set->elements, struct element, set->elements->len - 1).target =
            g_strdup(target);
}

static int on_elements(const struct nlmsghdr *header, void *data)
{
    GHashTable *sets = data;
    const struct nfgenmsg *generic = mnl_nlmsg_get_payload(header);
    const struct nlattr *table[NFTA_SET_ELEM_LIST_MAX + 1] = { 0 }, *element;
    g_autofree char *key = NULL;
    struct set *set;

    if (mnl_nlmsg_get_payload_len(header) < sizeof *generic)
        return MNL_CB_ERROR;
    firewall_attributes(header, sizeof *generic, table, G_N_ELEMENTS(table));
    key = firewall_set_key(family_name(generic->nfgen_family),
                           firewall_text(table[NFTA_SET_ELEM_LIST_TABLE]),
                           firewall_text(table[NFTA_SET_ELEM_LIST_SET]));
    set = g_hash_table_lookup(sets, key);
    if (!set || !table[NFTA_SET_ELEM_LIST_ELEMENTS])
        return MNL_CB_OK;
    mnl_attr_for_each_nested(element, table[NFTA_SET_ELEM_LIST_ELEMENTS])
    {
        add_element(set, element);
    }
    return MNL_CB_OK;
}

/* By key; of equal ones, the end of one interval stands before the start of the next. */
static int compare_elements(const void *left, const void *right)
{
    const struct element *a = left, *b = right;
    int order = memcmp(a->key, b->key, sizeof a->key);

    return order ? order : b->ends - a->ends;
}

/* --- asking, which takes CAP_NET_ADMIN, and so is done before the workers give it up --- */

/* What the kernel answered, unread. */
struct kernel_rules {
    GPtrArray *chains, *sets, *elements, *rules; /* of GBytes: what one read gave */
    gboolean complete;
    enum reason reason;
};

/* All of one kind, or (for elements) of one set. */
static gboolean dump(struct mnl_socket *socket, guint16 message, const struct set *set,
                     GPtrArray *parts)
{
    char buffer[32768];
    struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
    struct nfgenmsg *generic;
    int more = MNL_CB_OK;

    header->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | message;
    header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    header->nlmsg_seq = message + 1;
    generic = mnl_nlmsg_put_extra_header(header, sizeof *generic);
    generic->nfgen_family = set ? set->family : NFPROTO_UNSPEC;
    generic->version = NFNETLINK_V0;
    if (set) {
        mnl_attr_put_strz(header, NFTA_SET_ELEM_LIST_TABLE, set->table);
        mnl_attr_put_strz(header, NFTA_SET_ELEM_LIST_SET, set->name);
    }
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

static gboolean read_parts(const GPtrArray *parts, guint16 message, mnl_cb_t each, void *data)
{
    int more = MNL_CB_STOP;

    for (guint i = 0; i < parts->len && more != MNL_CB_ERROR; i++) {
        gsize length;
        gconstpointer bytes = g_bytes_get_data(parts->pdata[i], &length);

        more = mnl_cb_run(bytes, length, message + 1, 0, each, data);
    }
    return more == MNL_CB_STOP;
}

/* Elements that cannot be had (the set went meanwhile) leave their set empty: it is not known. */
static void ask_elements(struct mnl_socket *socket, struct kernel_rules *kernel)
{
    g_autoptr(GHashTable) sets = sets_new();
    GHashTableIter iterator;
    gpointer set;

    read_parts(kernel->sets, NFT_MSG_GETSET, on_set, sets);
    g_hash_table_iter_init(&iterator, sets);
    while (g_hash_table_iter_next(&iterator, NULL, &set)) {
        guint before = kernel->elements->len;

        if (!dump(socket, NFT_MSG_GETSETELEM, set, kernel->elements))
            g_ptr_array_set_size(kernel->elements, before);
    }
}

static gpointer ask(struct host *host)
{
    struct kernel_rules *kernel = g_new0(struct kernel_rules, 1);
    struct mnl_socket *socket = mnl_socket_open(NETLINK_NETFILTER);
    GPtrArray **lists[] = { &kernel->chains, &kernel->sets, &kernel->elements, &kernel->rules };

    for (guint i = 0; i < G_N_ELEMENTS(lists); i++)
        *lists[i] = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    errno = 0;
    kernel->complete = socket && mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) == 0 &&
                       dump(socket, NFT_MSG_GETCHAIN, NULL, kernel->chains) &&
                       dump(socket, NFT_MSG_GETRULE, NULL, kernel->rules);
    if (!kernel->complete)
        kernel->reason = errno == EPERM || errno == EACCES ? REASON_NEEDS_ROOT : REASON_ABSENT;
    else if (dump(socket, NFT_MSG_GETSET, NULL, kernel->sets))
        ask_elements(socket, kernel);
    else
        g_ptr_array_set_size(kernel->sets, 0);
    if (socket)
        mnl_socket_close(socket);
    return kernel;
}

static void forget(gpointer fact)
{
    struct kernel_rules *kernel = fact;

    g_ptr_array_unref(kernel->chains);
    g_ptr_array_unref(kernel->sets);
    g_ptr_array_unref(kernel->elements);
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

static GHashTable *read_sets(const struct kernel_rules *kernel)
{
    GHashTable *sets = sets_new();
    GHashTableIter iterator;
    gpointer set;

    read_parts(kernel->sets, NFT_MSG_GETSET, on_set, sets);
    read_parts(kernel->elements, NFT_MSG_GETSETELEM, on_elements, sets);
    g_hash_table_iter_init(&iterator, sets);
    while (g_hash_table_iter_next(&iterator, NULL, &set))
        g_array_sort(((struct set *)set)->elements, compare_elements);
    return sets;
}

gboolean firewall_read_kernel(struct host *host, GPtrArray *chains, enum reason *reason)
{
    const struct kernel_rules *kernel = kernel_rules(host);
    g_autoptr(GHashTable) sets = read_sets(kernel);
    struct reading reading = { .chains = chains, .sets = sets };

    if (kernel->complete && read_parts(kernel->chains, NFT_MSG_GETCHAIN, on_chain, &reading) &&
        read_parts(kernel->rules, NFT_MSG_GETRULE, on_rule, &reading))
        return TRUE;
    *reason = kernel->complete ? REASON_ABSENT : kernel->reason;
    return FALSE;
}
