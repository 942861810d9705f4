/*
 * apt_sources.h: where packages come from (sources.list(5)): one-line entries of sources.list and
 * sources.list.d/NAME.list, deb822 stanzas of sources.list.d/NAME.sources.
 */
#pragma once
#include "p7_hygiene/host/host.h"

#include <glib.h>

/* One source as written: a deb822 stanza may name several URIs and suites. */
struct apt_source {
    char **types, **uris, **suites, **components;
    char *signed_by; /* "" when absent; a path, fingerprints, or "embedded" for a key in place */
    char **signed_by_paths;
    char *trusted, *allow_insecure, *allow_weak, *allow_downgrade, *check_valid; /* or NULL */
    gboolean enabled;
    const char *path; /* borrowed from the host */
    guint line;
};

struct apt_sources {
    GPtrArray *sources;    /* of struct apt_source */
    GPtrArray *problems;   /* of char *: "path:line: what is wrong" */
    enum host_state state; /* the worst of the files that are there */
    const char *unread;
};

const struct apt_sources *apt_sources_get(struct host *host);

/* For tests and fuzzing. */
struct apt_sources *apt_sources_new(void);
void apt_sources_free(struct apt_sources *sources);
void apt_sources_add_list(struct apt_sources *sources, const char *path, const char *text,
                          gsize length);
void apt_sources_add_deb822(struct apt_sources *sources, const char *path, const char *text,
                            gsize length);

/* Whether the archive is Debian's or Ubuntu's own (or a mirror of it), by its URI. */
gboolean apt_uri_is_distribution(const char *uri);
