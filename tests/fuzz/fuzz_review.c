/* What a reviewer is handed, against a draw of two leaves. */
#include "p9_norms/review.h"
#include "statement/verifier.h"

#include <stdint.h>

#define LIMIT (1u << 20)

static const char *severity_of(const char *measure)
{
    return *measure == 'h' ? "high" : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(json_t) draw =
        json_pack("{s:{s:i, s:s, s:{s:s, s:i}}, s:{s:[{s:i, s:s}, {s:i, s:n}]}}", "assessment",
                  "index", 7, "domain", "a.example", "commitments", "root",
                  "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9", "count", 3,
                  "draw", "findings", "index", 0, "severity", "high", "index", 2, "severity");
    g_autoptr(json_t) disclosure = json_parse(data, size, LIMIT, "fuzz", NULL);
    g_autoptr(json_t) check = disclosure ? review_check(draw, disclosure, severity_of, NULL) : NULL;
    g_autofree char *text = check ? review_check_text(check) : NULL;

    return 0;
}
