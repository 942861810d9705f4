/*
 * The canonical form of an envelope, read without a JSON parser: it leaves one way to write each
 * thing, so that what does not match byte by byte is another form.
 *
 *     {"payload":"BASE64","payloadType":"TEXT","signatures":[{"keyid":"TEXT","sig":"BASE64"},...]}
 */
#include "statement/base64.h"
#include "statement/dsse.h"

#include <string.h>

#define FIRST_PRINTABLE 0x20

struct scan {
    const char *at, *end;
};

static gboolean skip(struct scan *scan, const char *text)
{
    const gsize length = strlen(text);

    if ((gsize)(scan->end - scan->at) < length || memcmp(scan->at, text, length) != 0)
        return FALSE;
    scan->at += length;
    return TRUE;
}

/* Up to the closing quote; FALSE for what JSON escapes. */
static gboolean read_text(struct scan *scan, const char **text, gsize *length)
{
    const char *quote = memchr(scan->at, '"', (gsize)(scan->end - scan->at));

    if (!quote)
        return FALSE;
    *text = scan->at;
    *length = (gsize)(quote - scan->at);
    scan->at = quote + 1;
    for (gsize i = 0; i < *length; i++)
        if ((guchar)(*text)[i] < FIRST_PRINTABLE || (*text)[i] == '\\')
            return FALSE;
    return TRUE;
}

static GBytes *read_base64(struct scan *scan)
{
    const char *quote = memchr(scan->at, '"', (gsize)(scan->end - scan->at));
    GBytes *bytes = quote ? base64_decode(scan->at, quote - scan->at) : NULL;

    if (bytes)
        scan->at = quote + 1;
    return bytes;
}

static gboolean read_signature(struct scan *scan, struct dsse *envelope)
{
    g_autofree char *keyid = NULL;
    g_autoptr(GBytes) bytes = NULL;
    const char *text;
    gsize length;

    if (!skip(scan, "{\"keyid\":\"") || !read_text(scan, &text, &length) ||
        !g_utf8_validate_len(text, length, NULL) || !skip(scan, ",\"sig\":\""))
        return FALSE;
    bytes = read_base64(scan);
    if (!bytes)
        return FALSE;
    keyid = g_strndup(text, length);
    dsse_add(envelope, keyid, bytes);
    return skip(scan, "}");
}

struct dsse *dsse_parse_canonical(const void *data, gsize length)
{
    struct scan scan = { data, NULL };
    g_autoptr(GBytes) payload = NULL;
    g_autofree char *type = NULL;
    g_autoptr(dsse_t) envelope = NULL;
    const char *text;
    gsize size;

    if (!length)
        return NULL;
    scan.end = scan.at + length;
    if (!skip(&scan, "{\"payload\":\""))
        return NULL;
    payload = read_base64(&scan);
    if (!payload || !skip(&scan, ",\"payloadType\":\"") || !read_text(&scan, &text, &size) ||
        !g_utf8_validate_len(text, size, NULL) || !skip(&scan, ",\"signatures\":["))
        return NULL;
    type = g_strndup(text, size);
    envelope = dsse_new(type, payload);
    for (gboolean more = scan.at < scan.end && *scan.at == '{'; more; more = skip(&scan, ","))
        if (envelope->signatures->len == DSSE_SIGNATURES_LIMIT || !read_signature(&scan, envelope))
            return NULL;
    return skip(&scan, "]}") && scan.at == scan.end ? g_steal_pointer(&envelope) : NULL;
}
