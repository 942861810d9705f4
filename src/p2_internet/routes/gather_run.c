/* gather_run.c: what a worker gathers goes through a file without a name. */
#include "p2_internet/routes/gather_run.h"

#include "base/error.h"
#include "p2_internet/routes/mrt_run.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

struct gathering {
    const struct gather_job *job;
    int fd;
    gboolean failed; /* to be written to */
};

struct taker {
    struct gather *gather;
    struct mrt_reader *reader;
};

static gpointer begin(gpointer data)
{
    const struct gathering *gathering = data;
    struct taker *taker = g_new0(struct taker, 1);

    taker->gather = gather_new(gathering->job->aspas);
    taker->reader = mrt_reader_new(gathering->job->filter);
    return taker;
}

static const char *take(gpointer state, const struct mrt_record *record, struct mrt_peers *peers,
                        struct text_out *out)
{
    struct taker *taker = state;
    const char *problem = NULL;

    (void)out;
    mrt_elements(taker->reader, record, peers, gather_element, taker->gather, &problem);
    return problem;
}

static void end(gpointer state, gpointer data)
{
    struct taker *taker = state;
    struct gathering *gathering = data;

    gathering->failed |= !gather_write(taker->gather, gathering->fd);
    mrt_reader_free(taker->reader);
    gather_free(taker->gather);
    g_free(taker);
}

gboolean gather_files(struct gather *gather, char **files, const struct gather_job *job,
                      struct mrt_scan_summary *summary, GError **error)
{
    struct gathering gathering = { .job = job };
    const struct mrt_job run = {
        .options = { .takers = job->threads, .filter = job->filter },
        .begin = begin,
        .take = take,
        .end = end,
        .result = &gathering.failed,
        .result_size = sizeof gathering.failed,
        .problem = job->problem,
        .memory = job->memory,
        .data = &gathering,
    };
    g_autoptr(GPtrArray) inputs = inputs_list(files);
    gboolean done;

    gathering.fd = memfd_create("routes", MFD_CLOEXEC);
    if (gathering.fd < 0)
        return errno_error(error, errno, "a file in memory");
    done = mrt_run(inputs, &run, gathering.fd, summary, error) &&
           (!gathering.failed || system_error(error, "what was read could not be kept")) &&
           gather_read(gather, gathering.fd, error);
    close(gathering.fd);
    return done;
}
