/*
 * watch_lab.h: a watch over a profile of a few prefixes, what peers say to it, and what it tells.
 */
#pragma once
#include "p2_internet/routes/watch_profile.h"

#include <string.h>

#define START ((gint64)1790000000 * G_USEC_PER_SEC)
#define SECOND G_USEC_PER_SEC
#define FEED "rrc00"

static const char profile_text[] =
    "signatory: {name: A, group: state}\n"
    "assets:\n"
    "  prefixes:\n"
    "    - {prefix: 193.0.0.0/21, origins: [3333], neighbours: [1299, 174], max_length: 22}\n"
    "    - {prefix: 84.205.64.0/24, dormant: true}\n"
    "    - {prefix: '2001:67c:2e8::/48', name: six}\n"
    "  as:\n"
    "    - {number: 3333, upstreams: [1299, 174], peers: [6939], downstreams: [12654]}\n";

struct lab {
    struct profile *profile;
    GPtrArray *prefixes, *systems;
    struct watch_options options;
    struct watch *watch;
    GPtrArray *told; /* "opened origin 193.0.0.0/21 AS666" */
    GString *texts;
    gint64 now_us;
};

static inline void take_report(const struct watch_report *report, gpointer data)
{
    struct lab *lab = data;
    char prefix[IP_PREFIX_TEXT] = "-";

    if (report->has_prefix)
        ip_prefix_format(&report->prefix, prefix);
    g_ptr_array_add(lab->told, g_strdup_printf("%s %s %s AS%u", watch_step_name(report->step),
                                               watch_rows[report->alarm].id, prefix, report->as));
    g_string_append_printf(lab->texts, "%s\n", report->text);
    for (char *const *line = report->evidence; *line; line++)
        g_string_append_printf(lab->texts, "  %s\n", *line);
}

static inline struct lab *lab_new(void)
{
    struct lab *lab = g_new0(struct lab, 1);
    g_autoptr(GError) error = NULL;

    lab->profile = profile_parse(profile_text, strlen(profile_text), "p", &error);
    g_assert_no_error(error);
    g_assert_true(watch_of_profile(lab->profile, &lab->prefixes, &lab->systems, &error));
    lab->options.prefixes = lab->prefixes;
    lab->options.systems = lab->systems;
    lab->told = g_ptr_array_new_with_free_func(g_free);
    lab->texts = g_string_new(NULL);
    lab->now_us = START;
    return lab;
}

static inline void lab_begin(struct lab *lab)
{
    lab->watch = watch_new(&lab->options, take_report, lab);
}

static inline void lab_free(struct lab *lab)
{
    watch_free(lab->watch);
    g_ptr_array_unref(lab->told);
    g_string_free(lab->texts, TRUE);
    g_ptr_array_unref(lab->prefixes);
    g_ptr_array_unref(lab->systems);
    g_clear_pointer(&lab->options.vrps, vrp_set_unref);
    g_clear_pointer(&lab->options.aspas, aspa_set_unref);
    g_clear_pointer(&lab->options.relations, relations_unref);
    if (lab->options.ignored)
        g_array_unref(lab->options.ignored);
    profile_free(lab->profile);
    g_free(lab);
}
typedef struct lab lab_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lab_t, lab_free)

static inline struct route_peer peer_at(guint number)
{
    struct route_peer peer = { .family = 4, .as = 50000 + number };

    peer.address[0] = 10;
    peer.address[3] = (guint8)number;
    return peer;
}

static inline void put_as(GByteArray *out, guint32 as)
{
    const guint8 bytes[] = { (guint8)(as >> 24), (guint8)(as >> 16), (guint8)(as >> 8),
                             (guint8)as };

    g_byte_array_append(out, bytes, sizeof bytes);
}

/* "1299 174 {5,6}" with `community` and `otc` (0: none), as a speaker writes them. */
static inline GByteArray *attributes_of(const char *path, guint32 community, guint32 otc)
{
    g_autoptr(GByteArray) hops = g_byte_array_new(), set = g_byte_array_new();
    g_auto(GStrv) words = g_strsplit(path, " ", -1);
    GByteArray *out = g_byte_array_new();
    guint count = 0, members = 0;

    for (char **word = words; *word; word++) {
        if (**word == '{') {
            g_auto(GStrv) numbers = g_strsplit_set(*word + 1, ",}", -1);

            for (char **number = numbers; *number && **number; number++, members++)
                put_as(set, (guint32)g_ascii_strtoull(*number, NULL, 10));
        } else if (**word) {
            put_as(hops, (guint32)g_ascii_strtoull(*word, NULL, 10));
            count++;
        }
    }
    g_byte_array_append(out, (const guint8[]){ 0x40, BGP_ORIGIN, 1, 0 }, 4);
    g_byte_array_append(out,
                        (const guint8[]){ 0x40, BGP_AS_PATH,
                                          (guint8)(2 + hops->len + (members ? 2 + set->len : 0)),
                                          BGP_AS_SEQUENCE, (guint8)count },
                        5);
    g_byte_array_append(out, hops->data, hops->len);
    if (members) {
        g_byte_array_append(out, (const guint8[]){ BGP_AS_SET, (guint8)members }, 2);
        g_byte_array_append(out, set->data, set->len);
    }
    g_byte_array_append(out, (const guint8[]){ 0x40, BGP_NEXT_HOP, 4, 10, 0, 0, 1 }, 7);
    if (community) {
        g_byte_array_append(out, (const guint8[]){ 0xc0, BGP_COMMUNITIES, 4 }, 3);
        put_as(out, community);
    }
    if (otc) {
        g_byte_array_append(out, (const guint8[]){ 0xc0, BGP_OTC, 4 }, 3);
        put_as(out, otc);
    }
    return out;
}

struct said {
    const char *prefix, *path; /* path NULL: withdrawn */
    guint32 community, otc;
};

static inline void say(struct lab *lab, guint number, const struct said *said)
{
    const struct bgp_options options = { .as4 = TRUE };
    const struct route_peer peer = peer_at(number);
    struct bgp_attributes attributes = { 0 };
    struct route_element element = {
        .time_us = lab->now_us, .peer = &peer, .safi = BGP_UNICAST, .kind = ROUTE_WITHDRAW
    };
    g_autoptr(GByteArray) bytes = NULL;

    g_assert_true(ip_prefix_parse(said->prefix, &element.prefix, NULL));
    if (said->path) {
        bytes = attributes_of(said->path, said->community, said->otc);
        bgp_attributes_parse(bytes->data, bytes->len, &options, &attributes);
        g_assert_cmpint(attributes.verdict, ==, BGP_FINE);
        element.kind = ROUTE_ANNOUNCE;
        element.attributes = &attributes;
        element.raw = (struct bgp_span){ bytes->data, bytes->len };
    }
    watch_take(lab->watch, FEED, &element);
    bgp_attributes_clear(&attributes);
}

/* So many peers say the same. */
static inline void all_say(struct lab *lab, guint peers, const struct said *said)
{
    for (guint i = 1; i <= peers; i++)
        say(lab, i, said);
}

static inline void assert_told(struct lab *lab, const char *wanted)
{
    g_autofree char *told = NULL;

    g_ptr_array_add(lab->told, NULL);
    told = g_strjoinv("; ", (char **)lab->told->pdata);
    g_assert_cmpstr(told, ==, wanted);
    g_ptr_array_set_size(lab->told, 0);
}

static inline void add_vrp(struct vrp_set *set, const char *prefix, guint8 max_length, guint32 asn)
{
    struct vrp vrp = { .max_length = max_length, .asn = asn };

    g_assert_true(ip_prefix_parse(prefix, &vrp.prefix, NULL));
    g_assert_true(vrp_set_add(set, &vrp));
}

static inline struct vrp_set *roas(void)
{
    struct vrp_set *set = vrp_set_new();

    add_vrp(set, "193.0.0.0/21", 22, 3333);
    add_vrp(set, "193.0.4.0/24", 24, 12654);
    vrp_set_say(set, &(struct vrp_set_about){ .serial = 7 });
    vrp_set_seal(set);
    return set;
}

/* Somebody talks, of what is not ours, so that the feed is not silent. */
static inline void live(struct lab *lab, guint seconds)
{
    for (guint i = 0; i < seconds; i += 10) {
        lab->now_us += 10 * SECOND;
        say(lab, 200, &(struct said){ "8.8.8.0/24", "50001 15169", 0, 0 });
    }
}
