/*
 * late_library.h: libraries that only some commands need are loaded when they are needed.
 *
 * Linking libcurl, libunbound or libmicrohttpd brings in forty more libraries and costs every run
 * of every command more than a whole assessment should take. So their functions are held in a
 * structure of pointers, which whoever uses the library fills once and keeps:
 *
 *     struct curl_calls { typeof(curl_easy_init) *easy_init; ... };
 *     static const struct late_symbol symbols[] = {
 *         { "curl_easy_init", offsetof(struct curl_calls, easy_init) }, ..., { NULL, 0 },
 *     };
 *     late_library_load("libcurl.so.4", "libcurl4", symbols, &calls, error)
 *
 * The types come from the library's own headers, so the compiler checks every call.
 */
#pragma once
#include <glib.h>

struct late_symbol {
    const char *name;
    gsize offset; /* of the pointer in the structure of calls */
};

/*
 * Loads `soname` for as long as the process lives, and fills `calls`. ENTENTE_ERROR_SYSTEM names
 * the library and the Debian `package` to install.
 */
gboolean late_library_load(const char *soname, const char *package,
                           const struct late_symbol *symbols, gpointer calls, GError **error);
