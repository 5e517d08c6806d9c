/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "control/disk-reserve.h"

G_BEGIN_DECLS

/* config.h: settings, never changed after the start */
typedef struct _PmssControlConfig PmssControlConfig;
/* keys.h: cluster id, signing key; mints capability tokens */
typedef struct _PmssKeys PmssKeys;
typedef struct _PmssDatabase PmssDatabase;      /* database.h */
/* catalog.h: media, versions, extents, pending deletions */
typedef struct _PmssCatalog PmssCatalog;
/* accounts.h: users, passwords, API tokens, login limits */
typedef struct _PmssAccounts PmssAccounts;
typedef struct _PmssEvents PmssEvents;  /* events.h: what happens, in the log and live */
typedef struct _PmssNodes PmssNodes;    /* nodes.h: storage servers and their states */
/* node-probe.h: whether nodes that readers cannot reach can be reached */
typedef struct _PmssNodeProbe PmssNodeProbe;
/* admission.h: what is promised of the nodes, and who is let in */
typedef struct _PmssAdmission PmssAdmission;
typedef struct _PmssSessions PmssSessions;      /* sessions.h: leases of viewers */
typedef struct _PmssMonitor PmssMonitor;        /* monitor.h: figures as time goes by */
typedef struct _PmssNodeMetrics PmssNodeMetrics;        /* node-metrics.h: their figures */
typedef struct _PmssFaultWatch PmssFaultWatch;  /* fault-watch.h: what is wrong with nodes */
/* originals.h: files that media were made from, where they are kept */
typedef struct _PmssOriginals PmssOriginals;
typedef struct _PmssUploads PmssUploads;        /* uploads.h: files on their way in */
typedef struct _PmssJobs PmssJobs;      /* jobs.h: background work */
typedef struct _PmssRepair PmssRepair;  /* repair.h: sees to it that every shard is there */
/* reconcile.h: what nodes hold against the catalog */
typedef struct _PmssReconciler PmssReconciler;
typedef struct _PmssHttpd PmssHttpd;    /* httpd/pmss-httpd.h: the listener */

/**
 * PmssControlContext:
 *
 * The objects of one control server. main() makes them in the order of the fields, and takes them
 * down in the reverse one. Every object may use those above it. Save for `httpd`, the pointers do
 * not change while requests are served. All of the objects may be used on any thread
 * (docs/threads.md).
 */
typedef struct
{
  PmssControlConfig *config;
  /* nullable: the authorities for nodes' certificates, instead of the system's */
  GTlsDatabase *tls_database;
  PmssKeys *keys;
  PmssDiskReserve *reserve;     /* disk-reserve.h */
  PmssDatabase *database;
  /* the catalog was restored (identity.h): no shard that it does not know is deleted */
  gboolean keep_unknown;
  PmssCatalog *catalog;
  PmssAccounts *accounts;
  PmssEvents *events;           /* nullable: in tests, that note nothing */
  PmssNodes *nodes;
  PmssNodeProbe *probe;
  PmssAdmission *admission;
  PmssSessions *sessions;
  PmssMonitor *monitor;
  PmssFaultWatch *faults;       /* nullable: in tests, that watch nothing */
  PmssNodeMetrics *node_metrics;        /* nullable: the same */
  PmssOriginals *originals;
  PmssUploads *uploads;
  PmssJobs *jobs;
  PmssRepair *repair;
  PmssReconciler *reconciler;
  /* (atomic) NULL until it serves: the first requests may come before */
  PmssHttpd *httpd;
} PmssControlContext;

G_END_DECLS
