#include "p2_internet/clock/measure.h"

#include "base/clock.h"
#include "base/error.h"
#include "p2_internet/clock/reach.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <sodium.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define KE_TRIES 2    /* a server that lost its cookies' key is asked for new ones once */
#define KE_PATIENCE 2 /* in answers' timeouts */
#define DRIFT_PPM 15  /* what a clock may gain while it is measured (RFC 5905: PHI) */
#define PRECISION_FLOOR_US 10
#define MILLION 1000000

struct sample {
    gint64 offset_us, delay_us;
    struct ntp_header header;
};

struct asking {
    const struct clock_source *source;
    const struct measure_options *options;
    struct measured *out;
    struct reach reach;
    struct siv *siv;             /* NULL: plain NTP */
    struct nts_session *session; /* of NTS */
    GArray *samples;             /* struct sample */
    gboolean nak;                /* the server does not know our cookies any more */
};

void measured_clear(struct measured *measured)
{
    g_clear_pointer(&measured->problem, g_free);
    g_clear_pointer(&measured->address, g_free);
    g_clear_pointer(&measured->redirect, g_free);
    nts_certificate_clear(&measured->certificate);
}

/* Keeps the first reason that is told; `text` is taken over. */
static void complain(struct measured *out, const char *reason, char *text)
{
    if (out->reason) {
        g_free(text);
        return;
    }
    out->reason = reason;
    out->problem = text;
}

/* ---- one request ---- */

struct request {
    guint64 stamp;
    guint8 unique[NTS_UNIQUE];
    gint64 sent_us;
};

static gboolean send_request(struct asking *asking, struct request *request)
{
    g_autoptr(GByteArray) packet = g_byte_array_new();
    guint8 header[NTP_HEADER];
    ssize_t sent;

    randombytes_buf(&request->stamp, sizeof request->stamp);
    ntp_request(request->stamp, header);
    g_byte_array_append(packet, header, sizeof header);
    if (asking->siv) {
        GPtrArray *cookies = asking->session->answer.cookies;
        g_autoptr(GBytes) cookie = g_ptr_array_steal_index(cookies, cookies->len - 1);

        randombytes_buf(request->unique, sizeof request->unique);
        nts_protect(asking->siv, &asking->session->keys, request->unique, cookie, packet);
    }
    request->sent_us = clock_now_us();
    sent = send(asking->reach.fd, packet->data, packet->len, MSG_NOSIGNAL);
    asking->out->sent++;
    return sent == (ssize_t)packet->len;
}

/* When the kernel got it: what this process was doing then does not count as delay. */
static gint64 arrival_us(struct msghdr *message)
{
    for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part; part = CMSG_NXTHDR(message, part)) {
        struct timespec time;

        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_TIMESTAMPNS)
            continue;
        memcpy(&time, CMSG_DATA(part), sizeof time);
        return (gint64)time.tv_sec * G_USEC_PER_SEC + time.tv_nsec / 1000;
    }
    return clock_now_us();
}

static gssize receive(int fd, guint8 *packet, gint64 *arrived_us)
{
    char control[CMSG_SPACE(sizeof(struct timespec))];
    struct iovec vector = { packet, NTP_PACKET_MAX };
    struct msghdr message = {
        .msg_iov = &vector,
        .msg_iovlen = 1,
        .msg_control = control,
        .msg_controllen = sizeof control,
    };
    gssize size = recvmsg(fd, &message, 0);

    *arrived_us = arrival_us(&message);
    return size;
}

/* Whether the packet is one to go by: with NTS, only what the authenticator covers is. */
static gboolean is_protected(struct asking *asking, const struct request *request,
                             const guint8 *packet, gsize size, gboolean kiss)
{
    g_autoptr(GError) problem = NULL;

    if (!asking->siv)
        return TRUE;
    switch (nts_verify(asking->siv, &asking->session->keys, request->unique, packet, size,
                       asking->session->answer.cookies, &problem)) {
    case NTS_GOOD:
        return TRUE;
    case NTS_NOT_OURS:
        asking->out->not_ours++;
        break;
    case NTS_UNPROTECTED:
        asking->nak |= kiss;
        asking->out->forged += !kiss;
        break;
    case NTS_FORGED:
        asking->out->forged++;
        break;
    case NTS_MALFORMED:
        asking->out->malformed++;
        break;
    }
    return FALSE;
}

static void add_sample(struct asking *asking, const struct ntp_header *header, gint64 sent_us,
                       gint64 arrived_us)
{
    const gint64 receive_us = ntp_time_us(header->receive, sent_us);
    const gint64 transmit_us = ntp_time_us(header->transmit, sent_us);
    const struct sample sample = {
        .offset_us = ((receive_us - sent_us) + (transmit_us - arrived_us)) / 2,
        .delay_us = MAX((arrived_us - sent_us) - (transmit_us - receive_us), 0),
        .header = *header,
    };

    g_array_append_val(asking->samples, sample);
}

/* TRUE: this was the answer, good or bad; wait no more. */
static gboolean take(struct asking *asking, const struct request *request, const guint8 *packet,
                     gsize size, gint64 arrived_us)
{
    struct measured *out = asking->out;
    struct ntp_header header;
    enum ntp_verdict verdict;

    if (!ntp_header_parse(packet, size, &header, NULL)) {
        out->malformed++;
        return FALSE;
    }
    verdict = ntp_judge(&header, request->stamp);
    if (verdict == NTP_NOT_OURS) {
        out->not_ours++;
        return FALSE;
    }
    if (!is_protected(asking, request, packet, size, verdict == NTP_KISS))
        return FALSE;
    out->received++;
    if (verdict == NTP_KISS) {
        ntp_kiss_code(&header, out->kiss);
        complain(out, "kiss", g_strdup_printf("the server refuses: %s", out->kiss));
    } else if (verdict == NTP_UNSYNCHRONISED) {
        complain(out, "unsynchronised", g_strdup("the server has no time itself"));
    } else if (verdict == NTP_MALFORMED) {
        out->malformed++;
        complain(out, "malformed", g_strdup("its times cannot be"));
    } else {
        add_sample(asking, &header, request->sent_us, arrived_us);
    }
    return TRUE;
}

/* FALSE: the server is to be asked no more. */
static gboolean ask_once(struct asking *asking)
{
    const gint64 deadline_us = g_get_monotonic_time() + asking->options->timeout_us;
    guint8 packet[NTP_PACKET_MAX];
    struct request request;
    gint64 arrived_us;

    if (!send_request(asking, &request))
        return FALSE;
    while (reach_wait(asking->reach.fd, POLLIN, deadline_us)) {
        const gssize size = receive(asking->reach.fd, packet, &arrived_us);

        if (size < 0 && errno != EAGAIN && errno != EINTR) {
            complain(asking->out, "unreachable",
                     g_strdup_printf("%s: %s", asking->reach.address, g_strerror(errno)));
            return FALSE;
        }
        if (size >= 0 && take(asking, &request, packet, (gsize)size, arrived_us))
            return !asking->out->kiss[0];
    }
    return !asking->nak;
}

static gboolean may_ask(const struct asking *asking)
{
    return !asking->siv || asking->session->answer.cookies->len > 0;
}

/* ---- one server ---- */

static void ask_all(struct asking *asking)
{
    const int yes = 1;

    setsockopt(asking->reach.fd, SOL_SOCKET, SO_TIMESTAMPNS, &yes, sizeof yes);
    for (guint i = 0; i < asking->options->samples && may_ask(asking); i++) {
        if (i)
            g_usleep((gulong)asking->options->pause_us);
        if (!ask_once(asking))
            break;
    }
}

static void ask_host(struct asking *asking, const char *host, guint16 port, gboolean public_only)
{
    gboolean more = TRUE;

    for (guint i = 0; more && asking->samples->len == 0 && !asking->out->kiss[0] && may_ask(asking);
         i++) {
        g_autoptr(GError) problem = NULL;
        const gint64 deadline_us = g_get_monotonic_time() + asking->options->timeout_us;

        if (!reach_open(host, port, SOCK_DGRAM, i, deadline_us, &asking->reach, &more, &problem)) {
            complain(asking->out, "unreachable", g_strdup(problem->message));
        } else if (public_only && !asking->reach.is_public) {
            complain(asking->out, "redirect",
                     g_strdup_printf("a public server sends us to %s, which is not public",
                                     asking->reach.address));
        } else {
            g_free(asking->out->address);
            asking->out->address = g_strdup(asking->reach.address);
            ask_all(asking);
        }
        reach_clear(&asking->reach);
    }
}

/* Establishes keys and asks with them. FALSE: new keys are needed. */
static gboolean ask_protected(struct asking *asking)
{
    const struct clock_source *source = asking->source;
    const gint64 deadline_us = g_get_monotonic_time() + KE_PATIENCE * asking->options->timeout_us;
    g_auto(nts_session_t) session = { 0 };
    g_autoptr(GError) problem = NULL;
    const char *reason, *host;
    guint16 port;

    asking->session = &session;
    asking->nak = FALSE;
    if (!nts_ke_establish(source->host, source->port, asking->options->ca_file, deadline_us,
                          &session, &reason, &problem)) {
        complain(asking->out, reason, g_strdup(problem->message));
    } else {
        host = session.answer.server ? session.answer.server : source->host;
        port = session.answer.port ? session.answer.port : NTP_PORT;
        if (session.answer.server || session.answer.port) {
            g_free(asking->out->redirect);
            asking->out->redirect = g_strdup_printf("%s:%u", host, port);
        }
        ask_host(asking, host, port,
                 session.answer.server && session.is_public && !asking->options->allow_private);
    }
    nts_certificate_clear(&asking->out->certificate);
    asking->out->certificate = session.certificate;
    session.certificate = (struct nts_certificate){ 0 };
    if (!asking->out->address)
        asking->out->address = g_strdup(session.address);
    return asking->samples->len > 0 || !asking->nak;
}

/* ---- what it comes to ---- */

static gint64 power_of_two_us(gint8 exponent)
{
    return (gint64)(ldexp(1, CLAMP(exponent, -30, 10)) * G_USEC_PER_SEC);
}

/* The sample with the least delay is the best one (RFC 5905 section 10). */
static void conclude(struct asking *asking)
{
    const struct sample *samples = (const struct sample *)asking->samples->data, *best = samples;
    struct measured *out = asking->out;
    double sum = 0;

    for (guint i = 1; i < asking->samples->len; i++)
        if (samples[i].delay_us < best->delay_us)
            best = &samples[i];
    for (guint i = 0; i < asking->samples->len; i++)
        sum += pow((double)(samples[i].offset_us - best->offset_us), 2);
    out->header = best->header;
    out->offset_us = best->offset_us;
    out->delay_us = best->delay_us;
    out->jitter_us = (gint64)sqrt(sum / MAX(asking->samples->len - 1, 1));
    out->distance_us = best->delay_us / 2 + best->header.root_delay_us / 2 +
                       best->header.root_dispersion_us + out->jitter_us +
                       power_of_two_us(best->header.precision) + PRECISION_FLOOR_US +
                       best->delay_us * DRIFT_PPM / MILLION;
    out->authenticated = asking->siv != NULL;
    g_clear_pointer(&out->problem, g_free);
    out->reason = NULL;
}

static void explain_silence(const struct asking *asking)
{
    struct measured *out = asking->out;

    if (out->forged)
        complain(out, "forged",
                 g_strdup_printf("%u answers did not come from the server that gave the keys",
                                 out->forged));
    else if (asking->nak)
        complain(out, "unprotected", g_strdup("the server does not know its own cookies (NTSN)"));
    else if (out->malformed)
        complain(out, "malformed", g_strdup_printf("%u answers were malformed", out->malformed));
    else if (out->not_ours)
        complain(
            out, "no-answer",
            g_strdup_printf("%u packets came that answer none of our requests", out->not_ours));
    else
        complain(out, "no-answer", g_strdup("no answer"));
}

void measure(const struct clock_source *source, const struct measure_options *options,
             struct measured *measured)
{
    g_autoptr(GArray) samples = g_array_new(FALSE, FALSE, sizeof(struct sample));
    g_autoptr(GError) problem = NULL;
    g_autoptr(siv_t) siv = source->nts ? siv_new(&problem) : NULL;
    struct asking asking = {
        .source = source,
        .options = options,
        .out = measured,
        .reach = { .fd = -1 },
        .siv = siv,
        .samples = samples,
    };

    *measured = (struct measured){ 0 };
    if (problem) {
        complain(measured, "tls", g_strdup(problem->message));
        return;
    }
    if (source->nts)
        for (guint i = 0; i < KE_TRIES && !ask_protected(&asking); i++)
            ;
    else
        ask_host(&asking, source->host, source->port, FALSE);
    asking.session = NULL;
    if (samples->len)
        conclude(&asking);
    else
        explain_silence(&asking);
}
