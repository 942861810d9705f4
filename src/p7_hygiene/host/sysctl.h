/*
 * sysctl.h: kernel settings, as they run and as the disk will set them at the next boot.
 *
 * On disk, as systemd-sysctl(8) reads them (sysctl.d(5)): files NAME.conf of all folders sorted by
 * name, of one name only the first of /etc, /run, /usr/local/lib, /usr/lib (an empty file or a link
 * to /dev/null masks); a later line wins; a line for a pattern ("net.ipv4.conf.*.rp_filter") yields
 * to any line for the key itself, and "-key" without value keeps a key out of patterns.
 * /etc/sysctl.conf is read last where procps loads the settings, and only through a link in
 * sysctl.d where systemd does. Live values are /proc/sys, read key by key.
 *
 * A key may be written with dots or slashes; the first separator decides (systemd and procps
 * agree), so "net/ipv4/conf/eth0.100/rp_filter" is "net.ipv4.conf.eth0/100.rp_filter".
 *
 * The verdict on a setting, in one place (sysctl_judge()): the running value decides between pass
 * and fail, for it is what protects the machine now. A good value is only a warning when the next
 * boot takes it away: an administrator's file sets a weaker one, or no file sets it and the
 * kernel's own default is weaker. Where a vendor's file outvotes the administrator's (Debian's
 * 99-protect-links.conf sorts late), the evidence says so. A file that cannot be read may set
 * anything: then a good value is not measured. A tree without any /proc/sys is a disk
 * that does not run: then the files alone are judged. What differs between disk and kernel is
 * besides judged once, by host.kernel.sysctl-drift.
 */
#pragma once
#include "finding/finding.h"
#include "p7_hygiene/host/host.h"

#include <glib.h>

struct sysctl_line {
    char *key;   /* path below /proc/sys: "net/ipv4/ip_forward"; may be a pattern */
    char *value; /* trimmed; NULL for "-key" alone */
    char *path;  /* file, seen from the root */
    guint line;
    gboolean optional; /* "-key=value": a kernel without it is fine */
    gboolean local;    /* an administrator's: under /etc, /run or /usr/local */
};

struct sysctl_files {
    GPtrArray *lines;      /* of struct sysctl_line, in the order they are applied */
    GPtrArray *unread;     /* lines of an /etc/sysctl.conf that nothing reads at boot */
    enum host_state state; /* HOST_DENIED, HOST_UNREADABLE: one file could not be read */
    char *gap;             /* that file */
};

/* Never NULL; borrowed. */
const struct sysctl_files *sysctl_files(struct host *host);
/* Appends the lines of one file; for the fact and its tests. `path` is copied. */
void sysctl_lines_parse(GPtrArray *lines, const char *text, gsize length, const char *path,
                        gboolean local);
GPtrArray *sysctl_lines_new(void);

/* "net.ipv4.conf.eth0/100.rp_filter" -> "net/ipv4/conf/eth0.100/rp_filter" and back. */
char *sysctl_path(const char *key);
char *sysctl_name(const char *path);

/* The line that will set `path` at the next boot, or NULL. `local`: of administrators' files only.
 */
const struct sysctl_line *sysctl_winner(const struct sysctl_files *files, const char *path,
                                        gboolean local);

/* Through finding_incomplete(), when a file could not be read: it may set anything at next boot. */
void sysctl_gap(struct finding *finding, const struct sysctl_files *files);

/* The running value without its line feed (NULL unless *state is HOST_OK). Owned by the caller. */
char *sysctl_live(struct host *host, const char *path, enum host_state *state);
/* Whether the tree has no running kernel at all: no /proc/sys. */
gboolean sysctl_is_dead(struct host *host);

/* The same value, whatever the spaces, and "0x1" is "1". */
gboolean sysctl_same(const char *left, const char *right);

enum sysctl_relation { SYSCTL_IS, SYSCTL_AT_LEAST };
struct sysctl_rule {
    const char *key; /* dotted; '*' for an interface: each that is there, but lo */
    enum sysctl_relation relation;
    gint64 wanted;
    const char *initial; /* the kernel's value when nothing sets it; NULL: depends on its build */
    gboolean optional;   /* a kernel without the key has nothing to protect (IPv6 off) */
};

/* Judges each rule as the head of this file says; in a container only what is the container's. */
void sysctl_judge(struct host *host, struct finding *finding, const struct sysctl_rule *rules,
                  gsize count);
/* Whether every rule holds now; FALSE when one could not be read. */
gboolean sysctl_holds(struct host *host, const struct sysctl_rule *rules, gsize count);
