/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/admission/admission.h"
#include "control/context.h"
#include "libpmss/pmss-types.h"

G_BEGIN_DECLS

/**
 * PmssControlConfig:
 *
 * Settings: the defaults, then the key file's group [control], then the command line; every key is
 * an option of the same name. Checked as a whole when loaded, never changed afterwards.
 * docs/operations.md lists them.
 */
struct _PmssControlConfig
{
  char *listen;                 /* "0.0.0.0:8470" */
  char *data;                   /* folder, absolute */
  char *tls_certificate, *tls_key;      /* nullable, both or none */
  /* nullable: the URL that clients use, "https://media.example.org" */
  char *public_url;
  /* nullable: PEM file that nodes' certificates are checked against */
  char *node_ca;
  char *metrics_token;          /* nullable: the token that opens /metrics from other machines */
  GLogLevelFlags log_level;     /* messages up to this level are written */
  guint64 max_upload;           /* bytes, of one file */
  guint64 min_free;             /* bytes that uploads leave free on the data folder's disk */
  /* bytes that a file holds for the catalog on a full disk; 0: none */
  guint64 catalog_reserve;
  guint lease;                  /* seconds */
  guint stream_lifetime;        /* seconds that the capability token of a session is valid */
  guint max_sessions;           /* of one user at a time; 0: any number */
  guint max_sessions_admin;     /* of one administrator */
  PmssAdmissionPolicy admission;        /* who is let in */
  double admission_reserve;     /* of each node's capacity, that is not given out */
  gboolean admission_failures;  /* the load of any one node fits on the others as well */
  guint admission_wait;         /* seconds, at most, for which a start is held */
  guint token_lifetime;         /* seconds, of a login */
  guint upload_lifetime;        /* seconds after its last byte that an unfinished upload is kept */
  guint orphan_grace;           /* seconds that a shard which no row knows stays */
  /* seconds that a file of data/uploads or data/originals which no row knows is kept; 0: for
   * ever */
  guint set_aside_grace;
  guint job_lifetime;           /* seconds that a job which has ended is listed; 0: for ever */
  guint max_events;             /* rows of the log of events; 0: none */
  /* bit/s that one ingest sends to the nodes, before parity; 0: no limit */
  guint64 stripe_rate;
  gboolean repair;              /* without being asked for a node */
  /* seconds that a node is down before its shards are made anew elsewhere */
  guint repair_delay;
  guint64 repair_limit;         /* bit/s that repair reads and writes in all; 0: no limit */
  guint max_connections;
  guint max_connections_per_address;    /* 0: half of them */
  PmssRedundancy redundancy;    /* where an upload does not say */
  /* bytes, of new versions; extent is a wish, see pmss_layout_round_extent() */
  guint32 unit, extent;
};

/* The work that the command line asks for. */
typedef enum
{
  PMSS_CONTROL_SERVE,
  PMSS_CONTROL_CHECK_RESTORE,   /* restore.h */
  PMSS_CONTROL_RESTORE,
  PMSS_CONTROL_RESTORE_END_STREAMS,
  PMSS_CONTROL_END_RESTORE,
} PmssControlTask;

/* The options of the command line. */
typedef struct
{
  PmssControlConfig *config;    /* NULL when there is nothing to run: --help, --version */
  PmssControlTask task;
  int status;                   /* exit code then: 0, or 64 (usage), 78 (settings) */
} PmssControlCommandLine;

/* Reads command line and key file; error messages go to stderr. */
PmssControlCommandLine pmss_control_config_load (int argc, char **argv);
void                   pmss_control_config_free (PmssControlConfig *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssControlConfig, pmss_control_config_free)

G_END_DECLS
