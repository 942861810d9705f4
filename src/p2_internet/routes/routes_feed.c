#include "p2_internet/routes/routes_feed.h"
#include "base/error.h"

struct routes_feed {
    char *name;
    guint views;
    ris_live_sink sink;
    gpointer data;
    enum routes_form form;
    GByteArray *held; /* until the form is known; of MRT, a record whose end did not come yet */
    guint64 offset;   /* of the first byte of `held` */
    guint64 elements;
    struct bmp_reader *bmp;
    struct ris_live *ris;
    struct mrt_reader *mrt;
    struct mrt_peers *peers;
    gboolean is_torn;
    const char *problem; /* of MRT, or of what is of no form */
    guint64 problem_at;
    guint64 problems; /* of MRT: records */
};

/* MRT has no mark: a type and a subtype that exist, and a length that can be. */
static gboolean is_mrt(const guint8 *bytes, gsize length)
{
    static const guint16 types[] = { MRT_BGP, MRT_TABLE_DUMP, MRT_TABLE_DUMP_V2, MRT_BGP4MP,
                                     MRT_BGP4MP_ET };
    const guint type = length >= MRT_HEADER_SIZE ? (guint)bytes[4] << 8 | bytes[5] : 0;
    struct mrt_record record;
    gsize size;

    if (length < MRT_HEADER_SIZE || bytes[6])
        return FALSE;
    for (guint i = 0; i < G_N_ELEMENTS(types); i++)
        if (type == types[i])
            return mrt_record_at(bytes, length, &record, &size) != MRT_TORN;
    return FALSE;
}

enum routes_form routes_form_of(const void *bytes, gsize length)
{
    if (ris_live_is_stream(bytes, length))
        return ROUTES_RIS_LIVE;
    if (is_mrt(bytes, length))
        return ROUTES_MRT;
    return bmp_is_stream(bytes, length) ? ROUTES_BMP : ROUTES_UNKNOWN;
}

struct routes_feed *routes_feed_new(const char *name, guint views, ris_live_sink sink,
                                    gpointer data)
{
    struct routes_feed *feed = g_new0(struct routes_feed, 1);

    feed->name = g_strdup(name);
    feed->views = views;
    feed->sink = sink;
    feed->data = data;
    feed->held = g_byte_array_new();
    return feed;
}

void routes_feed_free(struct routes_feed *feed)
{
    if (!feed)
        return;
    g_free(feed->name);
    g_byte_array_unref(feed->held);
    bmp_reader_free(feed->bmp);
    ris_live_free(feed->ris);
    mrt_reader_free(feed->mrt);
    mrt_peers_unref(feed->peers);
    g_free(feed);
}

/* ---- elements of each form */

static void pass_named(const char *name, const struct route_element *element, gpointer data)
{
    struct routes_feed *feed = data;

    feed->elements++;
    feed->sink(name, element, feed->data);
}

static void pass_mrt(const struct route_element *element, gpointer data)
{
    pass_named(((struct routes_feed *)data)->name, element, data);
}

static void pass_bmp(const struct route_element *element, gpointer data)
{
    const struct routes_feed *feed = data;
    const char *router = bmp_reader_router(feed->bmp);

    pass_named(router && *router ? router : feed->name, element, data);
}

/* ---- MRT, record by record */

static void note(struct routes_feed *feed, const char *problem)
{
    feed->problem = problem;
    feed->problem_at = feed->offset;
}

/* Here it ends. */
static gboolean break_off(struct routes_feed *feed, const char *problem, GError **error)
{
    note(feed, problem);
    return input_error(error, "%s: offset %" G_GUINT64_FORMAT ": %s", feed->name, feed->offset,
                       problem);
}

/* A BGP message of a peer, not of the collector itself. */
static gboolean is_of_peer(const struct mrt_record *record)
{
    return (record->type == MRT_BGP4MP || record->type == MRT_BGP4MP_ET) &&
           (record->subtype == MRT_MESSAGE || record->subtype == MRT_MESSAGE_AS4 ||
            record->subtype == MRT_MESSAGE_ADDPATH || record->subtype == MRT_MESSAGE_AS4_ADDPATH);
}

/* Whoever says nothing of routes is not silent. */
static void pass_heard(struct routes_feed *feed, const struct mrt_record *record)
{
    const gint64 time_us = (gint64)record->seconds * G_USEC_PER_SEC + record->microseconds;
    const struct route_element heard = { .time_us = time_us,
                                         .originated_us = time_us,
                                         .kind = ROUTE_HEARD };

    feed->sink(feed->name, &heard, feed->data);
}

static void take_record(struct routes_feed *feed, const struct mrt_record *record)
{
    const guint64 before = feed->elements;
    const char *problem = NULL;

    if (mrt_is_peers(record)) {
        mrt_peers_unref(feed->peers);
        feed->peers = mrt_peers_read(record);
        problem = feed->peers ? NULL : "the table of peers is cut";
    } else {
        mrt_elements(feed->mrt, record, feed->peers, pass_mrt, feed, &problem);
        if (!problem && feed->elements == before && is_of_peer(record))
            pass_heard(feed, record);
    }
    if (problem) {
        feed->problems++;
        note(feed, problem);
    }
}

static gboolean take_records(struct routes_feed *feed, GError **error)
{
    GByteArray *held = feed->held;
    struct mrt_record record;
    gsize at = 0, size;
    enum mrt_step step;

    while ((step = mrt_record_at(held->data + at, held->len - at, &record, &size)) == MRT_RECORD) {
        take_record(feed, &record);
        at += size;
        feed->offset += size;
    }
    g_byte_array_remove_range(held, 0, (guint)at);
    feed->is_torn = step == MRT_TORN;
    return !feed->is_torn ||
           break_off(feed, "no MRT record begins here (its length is impossible)", error);
}

/* ---- the form */

static gboolean take_known(struct routes_feed *feed, const void *bytes, gsize length, gint64 now_us,
                           GError **error)
{
    if (feed->form == ROUTES_RIS_LIVE) {
        ris_live_feed(feed->ris, bytes, length);
        return TRUE;
    }
    if (feed->form == ROUTES_BMP)
        return bmp_reader_feed(feed->bmp, bytes, length, now_us, error);
    if (!feed->is_torn)
        g_byte_array_append(feed->held, bytes, (guint)length);
    return take_records(feed, error);
}

/* What was held until now goes to the reader of its form. */
static gboolean begin(struct routes_feed *feed, gint64 now_us, GError **error)
{
    g_autoptr(GByteArray) first = g_steal_pointer(&feed->held);

    feed->held = g_byte_array_new();
    feed->form = routes_form_of(first->data, first->len);
    if (feed->form == ROUTES_UNKNOWN) {
        g_byte_array_append(feed->held, first->data, first->len);
        return break_off(feed, "neither MRT nor BMP nor lines of RIS Live", error);
    }
    if (feed->form == ROUTES_BMP)
        feed->bmp = bmp_reader_new(feed->name, feed->views, pass_bmp, feed);
    else if (feed->form == ROUTES_RIS_LIVE)
        feed->ris = ris_live_new(pass_named, feed);
    else
        feed->mrt = mrt_reader_new(NULL);
    return take_known(feed, first->data, first->len, now_us, error);
}

gboolean routes_feed_take(struct routes_feed *feed, const void *bytes, gsize length, gint64 now_us,
                          GError **error)
{
    if (!length)
        return TRUE;
    if (feed->form != ROUTES_UNKNOWN)
        return take_known(feed, bytes, length, now_us, error);
    g_byte_array_append(feed->held, bytes, (guint)length);
    return feed->held->len < ROUTES_FORM_BYTES || begin(feed, now_us, error);
}

gboolean routes_feed_end(struct routes_feed *feed, gint64 now_us, GError **error)
{
    if (feed->form == ROUTES_UNKNOWN && !begin(feed, now_us, error))
        return FALSE;
    if (feed->form == ROUTES_BMP)
        return bmp_reader_end(feed->bmp, now_us, error);
    if (feed->form == ROUTES_RIS_LIVE) {
        ris_live_end(feed->ris);
        return TRUE;
    }
    return feed->is_torn || !feed->held->len || break_off(feed, "the last record is cut", error);
}

enum routes_form routes_feed_form(const struct routes_feed *feed)
{
    return feed->form;
}

void routes_feed_count(const struct routes_feed *feed, struct routes_feed_counts *counts)
{
    *counts = (struct routes_feed_counts){ .elements = feed->elements };
    if (feed->bmp)
        counts->problems = bmp_reader_counts(feed->bmp)->malformed;
    else if (feed->ris)
        counts->problems = ris_live_counts(feed->ris)->broken;
    else if (feed->mrt)
        counts->problems = feed->problems;
}

const char *routes_feed_problem(const struct routes_feed *feed, guint64 *offset)
{
    if (feed->bmp)
        return bmp_reader_problem(feed->bmp, offset);
    if (feed->ris)
        return ris_live_problem(feed->ris, offset);
    *offset = feed->problem_at;
    return feed->problem;
}
