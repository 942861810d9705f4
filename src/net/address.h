/*
 * address.h: which addresses a request may reach: only public ones, so that a name under others'
 * control cannot point us at this machine or its neighbours.
 */
#pragma once
#include <glib.h>
#include <sys/socket.h>

/*
 * Whether an address is globally reachable by the IANA special-purpose registries (RFC 6890): not
 * loopback, private, link-local, shared, documentation, benchmarking, multicast or reserved. An
 * IPv4 address inside an IPv6 one (mapped, NAT64, 6to4) is judged as itself. Other families: no.
 */
gboolean address_is_public(const struct sockaddr *address);

/* "192.0.2.1", "2001:db8::1", or "?". Owned by the caller. */
char *address_text(const struct sockaddr *address);
