/* places.h: where a node finds what its services need in the data folder. */
#pragma once
#include "net/dns.h"
#include "net/http.h"
#include "node/node.h"
#include "register/community_policy.h"

/* DATA/NAME; freed by the caller. */
char *node_place(const struct node *node, const char *name);

/*
 * DATA/keys/NAME.key. NULL without an error when there is none. A passphrase comes from
 * ENTENTE_PASSPHRASE_FILE: nobody sits at a service's terminal.
 */
struct signing_key *node_key(const struct node *node, const char *name, GError **error);

/* DATA/community/policy.json. NULL without an error when this machine is in no community. */
struct community_policy *node_genesis(const struct node *node, GError **error);

/* How services talk to other nodes, and ask for names. */
struct http_options node_http_options(const struct node *node);
struct dns_options node_dns_options(const struct node *node);

/*
 * Loads the libraries of the network, for services that will talk: confinement allows no code to be
 * loaded later. In service.start.
 */
gboolean node_load_network(const struct node *node, GError **error);
