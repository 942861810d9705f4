#include "base/error.h"

#include <string.h>

G_DEFINE_QUARK(entente - error - quark, entente_error)

int error_exit_status(const GError *error)
{
    static const int statuses[] = {
        [ENTENTE_ERROR_FOUND] = EXIT_FOUND,
        [ENTENTE_ERROR_INPUT] = EXIT_INPUT,
        [ENTENTE_ERROR_SYSTEM] = EXIT_SYSTEM,
        [ENTENTE_ERROR_POLICY] = EXIT_POLICY,
    };

    if (!error)
        return EXIT_DONE;
    if (error->domain == G_OPTION_ERROR)
        return EXIT_INPUT;
    if (error->domain != ENTENTE_ERROR || error->code < 0 ||
        (gsize)error->code >= G_N_ELEMENTS(statuses))
        return EXIT_SYSTEM;
    return statuses[error->code];
}

#define DEFINE_ERROR(NAME, CODE)                                                                   \
    gboolean NAME(GError **error, const char *format, ...)                                         \
    {                                                                                              \
        va_list arguments;                                                                         \
                                                                                                   \
        va_start(arguments, format);                                                               \
        if (error)                                                                                 \
            *error = g_error_new_valist(ENTENTE_ERROR, CODE, format, arguments);                   \
        va_end(arguments);                                                                         \
        return FALSE;                                                                              \
    }

DEFINE_ERROR(found_error, ENTENTE_ERROR_FOUND)
DEFINE_ERROR(input_error, ENTENTE_ERROR_INPUT)
DEFINE_ERROR(policy_error, ENTENTE_ERROR_POLICY)
DEFINE_ERROR(system_error, ENTENTE_ERROR_SYSTEM)

gboolean errno_error(GError **error, int code, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list arguments;

    va_start(arguments, format);
    text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    return system_error(error, "%s: %s", text, g_strerror(code));
}
