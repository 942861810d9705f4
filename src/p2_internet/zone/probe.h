/*
 * probe.h: the questions that every server of a zone, and of its parent, is asked directly.
 *
 * Each address gets one question at a time, at most VISITS_MAX addresses are asked at once, each
 * question is sent at most twice, and a server that answers neither by UDP nor by TCP is left
 * alone. Answers stay bytes here: of them only the id, the flags and the echoed question are
 * looked at. They are read in a worker (view.h).
 */
#pragma once
#include "net/dns_wire.h"

#include <sys/socket.h>

enum zone_probe {
    PROBE_SOA,
    PROBE_SOA_TCP,
    PROBE_SOA_EDNS,
    PROBE_NS,
    PROBE_DNSKEY,
    PROBE_DNSKEY_SMALL, /* into 512 bytes: truncated where signed */
    PROBE_EDNS_VERSION,
    PROBE_EDNS_OPTION,
    PROBE_EDNS_FLAG,
    PROBE_COOKIE,
    PROBE_CASE,
    PROBE_RANDOM, /* a name that is not there */
    PROBE_NODATA, /* a type that the apex has not */
    PROBE_AAAA,
    PROBE_NSEC3PARAM,
    PROBE_CDS,
    PROBE_CDNSKEY,
    PROBE_CSYNC,
    PROBE_CAA,
    PROBE_MX,
    PROBE_TXT,
    PROBE_WWW,
    PROBE_FOREIGN, /* with recursion desired */
    PROBE_VERSION,
    PROBE_IDENTITY, /* NSID (RFC 5001) */
    PROBE_AXFR,     /* its first message */
    PROBE_PARENT_NS,
    PROBE_PARENT_DS,
    PROBES,
};

struct zone_server {
    char *host; /* NS name, as text */
    struct sockaddr_storage address;
    gboolean of_parent;
};
void zone_server_clear(struct zone_server *server);
socklen_t zone_address_size(const struct sockaddr_storage *address);
/* From 4 or 16 bytes. */
void zone_address_set(struct sockaddr_storage *address, const guint8 *bytes, gsize length,
                      guint16 port);
#define DNS_PORT 53
/* "ADDRESS", "ADDRESS:PORT", "[ADDRESS]:PORT". ENTENTE_ERROR_INPUT. */
gboolean zone_address_parse(const char *text, guint16 port, struct sockaddr_storage *address,
                            GError **error);

/* The names asked for; `random` is another one in every run. */
struct zone_names {
    guint8 apex[DNS_NAME_MAX], mixed[DNS_NAME_MAX], random[DNS_NAME_MAX], www[DNS_NAME_MAX];
    guint8 foreign[DNS_NAME_MAX], version[DNS_NAME_MAX];
    guint8 cookie[8];
};
/* FALSE: the name leaves no room for a label before it. */
gboolean zone_names_set(struct zone_names *names, const guint8 *apex);

enum zone_transport { TRANSPORT_UDP, TRANSPORT_TCP };

/* The failure of a server that was asked at one address and answers from another (PROBE_SOA). */
#define ZONE_OTHER_SOURCE "the answer comes from another address"

/* What came of one question. */
struct zone_reply {
    guint server;
    enum zone_probe probe;
    enum zone_transport transport; /* of `bytes` */
    gboolean truncated;            /* by UDP first, then asked by TCP */
    gint64 took_us;
    GBytes *bytes;       /* NULL: no answer */
    const char *failure; /* static; NULL when there is an answer */
};
void zone_reply_clear(struct zone_reply *reply);

struct ask_options {
    gint64 try_us;   /* to wait for one answer; 0: 2 s */
    gint64 limit_us; /* for all; 0: 90 s */
    guint64 probes;  /* bits 1 << enum zone_probe; 0: all */
};

/* Asks all servers; gives struct zone_reply. ENTENTE_ERROR_SYSTEM: no sockets. */
GArray *zone_ask(const struct zone_server *servers, guint count, const struct zone_names *names,
                 const struct ask_options *options, GError **error);

/*
 * A connected TCP socket on which the transfer of `zone` was asked for; the caller closes it. -1
 * and ENTENTE_ERROR_SYSTEM.
 */
int zone_transfer_start(const struct sockaddr_storage *address, const guint8 *zone, gint64 limit_us,
                        GError **error);
