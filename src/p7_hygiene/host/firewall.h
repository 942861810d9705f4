/*
 * firewall.h: the packet filter of this host as one model, whichever way it was read.
 *
 * Live and as root: nf_tables over netlink (linux/netfilter/nf_tables.h), which also shows what
 * iptables-nft and ufw loaded. Otherwise what the next boot would load: /etc/nftables.conf with its
 * includes, /etc/iptables/rules.v4 and .v6 (iptables-save), ufw's configuration. A rule keeps only
 * what hygiene asks about; everything else in it makes it `narrow`.
 */
#pragma once
#include "p7_hygiene/host/host.h"

#include <glib.h>

enum firewall_verdict {
    VERDICT_NONE,
    VERDICT_ACCEPT,
    VERDICT_DROP,
    VERDICT_REJECT,
    VERDICT_JUMP, /* or goto: `target` */
};

struct firewall_rule {
    enum firewall_verdict verdict;
    char *target;         /* of a jump or goto */
    gboolean loopback_in; /* only packets that come in over lo */
    gboolean not_loopback_in;
    gboolean loopback_source; /* only sources 127.0.0.0/8 or ::1 */
    guint ct_states;          /* bits of enum firewall_state */
    guint8 protocol;          /* 6, 17, ... ; 0: any */
    guint port_from, port_to; /* destination ports; 0..0: any */
    gboolean port_set;        /* ports come from a set that was not read */
    gboolean narrow;          /* some other condition restricts it */
    guint line;               /* in `path` of the chain, or 0 */
};
enum firewall_state { STATE_INVALID = 1, STATE_ESTABLISHED = 2, STATE_RELATED = 4, STATE_NEW = 8 };

struct firewall_chain {
    char *family; /* "inet", "ip", "ip6", "bridge", "netdev", "arp" */
    char *table, *name;
    char *hook; /* "input", "forward", "output", ...; NULL: no base chain */
    enum firewall_verdict policy;
    char *path; /* of the file, or "nf_tables" */
    guint line;
    GArray *rules; /* of struct firewall_rule */
};

enum firewall_origin {
    FIREWALL_UNKNOWN, /* could not be read: `reason` */
    FIREWALL_KERNEL,  /* what filters now */
    FIREWALL_FILES,   /* what the next boot loads */
};

struct firewall {
    enum firewall_origin origin;
    enum reason reason;
    GPtrArray *chains; /* of struct firewall_chain */
};

/* The fact; never NULL. */
const struct firewall *firewall_get(struct host *host);

/* Readers; each adds to `chains`. The texts are NUL-terminated. */
void firewall_read_nft(struct host *host, const struct host_file *file, GPtrArray *chains);
void firewall_read_save(const struct host_file *file, const char *family, GPtrArray *chains);
/* FALSE with `reason` when nf_tables cannot be asked. */
gboolean firewall_read_kernel(struct host *host, GPtrArray *chains, enum reason *reason);

/* Asks the kernel now, with the capability that workers give up. */
void firewall_keep_kernel(struct host *host);

struct firewall_chain *firewall_chain_new(const char *family, const char *table, const char *name);
void firewall_chain_free(struct firewall_chain *chain);
struct firewall_rule *firewall_add_rule(struct firewall_chain *chain);

/* A base chain on `hook` that sees packets of `family` (AF_INET or AF_INET6); NULL when none. */
const struct firewall_chain *firewall_base(const struct firewall *firewall, const char *hook,
                                           int family);
