/*
 * corroboration.h: the public alarms that own recordings are asked about, and what they show.
 *
 * One worker reads the files, in order of time, for all alarms at once. An answer of ours counts
 * where the alarm is another's, not disputed, at most 30 days old, and not answered by us within
 * the hour: for others there is nothing to look for.
 */
#pragma once
#include "p2_internet/routes/mrt_run.h"
#include "p2_internet/routes/route_sighting.h"

struct corroboration {
    json_t *alarms; /* of public_alarms_of() */
    struct public_alarm wanted[ROUTE_SIGHTING_ALARMS];
    struct route_sighting found[ROUTE_SIGHTING_ALARMS];
    guint count;
};
typedef struct corroboration corroboration_t;
struct corroboration *corroboration_new(void);
void corroboration_free(struct corroboration *corroboration);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(corroboration_t, corroboration_free)

enum corroboration_purpose {
    CORROBORATE_TO_SEE, /* nothing is published */
    CORROBORATE_HOURLY, /* not what we answered within the hour */
    CORROBORATE_ONCE,   /* not what we answered ever */
};
struct corroboration_wish {
    const char *self; /* our id; or NULL */
    gint64 now_us;
    enum corroboration_purpose purpose;
};

/* The newest that are for us, ROUTE_SIGHTING_ALARMS at most. */
void corroboration_ask_all(struct corroboration *corroboration, const json_t *list,
                           const struct corroboration_wish *wish);
/* Those of these names (public_alarm_named()). ENTENTE_ERROR_POLICY: an answer would not count. */
gboolean corroboration_ask_named(struct corroboration *corroboration, const json_t *list,
                                 char **names, const struct corroboration_wish *wish,
                                 GError **error);

/* Reads the inputs (struct input, MRT_RUN_BATCH at most); `problem` as of struct mrt_job. `whole`:
 * all could be read to their end. */
gboolean corroboration_read(struct corroboration *corroboration, GPtrArray *inputs,
                            void (*problem)(const char *file, gboolean has_offset, guint64 offset,
                                            const char *problem, gpointer data),
                            gboolean *whole, GError **error);
