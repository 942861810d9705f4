/*
 * profile_watch.h: the parts "time" and "transparency" of a profile: what is watched and is no
 * asset of our own. For profile_load.c.
 */
#pragma once
#include "profile/profile.h"

#include <cyaml/cyaml.h>

struct raw_time {
    char **sources, **servers;
    unsigned n_sources, n_servers;
};

struct raw_log {
    char *place, *key;
};

struct raw_transparency {
    struct raw_log *logs;
    unsigned n_logs;
};

extern const cyaml_schema_field_t profile_time_fields[], profile_transparency_fields[];

/* `raw` may be NULL. */
void profile_set_transparency(struct profile *profile, const struct raw_transparency *raw);

gboolean profile_check_source(const char *text, GError **error); /* "nts://..." or "ntp://..." */
/* "sha256:" and 64 lower-case hex digits. */
gboolean profile_check_digest(const char *text, GError **error);
