/*
 * reports.h: the folder of earlier assessments: DATA/reports/RUN-ID/, one folder a run.
 *
 * A run's folder appears whole or not at all: its files are written and synchronised in a hidden
 * folder beside it, which is then renamed. What a killed run left hidden goes away when the next
 * one is saved.
 */
#pragma once
#include <glib.h>

struct report_file {
    const char *name; /* "assessment.json" */
    GBytes *content;
};

/* Writes all files (mode 0600) and gives the folder's path, owned by the caller; NULL on error. */
char *reports_save(const char *data_folder, const char *run_id, const struct report_file *files,
                   guint count, GError **error);

/* Ids of the saved runs, oldest first; never NULL. */
char **reports_list(const char *data_folder);

/* DATA/reports/RUN-ID/NAME, owned by the caller. */
char *reports_path(const char *data_folder, const char *run_id, const char *name);
