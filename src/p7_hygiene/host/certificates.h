/*
 * certificates.h: which certificates and keys the servers of this machine are told to use, by the
 * files of nginx, Apache, Postfix, Dovecot and HAProxy.
 */
#pragma once
#include "p7_hygiene/host/host.h"

#include <glib.h>

struct certificate_use {
    char *certificate, *key; /* paths; key NULL when it is in the certificate's file */
    char *path;              /* of the configuration */
    guint line;
};

/* Every certificate named, once for each place; struct certificate_use. The caller unrefs it. */
GPtrArray *certificates_in_use(struct host *host);

/* Reads one configuration text; for the above, tests and fuzzing. */
void certificates_read(GPtrArray *uses, const char *path, const char *text, gsize length);
GPtrArray *certificates_new(void);
