/*
 * view.h: the register as published: what a folder's log shows to everybody, verified and folded,
 * for the JSON API of a node with a log or with a mirror of one.
 *
 * A thread looks at the folder's checkpoint and takes in what is new. Whoever asks holds the view
 * for reading meanwhile.
 */
#pragma once
#include "log/history.h"
#include "log/reader.h"
#include "register/register.h"

struct view;
/* `genesis` is borrowed. */
struct view *view_new(const char *folder, const struct community_policy *genesis);
void view_start(struct view *view);
void view_free(struct view *view);
typedef struct view view_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(view_t, view_free)

/* What is shown now. Borrowed between view_hold() and view_release(). */
struct shown {
    const struct reg *reg;
    const struct checkpoint *checkpoint; /* NULL: nothing is published yet */
    const struct note *note;
    const struct quorum_verdict *verdict; /* as of when it was taken in, freshness left out */
    const struct quorum_policy *policy;   /* it was judged by */
    gint64 changed_us;
};
const struct shown *view_hold(struct view *view);
void view_release(struct view *view);

/*
 * Looks at the folder now, and waits (2 s at most) until what is published there is shown: what a
 * client was just told is published, it must not be told is missing. Not while holding the view.
 */
void view_refresh(struct view *view);

/* For one who holds the view. FALSE or NULL and an error when the log's files do not give it. */
GBytes *view_entry(struct view *view, guint64 index, GError **error);
char *view_proof(struct view *view, guint64 index, GError **error);
gboolean view_find(struct view *view, const struct merkle_hash *leaf, guint64 *index);

/* The register as a document, made anew at most once a minute while nothing changes. */
GBytes *view_document(struct view *view, GError **error);

/* Why nothing newer is shown, as text of the caller's own; NULL: all is well. */
char *view_trouble(struct view *view);
