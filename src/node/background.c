#include "node/background.h"

#include "base/clock.h"
#include "base/error.h"
#include "node/places.h"
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

#define FIRST_DESCRIPTOR 3 /* behind the standard ones */
#define MS_PER_S 1000

struct background {
    int alive; /* the end of a pipe: when it is closed, the process stops */
    struct background_numbers *numbers;
};

struct cases *background_cases(struct background_round *round, GError **error)
{
    if (!round->office)
        round->office = office_open(round->data, round->keys, error);
    return round->office ? round->office->cases : NULL;
}

gboolean background_alarm_stands(struct background_round *round, const char *topic,
                                 gboolean *stands, GError **error)
{
    struct cases *cases = background_cases(round, error);

    return cases && cases_alarm_stands(cases, topic, stands, error);
}

gboolean background_alarm(struct background_round *round, const char *topic, const char *severity,
                          const char *text, gint64 now_us, GError **error)
{
    struct cases *cases = background_cases(round, error);

    return cases && cases_alarm(cases, round->key, round->source, topic, severity, text, now_us,
                                NULL, error);
}

/* Until the node is gone. What goes wrong is said once, until it is something else. */
static void work_for_ever(const struct background_work *work, struct background_round *round,
                          int alive)
{
    struct pollfd node = { .fd = alive, .events = POLLIN };
    g_autofree char *said = NULL;

    do {
        g_autoptr(GError) failure = NULL;
        gboolean done = work->round(round, &failure);

        g_clear_pointer(&round->office, office_close);
        if (done) {
            round->numbers->last_s = clock_now_us() / G_USEC_PER_SEC;
            g_clear_pointer(&said, g_free);
        } else {
            round->numbers->failed++;
            if (g_strcmp0(said, failure->message) != 0 && !node_options(round->node)->quiet)
                fprintf(stderr, "%s: %s\n", work->title, failure->message);
            g_free(said);
            said = g_strdup(failure->message);
        }
        round->numbers->rounds++;
    } while (poll(&node, 1, (int)(work->every_s * MS_PER_S)) <= 0);
}

/*
 * Ends this process when the node does, in the middle of whatever it does: the pipe's end then
 * sends SIGIO. The signal of a parent's death would not come: the node's Landlock domain lets it
 * send none to processes outside of it, and that one counts as the node's. FALSE: it is gone
 * already.
 */
static gboolean end_with(int alive)
{
    struct pollfd node = { .fd = alive, .events = POLLIN };

    signal(SIGIO, SIG_DFL);
    return fcntl(alive, F_SETOWN, getpid()) == 0 &&
           fcntl(alive, F_SETFL, O_RDONLY | O_ASYNC) == 0 && poll(&node, 1, 0) == 0;
}

/* Nothing of the node's stays open in it: no socket, no database, no lock. */
static void become_worker(const struct background_work *work, struct background_round *round,
                          int alive)
{
    prctl(PR_SET_NAME, work->name);
    signal(SIGTERM, SIG_DFL);
    signal(SIGINT, SIG_IGN); /* Ctrl-C is for the node, which then closes the pipe */
    /* Secrets do not survive a fork (statement/secret.h): it reads the key for itself. */
    round->key = node_key(round->node, KEY_STORE_DEFAULT, NULL);
    if (!round->key || dup2(alive, FIRST_DESCRIPTOR) < 0)
        _exit(EXIT_FAILURE);
    closefrom(FIRST_DESCRIPTOR + 1);
    if (!end_with(FIRST_DESCRIPTOR))
        _exit(EXIT_SUCCESS);
    work_for_ever(work, round, FIRST_DESCRIPTOR);
    _exit(EXIT_SUCCESS);
}

static gboolean fork_worker(struct background *own, const struct background_work *work,
                            struct background_round *round, GError **error)
{
    int ends[2];
    pid_t child;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return errno_error(error, errno, "%s: no pipe", work->name);
    fflush(NULL);
    child = fork();
    if (child == 0) {
        close(ends[1]);
        become_worker(work, round, ends[0]);
    }
    close(ends[0]);
    own->alive = ends[1];
    return child > 0 || errno_error(error, errno, "%s: no process", work->name);
}

static struct background_numbers *shared_numbers(GError **error)
{
    void *place = mmap(NULL, sizeof(struct background_numbers), PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (place != MAP_FAILED)
        return place;
    errno_error(error, errno, "no memory");
    return NULL;
}

static struct background *start(struct node *node, const struct background_work *work,
                                const struct profile *profile, GError **error)
{
    const char *data = node_options(node)->data_folder;
    GError *failure = NULL;
    g_autoptr(signing_key_t) key = node_key(node, KEY_STORE_DEFAULT, &failure);
    g_autoptr(GPtrArray) keys = key ? key_store_public_keys(data, error) : NULL;
    struct background_round round = { .node = node,
                                      .data = data,
                                      .profile = profile,
                                      .source = work->source,
                                      .keys = keys,
                                      .own = work->own };
    struct background *own;

    if (failure)
        g_propagate_error(error, failure);
    if (!keys)
        return NULL; /* nobody could sign */
    own = g_new0(struct background, 1);
    own->alive = -1;
    own->numbers = round.numbers = shared_numbers(error);
    if (own->numbers && fork_worker(own, work, &round, error))
        return own;
    background_stop(own);
    return NULL;
}

static gboolean has_one(const struct profile *profile, guint wanted)
{
    for (guint i = 0; i < profile->assets->len; i++)
        if (wanted >> ((const struct asset *)profile->assets->pdata[i])->kind & 1)
            return TRUE;
    return FALSE;
}

struct background *background_start(struct node *node, const struct background_work *work,
                                    GError **error)
{
    const char *path = node_options(node)->profile;
    g_autoptr(profile_t) profile = path && work->every_s ? profile_load(path, error) : NULL;

    if (!profile || !has_one(profile, work->kinds) ||
        (work->is_wanted && !work->is_wanted(profile)))
        return NULL;
    return start(node, work, profile, error);
}

void background_stop(gpointer background)
{
    struct background *own = background;

    if (own->alive >= 0)
        close(own->alive);
    if (own->numbers)
        munmap(own->numbers, sizeof *own->numbers);
    g_free(own);
}

const struct background_numbers *background_numbers(const struct background *own)
{
    return own->numbers;
}
