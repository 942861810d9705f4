/*
 * error.h: the one error domain, whose codes decide the exit status.
 *
 * A message names the thing, the place and what to do:
 * `indicators.csv:812: "10.0.0.0/33" is not a prefix (length is 0..32)`.
 */
#pragma once
#include <glib.h>

#define ENTENTE_ERROR (entente_error_quark())
GQuark entente_error_quark(void);

enum entente_error {
    ENTENTE_ERROR_FOUND,  /* exit 1: something found: a mismatch, a bad signature */
    ENTENTE_ERROR_INPUT,  /* exit 2: wrong use or bad input */
    ENTENTE_ERROR_SYSTEM, /* exit 3: could not complete: a read, a write, the network, a permission
                           */
    ENTENTE_ERROR_POLICY, /* exit 4: refused by policy */
};

/* Exit statuses of the command line; the highest that applies wins. */
enum entente_exit {
    EXIT_DONE = 0,
    EXIT_FOUND = 1,
    EXIT_INPUT = 2,
    EXIT_SYSTEM = 3,
    EXIT_POLICY = 4
};

/* The exit status for `error`; errors of other domains (GFileError, ...) are EXIT_SYSTEM. */
int error_exit_status(const GError *error);

/*
 * Set `error` and return FALSE, so that a parser can say
 * `return input_error(error, "%s:%u: no ':'", name, line);`
 */
gboolean found_error(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);
gboolean input_error(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);
gboolean policy_error(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);
gboolean system_error(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* As system_error(), with ": " and strerror(code) added. */
gboolean errno_error(GError **error, int code, const char *format, ...) G_GNUC_PRINTF(3, 4);
