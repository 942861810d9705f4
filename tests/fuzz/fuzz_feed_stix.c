/* Feeds of indicators (stix): every message of the parser is sound, every value in normal form. */
#include "feed.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static gboolean parse(struct feed_parser *parser, const void *data, gsize size, GError **error)
{
    return feed_parse_stix(parser, data, size, error);
}

static gboolean note(struct feed_parser *parser, const void *data, gsize size, GError **error)
{
    return feed_survey_stix(parser, data, size, error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    feed_any(parse, data, size);
    feed_any(note, data, size);
    return 0;
}
