#include "p7_hygiene/host/firewall.h"

#include <string.h>
#include <sys/socket.h>

struct firewall_chain *firewall_chain_new(const char *family, const char *table, const char *name)
{
    struct firewall_chain *chain = g_new0(struct firewall_chain, 1);

    chain->family = g_strdup(family);
    chain->table = g_strdup(table);
    chain->name = g_strdup(name);
    chain->policy = VERDICT_ACCEPT;
    chain->rules = g_array_new(FALSE, TRUE, sizeof(struct firewall_rule));
    return chain;
}

void firewall_chain_free(struct firewall_chain *chain)
{
    for (guint i = 0; i < chain->rules->len; i++)
        g_free(g_array_index(chain->rules, struct firewall_rule, i).target);
    g_array_unref(chain->rules);
    g_free(chain->family);
    g_free(chain->table);
    g_free(chain->name);
    g_free(chain->hook);
    g_free(chain->path);
    g_free(chain);
}

struct firewall_rule *firewall_add_rule(struct firewall_chain *chain)
{
    g_array_set_size(chain->rules, chain->rules->len + 1);
    return &g_array_index(chain->rules, struct firewall_rule, chain->rules->len - 1);
}

const struct firewall_chain *firewall_base(const struct firewall *firewall, const char *hook,
                                           int family)
{
    const char *own = family == AF_INET ? "ip" : "ip6";
    const struct firewall_chain *best = NULL;

    for (guint i = 0; i < firewall->chains->len; i++) {
        const struct firewall_chain *chain = firewall->chains->pdata[i];

        if (!chain->hook || !g_str_equal(chain->hook, hook) ||
            (!g_str_equal(chain->family, "inet") && !g_str_equal(chain->family, own)))
            continue;
        /* Of several, the strictest decides: a packet must pass them all. */
        if (!best || (best->policy == VERDICT_ACCEPT && chain->policy != VERDICT_ACCEPT))
            best = chain;
    }
    return best;
}

/* "KEY=value" of a shell-like file, without quotes; NULL when it is not set. */
static char *shell_value(const struct host_file *file, const char *key, guint *line)
{
    g_auto(GStrv) lines = file->text ? g_strsplit(file->text, "\n", -1) : NULL;
    char *found = NULL;

    for (guint i = 0; lines && lines[i]; i++) {
        char *text = g_strstrip(lines[i]);
        gsize length = strlen(key);

        if (strncmp(text, key, length) != 0 || text[length] != '=')
            continue;
        g_free(found);
        text += length + 1;
        if (*text == '"' || *text == '\'')
            text++;
        found = g_strndup(text, strcspn(text, "\"' \t#"));
        *line = i + 1;
    }
    return found;
}

/* ufw: enabled in ufw.conf, its policies in /etc/default/ufw, its rules in user.rules. */
static void read_ufw(struct host *host, GPtrArray *chains)
{
    static const struct {
        const char *key, *hook;
    } policies[] = {
        { "DEFAULT_INPUT_POLICY", "input" },
        { "DEFAULT_FORWARD_POLICY", "forward" },
        { "DEFAULT_OUTPUT_POLICY", "output" },
    };
    const struct host_file *defaults = host_read(host, "/etc/default/ufw");
    guint line = 0;
    g_autofree char *enabled = shell_value(host_read(host, "/etc/ufw/ufw.conf"), "ENABLED", &line);
    g_autofree char *ipv6 = shell_value(defaults, "IPV6", &line);

    if (!enabled || g_ascii_strcasecmp(enabled, "yes") != 0)
        return;
    for (guint i = 0; i < G_N_ELEMENTS(policies); i++) {
        g_autofree char *policy = shell_value(defaults, policies[i].key, &line);
        const char *family = ipv6 && g_ascii_strcasecmp(ipv6, "no") == 0 ? "ip" : "inet";
        struct firewall_chain *chain = firewall_chain_new(family, "ufw", policies[i].hook);

        chain->hook = g_strdup(policies[i].hook);
        chain->path = g_strdup(policy ? "/etc/default/ufw" : "/etc/ufw/ufw.conf");
        chain->line = line;
        if (policy && g_ascii_strcasecmp(policy, "DROP") == 0)
            chain->policy = VERDICT_DROP;
        else if (policy && g_ascii_strcasecmp(policy, "REJECT") == 0)
            chain->policy = VERDICT_REJECT;
        g_ptr_array_add(chains, chain);
    }
    /* before.rules holds loopback, state and invalid rules for everybody. */
    firewall_read_save(host_read(host, "/etc/ufw/before.rules"), "ip", chains);
    firewall_read_save(host_read(host, "/etc/ufw/user.rules"), "ip", chains);
}

static void read_files(struct host *host, struct firewall *firewall)
{
    static const char *const paths[] = { "/etc/nftables.conf", "/etc/iptables/rules.v4",
                                         "/etc/iptables/rules.v6" };
    const struct host_file *file;

    firewall->origin = FIREWALL_FILES;
    for (guint i = 0; i < G_N_ELEMENTS(paths); i++) {
        file = host_read(host, paths[i]);
        if (file->state != HOST_OK && file->state != HOST_ABSENT) {
            firewall->origin = FIREWALL_UNKNOWN;
            firewall->reason = file->state == HOST_DENIED ? REASON_NEEDS_ROOT : REASON_UNREADABLE;
        } else if (file->state == HOST_OK) {
            if (i == 0)
                firewall_read_nft(host, file, firewall->chains);
            else
                firewall_read_save(file, i == 1 ? "ip" : "ip6", firewall->chains);
        }
    }
    read_ufw(host, firewall->chains);
}

/* A kernel without nf_tables filters nothing, unless old ip_tables hold rules that we cannot read.
 */
static void read_running(struct host *host, struct firewall *firewall)
{
    const struct host_file *legacy = host_read(host, "/proc/net/ip_tables_names");
    gboolean read = firewall_read_kernel(host, firewall->chains, &firewall->reason);

    firewall->origin = FIREWALL_KERNEL;
    if (!read && firewall->reason == REASON_NEEDS_ROOT) {
        firewall->origin = FIREWALL_UNKNOWN;
    } else if (!read || !firewall->chains->len) {
        if (legacy->text && strstr(legacy->text, "filter")) {
            firewall->origin = FIREWALL_UNKNOWN;
            firewall->reason = REASON_UNSUPPORTED;
        }
    }
    if (firewall->origin == FIREWALL_UNKNOWN || !read)
        g_ptr_array_set_size(firewall->chains, 0);
}

static gpointer load(struct host *host)
{
    struct firewall *firewall = g_new0(struct firewall, 1);

    firewall->chains = g_ptr_array_new_with_free_func((GDestroyNotify)firewall_chain_free);
    if (host_is_live(host))
        read_running(host, firewall);
    else
        read_files(host, firewall);
    return firewall;
}

static void unload(gpointer fact)
{
    struct firewall *firewall = fact;

    g_ptr_array_unref(firewall->chains);
    g_free(firewall);
}

const struct firewall *firewall_get(struct host *host)
{
    static const struct fact_kind kind = { "firewall", load, unload };

    return host_fact(host, &kind);
}
