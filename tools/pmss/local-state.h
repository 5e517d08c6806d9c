/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* A process, told from a later one of the same number by the time at which it began. */
typedef struct
{
  int pid;                      /* 0: none */
  guint64 started;              /* clock ticks after the boot: /proc/PID/stat */
} PmssLocalProcess;

/* One server of a local cluster. Its files lie in the cluster's folder: LABEL.conf, LABEL.log, and
 * LABEL/, its data. */
typedef struct
{
  char *label;                  /* "control", "node-0" */
  int index;                    /* of a storage server, from 0; -1: control */
  guint id;                     /* its id at control; 0: it has not joined yet */
  guint16 port;                 /* 0 until its first start; kept from then on */
  gboolean wanted;              /* it is to run: not so after stop-node and down */
  PmssLocalProcess process;
} PmssLocalServer;

/**
 * PmssLocalCluster:
 *
 * The state of a cluster on this machine: the file cluster.conf (mode 0600) in its folder. It is
 * written to a temporary name and renamed after every change, so that it knows every running
 * daemon. While it is open to be changed, the folder is locked against other `pmss local`.
 */
typedef struct
{
  char *dir;                    /* absolute */
  gboolean fresh;               /* the folder held no cluster before */
  int lock_fd;                  /* -1: opened to be read only */
  PmssLocalServer *control;
  GPtrArray *nodes;             /* of #PmssLocalServer, by index */
  char *user, *password, *token;        /* the administrator's; NULL until known */
  char **control_settings, **node_settings;     /* "key=value" for the key files */
} PmssLocalCluster;

/* @dir: NULL for the usual one. @create: make the folder and an empty cluster if there is none;
 * otherwise that is an error. Waits up to a minute for the lock when @write. */
PmssLocalCluster *pmss_local_cluster_open (const char *dir, gboolean create, gboolean write,
    GCancellable *cancellable, GError **error);
gboolean          pmss_local_cluster_save (PmssLocalCluster *cluster, GError **error);
void              pmss_local_cluster_free (PmssLocalCluster *cluster);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssLocalCluster, pmss_local_cluster_free)

/* Adds a storage server with the next free index. */
PmssLocalServer  *pmss_local_cluster_add_node (PmssLocalCluster *cluster);
/* By index; PMSS_ERROR_NOT_FOUND. */
PmssLocalServer  *pmss_local_cluster_get_node (PmssLocalCluster *cluster, const char *index,
    GError **error);
/* "dir/node-0.conf" for the suffix ".conf", the data folder for "". */
char             *pmss_local_server_path (PmssLocalCluster *cluster, const PmssLocalServer *server,
    const char *suffix);
char             *pmss_local_cluster_url (PmssLocalCluster *cluster);
/* Deletes everything that a cluster puts into its folder, and the folder if nothing else is in
 * it. */
gboolean          pmss_local_cluster_purge (PmssLocalCluster *cluster, GError **error);

G_END_DECLS
