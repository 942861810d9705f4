/* mrt_private.h: reading fields one after another, for the files of mrt.h and for bmp.c. */
#pragma once
#include "p2_internet/routes/bgp_private.h"
#include "p2_internet/routes/mrt.h"

#include <string.h>

/* What is read past the end is zero, and makes it short. */
struct mrt_cursor {
    const guint8 *at, *end;
    gboolean is_short;
};

static inline gboolean mrt_has(struct mrt_cursor *cursor, gsize size)
{
    if ((gsize)(cursor->end - cursor->at) >= size)
        return TRUE;
    cursor->is_short = TRUE;
    cursor->at = cursor->end;
    return FALSE;
}

static inline guint8 mrt_u8(struct mrt_cursor *cursor)
{
    return mrt_has(cursor, 1) ? *cursor->at++ : 0;
}

static inline guint16 mrt_u16(struct mrt_cursor *cursor)
{
    if (!mrt_has(cursor, 2))
        return 0;
    cursor->at += 2;
    return bgp_u16(cursor->at - 2);
}

static inline guint32 mrt_u32(struct mrt_cursor *cursor)
{
    if (!mrt_has(cursor, 4))
        return 0;
    cursor->at += 4;
    return bgp_u32(cursor->at - 4);
}

static inline const guint8 *mrt_skip(struct mrt_cursor *cursor, gsize size)
{
    if (!mrt_has(cursor, size))
        return NULL;
    cursor->at += size;
    return cursor->at - size;
}

static inline void mrt_bytes(struct mrt_cursor *cursor, guint8 *to, gsize size)
{
    const guint8 *from = mrt_skip(cursor, size);

    if (from)
        memcpy(to, from, size);
    else
        memset(to, 0, size);
}

/* TABLE_DUMP_V2: of which prefixes a subtype is; FALSE: of others than unicast and multicast. */
struct mrt_rib_kind {
    guint8 family, safi;
    gboolean add_path;
};
static inline gboolean mrt_rib_kind(guint subtype, struct mrt_rib_kind *kind)
{
    static const struct mrt_rib_kind kinds[] = {
        [MRT_RIB_IPV4_UNICAST] = { 4, BGP_UNICAST, FALSE },
        [MRT_RIB_IPV4_MULTICAST] = { 4, BGP_MULTICAST, FALSE },
        [MRT_RIB_IPV6_UNICAST] = { 6, BGP_UNICAST, FALSE },
        [MRT_RIB_IPV6_MULTICAST] = { 6, BGP_MULTICAST, FALSE },
        [MRT_RIB_IPV4_UNICAST_ADDPATH] = { 4, BGP_UNICAST, TRUE },
        [MRT_RIB_IPV4_MULTICAST_ADDPATH] = { 4, BGP_MULTICAST, TRUE },
        [MRT_RIB_IPV6_UNICAST_ADDPATH] = { 6, BGP_UNICAST, TRUE },
        [MRT_RIB_IPV6_MULTICAST_ADDPATH] = { 6, BGP_MULTICAST, TRUE },
    };

    if (subtype >= G_N_ELEMENTS(kinds) || !kinds[subtype].family)
        return FALSE;
    *kind = kinds[subtype];
    return TRUE;
}
