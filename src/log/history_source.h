/* history_source.h: fetches what is new in a log's history file, from a folder or over HTTP. */
#pragma once
#include "net/http.h"

/*
 * The bytes of "history" from `from` on. `where` is a URL or a folder. NULL and
 * ENTENTE_ERROR_INPUT: there is none; _SYSTEM: it cannot be had now.
 */
GBytes *log_history_fetch(const char *where, const struct http_options *options, guint64 from,
                          GError **error);

/* Whether `where` is a URL and not a folder. */
gboolean log_is_remote(const char *where);
