/* Module starter: workers for a process with threads, and what they make of bad jobs. */
#include "base/error.h"
#include "base/sanitizer.h"
#include "sandbox/starter.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A report of the sanitizers on a crash takes seconds on a busy machine. */
#define LIMIT_US ((WITH_ADDRESS_SANITIZER ? 30 : 10) * G_USEC_PER_SEC)
#define ANSWER_MAX (8u << 20)
#define THREADS 8
#define EACH 20

static guint64 seen; /* of the worker's own memory */

/* The question, backwards. */
static GBytes *turn(gconstpointer bytes, gsize length)
{
    guint8 *turned = g_malloc(length);

    for (gsize i = 0; i < length; i++)
        turned[i] = ((const guint8 *)bytes)[length - 1 - i];
    return g_bytes_new_take(turned, length);
}

static GBytes *crash(gconstpointer bytes, gsize length)
{
    (void)bytes;
    (void)length;
    raise(SIGSEGV);
    return NULL;
}

static GBytes *hang(gconstpointer bytes, gsize length)
{
    (void)bytes;
    (void)length;
    for (;;)
        pause();
    return NULL;
}

static GBytes *refuse(gconstpointer bytes, gsize length)
{
    (void)bytes;
    (void)length;
    return NULL;
}

/* What one call leaves behind, and what it can reach. */
static GBytes *look_around(gconstpointer bytes, gsize length)
{
    const int file = open("/etc/passwd", O_RDONLY);
    const char text[] = { (char)('0' + seen++), file < 0 ? 'n' : 'y' };

    (void)bytes;
    (void)length;
    return g_bytes_new(text, sizeof text);
}

enum { TURN, CRASH, HANG, REFUSE, LOOK };
static const starter_job jobs[] = { turn, crash, hang, refuse, look_around };

static struct starter *new_starter(void)
{
    /* More than a sanitizer's report on a crash takes; who hangs waits, and spends none. */
    static const struct confine_limits limits = { .cpu_s = 60 };
    g_autoptr(GError) error = NULL;
    struct starter *starter = starter_new(jobs, G_N_ELEMENTS(jobs), &limits, LIMIT_US, &error);

    g_assert_no_error(error);
    return starter;
}

static GBytes *ask(struct starter *starter, guint job, gsize length, GError **error)
{
    guint8 *text = g_malloc0(length);
    g_autoptr(GBytes) question = NULL;

    for (gsize i = 0; i < length; i++)
        text[i] = (guint8)(i * 7 + length);
    question = g_bytes_new_take(text, length);
    return starter_call(starter, job, question, ANSWER_MAX, error);
}

static void assert_turned(struct starter *starter, gsize length)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) answer = ask(starter, TURN, length, &error);

    g_assert_no_error(error);
    g_assert_cmpuint(g_bytes_get_size(answer), ==, length);
    for (gsize i = 0; i < length; i++)
        g_assert_cmpuint(((const guint8 *)g_bytes_get_data(answer, NULL))[i], ==,
                         (guint8)((length - 1 - i) * 7 + length));
}

static void test_answers(void)
{
    static const gsize lengths[] = { 0, 1, 65535, 65536, 65537, 5u << 20 };
    g_autoptr(starter_t) starter = new_starter();

    for (guint i = 0; i < G_N_ELEMENTS(lengths); i++)
        assert_turned(starter, lengths[i]);
}

static gpointer call_often(gpointer starter)
{
    for (guint i = 0; i < EACH; i++)
        assert_turned(starter, 1000 * i);
    return NULL;
}

static void test_threads_call_side_by_side(void)
{
    g_autoptr(starter_t) starter = new_starter();
    GThread *threads[THREADS];

    for (guint i = 0; i < THREADS; i++)
        threads[i] = g_thread_new(NULL, call_often, starter);
    for (guint i = 0; i < THREADS; i++)
        g_thread_join(threads[i]);
}

static void test_bad_jobs_fail_alone(void)
{
    static const struct {
        guint job;
        const char *said;
    } rows[] = { { CRASH, "no answer" },
                 { HANG, "time limit" },
                 { REFUSE, "no answer" },
                 { G_N_ELEMENTS(jobs), "no answer" } };
    g_autoptr(starter_t) starter = new_starter();

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GBytes) answer = ask(starter, rows[i].job, 100000, &error);

        g_assert_null(answer);
        g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_SYSTEM);
        g_assert_nonnull(strstr(error->message, rows[i].said));
        assert_turned(starter, 1000);
    }
}

static void test_an_answer_has_its_limit(void)
{
    g_autoptr(starter_t) starter = new_starter();
    g_autoptr(GBytes) question = g_bytes_new_static("12345", 5);
    g_autoptr(GError) error = NULL;

    g_assert_null(starter_call(starter, TURN, question, 4, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_SYSTEM);
    assert_turned(starter, 5);
}

static void test_calls_know_nothing_of_one_another(void)
{
    g_autoptr(starter_t) starter = new_starter();

    for (guint i = 0; i < 3; i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GBytes) answer = ask(starter, LOOK, 1, &error);

        g_assert_no_error(error);
        g_assert_cmpmem(g_bytes_get_data(answer, NULL), g_bytes_get_size(answer), "0n", 2);
    }
    g_assert_cmpuint(seen, ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/starter/answers", test_answers);
    g_test_add_func("/starter/threads-call-side-by-side", test_threads_call_side_by_side);
    g_test_add_func("/starter/bad-jobs-fail-alone", test_bad_jobs_fail_alone);
    g_test_add_func("/starter/an-answer-has-its-limit", test_an_answer_has_its_limit);
    g_test_add_func("/starter/calls-know-nothing-of-one-another",
                    test_calls_know_nothing_of_one_another);
    return g_test_run();
}
