/*
 * predicate_routes.c: what is done in BGP to networks that are the signer's, published with its
 * consent; and what another signatory's own vantage says of it: "I see it, too", or not.
 *
 * Only what another can look for is published: one prefix, one AS number, a span of time. Whether
 * the network is the signer's is for the register: its endorsement names it.
 */
#include "base/clock.h"
#include "base/error.h"
#include "statement/intoto.h"
#include "statement/predicate_shapes.h"

#define AS_LIMIT G_MAXUINT32
#define COUNT_LIMIT 1000000
#define PATH_LIMIT 64
#define RAW_ROUTES 4
#define RAW_TEXT 2300 /* a peer, a time and 1024 bytes of attributes, in hexadecimal */

static const char *const alarms[] = {
    "as-misuse",    "aspa-invalid", "bogon",      "downstream",   "first-hop", "leak", "origin",
    "rpki-invalid", "squatting",    "sub-prefix", "super-prefix", "upstream",  NULL,
};
static const char *const states[] = { "invalid-asn", "invalid-length", "notfound", "valid", NULL };
static const char *const tlp_words[] = { "clear", NULL };
static const char *const seen_words[] = { "cannot-tell", "not-seen", "seen", NULL };
/* What was looked at: routes that were kept, or what a node heard itself. */
static const char *const source_words[] = { "live", "recording", NULL };

/* Nearest to who saw it first; 0 stands for a set. */
static const struct shape hop = { NULL, SHAPE_INTEGER, 0, 0, AS_LIMIT, NULL, NULL };
static const struct shape source = { NULL, SHAPE_WORD, 0, 0, 0, source_words, NULL };
/* "PEER ASN TIME HEX": the attributes of an UPDATE or an entry of a table, as they came. */
static const struct shape raw_route = { NULL, SHAPE_TEXT, 0, 1, RAW_TEXT, NULL, NULL };

static const struct shape evidence[] = {
    { "sha256", SHAPE_SHA256, 0, 0, 0, NULL, NULL }, /* of the lines below, each with its LF */
    { "routes", SHAPE_LIST, SHAPE_OPTIONAL, 1, RAW_ROUTES, NULL, &raw_route },
    { 0 },
};

const struct shape shape_route_alarm[] = {
    SHAPE_OF_PROTOCOL,
    { "tlp", SHAPE_WORD, 0, 0, 0, tlp_words, NULL },
    { "alarm", SHAPE_WORD, 0, 0, 0, alarms, NULL },
    { "own", SHAPE_TEXT, 0, 3, PREDICATE_NETWORK_TEXT, NULL, NULL },
    { "prefix", SHAPE_TEXT, 0, 3, PREDICATE_NETWORK_TEXT, NULL, NULL },
    { "as", SHAPE_INTEGER, 0, 0, AS_LIMIT, NULL, NULL },
    { "path", SHAPE_LIST, SHAPE_OPTIONAL, 1, PATH_LIMIT, NULL, &hop },
    { "first", SHAPE_TIME, 0, 0, 0, NULL, NULL },
    { "last", SHAPE_TIME, 0, 0, 0, NULL, NULL },
    { "peers", SHAPE_INTEGER, 0, 1, COUNT_LIMIT, NULL, NULL },
    { "rov", SHAPE_WORD, SHAPE_OPTIONAL, 0, 0, states, NULL },
    { "serial", SHAPE_INTEGER, SHAPE_OPTIONAL, 0, AS_LIMIT, NULL, NULL },
    { "evidence", SHAPE_OBJECT, 0, 0, 0, NULL, evidence },
    { 0 },
};

const struct shape shape_route_sighting[] = {
    SHAPE_OF_PROTOCOL,
    { "alarm", SHAPE_SHA256, 0, 0, 0, NULL, NULL },
    { "seen", SHAPE_WORD, 0, 0, 0, seen_words, NULL },
    { "from", SHAPE_TIME, 0, 0, 0, NULL, NULL },
    { "until", SHAPE_TIME, 0, 0, 0, NULL, NULL },
    { "peers", SHAPE_INTEGER, 0, 0, COUNT_LIMIT, NULL, NULL }, /* that had the route ... */
    { "of", SHAPE_INTEGER, 0, 0, COUNT_LIMIT, NULL, NULL },    /* ... of those that were heard */
    { "sources", SHAPE_LIST, SHAPE_UNIQUE, 0, 2, NULL, &source },
    { "first", SHAPE_TIME, SHAPE_OPTIONAL, 0, 0, NULL, NULL },
    { "last", SHAPE_TIME, SHAPE_OPTIONAL, 0, 0, NULL, NULL },
    { "evidence", SHAPE_SHA256, SHAPE_OPTIONAL, 0, 0, NULL, NULL },
    { 0 },
};

static gint64 time_of(const json_t *predicate, const char *member)
{
    gint64 time_us = 0;

    /* Its shape was checked. */
    clock_parse(json_text(predicate, member), &time_us, NULL);
    return time_us;
}

static gboolean is_digest_of_routes(const json_t *evidence_of)
{
    const json_t *routes = json_object_get(evidence_of, "routes"), *line;
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *sha256 = NULL;
    size_t i;

    if (!routes)
        return TRUE;
    json_array_foreach(routes, i, line)
    {
        g_string_append(text, json_string_value(line));
        g_string_append_c(text, '\n');
    }
    sha256 = g_compute_checksum_for_string(G_CHECKSUM_SHA256, text->str, (gssize)text->len);
    return g_strcmp0(sha256, json_text(evidence_of, "sha256")) == 0;
}

gboolean rules_route_alarm(const json_t *statement, GError **error)
{
    const json_t *alarm = intoto_predicate(statement);

    if (time_of(alarm, "last") < time_of(alarm, "first"))
        return input_error(error, "the route was last seen before it was seen first");
    return is_digest_of_routes(json_object_get(alarm, "evidence")) ||
           input_error(error, "the digest of the evidence is not that of the routes it shows");
}

/* What was seen by somebody has a time and evidence, within the span that was looked at. */
static gboolean seen_is_shown(const json_t *sighting)
{
    return json_object_get(sighting, "first") && json_object_get(sighting, "last") &&
           json_object_get(sighting, "evidence") &&
           time_of(sighting, "from") <= time_of(sighting, "first") &&
           time_of(sighting, "first") <= time_of(sighting, "last") &&
           time_of(sighting, "last") <= time_of(sighting, "until");
}

gboolean rules_route_sighting(const json_t *statement, GError **error)
{
    const json_t *sighting = intoto_predicate(statement);
    const gint64 peers = json_number(sighting, "peers", 0), of = json_number(sighting, "of", 0);
    const char *seen = json_text(sighting, "seen");
    const char *follows = of == 0 ? "cannot-tell" : peers == 0 ? "not-seen" : "seen";

    if (g_strcmp0(json_text(sighting, "alarm"), intoto_subject_sha256(statement)) != 0)
        return input_error(error, "the subject is not the alarm that it answers");
    if (time_of(sighting, "until") < time_of(sighting, "from"))
        return input_error(error, "the time that was looked at ends before it begins");
    if (peers > of)
        return input_error(error, "more peers had the route than were heard");
    if (!g_str_equal(seen, follows))
        return input_error(error, "\"%s\" does not follow from %d of %d peers", seen, (int)peers,
                           (int)of);
    return !peers || seen_is_shown(sighting) ||
           input_error(error, "what was seen has first, last and evidence, within the time that "
                              "was looked at");
}
