/* capture_match.c: which indicators the values of a capture are; see capture_hunt.h. */
#include "p1_resilience/hunt/capture_hunt.h"
#include "p1_resilience/hunt/hunt_lookup.h"

#include <string.h>

#define NANOSECONDS_A_MICROSECOND 1000

struct capture_hunter {
    const struct hunt_table *table;
    struct hit_rule rule;
    struct hunt_needles needles;
    struct hunt_scanner *scanner;
    /* Of the value that is looked up: */
    struct hunt_hit base;
    hunt_hit_function take;
    gpointer data;
    guint out_of_time;
};

struct capture_hunter *capture_hunter_new(const struct hunt_table *table,
                                          const struct hit_rule *rule)
{
    struct capture_hunter *hunter = g_new0(struct capture_hunter, 1);

    hunter->table = table;
    hunter->rule = *rule;
    hunter->needles = hunt_table_needles(table);
    hunter->scanner = hunt_scanner_new(&hunter->needles);
    return hunter;
}

void capture_hunter_free(struct capture_hunter *hunter)
{
    if (!hunter)
        return;
    hunt_scanner_free(hunter->scanner);
    g_free(hunter);
}

static void take_key(const struct hunt_key *key, gboolean is_whole, gpointer data)
{
    struct capture_hunter *hunter = data;
    struct hunt_hit hit = hunter->base;

    hit.hash = key->hash;
    hit.key = key->bytes;
    hit.key_length = key->length;
    hunter->out_of_time += hunt_hits(hunter->table, &hit, is_whole, FALSE, NULL, &hunter->rule,
                                     hunter->take, hunter->data);
}

static void take_match(const struct hunt_match *match, gpointer data)
{
    struct capture_hunter *hunter = data;
    struct hunt_hit hit = hunter->base;

    hit.offset = match->offset;
    hit.view = match->view;
    hit.token = match->token;
    hit.token_length = match->token_length;
    hit.hash = match->hash;
    hit.key = match->key;
    hit.key_length = match->key_length;
    hunter->out_of_time += hunt_hits(hunter->table, &hit, match->whole, match->repeated, NULL,
                                     &hunter->rule, hunter->take, hunter->data);
}

/* FALSE: it is no address. */
static gboolean look_up_address(struct capture_hunter *hunter, const char *text, gsize length)
{
    g_auto(indicator_t) indicator = { 0 };
    enum indicator_why why;

    if (!indicator_parse(text, length,
                         INDICATOR_VERBATIM | INDICATOR_ONLY(INDICATOR_IPV4) |
                             INDICATOR_ONLY(INDICATOR_IPV6),
                         &indicator, &why))
        return FALSE;
    hunt_lookup_network(&hunter->needles, &indicator, take_key, hunter);
    return TRUE;
}

static void match_address(struct capture_hunter *hunter, const char *text, gsize length)
{
    look_up_address(hunter, text, length);
}

static void match_name(struct capture_hunter *hunter, const char *text, gsize length)
{
    if (!look_up_address(hunter, text, length))
        hunt_lookup_name(text, length, take_key, hunter);
}

/* A name or address, [address] in brackets, with or without a port. */
static void match_host(struct capture_hunter *hunter, const char *text, gsize length)
{
    const char *end =
        length && text[0] == '[' ? memchr(text, ']', length) : memchr(text, ':', length);

    if (end && text[0] == '[')
        return match_address(hunter, text + 1, (gsize)(end - text - 1));
    match_name(hunter, text, end ? (gsize)(end - text) : length);
}

static void match_url(struct capture_hunter *hunter, const char *text, gsize length)
{
    g_auto(indicator_t) indicator = { 0 };
    enum indicator_why why;

    if (indicator_parse(text, length, INDICATOR_VERBATIM | INDICATOR_ONLY(INDICATOR_URL),
                        &indicator, &why))
        hunt_lookup_exact(&indicator, take_key, hunter);
}

static void match_text(struct capture_hunter *hunter, const char *text, gsize length)
{
    g_autofree guint8 *line = g_malloc0(length + HUNT_SCAN_PADDING);

    memcpy(line, text, length);
    hunt_scan_lines(hunter->scanner, line, length, 0, 1, take_match, hunter);
}

/* A NULL row: a value that no indicator is. */
static void (*const match[CAPTURE_KINDS])(struct capture_hunter *hunter, const char *text,
                                          gsize length) = {
    [CAPTURE_IP] = match_address,
    [CAPTURE_DNS_QUESTION] = match_name,
    [CAPTURE_DNS_OWNER] = match_name,
    [CAPTURE_DNS_A] = match_address,
    [CAPTURE_DNS_AAAA] = match_address,
    [CAPTURE_DNS_CNAME] = match_name,
    [CAPTURE_DNS_DNAME] = match_name,
    [CAPTURE_DNS_NS] = match_name,
    [CAPTURE_DNS_PTR] = match_name,
    [CAPTURE_DNS_MX] = match_name,
    [CAPTURE_DNS_SRV] = match_name,
    [CAPTURE_DNS_SOA] = match_name,
    [CAPTURE_DNS_SVCB] = match_name,
    [CAPTURE_DNS_TXT] = match_text,
    [CAPTURE_DNS_CLIENT] = match_address,
    [CAPTURE_TLS_NAME] = match_name,
    [CAPTURE_TLS_ALPN] = NULL,
    [CAPTURE_HTTP_HOST] = match_host,
    [CAPTURE_URL] = match_url,
    [CAPTURE_AGENT] = match_text,
};

guint capture_hunt(struct capture_hunter *hunter, const char *file,
                   const struct capture_value *value, hunt_hit_function take, gpointer data)
{
    gint64 time_ns = value->moment.time_ns;

    hunter->base = (struct hunt_hit){
        .file = file,
        .line = value->moment.packet,
        .token = (const guint8 *)value->text,
        .token_length = value->length,
        .view = HUNT_VIEW_RAW,
        .time_us = time_ns == CAPTURE_NO_TIME ? HIT_TIME_NONE : time_ns / NANOSECONDS_A_MICROSECOND,
    };
    hunter->take = take;
    hunter->data = data;
    hunter->out_of_time = 0;
    if (match[value->kind])
        match[value->kind](hunter, value->text, value->length);
    return hunter->out_of_time;
}
