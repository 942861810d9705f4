/*
 * text_out.h: text that grows at its end: numbers and addresses are written without printf(),
 * which would cost more than reading what they are of.
 */
#pragma once
#include <glib.h>
#include <string.h>

struct text_out {
    char *bytes;
    gsize length, room;
};

/* Room for `size` bytes more; where to write them. The caller adds to `length` what it wrote. */
char *text_reserve(struct text_out *out, gsize size);
void text_clear(struct text_out *out);

static inline void text_append(struct text_out *out, const char *bytes, gsize length)
{
    memcpy(text_reserve(out, length), bytes, length);
    out->length += length;
}

/* Each gives where the text ends; no NUL is written. */
char *text_put_u32(char *to, guint32 number);
#define TEXT_U32 10 /* bytes at most */
char *text_put_ipv4(char *to, const guint8 *address);
#define TEXT_IPV4 15
/*
 * The longest run of zero groups is cut, the first of several, and also one that is alone, which
 * RFC 5952 would write out; mapped and compatible addresses end as IPv4 ones. As bgpdump does.
 */
char *text_put_ipv6(char *to, const guint8 *address);
#define TEXT_IPV6 45

static inline char *text_put(char *to, const char *text)
{
    gsize length = strlen(text);

    memcpy(to, text, length);
    return to + length;
}
