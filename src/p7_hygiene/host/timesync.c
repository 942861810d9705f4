#include "p7_hygiene/host/timesync.h"

#include "p7_hygiene/host/dpkg.h"

#include <string.h>
#include <strings.h>

#define INCLUDE_DEPTH 8

enum dialect { CHRONY, NTPD, OPENNTPD, TIMESYNCD };

static const struct program {
    const char *package, *process;
    enum dialect dialect;
    gboolean can_authenticate;
    const char *patterns[5]; /* files to read, in this order */
} programs[] = {
    { "chrony", "chronyd", CHRONY, TRUE, { "/etc/chrony/chrony.conf" } },
    { "ntpsec", "ntpd", NTPD, TRUE, { "/etc/ntpsec/ntp.conf", "/etc/ntpsec/ntp.d/*.conf" } },
    { "ntp", "ntpd", NTPD, TRUE, { "/etc/ntp.conf" } },
    { "openntpd", "ntpd", OPENNTPD, FALSE, { "/etc/openntpd/ntpd.conf" } },
    { "systemd-timesyncd",
      "systemd-timesyn",
      TIMESYNCD,
      FALSE,
      { "/etc/systemd/timesyncd.conf", "/usr/lib/systemd/timesyncd.conf.d/*.conf",
        "/run/systemd/timesyncd.conf.d/*.conf", "/etc/systemd/timesyncd.conf.d/*.conf" } },
};

/* Debian's build of systemd asks these when nothing is configured. */
static const char *const timesyncd_fallback = "pool of debian.pool.ntp.org (compiled in)";

const char *const *time_processes(void)
{
    static const char *const names[] = { "chronyd", "ntpd",    "systemd-timesyn",
                                         "ptp4l",   "phc2sys", NULL };

    return names;
}

static void source_free(struct time_source *source)
{
    g_free(source->address);
    g_free(source->path);
    g_free(source);
}

static void daemon_free(struct time_daemon *daemon)
{
    g_ptr_array_unref(daemon->sources);
    g_free(daemon->user);
    g_free(daemon->user_path);
    g_free(daemon);
}

struct reading {
    struct host *host;
    struct time_setup *setup;
    struct time_daemon *daemon;
    enum dialect dialect;
    const char *path;
    guint depth;
};

static void read_files(struct reading *reading, const char *pattern);

static gboolean is_word(const char *text, const char *word)
{
    return strcasecmp(text, word) == 0;
}

static void add_source(struct reading *reading, guint line, const char *address, gboolean pool,
                       char *const *options)
{
    struct time_source *source = g_new0(struct time_source, 1);

    source->address = g_strdup(address);
    source->pool = pool;
    for (; options && *options; options++)
        source->authenticated |= is_word(*options, "nts") || is_word(*options, "key");
    source->path = g_strdup(reading->path);
    source->line = line;
    g_ptr_array_add(reading->daemon->sources, source);
}

static void read_nested(struct reading *reading, const char *pattern)
{
    struct reading inner = *reading;

    if (reading->depth == 0)
        return;
    inner.depth--;
    read_files(&inner, pattern);
}

/* One line of chrony.conf, ntp.conf or ntpd.conf: "server NAME options...". */
static void read_server_line(struct reading *reading, guint number, char **words)
{
    const char *verb = words[0], *argument = words[1];
    g_autofree char *pattern = NULL;

    if (!argument)
        return;
    if (is_word(verb, "server") || is_word(verb, "peer")) {
        add_source(reading, number, argument, FALSE, words + 2);
    } else if (is_word(verb, "pool") || is_word(verb, "servers")) {
        add_source(reading, number, argument, TRUE, words + 2);
    } else if (reading->dialect == CHRONY && is_word(verb, "user")) {
        g_free(reading->daemon->user);
        g_free(reading->daemon->user_path);
        reading->daemon->user = g_strdup(argument);
        reading->daemon->user_path = g_strdup(reading->path);
        reading->daemon->user_line = number;
    } else if (reading->dialect == CHRONY && is_word(verb, "include")) {
        read_nested(reading, argument);
    } else if (reading->dialect == CHRONY &&
               (is_word(verb, "confdir") || is_word(verb, "sourcedir"))) {
        for (char **folder = words + 1; *folder; folder++) {
            g_free(pattern);
            pattern =
                g_strconcat(*folder, is_word(verb, "confdir") ? "/*.conf" : "/*.sources", NULL);
            read_nested(reading, pattern);
        }
    }
}

/* NTP=a b of timesyncd.conf adds; an empty one starts anew. FallbackNTP= is asked last. */
static void read_timesyncd_line(struct reading *reading, guint number, const char *line)
{
    const char *equals = strchr(line, '=');
    g_auto(GStrv) names = NULL;

    if (!equals || (!g_str_has_prefix(line, "NTP") && !g_str_has_prefix(line, "FallbackNTP")))
        return;
    names = g_strsplit_set(equals + 1, " \t", -1);
    if (!*names && g_str_has_prefix(line, "NTP"))
        g_ptr_array_set_size(reading->daemon->sources, 0);
    for (char **name = names; *name; name++)
        if (**name)
            add_source(reading, number, *name, strstr(*name, "pool") != NULL, NULL);
}

static void read_line(guint number, const char *text, gsize length, gpointer data)
{
    struct reading *reading = data;
    g_autofree char *line = g_strstrip(g_strndup(text, length));
    g_auto(GStrv) pieces = NULL;
    g_autoptr(GPtrArray) words = g_ptr_array_new();

    if (!*line || strchr("#!;%", *line))
        return;
    if (reading->dialect == TIMESYNCD) {
        read_timesyncd_line(reading, number, line);
        return;
    }
    pieces = g_strsplit_set(line, " \t", -1);
    for (char **piece = pieces; *piece; piece++)
        if (**piece)
            g_ptr_array_add(words, *piece);
    g_ptr_array_add(words, NULL);
    read_server_line(reading, number, (char **)words->pdata);
}

static void read_files(struct reading *reading, const char *pattern)
{
    g_auto(GStrv) paths = host_glob(reading->host, pattern);

    for (char **path = paths; *path; path++) {
        const struct host_file *file = host_read(reading->host, *path);

        reading->path = *path;
        if (file->state == HOST_OK) {
            host_each_line(file, read_line, reading);
        } else if (file->state != HOST_ABSENT && !reading->setup->gap) {
            reading->setup->state = file->state;
            reading->setup->gap = g_strdup(*path);
        }
    }
}

static gpointer setup_load(struct host *host)
{
    struct time_setup *setup = g_new0(struct time_setup, 1);

    setup->daemons = g_ptr_array_new_with_free_func((GDestroyNotify)daemon_free);
    for (gsize i = 0; i < G_N_ELEMENTS(programs); i++) {
        const struct program *program = &programs[i];
        struct time_daemon *daemon;
        struct reading reading = { host, setup, NULL, program->dialect, NULL, INCLUDE_DEPTH };

        if (!dpkg_installed(host, program->package))
            continue;
        daemon = g_new0(struct time_daemon, 1);
        daemon->package = program->package;
        daemon->process = program->process;
        daemon->can_authenticate = program->can_authenticate;
        daemon->sources = g_ptr_array_new_with_free_func((GDestroyNotify)source_free);
        reading.daemon = daemon;
        for (gsize j = 0; j < G_N_ELEMENTS(program->patterns) && program->patterns[j]; j++)
            read_files(&reading, program->patterns[j]);
        reading.path = "/usr/lib/systemd/systemd-timesyncd";
        if (program->dialect == TIMESYNCD && daemon->sources->len == 0)
            add_source(&reading, 0, timesyncd_fallback, TRUE, NULL);
        g_ptr_array_add(setup->daemons, daemon);
    }
    return setup;
}

static void setup_free(gpointer fact)
{
    struct time_setup *setup = fact;

    g_ptr_array_unref(setup->daemons);
    g_free(setup->gap);
    g_free(setup);
}

static const struct fact_kind setup_kind = { "time daemons", setup_load, setup_free };

const struct time_setup *time_setup(struct host *host)
{
    return host_fact(host, &setup_kind);
}
