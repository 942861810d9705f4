/* walls.h: a node gives up, before it reads a foreign byte, all that it does not need. */
#pragma once
#include "node/node.h"

/*
 * Landlock: its data folder (and log and lock folders elsewhere) to write, what name resolution
 * and TLS need to read. seccomp: no exec, no ptrace, no new listener, ... (sandbox/confine.h).
 * While there is one thread.
 */
gboolean walls_raise(const struct node *node, GError **error);
