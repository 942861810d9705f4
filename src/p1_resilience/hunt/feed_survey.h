/*
 * feed_survey.h: what the files of one build say of one another's STIX objects.
 *
 * A collection that is pulled lies in many files: a newer version of an object, its withdrawal, the
 * identity of its author and the definition of its marking may stand in another file than the
 * object. So the STIX documents are gone through once before they are read, and it is noted which
 * versions each indicator has, how authors are called, and which level a marking means: of several
 * definitions the strictest.
 *
 * Only its creator makes new versions of an object (STIX 2.1 section 3.6): versions are those of
 * one id and one created_by_ref, so that nobody takes back what somebody else says.
 *
 * Memory is bounded: the versions are sorted through files without a name, and what is kept lies in
 * such a file, too; it has a row for each object that has several versions.
 */
#pragma once
#include "base/json.h"
#include "p1_resilience/hunt/feed.h"
#include "p1_resilience/hunt/marking.h"

/*
 * Goes through the inputs of feed_read(), all of one build; `input` has the bytes of "-". `folder`
 * takes the files without a name. What cannot be read is left to feed_read() to tell. Belongs into
 * the feed_options of each. Fails when there is no room, or options->progress says so.
 */
struct feed_survey *feed_survey_new(const char *const *paths, GBytes *input, const char *folder,
                                    const struct feed_options *options, GError **error);
void feed_survey_free(struct feed_survey *survey);
typedef struct feed_survey feed_survey_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(feed_survey_t, feed_survey_free)

/* ---- for the parsers */

#define FEED_ID_SIZE 16

/* A version of an object. */
struct feed_version {
    guint8 id[FEED_ID_SIZE]; /* digest of its id and its author's */
    guint64 version;         /* later ones are greater; never 0 */
};

/* Of an indicator of STIX, which has an id. A withdrawal comes after what was modified with it. */
struct feed_version feed_version_of(const json_t *object);

/* The newest of all, when that is newer than `version`; else the same. */
guint64 feed_survey_newest(const struct feed_survey *survey, const struct feed_version *version);

/* How the author is called in any of the files; NULL: in none. */
const char *feed_survey_name(const struct feed_survey *survey, const char *identity);

/* The markings that any of the files defines; NULL: of no survey. */
const struct markings *feed_survey_markings(const struct feed_survey *survey);

/* ---- for the parent of the workers */

gboolean feed_survey_take_versions(struct feed_survey *survey, const guint8 *body, gsize length,
                                   gboolean *sound, GError **error);
/* u64 version | identity NUL name NUL. FALSE: it is none. */
gboolean feed_survey_take_name(struct feed_survey *survey, const guint8 *body, gsize length);
/* u8 level, less MARKING_NO_LEVEL | id NUL. FALSE: it is none. */
gboolean feed_survey_take_marking(struct feed_survey *survey, const guint8 *body, gsize length);
