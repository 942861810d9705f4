/* line_private.h: what the files of line.h share. */
#pragma once
#include "p2_internet/routes/blob_memo.h"
#include "p2_internet/routes/line.h"
#include "p2_internet/routes/line_attributes.h"

/* What stands behind the prefix (and the path identifier), ended. */
struct line_tail {
    char *text;
    guint32 length, room;
    guint32 serial; /* goes up when it becomes that of other attributes */
};

#define LINE_PEER (TEXT_IPV6 + TEXT_U32 + 2)

/* A peer of a table, and the attributes of its entry that came last: the next ones are mostly
 * theirs. */
struct line_peer {
    char text[LINE_PEER]; /* "192.0.2.1|64500|" */
    guint8 length;
    const struct line_tail *tail; /* NULL: none came */
    const guint8 *key;            /* for as long as the tail's serial is this one */
    guint32 serial, key_length;
};

struct line_writer {
    struct line_options options;
    const struct route_filter *filter; /* NULL: everything passes */
    struct blob_memo *memo;            /* of struct line_tail */
    struct text_out scratch;
    struct line_attributes attributes;
    struct mrt_peers *peers; /* whose columns are in peer_texts */
    struct line_peer *peer_texts;
    struct mrt_counts counts;
    /* Of elements (by_rfc). */
    struct mrt_reader *reader;
    GString *path;
};

/* Where attributes stand decides which next hop is shown, and how. */
enum line_form {
    LINE_TABLE_V2,
    LINE_TABLE,
    LINE_BODY,
    LINE_MP_IPV4,
    LINE_MP_IPV6,
    LINE_LEGACY,
};

/* Into scratch, which is emptied before. `reach` of LINE_MP_* only. */
void line_tail(struct line_writer *writer, const struct line_attributes *attributes,
               enum line_form form, const struct line_reach *reach);

/* "BGP4MP_ET|1726272000.000001|A|"; at most LINE_HEAD bytes. */
#define LINE_HEAD 64
char *line_put_head(char *to, const struct mrt_record *record, const char *type, guint32 seconds,
                    const char *flag);
const char *line_type(const struct mrt_record *record);
char *line_put_prefix(char *to, gboolean is_ipv6, const guint8 *address, guint length);
char *line_put_peer(char *to, gboolean is_ipv6, const guint8 *address, guint32 as);

/* Whether the filter takes it. */
gboolean line_passes(const struct line_writer *writer, guint8 family, const guint8 *address,
                     guint length);

/* Records of BGP4MP(_ET) and of type 5 (line_update.c). */
const char *line_bgp4mp(struct line_writer *writer, const struct mrt_record *record,
                        struct text_out *out);
void line_legacy(struct line_writer *writer, const struct mrt_record *record, struct text_out *out);

/* Elements in the columns of line.h, as the RFCs say. */
const char *line_record_by_rfc(struct line_writer *writer, const struct mrt_record *record,
                               const struct mrt_peers *peers, struct text_out *out);
