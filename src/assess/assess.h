/*
 * assess.h: the one judge: assets and catalogue in, an assessment out.
 */
#pragma once
#include "assess/assessment.h"
#include "journal/records.h"
#include "profile/profile.h"

#include <glib.h>

struct assess_options {
    const char *root;                /* a file tree instead of the running machine; or NULL */
    gboolean principles[PRINCIPLES]; /* all FALSE: all nine */
    const char *const *measures;     /* ids or catalogue ids; NULL: all */
    gboolean no_walk;
    const struct records *records; /* the organisation's own (past.h), or NULL */
    const char *data_folder;       /* with its cases, contacts and community; or NULL */
    /* Called after each finding; may be NULL. */
    void (*progress)(guint done, guint total, gpointer data);
    gpointer progress_data;
};

/*
 * Judges this host (or the tree) and, on the running machine, the organisation itself. An id that
 * is not in the catalogue is ENTENTE_ERROR_INPUT.
 */
struct assessment *assess_run(struct profile *profile, const struct assess_options *options,
                              GError **error);
