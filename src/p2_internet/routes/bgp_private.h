/* bgp_private.h: what the files of bgp.h share. */
#pragma once
#include "p2_internet/routes/bgp.h"

static inline guint16 bgp_u16(const guint8 *at)
{
    return (guint16)(at[0] << 8 | at[1]);
}

static inline guint32 bgp_u32(const guint8 *at)
{
    return (guint32)at[0] << 24 | (guint32)at[1] << 16 | (guint32)at[2] << 8 | at[3];
}

/*
 * The segments of an AS_PATH or AS4_PATH into `path`, which is emptied before. `width`: bytes of an
 * AS number. FALSE: a type that is none, no AS in a segment, or a length that does not fit; what
 * stands before that is in the path.
 */
gboolean bgp_path_parse(struct bgp_path *path, const guint8 *bytes, gsize length, guint width);

/*
 * RFC 6793 section 4.2.3: the leading part of `path` that `as4_path` does not have, then that,
 * without its confederations. Nothing when `path` is the shorter one.
 */
void bgp_path_merge(struct bgp_path *path, const struct bgp_path *as4_path);

void bgp_path_clear(struct bgp_path *path);

/* Notes a verdict; the first of the worst ones keeps its problem (bgp_attributes.c). */
void bgp_judge(struct bgp_attributes *attributes, enum bgp_verdict verdict, const char *problem);
