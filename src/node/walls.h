/* walls.h: a node gives up, before it reads a foreign byte, all that it does not need. */
#pragma once
#include "node/node.h"

/*
 * Landlock: its data folder (and log and lock folders elsewhere) to write, what name resolution
 * and TLS need to read. seccomp: no exec, no ptrace, no new listener, ... (sandbox/confine.h).
 * While there is one thread.
 */
gboolean walls_raise(const struct node *node, GError **error);

/*
 * The same for a process of the node's that reads what comes from the network and has neither its
 * keys nor its data: one folder to write.
 */
gboolean walls_raise_around(const struct node *node, const char *folder, GError **error);
