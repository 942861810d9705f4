/* ct_name.h: whether a name of a certificate concerns a domain that is watched. */
#pragma once
#include <glib.h>

enum ct_match {
    CT_NO,
    CT_EXACT,
    CT_SUBDOMAIN,
    CT_WILDCARD,   /* "*.example.org", or of a subdomain */
    CT_LOOK_ALIKE, /* another name that people take for it */
};
const char *ct_match_name(enum ct_match match);

/*
 * What people see of a name: punycode read, letters that look alike made one (Cyrillic and Greek
 * ones, accents, 0 and o, 1 and l and i, rn and m, vv and w), hyphens gone. Owned by the caller.
 */
char *ct_skeleton(const char *name);

/* `domain` in lower case; `skeleton` is its own. `name` as in the certificate, any case. */
enum ct_match ct_match(const char *domain, const char *skeleton, const char *name);
