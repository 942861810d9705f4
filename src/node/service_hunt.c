/*
 * service_hunt.c: searches the profile's logs again and again (p1_resilience/hunt/retro.h): what
 * they gained, and all of them when a table of indicators was installed.
 *
 * The node gives up the rights to read logs and to start processes before it reads a foreign byte;
 * so the searcher is a process of its own, forked before that, which has no socket and talks to
 * nobody: it reads the logs in confined workers and writes to the data folder. It ends when the
 * node does, whatever ended that.
 */
#include "base/clock.h"
#include "base/error.h"
#include "delivery/office.h"
#include "node/metrics.h"
#include "node/places.h"
#include "node/services.h"
#include "p1_resilience/hunt/retro.h"
#include "statement/key_store.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#define SOURCE "hunt"
#define FIRST_DESCRIPTOR 3 /* behind the standard ones */
#define MS_PER_S 1000

/* In memory that both processes see; single words, written by the searcher alone. */
struct numbers {
    guint64 rounds, failed, hits, unread, bytes;
    gint64 last_s; /* end of the last round that was not interrupted, Unix time */
};

struct hunt_service {
    int alive; /* the end of a pipe: when it is closed, the searcher stops */
    struct numbers *numbers;
};

/* What the searcher holds. */
struct searcher {
    const struct node *node;
    const char *data;
    const struct profile *profile;
    const struct signing_key *key;
    const GPtrArray *keys;
    struct office *office; /* of this round, opened with the first alarm */
    struct numbers *numbers;
    gboolean quiet;
};

static gboolean raise_alarm(const char *topic, const char *severity, const char *text,
                            gint64 now_us, gpointer data, GError **error)
{
    struct searcher *searcher = data;

    if (!searcher->office)
        searcher->office = office_open(searcher->data, searcher->keys, error);
    return searcher->office && cases_alarm(searcher->office->cases, searcher->key, SOURCE, topic,
                                           severity, text, now_us, NULL, error);
}

static gboolean look(struct searcher *searcher, GError **error)
{
    g_auto(GStrv) paths = hunt_retro_tables(searcher->data);
    g_autoptr(hunt_table_t) table = NULL;
    struct hunt_retro_summary summary;
    struct hunt_retro retro = { .data_folder = searcher->data,
                                .profile = searcher->profile,
                                .threads = 1, /* nobody waits for it */
                                .alarm = raise_alarm,
                                .data = searcher };
    gboolean done;

    if (!paths[0])
        return TRUE; /* no table is installed yet */
    table = hunt_table_open_all((const char *const *)paths, error);
    if (!table)
        return FALSE;
    retro.table = table;
    done = hunt_retro_run(&retro, &summary, error);
    g_clear_pointer(&searcher->office, office_close);
    searcher->numbers->hits += summary.hits;
    searcher->numbers->bytes += summary.bytes;
    searcher->numbers->unread = summary.unread;
    return done;
}

/* Until the node is gone. */
static void search_for_ever(struct searcher *searcher, int alive, guint every_s)
{
    struct pollfd node = { .fd = alive, .events = POLLIN };
    g_autofree char *said = NULL;

    do {
        g_autoptr(GError) failure = NULL;

        if (look(searcher, &failure)) {
            searcher->numbers->last_s = clock_now_us() / G_USEC_PER_SEC;
            g_clear_pointer(&said, g_free);
        } else {
            searcher->numbers->failed++;
            if (g_strcmp0(said, failure->message) != 0 && !searcher->quiet)
                fprintf(stderr, "Hunt: %s\n", failure->message);
            g_free(said);
            said = g_strdup(failure->message);
        }
        searcher->numbers->rounds++;
    } while (poll(&node, 1, (int)(every_s * MS_PER_S)) <= 0);
}

/* Nothing of the node's stays open in it: no socket, no database, no lock. */
static void become_searcher(struct searcher *searcher, int alive, guint every_s)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NAME, "entente-hunt");
    signal(SIGTERM, SIG_DFL);
    signal(SIGINT, SIG_IGN); /* Ctrl-C is for the node, which then closes the pipe */
    /* Secrets do not survive a fork (statement/secret.h): it reads the key for itself. */
    searcher->key = node_key(searcher->node, KEY_STORE_DEFAULT, NULL);
    if (!searcher->key || dup2(alive, FIRST_DESCRIPTOR) < 0)
        _exit(EXIT_FAILURE);
    closefrom(FIRST_DESCRIPTOR + 1);
    search_for_ever(searcher, FIRST_DESCRIPTOR, every_s);
    _exit(EXIT_SUCCESS);
}

static gboolean fork_searcher(struct hunt_service *own, struct searcher *searcher, guint every_s,
                              GError **error)
{
    int ends[2];
    pid_t child;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return errno_error(error, errno, "hunt: no pipe");
    fflush(NULL);
    child = fork();
    if (child == 0) {
        close(ends[1]);
        become_searcher(searcher, ends[0], every_s);
    }
    close(ends[0]);
    own->alive = ends[1];
    return child > 0 || errno_error(error, errno, "hunt: no process");
}

static gboolean has_logs(const struct profile *profile)
{
    for (guint i = 0; i < profile->assets->len; i++)
        if (((const struct asset *)profile->assets->pdata[i])->kind == ASSET_LOG)
            return TRUE;
    return FALSE;
}

static void stop(gpointer service)
{
    struct hunt_service *own = service;

    if (own->alive >= 0)
        close(own->alive);
    if (own->numbers)
        munmap(own->numbers, sizeof *own->numbers);
    g_free(own);
}

static gpointer start(struct node *node, GError **error)
{
    const struct node_options *options = node_options(node);
    g_autoptr(profile_t) profile = NULL;
    g_autoptr(signing_key_t) key = NULL;
    g_autoptr(GPtrArray) keys = NULL;
    struct searcher searcher = { .node = node,
                                 .data = options->data_folder,
                                 .quiet = options->quiet };
    struct hunt_service *own;
    GError *failure = NULL;

    if (!options->profile || !options->hunt_every_s)
        return NULL;
    profile = profile_load(options->profile, error);
    if (!profile || !has_logs(profile))
        return NULL;
    key = node_key(node, KEY_STORE_DEFAULT, &failure);
    keys = key ? key_store_public_keys(options->data_folder, error) : NULL;
    if (failure)
        g_propagate_error(error, failure);
    if (!keys)
        return NULL; /* nobody could sign an alarm */
    own = g_new0(struct hunt_service, 1);
    own->alive = -1;
    own->numbers =
        mmap(NULL, sizeof *own->numbers, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (own->numbers == MAP_FAILED) {
        own->numbers = NULL;
        errno_error(error, errno, "hunt: no memory");
        stop(own);
        return NULL;
    }
    searcher.profile = profile;
    searcher.keys = keys;
    searcher.numbers = own->numbers;
    if (fork_searcher(own, &searcher, options->hunt_every_s, error))
        return own;
    stop(own);
    return NULL;
}

static void metrics(gpointer service, GString *text)
{
    const struct numbers *numbers = ((struct hunt_service *)service)->numbers;

    metric_add(text, METRIC_COUNTER, "hunt_rounds_total", "Searches through the profile's logs.",
               numbers->rounds);
    metric_add(text, METRIC_COUNTER, "hunt_failed_total", "Of them, those that could not go on.",
               numbers->failed);
    metric_add(text, METRIC_COUNTER, "hunt_hits_total", "New hits.", numbers->hits);
    metric_add(text, METRIC_COUNTER, "hunt_bytes_total", "Bytes searched.", numbers->bytes);
    metric_add(text, METRIC_GAUGE, "hunt_unread_files", "Files the last search could not read.",
               numbers->unread);
    metric_add(text, METRIC_GAUGE, "hunt_last_seconds", "When the last search ended (Unix time).",
               (guint64)numbers->last_s);
}

static const struct route routes[] = { { NULL } };

const struct service service_hunt = {
    .name = "hunt",
    .start = start,
    .stop = stop,
    .routes = routes,
    .metrics = metrics,
};
