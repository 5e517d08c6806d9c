/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "store.h"

G_BEGIN_DECLS

typedef struct
{
  char *host;                   /* NULL: the listen address */
  guint16 port;                 /* 0: the port that we got */
} PmssStorageAddress;

/* Settings: the defaults, then the key file's group [storage], then the command line; every key is
 * an option of the same name. Checked as a whole when loaded, never changed afterwards.
 * docs/operations.md lists them. */
typedef struct
{
  char *listen;
  PmssStorageAddress advertise;
  char *data;                   /* absolute */
  char *control;                /* nullable: URL without a slash at the end */
  char *control_ca;             /* nullable: PEM file */
  char *join_token;             /* nullable */
  char *zone;                   /* "" if none */
  guint64 network_limit;        /* bit/s, 0: the interface's speed */
  gboolean gateway;             /* plays media over plain HTTP */
  guint scrub_period;           /* seconds, 0: no scrubbing */
  char *tls_certificate, *tls_key;      /* nullable, both or none */
  char *metrics_token;          /* nullable: the token that opens /metrics from other machines */
  PmssStoreReserve reserve;
  GLogLevelFlags log_level;     /* messages up to this level are written */

  /* Standing alone: all three or none. */
  char *public_key;             /* file */
  char *cluster;
  guint node_id;

  guint threads;                /* 0: by processors */
  guint max_connections;
  guint max_connections_per_address;    /* 0: half of them */
  guint head_timeout;           /* seconds */
  guint min_rate;               /* bytes/s */
  guint min_rate_window;        /* seconds */
} PmssStorageConfig;

/* NULL: nothing to run, exit with @status (0 after --help or --version, else one of sysexits);
 * messages went to stderr. */
PmssStorageConfig *pmss_storage_config_load (int argc, char **argv, int *status);
void               pmss_storage_config_free (PmssStorageConfig *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssStorageConfig, pmss_storage_config_free)

/* "1000", "64 MiB", "10M" (10^6); and with a percent sign a fraction. */
gboolean pmss_storage_parse_reserve (const char *text, PmssStoreReserve *reserve, GError **error);

G_END_DECLS
