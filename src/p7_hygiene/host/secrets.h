/*
 * secrets.h: passwords, tokens and private keys in the text of a file, by rule. Used on files that
 * others may read. What is found is given by place and length only to be redacted.
 *
 * Rules: headers of private keys; tokens with a known beginning, alphabet and length (AWS, GitHub,
 * GitLab, Slack, Google, Stripe); assignments "...password = value" and the like, whose value is a
 * literal and no stand-in; the values of secrets and tokens must look random.
 */
#pragma once
#include <glib.h>

/* `secret` points into the text. FALSE: enough, stop. */
typedef gboolean (*secrets_fn)(const char *rule, guint line, const char *secret, gsize length,
                               gpointer data);

/*
 * Scans a text. `bare`: values without quotes count too, as in configuration files; in program
 * text they would be names of variables.
 */
void secrets_scan(const char *text, gsize length, gboolean bare, secrets_fn each, gpointer data);

/* Bits a sign of a text, by the frequency of its signs (Shannon): 0 for "aaaa". */
double secrets_entropy(const char *text, gsize length);
