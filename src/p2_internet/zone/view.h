/*
 * view.h: everything that checks may look at: the answers of all servers, parsed, beside what a
 * resolver says. Made and judged in a worker, since the answers are others' bytes.
 */
#pragma once
#include "base/json.h"
#include "p2_internet/zone/check.h"
#include "p2_internet/zone/dnssec.h"
#include "p2_internet/zone/past.h"
#include "p2_internet/zone/resolve.h"

/* What the parent process knows; inherited by the worker. Everything is borrowed. */
struct zone_input {
    const struct zone_names *names;
    const struct zone_server *servers;
    guint n_servers;
    const GArray *replies;   /* struct zone_reply */
    const GPtrArray *hosts;  /* struct zone_host: of NS records, by the parent or the zone */
    const GPtrArray *mail;   /* of MX records */
    const GPtrArray *origin; /* MNAME: one, or none */
    const GPtrArray *www;
    const GPtrArray *reverse, *mail_reverse; /* struct zone_reverse; NULL: not looked for */
    const GArray *networks;                  /* struct zone_network of each server; or NULL */
    const struct zone_past *past;            /* or NULL */
    const GArray *verdicts;                  /* struct zone_verdict */
    const struct dnssec_library *library;
    gint64 now_s;
    gint64 horizon_s; /* signatures are to be good for so long */
    gboolean allow_private;
};

struct zone_view {
    const struct zone_input *in;
    struct dns_packet **packets; /* by server * PROBES + probe; NULL: no answer, or malformed */
    const struct zone_reply **replies;
    char **malformed;                /* why the answer could not be read; else NULL */
    GPtrArray *keys;                 /* DNSKEY records of all servers, each once */
    GPtrArray *ds;                   /* DS records that the parent's servers give */
    GPtrArray *parent_ns, *child_ns; /* NS records: of referrals; of the zone's servers */
    gboolean ds_seen;                /* the parent answered whether there are DS records */
    json_t *problems;                /* of the check that runs */
    enum severity level;
};
struct zone_view *zone_view_new(const struct zone_input *input);
void zone_view_free(struct zone_view *view);
typedef struct zone_view zone_view_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(zone_view_t, zone_view_free)

/* All checks: { ID: { "outcome", "problems": [ { "server": index or -1, "level", "text" } ] } } */
json_t *zone_view_judge(struct zone_view *view);
/* All keys: past.h. */
json_t *zone_view_keys(const struct zone_view *view);
/* Of each server, what its answers say: [ { "serial"?, "identity"?, "keys" } ]. */
json_t *zone_view_servers(const struct zone_view *view);

#define ZONE_NO_SERVER -1

/* What is wrong, at the check's own severity or at `level`. */
void zone_problem(struct zone_view *view, int server, const char *format, ...) G_GNUC_PRINTF(3, 4);
void zone_problem_at(struct zone_view *view, enum severity level, int server, const char *format,
                     ...) G_GNUC_PRINTF(4, 5);

/* NULL: no answer that can be read. */
const struct dns_packet *zone_packet(const struct zone_view *view, guint server,
                                     enum zone_probe probe);
/* The same where it is an authoritative answer without error. */
const struct dns_packet *zone_answer(const struct zone_view *view, guint server,
                                     enum zone_probe probe);
const struct zone_reply *zone_reply_of(const struct zone_view *view, guint server,
                                       enum zone_probe probe);

/* The records of one owner and type in a section; `owner` NULL: any. Borrowed records. */
GPtrArray *zone_rrset(const struct dns_packet *packet, enum dns_section section,
                      const guint8 *owner, guint16 type);
/* RRSIG records there that cover `type`. */
GPtrArray *zone_signatures(const struct dns_packet *packet, enum dns_section section,
                           const guint8 *owner, guint16 type);
const struct dns_record *zone_soa(const struct dns_packet *packet, const guint8 *apex);

/* Whether the two hold the same data, whatever the order and TTL. */
gboolean zone_same_records(const GPtrArray *a, const GPtrArray *b);
gboolean zone_has_record(const GPtrArray *records, const struct dns_record *record);
gboolean zone_is_signed(const struct zone_view *view);

/* Servers of the zone, not of its parent: `for (guint i = 0; zone_next(view, &i); i++)`. */
gboolean zone_next(const struct zone_view *view, guint *server);

/* "ns1.example. (192.0.2.1)". Owned by the caller. */
char *zone_server_text(const struct zone_server *server);

/* Compares what servers answer to one question: a problem for each that differs from the first
 * one. ZONE_NOT_SEEN: no server answers; `any` is set when one has such a record. */
enum zone_outcome zone_compare(struct zone_view *view, enum zone_probe probe, guint16 type,
                               gboolean *any);
