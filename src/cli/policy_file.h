/*
 * policy_file.h: a policy from a file, in either form: the C2SP text (log, witness, group, quorum
 * lines), or a community's policy in YAML or JSON.
 */
#pragma once
#include "register/community_policy.h"

struct policy_file {
    struct community_policy *community; /* NULL for a C2SP text */
    struct quorum_policy *quorum;       /* always; the community's, or its own */
};
typedef struct policy_file policy_file_t;

/* ENTENTE_ERROR_INPUT, or _SYSTEM when the file cannot be read. */
struct policy_file *policy_file_read(const char *path, GError **error);
void policy_file_free(struct policy_file *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(policy_file_t, policy_file_free)
