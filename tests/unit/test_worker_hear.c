/* Workers that are heard message by message, to a good end or another. */
#include "sandbox/worker.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

#define SECOND G_USEC_PER_SEC
#define DONE 1

static const struct confine_limits small = { .memory = 256u << 20, .cpu_s = 5 };

#define NUMBERS 1000

static void count_up(struct worker_pipe *out, gpointer data)
{
    for (guint number = 0; number < NUMBERS; number++)
        worker_send(out, DONE, &number, sizeof number);
    if (data)
        abort();
}

/* FALSE at the number `stop`; with an error of its own when that is odd. */
struct counting {
    guint next, stop;
};

static gboolean take_number(guint8 kind, const guint8 *body, gsize length, gpointer data,
                            GError **error)
{
    struct counting *counting = data;
    guint number;

    g_assert_cmpuint(length, ==, sizeof number);
    memcpy(&number, body, sizeof number);
    g_assert_cmpuint(number, ==, counting->next++);
    if (number != counting->stop)
        return TRUE;
    if (number % 2)
        g_set_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT, "odd");
    return FALSE;
}

static void test_a_worker_is_heard_to_its_end(void)
{
    static const struct {
        guint stop, heard;
        gboolean crashes;
        int code;
        const char *said;
    } cases[] = {
        { NUMBERS, NUMBERS, FALSE, 0, NULL },
        { 6, 7, FALSE, ENTENTE_ERROR_SYSTEM, "feed: its parser says what cannot be" },
        { 7, 8, FALSE, ENTENTE_ERROR_INPUT, "odd" },
        { NUMBERS, NUMBERS, TRUE, ENTENTE_ERROR_SYSTEM, "feed: its parser ended: " },
    };
    g_autoptr(confinement_t) confinement = confinement_new(0, NULL);

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct counting counting = { 0, cases[i].stop };
        g_autoptr(GError) error = NULL;
        g_autoptr(worker_t) worker =
            worker_start(confinement, -1, &small, g_get_monotonic_time() + 60 * SECOND, count_up,
                         GINT_TO_POINTER(cases[i].crashes), &error);

        gboolean good;

        g_assert_no_error(error);
        good = worker_hear(worker, "feed", take_number, &counting, &error);
        g_assert_true(good == (cases[i].said == NULL));
        g_assert_cmpuint(counting.next, ==, cases[i].heard);
        if (!cases[i].said)
            continue;
        g_assert_error(error, ENTENTE_ERROR, cases[i].code);
        g_assert_true(g_str_has_prefix(error->message, cases[i].said));
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/worker/heard-to-its-end", test_a_worker_is_heard_to_its_end);
    return g_test_run();
}
