/*
 * openbmp.h: the header that collectors put before each BMP message when they publish it
 * (OpenBMP's binary header of version 1.7, "raw_bmp"; Route Views' streams have it).
 *
 *     "OBMP" | version 1, 7 | length of the header: u16 | of what follows: u32 | flags: u8 |
 *     kind: u8 (12: a BMP message) | time, collector, router: to the header's end
 *
 * BMP says by itself all that counts of it, so what the header says of time and router is passed
 * over.
 */
#pragma once
#include <glib.h>

enum openbmp_step {
    OPENBMP_NONE,   /* no such header begins here */
    OPENBMP_MORE,   /* one may, or does, and goes on */
    OPENBMP_HEADER, /* to be passed over: what follows it is BMP, or `*passed` holds that, too */
};

/* `*passed` bytes are nothing that BMP has: the header, and what is behind one of another kind. */
enum openbmp_step openbmp_header_at(const guint8 *bytes, gsize length, gsize *passed);
