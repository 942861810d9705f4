/*
 * payload.h: files of what an RPKI validator found true, in every form that is about, recognised by
 * what is in them; and local exceptions to it (SLURM, RFC 8416).
 *
 *     JSON     rpki-client, Routinator (json, jsonext), StayRTR; ASPAs under each of their names;
 *              SLURM versions 1 and 2
 *     CSV      Routinator (csv, csvcompat, csvext), rpki-client
 *     OpenBGPD roa-set and aspa-set
 *     BIRD     roa and route statements, also of ASPAs
 *
 * Files, also packed ones, are parsed in a confined worker, in pieces: none is held. What has
 * expired is dropped and counted. What is refused is refused with its place, line or byte.
 */
#pragma once
#include "rpki/aspa.h"
#include "rpki/vrp.h"

enum payload_form {
    PAYLOAD_RPKI_CLIENT,
    PAYLOAD_ROUTINATOR,
    PAYLOAD_CSV,
    PAYLOAD_OPENBGPD,
    PAYLOAD_BIRD,
    PAYLOAD_SLURM,
    PAYLOAD_FORMS
};
const char *payload_form_name(enum payload_form form); /* "rpki-client JSON" */

#define PAYLOAD_STALE_S (G_GINT64_CONSTANT(24) * 3600) /* a file built longer ago is stale */

/* One file that was read. */
struct payload_file {
    char *name;
    enum payload_form form;
    gint64 built_us; /* 0: it does not say */
    gboolean is_stale;
    guint64 vrps, aspas, router_keys; /* in it, without those that expired */
    guint64 expired;
};

/* Several files, read one after the other, are one. */
struct payload;
struct payload *payload_new(gint64 now_us);
void payload_free(struct payload *payload);
typedef struct payload payload_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(payload_t, payload_free)

/* In a worker, so in a process with a single thread. "-" is standard input. */
gboolean payload_read(struct payload *payload, const char *path, GError **error);

/* The same of bytes, in this process: for who is confined already, and for tests. */
gboolean payload_take(struct payload *payload, const void *bytes, gsize length, const char *name,
                      GError **error);

/* What came by another way (rtr.h); either may be NULL. */
void payload_add(struct payload *payload, const struct vrp_set *vrps, const struct aspa_set *aspas);

/*
 * Ends the reading: filters of SLURM take out, then its assertions come in (RFC 8416 section 3.4).
 * Only then are there sets.
 */
void payload_finish(struct payload *payload);
struct vrp_set *payload_vrps(struct payload *payload);   /* borrowed */
struct aspa_set *payload_aspas(struct payload *payload); /* borrowed */

/* Of struct payload_file, in the order of their reading. Borrowed. */
const GPtrArray *payload_files(const struct payload *payload);
/* How many SLURM filtered out and added, of either kind; after payload_finish(). */
guint64 payload_filtered(const struct payload *payload);
guint64 payload_asserted(const struct payload *payload);
