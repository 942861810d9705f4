/*
 * witness_step.c: one request to a witness, as a program that can be killed (test_witness_kill.py).
 *
 *     witness_step STATE FORK OLD SIZE ANSWER
 *
 * Asks the witness whose state is STATE to cosign SIZE entries of history FORK, building on OLD,
 * and writes "STATUS\nBODY" to ANSWER.
 */
#include "../unit/forked_log.h"
#include "log/witness.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum argument { STATE = 1, FORK, OLD, SIZE, ANSWER, ARGUMENTS };

int main(int argc, char **argv)
{
    static const guint8 seed[KEY_SEED_SIZE] = { 42 };
    g_autoptr(signing_key_t) key = signing_key_from_seed("witness.example", seed, NULL);
    g_autoptr(witness_t) witness = NULL;
    g_autoptr(forked_log_t) log = NULL;
    g_autoptr(note_key_t) log_key = NULL;
    g_autofree char *body = NULL, *text = NULL;
    struct witness_answer answer;
    int file;

    if (argc != ARGUMENTS)
        return 2;
    witness = witness_open(argv[STATE], key, NULL);
    log = forked_log_new((guint)atoi(argv[FORK]));
    log_key = forked_log_key(log);
    if (!witness || !witness_add_log(witness, log_key, NULL, NULL))
        return 3;
    body = forked_log_request(log, (guint64)atoi(argv[OLD]), (guint64)atoi(argv[SIZE]));
    witness_add_checkpoint(witness, body, strlen(body), 1767139200, &answer);
    text = g_strdup_printf("%u\n%.*s", answer.status, (int)g_bytes_get_size(answer.body),
                           (const char *)g_bytes_get_data(answer.body, NULL));
    witness_answer_clear(&answer);
    file = open(argv[ANSWER], O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (file < 0 || write(file, text, strlen(text)) != (ssize_t)strlen(text) || close(file))
        return 3;
    return 0;
}
