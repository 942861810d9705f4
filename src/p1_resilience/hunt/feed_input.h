/* feed_input.h: the files that a feed is made of, listed, mapped and prepared for their worker. */
#pragma once
#include "p1_resilience/hunt/feed.h"

struct feed_input {
    char *path;
    GBytes *bytes;  /* NULL unless it is open */
    guint64 length; /* as listed, then as opened */
    gboolean in_memory;
};

GPtrArray *feed_inputs_new(void); /* of struct feed_input */
/* Bytes in memory; NULL: the file at `path`. */
void feed_inputs_add(GPtrArray *inputs, const char *path, GBytes *bytes);

/*
 * Adds a file, the events that a MISP feed's manifest lists, or the files below another folder, in
 * the order of their names. Events that are not there are counted.
 */
gboolean feed_inputs_list(GPtrArray *inputs, const char *path, struct feed_report *report,
                          GError **error);

/*
 * Maps it, and loads the libraries that its worker cannot load any more: of its compression, and
 * for names beyond ASCII. Only the worker reads the mapped bytes: a file that shrinks meanwhile
 * kills that, not this process.
 */
gboolean feed_input_open(struct feed_input *input, GError **error);
void feed_input_close(struct feed_input *input);
