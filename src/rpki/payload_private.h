/*
 * payload_private.h: between the parsers of files (payload_json.c, payload_text.c), which run in a
 * worker, and who gathers what they find (payload.c).
 *
 * A parser fills a record and puts it; payload_put.c checks it and makes messages of it:
 *
 *     ANCHOR        a name; the first is number 1, as VRPs have it
 *     VRPS          struct vrp, many
 *     ASPA          guint32: customer, when it expires, providers
 *     VRP_FILTER    struct payload_filter
 *     ASPA_FILTER   guint32: customer
 *     VRP_ASSERTION, ASPA_ASSERTION as VRPS and ASPA
 *     END           struct payload_end
 *     REFUSED       why, in words
 */
#pragma once
#include "rpki/payload.h"

enum payload_message {
    PAYLOAD_ANCHOR = 1,
    PAYLOAD_VRPS,
    PAYLOAD_ASPA,
    PAYLOAD_VRP_FILTER,
    PAYLOAD_ASPA_FILTER,
    PAYLOAD_VRP_ASSERTION,
    PAYLOAD_ASPA_ASSERTION,
    PAYLOAD_END,
    PAYLOAD_REFUSED,
};

struct payload_filter {
    struct ip_prefix prefix; /* family 0: any */
    guint32 asn;
    gboolean has_asn;
};

struct payload_end {
    enum payload_form form;
    gint64 built_us;
    guint64 router_keys, expired;
};

#define PAYLOAD_BATCH 2048u
#define PAYLOAD_PROVIDERS_MAX 65536u /* of one customer */
#define PAYLOAD_TEXT_MAX 256u        /* bytes of a name, a prefix, a number */

typedef gboolean (*payload_send)(gpointer to, guint8 kind, gconstpointer body, gsize length);

/* Where a parser puts. */
struct payload_out {
    payload_send send;
    gpointer to;
    gint64 now_s;
    struct payload_end end;
    struct vrp batch[PAYLOAD_BATCH];
    guint batched;
    GPtrArray *anchors; /* names; number 1 is the first */
};
struct payload_out *payload_out_new(payload_send send, gpointer to, gint64 now_us);
void payload_out_free(struct payload_out *out);
typedef struct payload_out payload_out_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(payload_out_t, payload_out_free)

/* One thing of a file, as its members come. */
struct payload_record {
    struct ip_prefix prefix; /* family 0: not said */
    gboolean has_asn, has_max_length, has_customer;
    guint32 asn, max_length, customer;
    GArray *providers; /* guint32 */
    gint64 expires_s;  /* 0: not said */
    char anchor[PAYLOAD_TEXT_MAX];
};
void payload_record_init(struct payload_record *record);
void payload_record_reset(struct payload_record *record);
void payload_record_clear(struct payload_record *record);

/* Members, as texts: "AS64500" or "64500"; "10.0.0.0/16"; Unix seconds or "2026-01-31 12:00:00". */
gboolean payload_read_asn(const char *text, guint32 *asn, GError **error);
gboolean payload_read_number(const char *text, guint32 *number, GError **error);
gboolean payload_read_time(const char *text, gint64 *time_s, GError **error);
gboolean payload_add_provider(struct payload_record *record, guint32 asn, GError **error);

/* FALSE with `error`: not sound; without: who listens is gone. */
gboolean payload_put_vrp(struct payload_out *out, const struct payload_record *record,
                         GError **error);
gboolean payload_put_aspa(struct payload_out *out, const struct payload_record *record,
                          GError **error);
gboolean payload_put_vrp_filter(struct payload_out *out, const struct payload_record *record,
                                GError **error);
gboolean payload_put_aspa_filter(struct payload_out *out, const struct payload_record *record,
                                 GError **error);
gboolean payload_put_vrp_assertion(struct payload_out *out, const struct payload_record *record,
                                   GError **error);
gboolean payload_put_aspa_assertion(struct payload_out *out, const struct payload_record *record,
                                    GError **error);
gboolean payload_put_end(struct payload_out *out);

/* A parser: fed in pieces, then ended. */
struct payload_parser {
    gpointer (*begin)(struct payload_out *out);
    gboolean (*feed)(gpointer state, const char *bytes, gsize length, GError **error);
    gboolean (*finish)(gpointer state, GError **error);
    void (*end)(gpointer state);
};
extern const struct payload_parser payload_json, payload_text;
