/*
 * report_bundle.h: the viewer's files, which the program carries, and its modules as one script.
 *
 * Browsers refuse imports between files on disk, so a report holds one inline module: the modules
 * in the order of their imports, without their import lines and `export` words. That is right for
 * the subset of the language that web/ keeps to (tests/e2e/test_web_sources.py): single-line named
 * imports, no default exports, top-level names unique over all files.
 */
#pragma once
#include <glib.h>

/* The files, made by tools/embed.py; a NULL path ends them. */
extern const struct web_embedded {
    const char *path;
    const unsigned char *data;
    gsize length;
} web_embedded[];

/* A file of web/ by its path there ("style.css"), or NULL and ENTENTE_ERROR_SYSTEM. */
GBytes *web_file(const char *path, GError **error);

/* The module `path` and all that it imports, as one script. The caller owns it. */
char *web_script(const char *path, GError **error);

struct web_slot {
    const char *name, *value;
};

/*
 * Replaces every name between `open` and `close` in `text` ("{{name}}") by the value of its slot,
 * in one pass: what is put in is not looked at again. An unknown name stays as it is. `slots` end
 * with a NULL name. The caller owns the text.
 */
char *web_fill(const char *text, const char *open, const char *close, const struct web_slot *slots);

/* JSON for a data block of HTML: <, >, &, U+2028 and U+2029 as escapes. The caller owns it. */
char *web_escape_data(const char *text, gsize length);

/* A file of web/ as text; NULL and ENTENTE_ERROR_SYSTEM. */
char *web_text(const char *path, GError **error);

/* The Content-Security-Policy of one file: this script and this style by hash, and no network. */
char *web_policy(const char *script, const char *style);

/*
 * Which viewer this program carries: a line "SHA256HEX  PATH" for each file of web/, in order of
 * path, as sha256sum(1) writes them. The viewer's digest is the SHA-256 of this text.
 */
char *web_manifest(void);
