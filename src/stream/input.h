/*
 * input.h: what a command reads: files and folders, listed before one is opened, and then opened
 * by the parent, so that the worker that reads them needs no names.
 */
#pragma once
#include "stream/decompress.h"

#include <glib.h>

struct input {
    char *name;    /* as given, or below a folder that was given; "-": standard input */
    int fd;        /* -1: not open */
    gboolean keep; /* the descriptor is the caller's: standard input */
    guint64 size;  /* bytes as they lie; 0 when that is not known */
    enum compression compression;
    char *problem;        /* why it could not be opened; NULL */
    gboolean with_digest; /* of the bytes that are read */
    /* A part of it, for who searched the rest before; not of what is compressed. */
    guint64 from, until;  /* bytes; until 0: its end, wherever that is when it is read */
    guint64 lines_before; /* lines in the bytes before `from` */
};

/*
 * The files named by `paths`, "-" among them, and those below folders, in the order of their names.
 * What is no regular file is passed over below folders. A symbolic link there to a file that is not
 * in the list is followed, behind all others; one to a folder is not, and is a problem unless that
 * folder is in the list.
 * A path that is not there is in the list, with a problem. The array owns struct input.
 */
GPtrArray *inputs_list(char **paths);

/*
 * Opens it and looks at its first bytes; loads the libraries that its compression and its digest
 * need. FALSE: its problem says why.
 */
gboolean input_open(struct input *input);
void input_close(struct input *input);

/* Bytes of all. */
guint64 inputs_size(const GPtrArray *inputs);
