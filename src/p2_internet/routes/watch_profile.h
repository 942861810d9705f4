/* watch_profile.h: what of a profile is watched in BGP. */
#pragma once
#include "p2_internet/routes/watch.h"
#include "profile/profile.h"

/*
 * The prefixes and autonomous systems of the profile. Origins that a prefix does not say are the
 * profile's own AS numbers, where it has some. Arrays of struct watch_prefix * and watch_as *,
 * owned by the caller. ENTENTE_ERROR_INPUT: the profile has neither.
 */
gboolean watch_of_profile(const struct profile *profile, GPtrArray **prefixes, GPtrArray **systems,
                          GError **error);
