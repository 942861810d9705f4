/* intel_token.c: `entente intel token`: what a reader of this node shows, and what the node keeps.
 */
#include "cli/intel_command.h"
#include "statement/base64.h"

#include <sodium.h>
#include <string.h>

#define TOKEN_BYTES 32u

static int run(const struct context *context, gconstpointer shared, char **arguments,
               GError **error)
{
    const struct intel_arguments *given = shared;
    guint8 bytes[TOKEN_BYTES], digest[crypto_hash_sha256_BYTES];
    g_autofree char *token = NULL, *hex = NULL, *text = NULL;

    (void)given;
    if (arguments[0])
        return input_error(error, "token takes no arguments");
    randombytes_buf(bytes, sizeof bytes);
    token = hex_encode(bytes, sizeof bytes);
    crypto_hash_sha256(digest, (const guint8 *)token, strlen(token));
    hex = hex_encode(digest, sizeof digest);
    text = g_strdup_printf("token:  %s\nintel:  token: sha256:%s\n", token, hex);
    return cli_output(context, text, strlen(text), error) ? EXIT_DONE : EXIT_SYSTEM;
}

const struct subcommand intel_token = { "token", run };
