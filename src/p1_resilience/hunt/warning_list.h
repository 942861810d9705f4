/*
 * warning_list.h: lists of what is no sign of an attack - public resolvers, popular sites, own
 * networks, digests of empty files - in the format of MISP's warning lists, or one value a line.
 *
 * An indicator on a list stays in the table; its hits say which list they are suppressed by, and
 * stay countable. Networks that overlap a listed network in either direction are warned of.
 */
#pragma once
#include "p1_resilience/hunt/indicator.h"

enum warning_list_kind {
    WARNING_STRING,    /* equal */
    WARNING_SUBSTRING, /* contained */
    WARNING_HOSTNAME,  /* equal, or a subdomain; of URLs and e-mail addresses the host */
    WARNING_CIDR,      /* networks that overlap; of URLs the host when it is an address */
    WARNING_REGEX,     /* a regular expression that is found, with bounded effort */
    WARNING_LIST_KINDS
};

struct warning_lists;
struct warning_lists *warning_lists_new(void);
void warning_lists_free(struct warning_lists *lists);
typedef struct warning_lists warning_lists_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(warning_lists_t, warning_lists_free)

/*
 * Adds a file, or every list below a folder; "-" is standard input. Parsed in a worker. Entries
 * that are nothing are counted and left out. ENTENTE_ERROR_INPUT when it is no list.
 */
gboolean warning_lists_add(struct warning_lists *lists, const char *path, GError **error);

/*
 * Adds what is no sign of an attack anywhere: addresses that are nobody's on the Internet (RFC
 * 6890, without those for documentation), and digests of the empty file.
 */
void warning_lists_add_known(struct warning_lists *lists);

guint warning_lists_count(const struct warning_lists *lists);
const char *warning_list_name(const struct warning_lists *lists, guint index);
gsize warning_list_entries(const struct warning_lists *lists, guint index);
gsize warning_list_skipped(const struct warning_lists *lists, guint index);

/* The first list that warns of it: its index + 1; 0 when none does. */
guint warning_lists_match(const struct warning_lists *lists, const struct indicator *indicator);
