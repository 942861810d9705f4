/*
 * view.h: text as it was meant before somebody escaped it into JSON or a URL.
 *
 * json: \n \t \r \b \f become the control, \uXXXX the character when it is ASCII and a space when
 * not, a backslash before anything else goes. percent: %HH becomes the byte when it is ASCII and a
 * space when not. One level only.
 */
#pragma once
#include "p1_resilience/hunt/scan.h"

/*
 * Writes the view of `bytes` to `to`, which has room for `length` bytes; gives how many there are.
 * A backslash at the very end stands for itself.
 */
gsize view_unescape(enum hunt_view view, const guint8 *bytes, gsize length, guint8 *to);

/* Where in `bytes` byte `at` of its view comes from. */
gsize view_origin(enum hunt_view view, const guint8 *bytes, gsize length, gsize at);

/*
 * Whether the escape that begins at `at` (a backslash or percent sign before `end`) can change what
 * is found. `view` is whose escape it is; `next` is behind it. \" and \\ cannot: backslash and
 * quote end every token alike.
 */
gboolean view_matters(const guint8 *at, const guint8 *end, enum hunt_view *view,
                      const guint8 **next);
