#include "cli/publish_release.h"

#include "base/error.h"
#include "statement/predicate.h"
#include "statement/verifier.h"

enum argument { NAME, VERSION, FILE_PATH, ARGUMENTS };

int publish_release(const struct context *context, const struct ceremony_options *options,
                    char **arguments, GError **error)
{
    g_autoptr(ceremony_t) ceremony = NULL;
    g_autofree char *digest = NULL, *base = NULL;
    json_t *predicate;
    guint64 size;

    if (g_strv_length(arguments) != ARGUMENTS)
        return input_error(error, "--release takes NAME, VERSION and FILE");
    digest = verify_file_sha256(arguments[FILE_PATH], &size, error);
    if (!digest)
        return EXIT_SYSTEM;
    ceremony = ceremony_open(context, options, error);
    if (!ceremony || !ceremony_needs_self(ceremony, error))
        return EXIT_INPUT;
    predicate = ceremony_predicate(ceremony);
    json_object_set_new(predicate, "name", json_safe_string(arguments[NAME]));
    json_object_set_new(predicate, "version", json_safe_string(arguments[VERSION]));
    json_object_set_new(predicate, "digest", json_string(digest));
    base = g_path_get_basename(arguments[FILE_PATH]);
    return ceremony_finish(ceremony, PREDICATE_RELEASE, base, digest, predicate, KEY_ROLE_ISSUER,
                           NULL, error);
}
