/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "control/disk-reserve.h"

G_BEGIN_DECLS

typedef struct _PmssControlConfig PmssControlConfig;    /* config.h: settings, never changed after the start */
typedef struct _PmssKeys PmssKeys;      /* keys.h: cluster id, signing key; mints capability tokens */
typedef struct _PmssDatabase PmssDatabase;      /* database.h */
typedef struct _PmssCatalog PmssCatalog;        /* catalog.h: media, versions, extents, pending deletions */
typedef struct _PmssAccounts PmssAccounts;      /* accounts.h: users, passwords, API tokens, login limits */
typedef struct _PmssAudit PmssAudit;    /* audit.h: who did what, in the log */
typedef struct _PmssNodes PmssNodes;    /* nodes.h: storage servers and their states */
typedef struct _PmssNodeProbe PmssNodeProbe;    /* node-probe.h: whether nodes that readers cannot reach can be reached */
typedef struct _PmssSessions PmssSessions;      /* sessions.h: leases of viewers */
typedef struct _PmssOriginals PmssOriginals;    /* originals.h: files that media were made from, where they are kept */
typedef struct _PmssUploads PmssUploads;        /* uploads.h: files on their way in */
typedef struct _PmssJobs PmssJobs;      /* jobs.h: background work */
typedef struct _PmssRepair PmssRepair;  /* repair.h: sees to it that every shard is there */
typedef struct _PmssReconciler PmssReconciler;  /* reconcile.h: what nodes hold against the catalog */
typedef struct _PmssHttpd PmssHttpd;    /* httpd/pmss-httpd.h: the listener */

/**
 * PmssControlContext:
 *
 * What makes up one control server. Made by main() in the order of the fields, taken down in the reverse one; every object may use those above it.
 * Save for `httpd`, the pointers do not change while requests are served. All of the objects may be used on any thread (docs/threads.md).
 */
typedef struct {
  PmssControlConfig *config;
  GTlsDatabase *tls_database;   /* nullable: what nodes' certificates are checked against, where the system's does not serve */
  PmssKeys *keys;
  PmssDiskReserve *reserve;     /* disk-reserve.h */
  PmssDatabase *database;
  gboolean keep_unknown;        /* the catalog was restored (identity.h): no shard that it does not know is deleted */
  PmssCatalog *catalog;
  PmssAccounts *accounts;
  PmssAudit *audit;             /* audit.h: nullable: nobody reads it */
  PmssNodes *nodes;
  PmssNodeProbe *probe;
  PmssSessions *sessions;
  PmssOriginals *originals;
  PmssUploads *uploads;
  PmssJobs *jobs;
  PmssRepair *repair;
  PmssReconciler *reconciler;
  PmssHttpd *httpd;             /* (atomic) NULL until it serves: the first requests may come before */
} PmssControlContext;

G_END_DECLS
