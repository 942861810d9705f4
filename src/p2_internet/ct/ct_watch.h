/*
 * ct_watch.h: the certificates that logs show for our domains, judged and told: what a command does
 * once, and the node again and again.
 *
 *     ct_watch_new() -> domains (by name, or all of the profile) -> logs, one after another
 *                    -> ct_watch_keep(): a record of each domain in the journal (ct_record.h)
 *
 * Alarms are raised while a log is read, before the place up to which it was read is kept: who is
 * killed between raises them again, about the same topic.
 */
#pragma once
#include "net/http.h"
#include "p2_internet/ct/ct_record.h"

/* About `topic`; the first line of `text` is the title. */
typedef gboolean (*ct_alarm_fn)(const char *topic, const char *severity, const char *text,
                                gint64 now_us, gpointer data, GError **error);

struct ct_watch_options {
    const char *data;              /* folder */
    const struct profile *profile; /* or NULL */
    struct http_options http;
    guint64 limit; /* of one log, as in struct ct_options */
    gboolean from_end;
    gint64 now_us;
    ct_alarm_fn alarm;
    gpointer alarm_data;
};

struct ct_watch;
typedef struct ct_watch ct_watch_t;
struct ct_watch *ct_watch_new(const struct ct_watch_options *options);
void ct_watch_free(struct ct_watch *watch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ct_watch_t, ct_watch_free)

/* ENTENTE_ERROR_INPUT: no name of a domain; a file of the profile that holds no certificate. */
gboolean ct_watch_domain(struct ct_watch *watch, const char *name, GError **error);
/* All domains of the profile. */
gboolean ct_watch_profile(struct ct_watch *watch, GError **error);
guint ct_watch_domains(const struct ct_watch *watch);

/*
 * Reads a log: a URL or a folder. FALSE: no such key, or the alarm could not be raised; what is
 * wrong with the log is told in ct_watch_logs().
 */
gboolean ct_watch_log(struct ct_watch *watch, const char *place, const char *key, GError **error);

gboolean ct_watch_keep(const struct ct_watch *watch, GError **error);

/* Borrowed; as docs/schema/ct-check.json has them. */
json_t *ct_watch_logs(const struct ct_watch *watch);
json_t *ct_watch_certificates(const struct ct_watch *watch);

/* The names of a certificate that match, with spaces between. Owned by the caller. */
char *ct_watch_names(const json_t *seen);

struct ct_watch_counts {
    guint alarms;
    guint fresh;            /* certificates of ours that are new in this run */
    guint fresh_imitations; /* of names that look like ours */
    guint64 entries;        /* that were read */
    guint unread;           /* logs that were not read to their end */
    gboolean found;         /* something unknown stands, or a log lied */
};
const struct ct_watch_counts *ct_watch_counts(const struct ct_watch *watch);
