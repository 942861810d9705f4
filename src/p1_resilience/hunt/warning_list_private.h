/* warning_list_private.h: between reading warning lists and matching them. */
#pragma once
#include "p1_resilience/hunt/warning_list.h"

gboolean warning_list_kind_parse(const char *name, enum warning_list_kind *kind);

/*
 * Reads a list and says what it holds: each list it makes is begun, and followed by its entries,
 * each ending in NUL. `error` is ENTENTE_ERROR_INPUT.
 */
struct warning_sink {
    void (*begin)(gpointer to, const char *name, guint32 kind, guint32 kinds);
    void (*entries)(gpointer to, const char *entries, gsize length);
    gpointer to;
};
gboolean warning_list_parse(const char *path, const char *text, gsize length,
                            const struct warning_sink *sink, GError **error);

/* A new list, for indicators of `kinds` (INDICATOR_ONLY()); 0: all. Its index. */
guint warning_lists_begin(struct warning_lists *lists, const char *name,
                          enum warning_list_kind kind, guint kinds);
/* One entry of the list that was begun last; what is nothing for its kind is counted. */
void warning_lists_entry(struct warning_lists *lists, const char *entry);
/* After the last entry, before the first match. */
void warning_lists_prepare(struct warning_lists *lists);
