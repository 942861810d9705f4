#include "base/tlp.h"

static const char *const level_names[] = {
    [TLP_CLEAR] = "clear", [TLP_GREEN] = "green",
    [TLP_AMBER] = "amber", [TLP_AMBER_STRICT] = "amber+strict",
    [TLP_RED] = "red",
};

const char *tlp_name(enum tlp tlp)
{
    return level_names[tlp];
}

gboolean tlp_parse(const char *text, enum tlp *tlp)
{
    if (!text)
        return FALSE;
    if (g_ascii_strncasecmp(text, "tlp:", 4) == 0)
        text += 4;
    for (guint i = 0; i < G_N_ELEMENTS(level_names); i++)
        if (g_ascii_strcasecmp(text, level_names[i]) == 0) {
            *tlp = i;
            return TRUE;
        }
    *tlp = TLP_CLEAR; /* as TLP 1.0 called it */
    return g_ascii_strcasecmp(text, "white") == 0;
}
