/*
 * publisher.h: brings what is committed before the public: signs a checkpoint, has it cosigned,
 * publishes it when the quorum is there (at once where the policy names no witness), and keeps
 * cosignatures fresh and complete while nothing grows.
 */
#pragma once
#include "log/witness_client.h"
#include "log/writer.h"
#include "node/admission.h"

struct publisher_options {
    struct log_writer *writer; /* borrowed, as what follows */
    struct admission *admission;
    struct http_options http;
    void (*published)(gpointer data); /* something was; on the publisher's thread */
    gpointer data;
};

struct publisher;
struct publisher *publisher_new(const struct publisher_options *options);
void publisher_start(struct publisher *publisher);
/* Publishes what is committed, if the quorum can be had in `limit_us`, and ends the thread. */
void publisher_stop(struct publisher *publisher, gint64 limit_us);
void publisher_free(struct publisher *publisher);
typedef struct publisher publisher_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(publisher_t, publisher_free)

/* The published checkpoint and its size; NULL and 0 before the first. The caller's reference. */
GBytes *publisher_checkpoint(struct publisher *publisher, guint64 *size);

/* The clock, but never before a checkpoint that was signed: for receipts. Waits for nobody, while
 * log_writer_time_us() would wait for a signature under way. */
gint64 publisher_time_us(struct publisher *publisher);

void publisher_metrics(struct publisher *publisher, GString *text);
