/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/catalog/catalog.h"
#include "control/jobs/jobs.h"
#include "control/nodes/node-calls.h"
#include "control/nodes/placer.h"
#include "control/uploads/uploads.h"
#include "libpmss/format/pmss-erasure.h"
#include "libpmss/pmss-sha256.h"

G_BEGIN_DECLS

/* A thread that compares extents while later ones are striped: see pmss_read_back_start(). */
typedef struct _PmssReadBack PmssReadBack;

/* One run of an ingest: ingest.c (the job, its short phases), ingest-probe.c, ingest-stripe.c, ingest-read-back.c, ingest-verify.c, ingest-compare.c. Lives on the job's thread. */
typedef struct {
  PmssJobRun *run;
  PmssControlContext *context;
  const PmssJob *job;
  PmssMedium *medium;
  PmssUpload *upload;
  char *path;                   /* of the upload */
  int fd;
  /* from the phase stripe on */
  PmssVersion version;
  PmssPlacer *placer;
  PmssErasure *erasure;
  PmssNodeCalls *calls;         /* while there is a `read_back`: its thread's */
  /* of the phase stripe */
  PmssReadBack *read_back;
  PmssSha256 *sha256;
  guint64 hashed;               /* bytes in `sha256` */
} Ingest;

/* Exactly @length bytes of the upload. On any thread. */
gboolean pmss_ingest_read            (Ingest *ingest, guint64 offset, guint8 *to, gsize length, GError **error);

/* The phases. */
/* What the file is: its failing is a warning. */
gboolean pmss_ingest_probe           (Ingest *ingest, GError **error);
gboolean pmss_ingest_stripe          (Ingest *ingest, GError **error);
/* Compares the shards of all extents that are not verified yet with the upload, puts right what can be, and commits that they are verified. */
gboolean pmss_ingest_verify          (Ingest *ingest, GError **error);

/* What is known of the version's extents. */
guint64  pmss_ingest_get_payload     (Ingest *ingest, guint32 extent);
gboolean pmss_ingest_count_verified  (Ingest *ingest, guint64 *bytes, GError **error);
/* The first extent from *@next on and before @end that is not verified; *@next: where to look then. FALSE: there is none, or an error. */
gboolean pmss_ingest_find_unverified (Ingest *ingest, guint32 *next, guint32 end, PmssExtent *extent, GError **error);

/* The shards of @extent as they have to be, from the upload. */
gboolean pmss_ingest_compute         (Ingest *ingest, guint32 extent, GBytes *shards[PMSS_MAX_SHARDS], GError **error);

typedef struct {
  /* Says which durable extent to compare next. FALSE: none at present, or an error. */
  gboolean (*next)     (PmssExtent *extent, gpointer user_data, GError **error);
  /* @extent was compared: it is verified now, or @reason says what is wrong with a shard of it. FALSE and an error ends the comparing. */
  gboolean (*compared) (const PmssExtent *extent, const GError *reason, gpointer user_data, GError **error);
} PmssCompareFuncs;

/* Asks the nodes for whole shards and compares them with what the upload says, two extents at a time, until `next` has no more. A shard that is not good is not an
 * error here. On the thread whose `calls` are. */
gboolean pmss_ingest_compare         (Ingest *ingest, const PmssCompareFuncs *funcs, gpointer user_data, GCancellable *cancellable, GError **error);

/**
 * PmssReadBack:
 *
 * The verify phase's work on what is durable, begun while the rest is striped: links carry both ways at once, and there is more than one CPU. It does the good case
 * only: what does not compare well, or cannot be asked for, is left to the verify phase, which meets it again and puts it right, or says why it cannot.
 *
 * Threads: start to end are the job's thread's; the work is done on a thread of its own.
 */
PmssReadBack *pmss_read_back_start        (Ingest *ingest, GError **error);
/* Extents before @end are durable: nobody changes their rows but this one. */
void          pmss_read_back_allow        (PmssReadBack *read_back, guint32 end);
/* Bytes of extents that are verified, of earlier runs too. */
guint64       pmss_read_back_get_verified (PmssReadBack *read_back);
/* Ends the thread, with the extents at hand (@finish) or at once. */
void          pmss_read_back_end          (PmssReadBack *read_back, gboolean finish);

G_END_DECLS
