/* policy_judged.h: a policy and, where one is given, a checkpoint judged by it (eval, margin). */
#pragma once
#include "cli/policy_file.h"

struct policy_judged {
    struct policy_file *file;
    gboolean has_note;
    struct checkpoint *checkpoint; /* of the note; NULL when it is none */
    struct quorum_verdict verdict; /* of the note */
};

/*
 * Reads the policy and, unless it is NULL, the note or offline proof at `note` ("-": standard
 * input), and judges it as of now.
 */
gboolean policy_judged_read(const char *policy, const char *note, struct policy_judged *judged,
                            GError **error);
void policy_judged_clear(struct policy_judged *judged);

const struct quorum_margin *policy_judged_margin(const struct policy_judged *judged, guint index);

/* The margins as an array of JSON and as a table. */
json_t *policy_margins_json(const struct policy_judged *judged);
char *policy_margins_text(const struct policy_judged *judged);
