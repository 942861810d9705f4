/*
 * draw.h: which findings of a published assessment are checked, and who may check them, drawn by
 * dice that nobody can load: the root of the first trusted checkpoint after the assessment.
 *
 *     seed   = SHA-256("entente/review-draw/1\n" || checkpoint root || root of the commitments)
 *     number = the next 8 bytes, big-endian, of SHA-256(seed || be64 0) || SHA-256(seed || be64 1)
 *              ...; one at or above the largest multiple of the bound is passed over
 *
 * Each finding is drawn without being put back, with the weight of its severity (critical 10, high
 * 5, medium 3, low 1; info 0 as long as others are left). Reviewers are drawn from the sorted ids
 * of those willing, with the text "entente/review-reviewer/1\n" in the seed.
 */
#pragma once
#include "statement/commitment.h"

#include <glib.h>

enum draw_class { DRAW_CRITICAL, DRAW_HIGH, DRAW_MEDIUM, DRAW_LOW, DRAW_INFO, DRAW_CLASSES };
extern const char *const draw_class_names[DRAW_CLASSES]; /* "critical", ... */

/* How the committed leaves lie: findings from `first` on, class after class. */
struct draw_order {
    guint64 first;
    guint64 counts[DRAW_CLASSES];
};

/*
 * Reads the member "order" of an assessment's predicate; without one every leaf is a finding of
 * one class. ENTENTE_ERROR_INPUT when it is malformed or is not as many leaves as committed.
 */
gboolean draw_order_read(const json_t *predicate, guint64 leaves, struct draw_order *order,
                         GError **error);

/* The class that leaf `index` must have; DRAW_CLASSES when it is no finding. */
enum draw_class draw_order_class(const struct draw_order *order, guint64 index);

/* Draws at most `wanted` leaf indices (guint64), in the order they were drawn. */
GArray *draw_findings(const struct merkle_hash *checkpoint_root,
                      const struct commitment_root *commitments, const struct draw_order *order,
                      guint wanted);

/* Draws at most `wanted` of `count` candidates: indices (guint) in the order they may review. */
GArray *draw_reviewers(const struct merkle_hash *checkpoint_root,
                       const struct commitment_root *commitments, guint count, guint wanted);
