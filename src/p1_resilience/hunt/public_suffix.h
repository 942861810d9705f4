/*
 * public_suffix.h: names under which everybody may register (publicsuffix.org): co.uk, github.io.
 * An indicator that is one of them means that one host, never all that lies below.
 *
 * libpsl judges. It takes two microseconds a name, which is two seconds for a list of a million; so
 * it is asked only for names that the list's own text, where it is installed, knows at all.
 */
#pragma once
#include <glib.h>

struct public_suffixes;

/* Loads libpsl. NULL and ENTENTE_ERROR_SYSTEM when it is not installed. */
struct public_suffixes *public_suffixes_new(GError **error);
void public_suffixes_free(struct public_suffixes *suffixes);
typedef struct public_suffixes public_suffixes_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(public_suffixes_t, public_suffixes_free)

/* `name` is in lower case, of A-labels, and ends with a NUL. */
gboolean public_suffixes_have(const struct public_suffixes *suffixes, const char *name);
