/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* An application that gives the elements of all its pipelines what one of them has made and offers
 * to share (GstContext): the first context alone. Any thread; zero-initialized. */
typedef struct
{
  GMutex lock;                  /* protects what follows */
  GstContext *context;          /* (nullable): none yet */
} BenchSharing;

/* Takes note of HAVE_CONTEXT, and answers NEED_CONTEXT. Other messages are left alone. */
void bench_sharing_handle (BenchSharing *sharing, GstMessage *message);
void bench_sharing_clear  (BenchSharing *sharing);

G_END_DECLS
