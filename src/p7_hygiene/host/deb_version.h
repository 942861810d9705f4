/*
 * deb_version.h: the order of Debian versions, "[epoch:]upstream[-revision]" (deb-version(7)).
 */
#pragma once

/*
 * Less than, equal to or greater than 0 as `left` is older than, the same as or newer than
 * `right`. Any text has a place in the order; nothing is refused.
 */
int deb_version_compare(const char *left, const char *right);
