/* A document that is read as an assessment is written as one that reads the same. */
#include "assess/assessment_json.h"
#include "assess/assessment_text.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(assessment_t) assessment = assessment_parse_json(data, size, "input", NULL);
    g_autoptr(assessment_t) again = NULL;
    g_autofree char *once = NULL, *twice = NULL, *text = NULL;
    gsize length;

    if (!assessment)
        return 0;
    once = assessment_write_json(assessment, &length);
    again = assessment_parse_json(once, length, "again", NULL);
    if (!again)
        abort();
    twice = assessment_write_json(again, NULL);
    if (!g_str_equal(once, twice))
        abort();
    text = assessment_format_text(assessment, TRUE, FALSE, 80);
    return 0;
}
