/*
 * firewall_netlink.h: what the two halves of the nf_tables reader share: attributes of messages,
 * sets, and the way from a rule's expressions to rules of the model. Private to them.
 */
#pragma once
#include "p7_hygiene/host/firewall.h"

#include <libmnl/libmnl.h>

#define FIREWALL_MAX_RULES 100000
#define FIREWALL_KEY_MAX                                                                           \
    16 /* bytes of a set's key: an interface name (IFNAMSIZ), an IPv6 address */

struct element {
    guint8 key[FIREWALL_KEY_MAX];
    gsize length;
    gboolean ends;                 /* the first key after an interval */
    enum firewall_verdict verdict; /* of a verdict map */
    char *target;                  /* of a jump */
};

struct set {
    guint8 family;
    char *table, *name;
    gboolean intervals, maps;
    GArray *elements; /* of struct element, by key */
};

/* The key of a table of sets: "FAMILY TABLE NAME". */
char *firewall_set_key(const char *family, const char *table, const char *name);

/* Attributes of one level, by type; types beyond `count` are passed over. */
void firewall_attributes(const struct nlmsghdr *header, gsize skip, const struct nlattr **table,
                         guint count);
void firewall_nested(const struct nlattr *nest, const struct nlattr **table, guint count);
/* A NUL-terminated string attribute, or "". */
const char *firewall_text(const struct nlattr *attribute);
/* A 32-bit number, or 0. */
guint32 firewall_number(const struct nlattr *attribute);
/* The bytes in a data attribute, or NULL. */
const struct nlattr *firewall_value(const struct nlattr *data);
/* The verdict in a data attribute; FALSE when it holds none that matters. `target` is borrowed. */
gboolean firewall_verdict(const struct nlattr *data, enum firewall_verdict *kind,
                          const char **target);

/*
 * Adds the rules that a rule's expressions come to: one, or one for each element of the sets that
 * it looks up. `rules` counts those of all chains; FALSE when there are too many.
 */
gboolean firewall_follow(struct firewall_chain *chain, GHashTable *sets, const struct nlattr *nest,
                         guint *rules);
