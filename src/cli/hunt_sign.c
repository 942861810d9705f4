#include "cli/hunt_sign.h"

#include "base/clock.h"
#include "base/terminal.h"
#include "cli/claim.h"
#include "cli/keys.h"

#include <stdio.h>

struct signing_key *hunt_sign_key(const struct context *context, const struct hunt_arguments *given,
                                  char **arguments, GError **error)
{
    if (g_strv_contains((const char *const *)arguments, "-")) {
        input_error(error, "--sign: nobody else can look at what came by standard input");
        return NULL;
    }
    return cli_signing_key(context, given->key, NULL, given->passphrase_file, error);
}

gboolean hunt_sign(const struct context *context, struct hunt_claim *claim,
                   const struct hunt_scan_summary *summary, const char *path, gint64 started_us,
                   const struct signing_key *key, GError **error)
{
    g_autofree char *log = NULL, *beside = claim_openings_path(path);
    g_autofree char *shown = terminal_escape(path), *private = terminal_escape(beside);
    g_autoptr(GBytes) envelope = NULL, openings = NULL;

    if (!claim_log(context, &log, error) ||
        !hunt_claim_sign(claim, summary, log, started_us, clock_now_us(), key, &envelope, &openings,
                         error) ||
        !claim_write(path, envelope, openings, error))
        return FALSE;
    if (!context->quiet)
        fprintf(stderr,
                cli_is_french(context)
                    ? "Signé dans %s\u202f; ce qui a été lu et trouvé reste dans %s\n"
                      "À vérifier avec\u202f: entente verify %s\n"
                    : "Signed in %s; what was read and found stays in %s\n"
                      "Check it with: entente verify %s\n",
                shown, private, shown);
    return TRUE;
}
