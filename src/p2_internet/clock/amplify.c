#include "p2_internet/clock/amplify.h"

#include "p2_internet/clock/ntp.h"
#include "p2_internet/clock/reach.h"

#include <poll.h>
#include <sodium.h>
#include <sys/socket.h>

#define CONTROL_HEADER 12
#define PRIVATE_REQUEST 48
#define ANSWER_PACKETS_MAX 200u /* enough is known then */
#define BURST 64u               /* requests */
#define PATIENCE 4              /* for ordinary requests, in waits */
#define VERSION_2 (2 << 3)
#define OPCODE_READ_VARIABLES 2
#define OPCODE_READ_MRU 10
#define IMPLEMENTATION_XNTPD 3
#define REQUEST_MONLIST_1 42

static const struct {
    const char *name;
    gsize size;
    guint8 packet[PRIVATE_REQUEST];
} questions[] = {
    [AMPLIFY_CONTROL] = { "mode 6 readvar",
                          CONTROL_HEADER,
                          { VERSION_2 | NTP_MODE_CONTROL, OPCODE_READ_VARIABLES, 0, 1 } },
    [AMPLIFY_MRU] = { "mode 6 mrulist",
                      CONTROL_HEADER,
                      { VERSION_2 | NTP_MODE_CONTROL, OPCODE_READ_MRU, 0, 1 } },
    [AMPLIFY_MONLIST] = { "mode 7 monlist",
                          PRIVATE_REQUEST,
                          { VERSION_2 | NTP_MODE_PRIVATE, 0, IMPLEMENTATION_XNTPD,
                            REQUEST_MONLIST_1 } },
};

const char *amplify_question_name(enum amplify_question question)
{
    return questions[question].name;
}

void amplified_clear(struct amplified *amplified)
{
    g_clear_pointer(&amplified->problem, g_free);
}

static void ask(int fd, enum amplify_question question, gint64 wait_us, struct amplified *out)
{
    const gint64 deadline_us = g_get_monotonic_time() + wait_us;
    guint8 packet[NTP_PACKET_MAX];

    if (send(fd, questions[question].packet, questions[question].size, MSG_NOSIGNAL) < 0)
        return;
    out->answers[question].sent = (guint)questions[question].size;
    while (out->answers[question].packets < ANSWER_PACKETS_MAX &&
           reach_wait(fd, POLLIN, deadline_us)) {
        const ssize_t size = recv(fd, packet, sizeof packet, MSG_TRUNC);

        if (size < 0) /* refused: the port is closed */
            return;
        out->answers[question].packets++;
        out->answers[question].received += (guint)size;
    }
}

/* Whether it answers an ordinary request: a server that is away would look closed. */
static gboolean is_there(int fd, gint64 wait_us)
{
    const gint64 deadline_us = g_get_monotonic_time() + wait_us;
    guint8 request[NTP_HEADER], packet[NTP_PACKET_MAX];
    guint64 stamp;

    randombytes_buf(&stamp, sizeof stamp);
    ntp_request(stamp, request);
    return send(fd, request, sizeof request, MSG_NOSIGNAL) >= 0 &&
           reach_wait(fd, POLLIN, deadline_us) && recv(fd, packet, sizeof packet, 0) >= 0;
}

static gboolean reach(const struct clock_source *server, gint64 wait_us, struct reach *reach,
                      GError **error)
{
    gboolean more;

    return reach_open(server->host, server->port, SOCK_DGRAM, 0, g_get_monotonic_time() + wait_us,
                      reach, &more, error);
}

/* A socket for each, so that a late answer is not counted for the next question. */
void amplify_probe(const struct clock_source *server, gint64 wait_us, struct amplified *amplified)
{
    *amplified = (struct amplified){ 0 };
    for (guint i = 0; i <= AMPLIFY_QUESTIONS && !amplified->problem; i++) {
        g_autoptr(GError) problem = NULL;
        struct reach connected;

        if (!reach(server, wait_us, &connected, &problem))
            amplified->problem = g_strdup(problem->message);
        else if (i)
            ask(connected.fd, i - 1, wait_us, amplified);
        else if (!is_there(connected.fd, PATIENCE * wait_us))
            amplified->problem =
                g_strdup_printf("%s gives no time: it was not asked more", server->text);
        reach_clear(&connected);
    }
}

/* What came back; those that were kissed are no answers. */
static void count_burst(int fd, gint64 wait_us, struct amplified *out)
{
    while (out->burst.answered + out->burst.kisses < out->burst.sent &&
           reach_wait(fd, POLLIN, g_get_monotonic_time() + PATIENCE * wait_us)) {
        guint8 packet[NTP_PACKET_MAX];
        const ssize_t size = recv(fd, packet, sizeof packet, 0);
        struct ntp_header header;

        if (size < 0)
            return;
        if (!ntp_header_parse(packet, (gsize)size, &header, NULL))
            continue;
        if (header.stratum == 0)
            out->burst.kisses++;
        else
            out->burst.answered++;
    }
}

void amplify_burst(const struct clock_source *server, gint64 wait_us, struct amplified *amplified)
{
    g_autoptr(GError) problem = NULL;
    struct reach connected;

    if (reach(server, wait_us, &connected, &problem)) {
        for (guint i = 0; i < BURST; i++) {
            guint8 request[NTP_HEADER];
            guint64 stamp;

            randombytes_buf(&stamp, sizeof stamp);
            ntp_request(stamp, request);
            amplified->burst.sent +=
                send(connected.fd, request, sizeof request, MSG_NOSIGNAL) == sizeof request;
        }
        count_burst(connected.fd, wait_us, amplified);
    }
    reach_clear(&connected);
}
