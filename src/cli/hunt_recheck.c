/*
 * hunt_recheck.c: entente hunt recheck: a signed hunt repeated over some of its files.
 *
 * A file is known by its bytes, not by its name: it is hashed once, and compared at each size that
 * a file of the hunt had, so that a log that grew since is still the log that was hunted.
 */
#include "base/error.h"
#include "base/json.h"
#include "base/terminal.h"
#include "cli/claim.h"
#include "cli/hunt_sign.h"
#include "statement/base64.h"
#include "statement/predicate.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <unistd.h>

#define READ_SIZE ((gsize)1 << 20)
#define NOT_FOUND G_MAXUINT64

/* A file of the hunt: its size and which entry it is; in order of size. */
struct candidate {
    guint64 size, entry;
    const char *sha256;
};

static int by_size(gconstpointer a, gconstpointer b)
{
    const struct candidate *left = a, *right = b;

    return (left->size > right->size) - (left->size < right->size);
}

static GArray *candidates_of(const json_t *entries)
{
    GArray *list = g_array_new(FALSE, FALSE, sizeof(struct candidate));
    const json_t *entry;
    size_t index;

    json_array_foreach(entries, index, entry)
    {
        struct candidate candidate = { (guint64)json_number(entry, "size", 0), index,
                                       json_text(entry, "sha256") };

        if (g_strcmp0(json_text(entry, "type"), "file") == 0 && candidate.sha256)
            g_array_append_val(list, candidate);
    }
    g_array_sort(list, by_size);
    return list;
}

/* Feeds the digest up to `size` bytes of the file; FALSE at its end, or with `error`. */
static gboolean hash_up_to(int fd, guint64 size, guint64 *done, guint8 *buffer,
                           crypto_hash_sha256_state *state, const char *path, GError **error)
{
    while (*done < size) {
        ssize_t got = read(fd, buffer, (gsize)MIN(READ_SIZE, size - *done));

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return errno_error(error, errno, "%s: cannot be read", path);
        if (got == 0)
            return FALSE;
        crypto_hash_sha256_update(state, buffer, (gsize)got);
        *done += (guint64)got;
    }
    return TRUE;
}

/* The longest file of the hunt that `path` begins with. */
static gboolean recognise(const char *path, const GArray *candidates, struct candidate *found,
                          GError **error)
{
    g_autofree guint8 *buffer = g_malloc(READ_SIZE);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    crypto_hash_sha256_state state;
    GError *problem = NULL;
    guint64 done = 0;

    found->entry = NOT_FOUND;
    if (fd < 0)
        return errno_error(error, errno, "%s: cannot be opened", path);
    crypto_hash_sha256_init(&state);
    for (guint i = 0; i < candidates->len; i++) {
        const struct candidate *each = &g_array_index(candidates, struct candidate, i);
        crypto_hash_sha256_state so_far;
        guint8 digest[MERKLE_HASH_SIZE];
        g_autofree char *hex = NULL;

        if (!each->size && lseek(fd, 0, SEEK_END) > 0 && lseek(fd, 0, SEEK_SET) == 0)
            continue; /* every file begins with nothing */
        if (!hash_up_to(fd, each->size, &done, buffer, &state, path, &problem))
            break;
        so_far = state;
        crypto_hash_sha256_final(&so_far, digest);
        hex = hex_encode(digest, sizeof digest);
        if (g_str_equal(hex, each->sha256))
            *found = *each;
    }
    close(fd);
    if (problem) {
        g_propagate_error(error, problem);
        return FALSE;
    }
    return found->entry != NOT_FOUND ||
           found_error(error, "%s: is none of the files that were hunted, or was changed", path);
}

static void take_hit(const struct hunt_hit *hit, gpointer claim)
{
    hunt_claim_hit(claim, hit);
}

static void take_end(const struct hunt_scanned *input, gpointer claim)
{
    hunt_claim_scanned(claim, input);
}

/* NULL: it is as was claimed. */
static char *repeat(const struct hunt_table *table, const struct signed_claim *hunt,
                    const char *path, const struct candidate *file,
                    const struct hunt_scan_options *options, GError **error)
{
    char *paths[] = { (char *)path, NULL };
    g_autoptr(GPtrArray) inputs = inputs_list(paths);
    g_autoptr(hunt_claim_t) again = hunt_claim_new(table, options);
    const struct hunt_scan_calls calls = { take_hit, take_end, NULL, again };
    const gint64 hits = json_number(json_array_get(hunt->entries, (size_t)file->entry), "hits", 0);
    struct hunt_scan_summary summary = { 0 };

    if (!file->size) /* nothing can be hit in it, whatever it became since */
        return hits ? g_strdup("it was empty") : NULL;
    ((struct input *)inputs->pdata[0])->until = file->size;
    if (!hunt_scan_files(table, inputs, options, &calls, &summary, error))
        return NULL;
    return hunt_claim_file_differs(hunt->entries, file->entry, again);
}

static void print(const struct context *context, const char *path, const struct signed_claim *hunt,
                  const struct candidate *file, const char *differs)
{
    const json_t *entry = json_array_get(hunt->entries, (size_t)file->entry);
    g_autofree char *shown = terminal_escape(path);
    g_autofree char *why = differs ? terminal_escape(differs) : NULL;

    if (cli_format_is(context, "json", FALSE)) {
        g_autoptr(json_t) line =
            json_pack("{s:o, s:s?, s:s, s:I, s:s, s:s?}", "path", json_safe_string(path), "file",
                      json_text(entry, "file"), "sha256", file->sha256, "hits",
                      (json_int_t)json_number(entry, "hits", 0), "verdict",
                      differs ? "differs" : "same", "why", differs);
        g_autofree char *text = json_dumps(line, JSON_COMPACT);

        puts(text);
    } else if (differs) {
        printf("%s: differs: %s\n", shown, why);
    } else {
        printf("%s: the same, %" G_GINT64_FORMAT " hits\n", shown, json_number(entry, "hits", 0));
    }
}

static int recheck(const struct context *context, const struct hunt_table *table,
                   const struct signed_claim *hunt, char **paths, GError **error)
{
    struct hunt_scan_options options = { .with_digest = TRUE };
    g_autoptr(GArray) candidates = candidates_of(hunt->entries);
    gboolean same = TRUE;

    if (!hunt_claim_same_tables(table, hunt->predicate, error) ||
        !hunt_claim_rule(hunt->predicate, &options, error))
        return EXIT_SYSTEM;
    for (; *paths; paths++) {
        GError *problem = NULL;
        g_autofree char *differs = NULL;
        struct candidate file = { 0 };

        if (!recognise(*paths, candidates, &file, error))
            return EXIT_SYSTEM;
        differs = repeat(table, hunt, *paths, &file, &options, &problem);
        if (problem) {
            g_propagate_error(error, problem);
            return EXIT_SYSTEM;
        }
        print(context, *paths, hunt, &file, differs);
        same = same && !differs;
    }
    return same ? EXIT_DONE : EXIT_FOUND;
}

static int run(const struct context *context, gconstpointer shared, char **arguments,
               GError **error)
{
    const struct hunt_arguments *given = shared;
    g_autoptr(hunt_table_t) table = NULL;
    g_auto(signed_claim_t) hunt = { 0 };

    if (!given->tables || !arguments[0] || !arguments[1])
        return input_error(error, "recheck takes a signed hunt, --table as it names, and files");
    if (!signed_claim_read(arguments[0], PREDICATE_HUNT, &hunt, error))
        return EXIT_SYSTEM;
    table = hunt_table_open_all((const char *const *)given->tables, error);
    if (!table)
        return EXIT_SYSTEM;
    for (gsize i = 0; i < hunt_table_parts(table); i++)
        if (!table_check(hunt_table_part(table, i), error))
            return EXIT_SYSTEM;
    return recheck(context, table, &hunt, arguments + 1, error);
}

const struct subcommand hunt_subcommand_recheck = { "recheck", run };
