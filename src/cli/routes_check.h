/* routes_check.h: what entente routes check found, and how it is shown (routes_check_show.c). */
#pragma once
#include "base/json.h"
#include "cli/cli.h"
#include "p2_internet/routes/gather.h"
#include "p2_internet/routes/mrt_scan.h"
#include "rpki/vrp.h"

struct check_result {
    gint64 now_us;
    struct vrp_set *vrps;
    struct aspa_set *aspas;
    struct gather *gather;
    GArray *origins;  /* struct gather_origin */
    GPtrArray *paths; /* struct gather_path; the gather's */
    json_t *own;      /* asset -> record (own_roas.h); NULL: not asked for */
    struct mrt_scan_summary read;
    gboolean found; /* something is invalid, leaks, or is nobody's; set by check_show() */
};
void check_result_clear(struct check_result *result);
typedef struct check_result check_result_t;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(check_result_t, check_result_clear)

/* Text, or JSON Lines (docs/schema/routes-check.json). */
gboolean check_show(const struct context *context, struct check_result *result, GError **error);
