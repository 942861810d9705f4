/*
 * local.h: what this machine says of its own clock: the kernel (adjtimex(), which is only asked),
 * and chronyd or ntpd through chronyc and ntpq, run as programs.
 */
#pragma once
#include <glib.h>

struct local_clock {
    /* the kernel; `kernel` FALSE: it could not be asked */
    gboolean kernel, synchronised;
    gint64 max_error_us, estimated_error_us;
    /* the daemon; NULL: none answered */
    const char *daemon; /* "chrony", "ntp" */
    char *reference;    /* its source: a name or an address; "" */
    guint stratum;
    char *leap; /* "Normal", "Insert second", ... as the daemon says */
    gint64 offset_us, root_delay_us, root_dispersion_us;
    guint sources, selectable, reachable;
    char *problem; /* why it was not understood; or NULL */
};
void local_clock_clear(struct local_clock *local);

/* `chrony`: "HOST:PORT" or "HOST" for chronyc to ask; NULL: its default. */
void local_clock_read(const char *chrony, struct local_clock *local);

/* For tests: `chronyc -c -n tracking`, `... sources`, `ntpq -c rv`. ENTENTE_ERROR_INPUT. */
gboolean local_read_tracking(const char *text, struct local_clock *local, GError **error);
gboolean local_read_sources(const char *text, struct local_clock *local, GError **error);
gboolean local_read_variables(const char *text, struct local_clock *local, GError **error);
