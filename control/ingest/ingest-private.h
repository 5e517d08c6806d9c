/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/catalog/catalog.h"
#include "control/jobs/jobs.h"
#include "control/nodes/node-calls.h"
#include "control/nodes/placer.h"
#include "control/uploads/uploads.h"
#include "libpmss/pmss-erasure.h"

G_BEGIN_DECLS

/* One run of an ingest, shared by ingest.c (the phases) and ingest-verify.c (one of them). Lives on the job's thread. */
typedef struct {
  PmssJobRun *run;
  PmssControlContext *context;
  const PmssJob *job;
  PmssMedium *medium;
  PmssUpload *upload;
  char *path;                   /* of the upload */
  int fd;
  PmssVersion version;          /* from the phase stripe on */
  PmssPlacer *placer;
  PmssErasure *erasure;         /* these two from the phase verify on */
  PmssNodeCalls *calls;
  GBytes *head;                 /* in the phase commit; NULL: an empty file */
} Ingest;

/* Exactly @length bytes of the upload. */
gboolean pmss_ingest_read          (Ingest *ingest, int fd, guint64 offset, guint8 *to, gsize length, GError **error);

/* Compares all shards of @extent with the upload, puts right what can be, and commits that it is verified. */
gboolean pmss_ingest_verify_extent (Ingest *ingest, const PmssExtent *extent, GError **error);

G_END_DECLS
