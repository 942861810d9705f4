#include "base/late_library.h"

#include "base/error.h"

#include <dlfcn.h>
#include <string.h>

gboolean late_library_load(const char *soname, const char *package,
                           const struct late_symbol *symbols, gpointer calls, GError **error)
{
    /* Loading it again gives the same library; it is never unloaded. */
    void *library = dlopen(soname, RTLD_NOW | RTLD_LOCAL);

    if (!library)
        return system_error(error, "%s: cannot be loaded (%s); install the package %s", soname,
                            dlerror(), package);
    for (const struct late_symbol *symbol = symbols; symbol->name; symbol++) {
        void *address = dlsym(library, symbol->name);

        if (!address)
            return system_error(error, "%s: has no function %s; install a current package %s",
                                soname, symbol->name, package);
        memcpy((char *)calls + symbol->offset, &address, sizeof address);
    }
    return TRUE;
}
