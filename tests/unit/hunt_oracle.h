/*
 * hunt_oracle.h: the rules of matching written down as plainly as they are stated, without a
 * thought for speed: what the engine must find, and a small set of keys to look for.
 */
#pragma once
#include "p1_resilience/hunt/hunt_key.h"
#include "p1_resilience/hunt/scan.h"
#include "p1_resilience/hunt/sieve.h"
#include "p1_resilience/hunt/token.h"

#include <arpa/inet.h>
#include <string.h>

/* Keys as hunt_key.h has them, with filters in front of them. */
struct oracle_keys {
    GHashTable *keys; /* GBytes */
    struct hunt_needles needles;
    guint64 *last_labels, *networks, *url_hosts, *filter, *endings, *middles;
};

#define ORACLE_FILTER_WORDS 4096
#define ORACLE_URL_WORDS 64
#define ORACLE_ENDING_WORDS 64

static inline gboolean oracle_holds(gconstpointer table, guint64 hash, gconstpointer key,
                                    gsize length)
{
    g_autoptr(GBytes) bytes = g_bytes_new(key, length);

    return g_hash_table_contains((GHashTable *)table, bytes);
}

static inline void oracle_keys_init(struct oracle_keys *set)
{
    set->keys =
        g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, NULL);
    set->last_labels = g_new0(guint64, HUNT_KEY_LAST_LABEL_WORDS);
    set->networks = g_new0(guint64, HUNT_KEY_NETWORKS_BITS / 64);
    set->url_hosts = g_new0(guint64, ORACLE_URL_WORDS);
    set->filter = g_new0(guint64, ORACLE_FILTER_WORDS);
    set->endings = g_new0(guint64, ORACLE_ENDING_WORDS);
    set->middles = g_new0(guint64, HUNT_KEY_MIDDLES_WORDS);
    set->needles = (struct hunt_needles){
        .last_labels = set->last_labels,
        .networks = set->networks,
        .url_hosts = set->url_hosts,
        .url_host_words = ORACLE_URL_WORDS,
        .digests = TRUE,
        .emails = TRUE,
        .filters = { { set->filter, ORACLE_FILTER_WORDS } },
        .filter_count = 1,
        .holds = oracle_holds,
        .table = set->keys,
    };
}

static inline void oracle_keys_clear(struct oracle_keys *set)
{
    g_hash_table_unref(set->keys);
    g_free(set->last_labels);
    g_free(set->networks);
    g_free(set->url_hosts);
    g_free(set->filter);
    g_free(set->endings);
    g_free(set->middles);
}

/* The same keys behind a sieve. */
static inline struct hunt_needles oracle_sieved(const struct oracle_keys *set)
{
    struct hunt_needles needles = set->needles;

    needles.sieve.endings = set->endings;
    needles.sieve.ending_words = ORACLE_ENDING_WORDS;
    if (sieve_middles(set->networks, set->middles))
        needles.sieve.middles = set->middles;
    return needles;
}

static inline void oracle_put(struct oracle_keys *set, guint64 hash, const guint8 *key,
                              gsize length)
{
    set->filter[table_filter_word(set->needles.filters[0], hash) - set->filter] |=
        (guint64)1 << (hash & 63) | (guint64)1 << (hash >> 6 & 63) |
        (guint64)1 << (hash >> 12 & 63) | (guint64)1 << (hash >> 18 & 63);
    g_hash_table_add(set->keys, g_bytes_new(key, length));
}

static inline void oracle_add_name(struct oracle_keys *set, const char *name)
{
    g_autofree char *key = g_strconcat("n", name, NULL);
    gsize length = strlen(name);
    guint64 ending;
    enum sieve_name sort = sieve_name((const guint8 *)name, length, &ending);

    g_assert_cmpint(sort, !=, SIEVE_NAME_REFUSES);
    if (sort == SIEVE_NAME_HAS_ENDING)
        sieve_set_ending(set->endings, ORACLE_ENDING_WORDS, ending);
    hunt_key_filter_set(set->last_labels, HUNT_KEY_LAST_LABEL_WORDS,
                        hunt_key_last_label((const guint8 *)name, length));
    oracle_put(set, hunt_key_name((const guint8 *)name, length), (const guint8 *)key, 1 + length);
}

/* "192.0.2.0", 24 or "2001:db8::", 32; host bits are zero. */
static inline void oracle_add_network(struct oracle_keys *set, const char *text, guint prefix)
{
    gboolean is6 = strchr(text, ':') != NULL;
    guint8 key[19] = { 'a', is6 ? 6 : 4, (guint8)prefix };
    guint32 address;

    g_assert_cmpint(inet_pton(is6 ? AF_INET6 : AF_INET, text, key + 3), ==, 1);
    if (is6) {
        set->needles.lengths6[prefix / 64] |= (guint64)1 << prefix % 64;
        oracle_put(set, hunt_key_network6(key + 3, prefix), key, 19);
        return;
    }
    memcpy(&address, key + 3, 4);
    address = g_ntohl(address);
    set->needles.lengths4 |= (guint64)1 << prefix;
    for (guint64 each = address;
         each <= (address | (prefix ? 0xffffffffu >> 1 >> (prefix - 1) : ~0u)); each += 256)
        set->networks[each >> 14] |= (guint64)1 << (each >> 8 & 63);
    oracle_put(set, hunt_key_network4(address, prefix), key, 7);
}

static inline void oracle_add_digest(struct oracle_keys *set, const char *hex)
{
    guint8 key[65] = { 'h' };
    gsize length = strlen(hex) / 2;

    for (gsize i = 0; i < length; i++)
        key[1 + i] =
            (guint8)(g_ascii_xdigit_value(hex[2 * i]) << 4 | g_ascii_xdigit_value(hex[2 * i + 1]));
    oracle_put(set, hunt_key_digest(key + 1, length), key, 1 + length);
}

static inline void oracle_add_email(struct oracle_keys *set, const char *address)
{
    g_autofree char *key = g_strconcat("e", address, NULL);
    gsize length = strlen(address);

    oracle_put(set, hunt_key_email((const guint8 *)address, length), (const guint8 *)key,
               1 + length);
}

/* "http://host/path" or "host/path", in the normal form. */
static inline void oracle_add_url(struct oracle_keys *set, const char *url)
{
    const char *behind = strstr(url, "://"), *rest = behind ? behind + 3 : url;
    guint8 scheme = !behind ? '*' : g_str_has_prefix(url, "https") ? 's' : 'h';
    g_autofree char *key = g_strdup_printf("u%c%s", scheme, rest);
    guint64 hash = hunt_key_url_rest((const guint8 *)rest, strlen(rest));

    hunt_key_filter_set(set->url_hosts, ORACLE_URL_WORDS,
                        hunt_key_url_host((const guint8 *)rest, strchr(rest, '/') - rest));
    if (!behind && strcspn(rest, ":") < strcspn(rest, "/")) /* also without that port */
        hunt_key_filter_set(set->url_hosts, ORACLE_URL_WORDS,
                            hunt_key_url_host((const guint8 *)rest, strcspn(rest, ":")));
    oracle_put(set, hunt_key_url(hash, scheme), (const guint8 *)key, strlen(key));
}

/* What is found in a line: GBytes of key -> whether it was seen as a whole token. */
struct oracle_line {
    const struct oracle_keys *set;
    GHashTable *seen;
};

static inline void oracle_see(struct oracle_line *line, const void *key, gsize length,
                              gboolean whole)
{
    GBytes *bytes = g_bytes_new(key, length);

    if (!g_hash_table_contains(line->set->keys, bytes))
        g_bytes_unref(bytes);
    else
        g_hash_table_replace(line->seen, bytes,
                             GINT_TO_POINTER(whole || g_hash_table_lookup(line->seen, bytes)));
}

static inline gboolean oracle_in(guint8 byte, const char *extra)
{
    return g_ascii_isalnum(byte) || (byte && strchr(extra, byte));
}

static inline gboolean oracle_is_word(const guint8 *text, gsize length, gsize position)
{
    return position < length && oracle_in(text[position], "_");
}

static inline void oracle_names(struct oracle_line *line, const guint8 *text, gsize length)
{
    for (gsize start = 0, end; start < length; start = end + 1) {
        gsize first = start, last;

        for (end = start; end < length && oracle_in(text[end], "._-");)
            end++;
        for (last = end; last > first && strchr(".-", text[last - 1]);)
            last--;
        while (first < last && strchr(".-", text[first]))
            first++;
        for (gsize from = first; from < last; from++) {
            if (last - from <= HUNT_KEY_NAME_MAX && (from == first || text[from - 1] == '.')) {
                g_autofree char *part = g_strndup((const char *)text + from, last - from);
                g_autofree char *lower = g_ascii_strdown(part, -1);
                g_autofree char *key = g_strconcat("n", lower, NULL);

                if (strchr(part, '.'))
                    oracle_see(line, key, strlen(key), from == first);
            }
        }
    }
}

static inline void oracle_address4(struct oracle_line *line, const guint8 *text, gsize length)
{
    for (gsize start = 0, end; start < length; start = end + 1) {
        g_autofree char *run = NULL;
        g_auto(GStrv) octets = NULL;
        guint32 address = 0;
        gboolean is_one = TRUE;
        gsize last;

        for (end = start; end < length && (g_ascii_isdigit(text[end]) || text[end] == '.');)
            end++;
        if ((start > 0 && oracle_is_word(text, length, start - 1)) ||
            oracle_is_word(text, length, end))
            continue;
        for (last = end; last > start && text[last - 1] == '.';)
            last--;
        for (; start < last && text[start] == '.';)
            start++;
        run = g_strndup((const char *)text + start, last - start);
        octets = g_strsplit(run, ".", -1);
        for (guint i = 0; i < g_strv_length(octets); i++) {
            gsize digits = strlen(octets[i]);

            is_one = is_one && digits >= 1 && digits <= 3 && atoi(octets[i]) <= 255 &&
                     (digits == 1 || octets[i][0] != '0');
            address = address << 8 | (is_one ? (guint)atoi(octets[i]) : 0);
        }
        if (!is_one || g_strv_length(octets) != 4)
            continue;
        for (guint prefix = 0; prefix <= 32; prefix++) {
            guint32 network = prefix ? address >> (32 - prefix) << (32 - prefix) : 0;
            guint8 key[7] = { 'a', 4, (guint8)prefix };

            network = g_htonl(network);
            memcpy(key + 3, &network, 4);
            oracle_see(line, key, sizeof key, prefix == 32);
        }
    }
}

static inline void oracle_address6(struct oracle_line *line, const guint8 *text, gsize length)
{
    for (gsize start = 0, end; start < length; start = end + 1) {
        g_autofree char *run = NULL;
        guint8 address[16];
        guint colons = 0;
        gsize last;

        for (end = start;
             end < length && (g_ascii_isxdigit(text[end]) || text[end] == ':' || text[end] == '.');
             end++)
            colons += text[end] == ':';
        if (colons < 2 || (start > 0 && oracle_is_word(text, length, start - 1)) ||
            oracle_is_word(text, length, end))
            continue;
        for (last = end; last > start && text[last - 1] == '.';)
            last--;
        if (text[last - 1] == ':' && !(last - start > 1 && text[last - 2] == ':'))
            last--;
        run = g_strndup((const char *)text + start, last - start);
        if (inet_pton(AF_INET6, run, address) != 1)
            continue;
        for (guint prefix = 0; prefix <= 128; prefix++) {
            guint8 key[19] = { 'a', 6, (guint8)prefix };

            for (guint bit = 0; bit < prefix; bit++)
                key[3 + bit / 8] |= address[bit / 8] & 0x80 >> bit % 8;
            oracle_see(line, key, sizeof key, prefix == 128);
        }
    }
}

static inline void oracle_digests(struct oracle_line *line, const guint8 *text, gsize length)
{
    for (gsize start = 0, end; start < length; start = end + 1) {
        guint8 key[65] = { 'h' };
        gsize size;

        for (end = start; end < length && g_ascii_isxdigit(text[end]);)
            end++;
        size = end - start;
        if ((size != 32 && size != 40 && size != 64 && size != 128) ||
            (start > 0 && oracle_is_word(text, length, start - 1)) ||
            oracle_is_word(text, length, end))
            continue;
        for (gsize i = 0; i < size / 2; i++)
            key[1 + i] = (guint8)(g_ascii_xdigit_value(text[start + 2 * i]) << 4 |
                                  g_ascii_xdigit_value(text[start + 2 * i + 1]));
        oracle_see(line, key, 1 + size / 2, TRUE);
    }
}

static inline void oracle_emails(struct oracle_line *line, const guint8 *text, gsize length)
{
    for (gsize at = 0; at < length; at++) {
        g_autofree char *token = NULL, *lower = NULL, *key = NULL;
        gsize start = at, end = at + 1;

        if (text[at] != '@')
            continue;
        while (start > 0 && oracle_in(text[start - 1], "._%+-"))
            start--;
        while (end < length && oracle_in(text[end], ".-"))
            end++;
        while (end > at + 1 && strchr(".-", text[end - 1]))
            end--;
        if (start == at || end == at + 1)
            continue;
        token = g_strndup((const char *)text + start, end - start);
        lower = g_ascii_strdown(token, -1);
        key = g_strconcat("e", lower, NULL);
        oracle_see(line, key, strlen(key), TRUE);
    }
}

/* The host as an importer would write it, and the port unless it is the scheme's. */
static inline char *oracle_authority(const char *text, guint own_port, gboolean *has_port)
{
    g_autofree char *host = g_ascii_strdown(text, -1);
    char *colon = g_str_has_suffix(host, "]") ? NULL : strrchr(host, ':');
    guint number = own_port;
    guint8 address[16];
    gsize size;

    *has_port = colon != NULL;
    if (colon && colon[1]) {
        number = (guint)g_ascii_strtoull(colon + 1, NULL, 10);
        if (number == 0 || number > G_MAXUINT16 || strlen(colon + 1) > 5 ||
            strspn(colon + 1, "0123456789") != strlen(colon + 1))
            return g_steal_pointer(&host);
    }
    if (colon)
        *colon = 0;
    *has_port = number != own_port;
    size = strlen(host);
    if (size > 2 && *host == '[' && strchr(host, ']') == host + size - 1) {
        char buffer[INET6_ADDRSTRLEN];

        host[size - 1] = 0;
        if (inet_pton(AF_INET6, host + 1, address) == 1) {
            g_autofree char *old = g_steal_pointer(&host);

            inet_ntop(AF_INET6, address, buffer, sizeof buffer);
            host = g_strdup_printf("[%s]", buffer);
        } else {
            host[size - 1] = ']';
        }
    } else if (size > 1 && host[size - 1] == '.') {
        host[size - 1] = 0;
    }
    return *has_port ? g_strdup_printf("%s:%u", host, number) : g_steal_pointer(&host);
}

/* What stands between "://" and `end`. */
static inline void oracle_url(struct oracle_line *line, const char *text, gsize length, guint i)
{
    static const guint ports[] = { 80, 443 };
    g_autofree char *url = g_strndup(text, length), *raw = NULL, *host = NULL, *any = NULL;
    g_autofree char *own = NULL, *with_port = NULL;
    const char *slash;
    gsize authority;
    gboolean has_port;

    url[strcspn(url, "#")] = '\0';
    authority = strcspn(url, "/?");
    raw = g_strndup(url, authority);
    if (strchr(raw, '@') || !*raw)
        return;
    host = oracle_authority(raw, ports[i], &has_port);
    if (!*host)
        return;
    slash = url[authority] == '/' ? "" : "/";
    any = g_strdup_printf("u*%s%s%s", host, slash, url + authority);
    own = g_strdup_printf("u%c%s%s%s", i ? 's' : 'h', host, slash, url + authority);
    oracle_see(line, any, strlen(any), TRUE);
    oracle_see(line, own, strlen(own), TRUE);
    if (has_port)
        return;
    with_port = g_strdup_printf("u*%s:%u%s%s", host, ports[i], slash, url + authority);
    oracle_see(line, with_port, strlen(with_port), TRUE);
}

static inline void oracle_urls(struct oracle_line *line, const guint8 *text, gsize length)
{
    static const char *const schemes[] = { "http://", "https://" };

    for (gsize at = 0; at < length; at++) {
        for (guint i = 0; i < 2; i++) {
            gsize size = strlen(schemes[i]), end, raw_end, authority;

            if (length - at < size ||
                g_ascii_strncasecmp((const char *)text + at, schemes[i], size) != 0)
                continue;
            for (end = at + size; end < length && text[end] > 0x20 && text[end] < 0x7f &&
                                  !strchr("\"'<>\\^`{|}", text[end]);)
                end++;
            for (raw_end = end; end > at + size && strchr(".,;:!?)]}", text[end - 1]); end--) {
                const guint8 *host_at = text + at + size;

                if (*host_at == '[' && end - at - size > 2 &&
                    memchr(host_at, ']', end - at - size) == text + end - 1)
                    break; /* an address in brackets */
            }
            oracle_url(line, (const char *)text + at + size, end - at - size, i);
            for (authority = at + size; authority < end && !strchr("/?#", text[authority]);)
                authority++;
            /* Where the host has ended, some of the punctuation may be the URL's. */
            if (authority < raw_end && strchr("/?", text[authority]) &&
                !memchr(text + authority, '#', end - authority))
                for (guint tail = 0; end < raw_end && tail < TOKEN_URL_TAIL_MAX; tail++)
                    oracle_url(line, (const char *)text + at + size, ++end - at - size, i);
        }
    }
}

static inline GByteArray *oracle_json(const guint8 *text, gsize length)
{
    GByteArray *out = g_byte_array_new();

    for (gsize i = 0; i < length; i++) {
        guint8 byte = text[i];
        guint value = 0;

        if (byte == '\\' && i + 1 < length) {
            gboolean digits = text[i + 1] == 'u' && length - i >= 6;

            for (guint j = 2; digits && j < 6; j++) {
                digits = g_ascii_isxdigit(text[i + j]);
                value = value * 16 + (guint)g_ascii_xdigit_value(text[i + j]);
            }
            if (digits) {
                byte = value < 0x80 ? (guint8)value : ' ';
                i += 5;
            } else {
                byte = text[++i];
                byte = byte == 'n'   ? '\n'
                       : byte == 't' ? '\t'
                       : byte == 'r' ? '\r'
                       : byte == 'b' ? '\b'
                       : byte == 'f' ? '\f'
                                     : byte;
            }
        }
        g_byte_array_append(out, &byte, 1);
    }
    return out;
}

static inline GByteArray *oracle_percent(const guint8 *text, gsize length)
{
    GByteArray *out = g_byte_array_new();

    for (gsize i = 0; i < length; i++) {
        guint8 byte = text[i];

        if (byte == '%' && length - i >= 3 && g_ascii_isxdigit(text[i + 1]) &&
            g_ascii_isxdigit(text[i + 2])) {
            byte = (guint8)(g_ascii_xdigit_value(text[i + 1]) * 16 +
                            g_ascii_xdigit_value(text[i + 2]));
            byte = byte < 0x80 ? byte : ' ';
            i += 2;
        }
        g_byte_array_append(out, &byte, 1);
    }
    return out;
}

static inline void oracle_tokens(struct oracle_line *line, const guint8 *text, gsize length)
{
    oracle_names(line, text, length);
    oracle_address4(line, text, length);
    oracle_address6(line, text, length);
    oracle_digests(line, text, length);
    oracle_emails(line, text, length);
    oracle_urls(line, text, length);
}

/* What is in one line, which holds no LF. */
static inline GHashTable *oracle_line(const struct oracle_keys *set, const guint8 *text,
                                      gsize length)
{
    struct oracle_line line = { set, g_hash_table_new_full(g_bytes_hash, g_bytes_equal,
                                                           (GDestroyNotify)g_bytes_unref, NULL) };
    g_autoptr(GByteArray) json = oracle_json(text, length);
    g_autoptr(GByteArray) percent = oracle_percent(text, length);

    oracle_tokens(&line, text, length);
    oracle_tokens(&line, json->data, json->len);
    oracle_tokens(&line, percent->data, percent->len);
    return line.seen;
}
