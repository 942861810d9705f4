/* A saved plan is read back before it is applied: whatever is read can be written again. */
#include "fix/fix_plan.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GBytes) bytes = g_bytes_new(data, size);
    g_autoptr(fix_plan_t) plan = fix_plan_parse(bytes, "plan", NULL);
    g_autoptr(fix_plan_t) again = NULL;
    g_autoptr(GBytes) first = plan ? fix_plan_bytes(plan, NULL) : NULL;
    g_autoptr(GBytes) second = NULL;

    if (!first)
        return 0;
    again = fix_plan_parse(first, "plan", NULL);
    second = again ? fix_plan_bytes(again, NULL) : NULL;
    if (!second || !g_bytes_equal(first, second))
        abort();
    return 0;
}
