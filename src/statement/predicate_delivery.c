#include "base/clock.h"
#include "base/error.h"
#include "statement/intoto.h"
#include "statement/predicate_shapes.h"

#define MAILBOX_URLS 4
#define MAILBOX_URL_LIMIT 300
#define KINDS_LIMIT 64
#define KIND_NAME_LIMIT 40
#define HOUR_US (G_GINT64_CONSTANT(3600) * G_USEC_PER_SEC)
#define LEAVES_LOW 64 /* fewer would tell how few there were */
#define LEAVES_HIGH (G_GINT64_CONSTANT(1) << 30)
#define LEAVES_STEP 4 /* padded to a power of it */

static const struct shape mailbox_url = { NULL, SHAPE_URI, 0, 1, MAILBOX_URL_LIMIT, NULL, NULL };
static const struct shape intake_kind = { NULL, SHAPE_TEXT, 0, 1, KIND_NAME_LIMIT, NULL, NULL };

const struct shape shape_mailbox[] = {
    SHAPE_OF_PROTOCOL,
    { "urls", SHAPE_LIST, SHAPE_UNIQUE, 1, MAILBOX_URLS, NULL, &mailbox_url },
    { "intake", SHAPE_LIST, SHAPE_OPTIONAL | SHAPE_UNIQUE, 0, KINDS_LIMIT, NULL, &intake_kind },
    { 0 },
};

const struct shape shape_case_root[] = {
    SHAPE_OF_PROTOCOL,
    { "hour", SHAPE_TIME, 0, 0, 0, NULL, NULL },
    { "root", SHAPE_SHA256, 0, 0, 0, NULL, NULL },
    { "leaves", SHAPE_INTEGER, 0, LEAVES_LOW, LEAVES_HIGH, NULL, NULL },
    { 0 },
};

/* Messages are posted to URL/api/v1/mailboxes/...: nothing may stand behind the path. */
gboolean rules_mailbox(const json_t *statement, GError **error)
{
    const json_t *url;
    size_t i;

    json_array_foreach(json_object_get(intoto_predicate(statement), "urls"), i, url)
    {
        const char *text = json_string_value(url);

        if ((!g_str_has_prefix(text, "https://") && !g_str_has_prefix(text, "http://")) ||
            strpbrk(text, "?#"))
            return input_error(error, "\"%s\" is not the http(s) URL of a node", text);
    }
    return TRUE;
}

gboolean rules_case_root(const json_t *statement, GError **error)
{
    const json_t *predicate = intoto_predicate(statement);
    gint64 leaves = json_number(predicate, "leaves", 0), hour_us;

    if (!clock_parse(json_text(predicate, "hour"), &hour_us, error))
        return FALSE;
    if (hour_us % HOUR_US)
        return input_error(error, "\"hour\" is not the beginning of an hour");
    while (leaves > 1 && leaves % LEAVES_STEP == 0)
        leaves /= LEAVES_STEP;
    return leaves == 1 || input_error(error, "\"leaves\" is not a power of %d", LEAVES_STEP);
}
