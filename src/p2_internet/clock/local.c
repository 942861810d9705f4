#include "p2_internet/clock/local.h"

#include "base/decimal.h"
#include "base/error.h"
#include "p2_internet/clock/source.h"
#include "sandbox/program.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>

#define SAID_LIMIT (64u << 10) /* bytes of a program's output */
#define PROGRAM_LIMIT_US (5 * (gint64)G_USEC_PER_SEC)
#define STRATUM_MAX 16
#define SECONDS_MAX 1e12
#define MS_A_S 1000.0

/* Columns of `chronyc -c tracking`: chronyc(1). */
enum {
    TRACKING_NAME = 1,
    TRACKING_STRATUM = 2,
    TRACKING_OFFSET = 4,
    TRACKING_ROOT_DELAY = 10,
    TRACKING_ROOT_DISPERSION = 11,
    TRACKING_LEAP = 13,
    TRACKING_COLUMNS = 14,
};
/* Of `chronyc -c sources`. */
enum { SOURCES_STATE = 1, SOURCES_REACH = 5, SOURCES_COLUMNS = 10 };

void local_clock_clear(struct local_clock *local)
{
    g_clear_pointer(&local->reference, g_free);
    g_clear_pointer(&local->leap, g_free);
    g_clear_pointer(&local->problem, g_free);
}

static void read_kernel(struct local_clock *local)
{
    struct timex state = { 0 };

    if (adjtimex(&state) < 0)
        return;
    local->kernel = TRUE;
    local->synchronised = !(state.status & STA_UNSYNC);
    local->max_error_us = state.maxerror;
    local->estimated_error_us = state.esterror;
}

/* ---- what the programs say ---- */

static gboolean read_seconds(const char *text, double unit, gint64 *microseconds)
{
    char *end;
    const double value = g_ascii_strtod(text, &end);

    if (end == text || *end || !isfinite(value) || fabs(value) > SECONDS_MAX)
        return FALSE;
    *microseconds = (gint64)(value / unit * G_USEC_PER_SEC);
    return TRUE;
}

static gboolean read_stratum(const char *text, guint *stratum)
{
    guint64 number;

    if (!decimal_parse(text, strlen(text), &number) || number > STRATUM_MAX)
        return FALSE;
    *stratum = (guint)number;
    return TRUE;
}

gboolean local_read_tracking(const char *text, struct local_clock *local, GError **error)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", 2);
    g_auto(GStrv) columns = g_strsplit(lines[0] ? lines[0] : "", ",", TRACKING_COLUMNS + 1);

    if (g_strv_length(columns) != TRACKING_COLUMNS ||
        !read_stratum(columns[TRACKING_STRATUM], &local->stratum) ||
        !read_seconds(columns[TRACKING_OFFSET], 1, &local->offset_us) ||
        !read_seconds(columns[TRACKING_ROOT_DELAY], 1, &local->root_delay_us) ||
        !read_seconds(columns[TRACKING_ROOT_DISPERSION], 1, &local->root_dispersion_us))
        return input_error(error, "chronyc tracking says what is not understood: %.60s",
                           lines[0] ? lines[0] : "");
    g_free(local->reference);
    g_free(local->leap);
    local->reference = g_strdup(columns[TRACKING_NAME]);
    local->leap = g_strdup(columns[TRACKING_LEAP]);
    local->daemon = "chrony";
    return TRUE;
}

gboolean local_read_sources(const char *text, struct local_clock *local, GError **error)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    for (char **line = lines; *line; line++) {
        g_auto(GStrv) columns = g_strsplit(*line, ",", SOURCES_COLUMNS + 1);

        if (!**line)
            continue;
        if (g_strv_length(columns) != SOURCES_COLUMNS)
            return input_error(error, "chronyc sources says what is not understood: %.60s", *line);
        local->sources++;
        local->reachable += strtoul(columns[SOURCES_REACH], NULL, 8) != 0;
        local->selectable += *columns[SOURCES_STATE] && strchr("*+", *columns[SOURCES_STATE]);
    }
    return TRUE;
}

/* "associd=0 status=0615 leap_none, ...,\nversion="...", stratum=2, offset=0.123, leap=00": times
 * are milliseconds. */
gboolean local_read_variables(const char *text, struct local_clock *local, GError **error)
{
    g_auto(GStrv) words = g_strsplit_set(text, ",\n", -1);
    gboolean stratum = FALSE;

    for (char **word = words; *word; word++) {
        const char *name = g_strstrip(*word), *value = strchr(name, '=');
        const gsize length = value ? (gsize)(value++ - name) : 0;

        if (!value)
            continue;
        if (strncmp(name, "stratum", length) == 0 && length == strlen("stratum"))
            stratum = read_stratum(value, &local->stratum);
        else if (strncmp(name, "offset", length) == 0 && length == strlen("offset"))
            read_seconds(value, MS_A_S, &local->offset_us);
        else if (strncmp(name, "rootdelay", length) == 0 && length == strlen("rootdelay"))
            read_seconds(value, MS_A_S, &local->root_delay_us);
        else if (strncmp(name, "rootdisp", length) == 0 && length == strlen("rootdisp"))
            read_seconds(value, MS_A_S, &local->root_dispersion_us);
        else if (strncmp(name, "refid", length) == 0 && length == strlen("refid")) {
            g_free(local->reference);
            local->reference = g_strdup(value);
        } else if (strncmp(name, "leap", length) == 0 && length == strlen("leap")) {
            g_free(local->leap);
            local->leap = g_strdup(value);
        }
    }
    if (!stratum)
        return input_error(error, "ntpq says no stratum");
    local->daemon = "ntp";
    return TRUE;
}

/* ---- running them ---- */

static gboolean take(const void *bytes, gsize length, gpointer data, GError **error)
{
    GString *said = data;

    (void)error;
    g_string_append_len(said, bytes, (gssize)MIN(length, SAID_LIMIT - said->len));
    return said->len < SAID_LIMIT;
}

/* What the program says; NULL: it is not there, failed or did not end. */
static char *run(const char *const *arguments)
{
    g_autofree char *path = g_strconcat("PATH=", g_getenv("PATH"), NULL);
    const char *const environment[] = { path, "LC_ALL=C", NULL };
    g_autoptr(GString) said = g_string_new(NULL);
    const struct program program = { arguments, environment, PROGRAM_LIMIT_US, take, said };
    g_auto(program_result_t) result = { 0 };

    if (!program_run(&program, &result, NULL) || result.end != PROGRAM_EXITED || result.status != 0)
        return NULL;
    return g_utf8_make_valid(said->str, (gssize)said->len);
}

static char *run_chronyc(const char *server, const char *what)
{
    g_autoptr(clock_source_t) place = server ? clock_source_parse(server, NULL) : NULL;
    g_autofree char *port = place ? g_strdup_printf("%u", place->port) : NULL;
    const char *const asked[] = { "chronyc", "-c", "-n", what, NULL };
    const char *const told[] = { "chronyc", "-h", place ? place->host : "", "-p", port, "-c", "-n",
                                 what,      NULL };

    return run(place ? told : asked);
}

void local_clock_read(const char *chrony, struct local_clock *local)
{
    static const char *const ntpq[] = { "ntpq", "-n", "-c", "rv", NULL };
    g_autofree char *tracking = run_chronyc(chrony, "tracking"), *other = NULL;
    g_autoptr(GError) problem = NULL;

    *local = (struct local_clock){ 0 };
    read_kernel(local);
    if (tracking) {
        other = run_chronyc(chrony, "sources");
        if (local_read_tracking(tracking, local, &problem) && other)
            local_read_sources(other, local, &problem);
    } else if (!chrony && (other = run(ntpq))) {
        local_read_variables(other, local, &problem);
    }
    if (problem)
        local->problem = g_strdup(problem->message);
}
