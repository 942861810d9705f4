/*
 * payload_text.h: the forms that are text, line by line (payload_csv.c) or word by word
 * (payload_words.c); payload_text.c tells them apart by the first line that says something.
 */
#pragma once
#include "rpki/payload_private.h"

struct payload_csv;
struct payload_csv *payload_csv_new(struct payload_out *out);
void payload_csv_free(struct payload_csv *csv);
/* Whether a line can be the first of such a file. */
gboolean payload_csv_is_heading(const char *line);
/* A line without its end; the first is the heading. */
gboolean payload_csv_line(struct payload_csv *csv, char *line, GError **error);

struct payload_words;
struct payload_words *payload_words_new(struct payload_out *out);
void payload_words_free(struct payload_words *words);
/* A word, or one of "{", "}", ";" and ",". */
gboolean payload_words_take(struct payload_words *words, const char *word, GError **error);
gboolean payload_words_finish(struct payload_words *words, GError **error);
