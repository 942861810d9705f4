/*
 * hyperscan_bench LIST LOG: the literals of LIST (one a line, caseless, each reported once a line)
 * in LOG with Hyperscan, as fast as it goes in one thread: the peer of `bench/run hunt`. It checks
 * no token: a literal is found in longer names, too. Prints: compile seconds, scan CPU seconds,
 * lines with a match, MB of the database. Not part of the program.
 */
#include <hs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define PIECE ((size_t)1 << 20)

static double cpu(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6 +
           (double)usage.ru_stime.tv_sec + (double)usage.ru_stime.tv_usec / 1e6;
}

static char *read_all(const char *path, size_t *length)
{
    FILE *file = fopen(path, "rb");
    char *bytes;

    if (!file)
        exit(2);
    fseek(file, 0, SEEK_END);
    *length = (size_t)ftell(file);
    rewind(file);
    bytes = malloc(*length + 1);
    if (fread(bytes, 1, *length, file) != *length)
        exit(2);
    fclose(file);
    return bytes;
}

static int count(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
                 void *data)
{
    ++*(unsigned long long *)data;
    return 0;
}

int main(int argc, char **argv)
{
    size_t list_length, log_length, used = 0, size = 0;
    hs_compile_error_t *problem = NULL;
    hs_database_t *database = NULL;
    hs_scratch_t *scratch = NULL;
    unsigned long long matches = 0;
    const char **texts;
    unsigned *flags, *ids;
    size_t *lengths;
    double start, compiled;
    char *list, *log;

    if (argc != 3)
        return 2;
    list = read_all(argv[1], &list_length);
    log = read_all(argv[2], &log_length);
    texts = calloc(list_length / 2 + 2, sizeof *texts);
    lengths = calloc(list_length / 2 + 2, sizeof *lengths);
    flags = calloc(list_length / 2 + 2, sizeof *flags);
    ids = calloc(list_length / 2 + 2, sizeof *ids);
    for (char *at = list; at < list + list_length;) {
        char *end = memchr(at, '\n', (size_t)(list + list_length - at));

        if (!end)
            end = list + list_length;
        if (end > at) {
            texts[used] = at;
            lengths[used] = (size_t)(end - at);
            flags[used] = HS_FLAG_CASELESS;
            ids[used] = (unsigned)used;
            used++;
        }
        at = end + 1;
    }
    start = cpu();
    if (hs_compile_lit_multi(texts, flags, ids, lengths, (unsigned)used, HS_MODE_BLOCK, NULL,
                             &database, &problem) != HS_SUCCESS ||
        hs_alloc_scratch(database, &scratch) != HS_SUCCESS) {
        fprintf(stderr, "%s\n", problem ? problem->message : "no scratch");
        return 1;
    }
    hs_database_size(database, &size);
    compiled = cpu();
    for (size_t at = 0; at < log_length;) {
        size_t piece = log_length - at < PIECE ? log_length - at : PIECE;
        const char *feed = memrchr(log + at, '\n', piece);

        if (feed)
            piece = (size_t)(feed + 1 - (log + at));
        hs_scan(database, log + at, (unsigned)piece, 0, scratch, count, &matches);
        at += piece;
    }
    printf("%.3f %.3f %llu %.1f\n", compiled - start, cpu() - compiled, matches,
           (double)size / 1e6);
    return 0;
}
