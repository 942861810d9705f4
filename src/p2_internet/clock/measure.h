/* measure.h: asks one source for the time: a few samples by NTP, protected by NTS where it is so.
 */
#pragma once
#include "p2_internet/clock/ntp.h"
#include "p2_internet/clock/nts_ke.h"
#include "p2_internet/clock/source.h"

struct measure_options {
    guint samples;          /* how many are wanted of a source */
    gint64 pause_us;        /* between two requests to one server */
    gint64 timeout_us;      /* for one answer; a key establishment may take twice that */
    const char *ca_file;    /* PEM; NULL: the system's */
    gboolean allow_private; /* a public NTS server may send us to an address that is not public */
};

/*
 * What was learned. `reason` is NULL when there is a sample; else the word for why there is none:
 * those of nts_ke_establish(), and "no-answer", "kiss", "unsynchronised", "unprotected", "forged",
 * "malformed", "redirect". Answers that do not belong to a request are only counted.
 */
struct measured {
    const char *reason;
    char *problem; /* the same as a sentence */
    char *address; /* of the server that was asked last; or NULL */
    guint sent, received, not_ours, forged, malformed;
    char kiss[5]; /* the last kiss code; "" */
    gboolean authenticated;
    char *redirect; /* where an NTS server sent us: "HOST:PORT"; NULL: nowhere else */
    struct nts_certificate certificate;
    /* of the sample with the least delay */
    struct ntp_header header;
    gint64 offset_us; /* what this machine's clock lacks */
    gint64 delay_us, jitter_us;
    gint64 distance_us; /* the true offset lies within offset +- distance (RFC 5905 section 11.2) */
};
void measured_clear(struct measured *measured);

/* Never fails: what went wrong is in `measured`. In a thread that does not take SIGPIPE. */
void measure(const struct clock_source *source, const struct measure_options *options,
             struct measured *measured);
