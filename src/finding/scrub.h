/*
 * Secrets inside evidence: a command of sudoers or cron, a mount option, a repository's address may
 * carry a password. What looks like one is replaced, and the rest stays readable.
 *
 * Recognised: user:PASSWORD@ in addresses (RFC 3986 section 3.2.1), NAME=VALUE and "NAME":"VALUE"
 * where the name ends as secrets do, --password VALUE, -u USER:PASSWORD, mysql's -pPASSWORD, and
 * HTTP's Basic and Bearer (RFC 7235).
 */
#pragma once

#define SCRUBBED "***"

/* A new text, the caller's to free. */
char *scrub_secrets(const char *text);
