/*
 * admission.h: who may add what to the log, judged by all that is committed already, published or
 * not.
 *
 * Entries are judged on any thread and folded by one. Between the judgement of an entry and its
 * place in the log another may be committed that changes the verdict (a revocation); then the entry
 * is in the log and does not count: the register is what decides, admission only keeps out what
 * could never count.
 */
#pragma once
#include "log/reader.h"
#include "register/register.h"

struct admission;
/* `genesis` is borrowed. */
struct admission *admission_new(const struct community_policy *genesis);
void admission_free(struct admission *admission);
typedef struct admission admission_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(admission_t, admission_free)

/* Folds all entries of the folder's log up to a size and root that are believed. */
gboolean admission_load(struct admission *admission, const char *folder, guint64 size,
                        const struct merkle_hash *root, GError **error);

/* The refusals of admission; the code is an enum register_verdict. */
#define ADMISSION_REFUSAL (admission_refusal_quark())
GQuark admission_refusal_quark(void);

/* For log_writer_options: `data` is the admission. */
gboolean admission_check(GBytes *entry, gpointer data, GError **error);

/* The next committed entry. */
void admission_fold(struct admission *admission, guint64 index, GBytes *entry);
guint64 admission_size(struct admission *admission);

/*
 * Where an entry with this leaf hash may be: a hint, by the first bytes of the hash. Whoever acts
 * on it verifies the path to it.
 */
gboolean admission_find(struct admission *admission, const struct merkle_hash *leaf,
                        guint64 *index);

/* The policy in force for a log of `size`; it lives as long as the admission. */
const struct community_policy *admission_policy(struct admission *admission, guint64 size);

/*
 * Whether an entry claims control of a domain that nothing in the log says yet: an endorsement by
 * a new signatory, or one that names another domain. Then `domain` and `id` (both the caller's) are
 * what is claimed.
 */
gboolean admission_claims_domain(struct admission *admission, GBytes *entry, char **domain,
                                 char **id);
