/* summary.h: one line of plain text about a finding, for formats that have no place for more. */
#pragma once
#include "finding/finding.h"

#include <glib.h>

/* "/etc/ssh/sshd_config:12 PermitRootLogin: yes (wanted no)". Owned by the caller; not escaped. */
char *summary_of_evidence(const struct evidence *line);

/* The first line that fails or warns; NULL when there is none. Borrowed. */
const struct evidence *summary_evidence(const struct finding *finding);

/* The outcome, why, and the telling evidence: "fail: ..." or "not-measured: needs-root (...)". */
char *summary_of_finding(const struct finding *finding);
