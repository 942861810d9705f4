/* Records of NTS key establishment: what is read is whole, bounded and printable. */
#include "p2_internet/clock/nts.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_auto(nts_answer_t) answer = { 0 };
    g_autoptr(GError) error = NULL;

    if (!nts_ke_parse(data, size, &answer, &error)) {
        g_assert_nonnull(error);
        return 0;
    }
    g_assert_true(nts_ke_is_whole(data, size));
    g_assert_cmpuint(answer.cookies->len, >, 0);
    g_assert_cmpuint(answer.cookies->len, <=, NTS_COOKIES_MAX);
    for (guint i = 0; i < answer.cookies->len; i++)
        g_assert_cmpuint(g_bytes_get_size(answer.cookies->pdata[i]), <=, NTS_COOKIE_MAX);
    for (const char *c = answer.server; c && *c; c++)
        g_assert_true(g_ascii_isgraph(*c));
    return 0;
}
