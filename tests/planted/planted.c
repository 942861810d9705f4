/*
 * planted.c: judges that do harm, among the real ones (e2e/test_planted.py).
 *
 * entente-planted is main.c and the library with one table replaced: the catalogue is made of
 * data/measures and of measures.yaml beside this file. It is not installed.
 */
#include "catalogue_judges.h"

void judge_host_ssh_planted_null(const struct asset_view *view, struct finding *finding)
{
    const struct asset_view *volatile nothing = NULL; /* volatile: the compiler must not know */
    const struct asset_view *other = nothing;

    /* cppcheck-suppress nullPointer ; it is meant */
    finding_check(finding, other->now_us > 0, NULL, 0, NULL, "read through NULL", NULL);
}

void judge_host_ssh_planted_loop(const struct asset_view *view, struct finding *finding)
{
    for (volatile gboolean always = TRUE; always;)
        ;
}
