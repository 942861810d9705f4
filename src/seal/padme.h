/*
 * padme.h: Padme, the padding that hides all but the order of a length (Nikitin and others,
 * "Reducing Metadata Leakage from Encrypted Files and Communication with PURBs", PETS 2019,
 * section 4): a length is rounded up so that only its O(log log) leading bits can be told; at most
 * 12 % are added, and less the longer it is.
 */
#pragma once
#include <glib.h>

/* The padded length of `length` bytes, for lengths up to 2^62. */
guint64 padme(guint64 length);
