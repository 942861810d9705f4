#include "cli/database.h"

#include "base/error.h"
#include "store/store.h"

#define VARIABLE "ENTENTE_DATABASE"

gboolean cli_database(const char *option, const char **url, GError **error)
{
    *url = option ? option : g_getenv(VARIABLE);
    if (!*url || !**url) {
        *url = NULL;
        return TRUE;
    }
    if (!store_is_url(*url))
        return input_error(error, "%s: a database is postgresql://USER@HOST/DATABASE",
                           option ? "--database" : VARIABLE);
    return !option || !store_url_has_password(option) ||
           policy_error(error, "--database: every user of this machine would see the password; "
                               "leave it out and put it into the file that PGPASSFILE names");
}
