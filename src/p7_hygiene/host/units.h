/*
 * units.h: systemd units as systemd would merge them (systemd.unit(5)), without asking systemd.
 *
 * Search path: /etc/systemd/system, /run/systemd/system, /usr/local/lib/systemd/system,
 * /usr/lib/systemd/system, /lib/systemd/system; the first file of a name wins. Drop-ins come from
 * NAME.d/, from TEMPLATE@.d/, from every dash prefix (foo-.service.d/ for foo-bar.service) and from
 * TYPE.d/, over all folders, sorted by file name; of the same file name the more specific folder,
 * then the earlier path wins. An empty assignment resets what a list gathered.
 */
#pragma once
#include "p7_hygiene/host/host.h"

#include <glib.h>

struct unit_setting {
    char *section, *key, *value; /* value: trimmed, continuation lines joined; "" resets */
    const char *path;
    guint line;
};

enum unit_enablement {
    UNIT_ABSENT,
    UNIT_STATIC,  /* there, without a link: started by others only, or disabled */
    UNIT_ENABLED, /* a link in some *.wants or *.requires */
    UNIT_MASKED,  /* a link to /dev/null, or an empty file */
};

struct unit {
    char *name;
    char *path; /* of the main file, or NULL */
    enum unit_enablement enablement;
    GArray *settings; /* of struct unit_setting, in the order in which they apply */
};

/* The unit, loaded once; never NULL. Aliases (links to another unit) are followed. */
const struct unit *unit_get(struct host *host, const char *name);

/* Names of the enabled units that end in `suffix` (".service"), sorted; and once each. */
char **units_enabled(struct host *host, const char *suffix);

gboolean unit_is_enabled(struct host *host, const char *name);

/* The last assignment of a setting that holds one value; NULL when unset or reset. */
const struct unit_setting *unit_last(const struct unit *unit, const char *section, const char *key);

/* All words of a list setting after resets, joined by spaces; "" when there are none. */
char *unit_words(const struct unit *unit, const char *section, const char *key);

/* yes/true/on/1; `fallback` when it is unset. */
gboolean unit_truth(const struct unit *unit, const char *section, const char *key,
                    gboolean fallback);

/* Reads the text of one file into `settings`; for tests and the merge. `path` is borrowed. */
void unit_parse(const char *text, gsize length, const char *path, GArray *settings);
GArray *unit_settings_new(void);
