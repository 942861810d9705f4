/*
 * Reading rule files: nft scripts (nft(8)) and iptables-save output.
 *
 * An nft script is read as tokens: words, strings, and the signs { } ; and line ends. Only the
 * shape matters here: tables hold chains, chains hold a `type ... hook ...` line, a policy and
 * rules; whatever else there is (sets, maps, counters) is stepped over by its braces.
 */
#include "p7_hygiene/host/firewall.h"

#include <stdlib.h>
#include <string.h>

#define INCLUDE_DEPTH 8
#define MAX_RULES 20000

struct token {
    char *text;
    guint line;
};

static void token_clear(gpointer data)
{
    g_free(((struct token *)data)->text);
}

static void add_token(GArray *tokens, const char *text, gsize length, guint line)
{
    struct token token = { g_strndup(text, length), line };

    g_array_append_val(tokens, token);
}

static GArray *split(const struct host_file *file)
{
    GArray *tokens = g_array_new(FALSE, TRUE, sizeof(struct token));
    const char *at = file->text;
    guint line = 1;

    g_array_set_clear_func(tokens, token_clear);
    while (*at) {
        gsize length;

        if (*at == '#') {
            at += strcspn(at, "\n");
        } else if (*at == '\\' && at[1] == '\n') {
            line++;
            at += 2;
        } else if (*at == '\n') {
            add_token(tokens, ";", 1, line++);
            at++;
        } else if (strchr("{};,", *at)) {
            add_token(tokens, at++, 1, line);
        } else if (g_ascii_isspace(*at)) {
            at++;
        } else if (*at == '"') {
            length = strcspn(at + 1, "\"\n");
            add_token(tokens, at + 1, length, line);
            at += 1 + length + (at[1 + length] == '"');
        } else {
            length = strcspn(at, " \t\r\n{};,\"");
            add_token(tokens, at, length, line);
            at += length;
        }
    }
    return tokens;
}

static const char *word(const GArray *tokens, guint i)
{
    return i < tokens->len ? g_array_index(tokens, struct token, i).text : "";
}

static gboolean is_word(const GArray *tokens, guint i, const char *text)
{
    return g_str_equal(word(tokens, i), text);
}

/* The index after the block that opens at `open` ("{"). */
static guint after_block(const GArray *tokens, guint open)
{
    guint depth = 0;

    for (guint i = open; i < tokens->len; i++) {
        if (is_word(tokens, i, "{"))
            depth++;
        else if (is_word(tokens, i, "}") && --depth == 0)
            return i + 1;
    }
    return tokens->len;
}

static const struct {
    const char *name;
    guint number;
} protocols[] = { { "tcp", 6 }, { "udp", 17 }, { "sctp", 132 }, { "dccp", 33 } };

static const struct {
    const char *name;
    guint bit;
} states[] = {
    { "invalid", STATE_INVALID },
    { "established", STATE_ESTABLISHED },
    { "related", STATE_RELATED },
    { "new", STATE_NEW },
};

static const struct {
    const char *name;
    guint port;
} services[] = { { "ssh", 22 },   { "http", 80 },  { "https", 443 },      { "domain", 53 },
                 { "smtp", 25 },  { "ntp", 123 },  { "submission", 587 }, { "imaps", 993 },
                 { "snmp", 161 }, { "telnet", 23 } };

static guint port_number(const char *text)
{
    for (guint i = 0; i < G_N_ELEMENTS(services); i++)
        if (g_str_equal(services[i].name, text))
            return services[i].port;
    return g_ascii_isdigit(*text) ? MIN(strtoul(text, NULL, 10), 65535) : 0;
}

/* One port or "1024-65535"; FALSE for what is not (a set name). */
static gboolean read_ports(const char *text, struct firewall_rule *rule)
{
    const char *dash = strchr(text, '-');
    g_autofree char *from = g_strndup(text, dash ? (gsize)(dash - text) : strlen(text));

    rule->port_from = port_number(from);
    rule->port_to = dash ? port_number(dash + 1) : rule->port_from;
    return rule->port_from != 0 && rule->port_to >= rule->port_from;
}

static void set_verdict(struct firewall_rule *rule, const char *text, const char *next)
{
    if (g_str_equal(text, "accept") || g_str_equal(text, "ACCEPT"))
        rule->verdict = VERDICT_ACCEPT;
    else if (g_str_equal(text, "drop") || g_str_equal(text, "DROP"))
        rule->verdict = VERDICT_DROP;
    else if (g_str_equal(text, "reject") || g_str_equal(text, "REJECT"))
        rule->verdict = VERDICT_REJECT;
    else if (g_str_equal(text, "jump") || g_str_equal(text, "goto")) {
        rule->verdict = VERDICT_JUMP;
        g_free(rule->target);
        rule->target = g_strdup(next);
    }
}

static guint state_bit(const char *text)
{
    for (guint i = 0; i < G_N_ELEMENTS(states); i++)
        if (g_str_equal(text, states[i].name))
            return states[i].bit;
    return 0;
}

/*
 * "ct state vmap { established : accept, invalid : drop }" and "iif vmap { lo : accept, ... }": a
 * rule of each element. `at` is the key's word before "vmap".
 */
static void read_map(const GArray *tokens, guint at, guint to, const struct firewall_rule *rule,
                     struct firewall_chain *chain)
{
    const char *key = word(tokens, at);

    for (guint i = at + 3 /* after "vmap" and "{" */; i < to && !is_word(tokens, i, "}"); i++) {
        const char *value = word(tokens, i), *colon = strchr(value, ':');
        g_autofree char *joined = colon ? g_strndup(value, colon - value) : NULL;
        struct firewall_rule one = *rule;
        const char *verdict, *target;

        /* "established : accept" is three words, "established:accept" one. */
        if ((!joined && !is_word(tokens, i + 1, ":")) || chain->rules->len >= MAX_RULES)
            continue;
        value = joined ? joined : value;
        verdict = joined ? colon + 1 : word(tokens, i + 2);
        target = word(tokens, i + (joined ? 1 : 3));
        i += joined ? 0 : 2;
        if (g_str_equal(key, "state"))
            one.ct_states |= state_bit(value);
        else if (g_str_equal(key, "dport"))
            one.port_set = !read_ports(value, &one);
        else if (g_str_equal(value, "lo"))
            one.loopback_in = TRUE;
        else
            one.narrow = TRUE;
        one.target = NULL;
        set_verdict(&one, verdict, target);
        *firewall_add_rule(chain) = one;
    }
}

static gboolean is_map_key(const GArray *tokens, guint i)
{
    static const char *const keys[] = { "state", "dport", "iif", "iifname", NULL };

    return g_strv_contains(keys, word(tokens, i)) && is_word(tokens, i + 1, "vmap") &&
           is_word(tokens, i + 2, "{");
}

/*
 * One rule, tokens [from, to). A rule with several ports ("dport { 22, 80 }") becomes one rule a
 * port, so that each hole is seen.
 */
static void read_rule(const GArray *tokens, guint from, guint to, struct firewall_chain *chain)
{
    g_autoptr(GArray) ports = g_array_new(FALSE, TRUE, sizeof(struct firewall_rule));
    struct firewall_rule rule = { .line = g_array_index(tokens, struct token, from).line };

    for (guint i = from; i < to; i++) {
        const char *text = word(tokens, i);
        gboolean negated = i + 1 < to && is_word(tokens, i + 1, "!=");
        const char *value = i + 1 < to ? word(tokens, i + 1 + (negated ? 1 : 0)) : "";

        if (is_map_key(tokens, i)) {
            read_map(tokens, i, to, &rule, chain);
            return;
        }
        if (g_str_equal(text, "iif") || g_str_equal(text, "iifname")) {
            rule.loopback_in = g_str_equal(value, "lo") && !negated;
            rule.not_loopback_in = g_str_equal(value, "lo") && negated;
            rule.narrow |= !g_str_equal(value, "lo");
            i += negated ? 2 : 1;
        } else if (g_str_equal(text, "saddr")) {
            rule.loopback_source =
                g_str_has_prefix(value, "127.") || g_str_has_prefix(value, "::1");
            rule.narrow |= !rule.loopback_source;
        } else if (g_str_equal(text, "state")) {
            for (guint j = i + 1; j < to && !is_word(tokens, j, "}"); j++)
                rule.ct_states |= state_bit(word(tokens, j));
        } else if (g_str_equal(text, "dport")) {
            gboolean block = g_str_equal(value, "{");
            guint j = i + 1 + (negated ? 1 : 0);

            rule.narrow |= negated;
            for (j += block; j < to && !is_word(tokens, j, "}"); j++) {
                struct firewall_rule one = { 0 };

                if (is_word(tokens, j, ","))
                    continue;
                if (read_ports(word(tokens, j), &one))
                    g_array_append_val(ports, one);
                else
                    rule.port_set = TRUE;
                if (!block)
                    break;
            }
            i = j;
        } else if (g_str_equal(text, "comment") || g_str_equal(text, "prefix")) {
            i++; /* free text */
        } else if (g_str_equal(text, "reject")) {
            rule.verdict = VERDICT_REJECT;
            break; /* "with icmp type ..." says how, not what */
        } else if (g_str_equal(text, "vmap")) {
            rule.narrow = TRUE; /* a map by what read_map() does not know */
        } else {
            for (guint p = 0; p < G_N_ELEMENTS(protocols); p++)
                if (g_str_equal(text, protocols[p].name))
                    rule.protocol = protocols[p].number;
            if (g_str_equal(text, "sport") || g_str_equal(text, "daddr") ||
                g_str_equal(text, "icmp") || g_str_equal(text, "icmpv6") ||
                g_str_equal(text, "ipv6-icmp") || g_str_equal(text, "oif") ||
                g_str_equal(text, "oifname") || g_str_equal(text, "mark"))
                rule.narrow = TRUE;
            set_verdict(&rule, text, value);
        }
    }
    for (guint i = 0; i < MAX(ports->len, 1) && chain->rules->len < MAX_RULES; i++) {
        struct firewall_rule *added = firewall_add_rule(chain);

        *added = rule;
        added->target = g_strdup(rule.target);
        if (i < ports->len) {
            added->port_from = g_array_index(ports, struct firewall_rule, i).port_from;
            added->port_to = g_array_index(ports, struct firewall_rule, i).port_to;
        }
    }
    g_free(rule.target);
}

/* The body of a chain, tokens (open, close). */
static void read_chain(const GArray *tokens, guint open, guint close, struct firewall_chain *chain)
{
    for (guint from = open + 1; from < close;) {
        guint to = from, depth = 0;

        while (to < close && (depth || !is_word(tokens, to, ";"))) {
            depth += is_word(tokens, to, "{");
            depth -= is_word(tokens, to, "}") && depth;
            to++;
        }
        if (is_word(tokens, from, "type")) {
            for (guint i = from; i < to; i++) {
                if (is_word(tokens, i, "hook")) {
                    g_free(chain->hook);
                    chain->hook = g_strdup(word(tokens, i + 1));
                }
            }
        } else if (is_word(tokens, from, "policy")) {
            if (is_word(tokens, from + 1, "drop")) {
                chain->policy = VERDICT_DROP;
                chain->line = g_array_index(tokens, struct token, from).line;
            }
        } else if (to > from) {
            read_rule(tokens, from, to, chain);
        }
        from = to + 1;
    }
}

static struct firewall_chain *find_chain(GPtrArray *chains, const char *family, const char *table,
                                         const char *name)
{
    for (guint i = 0; i < chains->len; i++) {
        struct firewall_chain *chain = chains->pdata[i];

        if (g_str_equal(chain->family, family) && g_str_equal(chain->table, table) &&
            g_str_equal(chain->name, name))
            return chain;
    }
    return NULL;
}

static void read_table(const GArray *tokens, guint open, guint close, const char *family,
                       const char *table, const struct host_file *file, GPtrArray *chains)
{
    for (guint i = open + 1; i < close;) {
        if (is_word(tokens, i, "chain") && is_word(tokens, i + 2, "{")) {
            const char *name = word(tokens, i + 1);
            guint end = after_block(tokens, i + 2);
            struct firewall_chain *chain = find_chain(chains, family, table, name);

            if (!chain) {
                chain = firewall_chain_new(family, table, name);
                chain->path = g_strdup(file->path);
                chain->line = g_array_index(tokens, struct token, i).line;
                g_ptr_array_add(chains, chain);
            }
            read_chain(tokens, i + 2, end - 1, chain);
            i = end;
        } else if (is_word(tokens, i, "{")) {
            i = after_block(tokens, i);
        } else {
            i++;
        }
    }
}

static void read_script(struct host *host, const struct host_file *file, GPtrArray *chains,
                        guint depth)
{
    static const char *const families[] = { "inet", "ip", "ip6", "arp", "bridge", "netdev", NULL };
    g_autoptr(GArray) tokens = split(file);

    for (guint i = 0; i < tokens->len;) {
        if (is_word(tokens, i, "include") && depth < INCLUDE_DEPTH) {
            const char *pattern = word(tokens, i + 1);
            g_autofree char *absolute =
                *pattern == '/' ? g_strdup(pattern) : g_build_filename("/etc", pattern, NULL);
            g_auto(GStrv) paths = host_glob(host, absolute);

            for (char **path = paths; *path; path++) {
                const struct host_file *part = host_read(host, *path);

                if (part->state == HOST_OK)
                    read_script(host, part, chains, depth + 1);
            }
            i += 2;
        } else if (is_word(tokens, i, "flush") && is_word(tokens, i + 1, "ruleset")) {
            g_ptr_array_set_size(chains, 0);
            i += 2;
        } else if (is_word(tokens, i, "table") && (i == 0 || !is_word(tokens, i - 1, "delete"))) {
            gboolean named = g_strv_contains(families, word(tokens, i + 1));
            guint open = i + (named ? 3 : 2);

            if (!is_word(tokens, open, "{")) {
                i = open;
                continue;
            }
            read_table(tokens, open, after_block(tokens, open) - 1,
                       named ? word(tokens, i + 1) : "ip", word(tokens, open - 1), file, chains);
            i = after_block(tokens, open);
        } else {
            i++;
        }
    }
}

void firewall_read_nft(struct host *host, const struct host_file *file, GPtrArray *chains)
{
    read_script(host, file, chains, 0);
}

/* One "-A CHAIN ..." line of iptables-save. */
static void read_save_rule(char *const *words, guint line, struct firewall_chain *chain)
{
    struct firewall_rule *rule = firewall_add_rule(chain);
    gboolean negated = FALSE;

    rule->line = line;
    for (char *const *at = words; *at; at++) {
        const char *value = at[1] ? at[1] : "";

        if (g_str_equal(*at, "!")) {
            negated = TRUE;
            continue;
        }
        if (g_str_equal(*at, "-i")) {
            rule->loopback_in = g_str_equal(value, "lo") && !negated;
            rule->not_loopback_in = g_str_equal(value, "lo") && negated;
            rule->narrow |= !g_str_equal(value, "lo");
        } else if (g_str_equal(*at, "-s")) {
            rule->loopback_source =
                g_str_has_prefix(value, "127.") || g_str_has_prefix(value, "::1");
            rule->narrow |= !rule->loopback_source;
        } else if (g_str_equal(*at, "-p")) {
            for (guint p = 0; p < G_N_ELEMENTS(protocols); p++)
                if (g_str_equal(value, protocols[p].name))
                    rule->protocol = protocols[p].number;
            rule->narrow |= !rule->protocol && !g_str_equal(value, "all");
        } else if (g_str_equal(*at, "--dport")) {
            g_autofree char *range = g_strdelimit(g_strdup(value), ":", '-');

            rule->port_set = !read_ports(range, rule);
        } else if (g_str_equal(*at, "--dports")) {
            rule->port_set = TRUE;
        } else if (g_str_equal(*at, "--ctstate") || g_str_equal(*at, "--state")) {
            g_autofree char *lower = g_ascii_strdown(value, -1);
            g_auto(GStrv) names = g_strsplit(lower, ",", -1);

            for (guint s = 0; s < G_N_ELEMENTS(states); s++)
                if (g_strv_contains((const char *const *)names, states[s].name))
                    rule->ct_states |= states[s].bit;
        } else if (g_str_equal(*at, "-d") || g_str_equal(*at, "-o") ||
                   g_str_equal(*at, "--sport") || g_str_equal(*at, "--icmp-type")) {
            rule->narrow = TRUE;
        } else if (g_str_equal(*at, "-j") || g_str_equal(*at, "-g")) {
            set_verdict(rule, value, "");
            if (rule->verdict == VERDICT_NONE)
                set_verdict(rule, "jump", value);
        }
        negated = FALSE;
    }
}

void firewall_read_save(const struct host_file *file, const char *family, GPtrArray *chains)
{
    g_auto(GStrv) lines = file->text ? g_strsplit(file->text, "\n", MAX_RULES) : NULL;
    g_autofree char *table = g_strdup("filter");

    for (guint i = 0; lines && lines[i]; i++) {
        g_auto(GStrv) words = g_strsplit_set(g_strstrip(lines[i]), " \t", -1);
        struct firewall_chain *chain;

        if (!words[0])
            continue;
        if (lines[i][0] == '*') {
            g_free(table);
            table = g_strdup(lines[i] + 1);
        } else if (lines[i][0] == ':' && g_str_equal(table, "filter")) {
            chain = firewall_chain_new(family, table, words[0] + 1);
            if (g_str_equal(chain->name, "INPUT") || g_str_equal(chain->name, "FORWARD") ||
                g_str_equal(chain->name, "OUTPUT"))
                chain->hook = g_ascii_strdown(chain->name, -1);
            if (words[1] && g_str_equal(words[1], "DROP"))
                chain->policy = VERDICT_DROP;
            chain->path = g_strdup(file->path);
            chain->line = i + 1;
            g_ptr_array_add(chains, chain);
        } else if (g_str_equal(words[0], "-A") && words[1]) {
            chain = find_chain(chains, family, table, words[1]);
            if (chain)
                read_save_rule(words + 2, i + 1, chain);
        }
    }
}
