/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "libpmss/pmss.h"

G_BEGIN_DECLS

/* Storage servers as they are, without a control server: for tests in C. */
#define STORAGE_SERVERS_CLUSTER "0123456789abcdef0123456789abcdef"

typedef struct
{
  PmssNode node;
  GSubprocess *process;
  char *data;                   /* its folder; kept over a restart */
} StorageServer;

/* Node @index + 1, with its data in @folder, where the key has been written. */
void storage_server_start  (StorageServer *server, const char *folder, guint index,
    const char *min_free);
void storage_server_signal (StorageServer *server, int number);
/* Kills it: the orderly stop has tests of its own. */
void storage_server_stop   (StorageServer *server);

/* The public key that the servers of @folder check tokens with. */
void storage_servers_write_key   (const char *folder, const guint8 *public_key);
void storage_servers_remove_tree (const char *path);

G_END_DECLS
