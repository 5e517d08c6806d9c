/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/**
 * ProbePictures:
 *
 * Decoded pictures of one file, or of one encoded picture: of key frames, to which it seeks, or all
 * in a row. Owns a pipeline. In the process pmss-probe; one thread; waits no longer than to the
 * deadline (monotonic, us).
 */
typedef struct _ProbePictures ProbePictures;

/* NULL: it has none that can be decoded. @picture: (nullable) in place of the file at @path. */
ProbePictures *probe_pictures_open  (const char *path, GstSample *picture, gint64 deadline);
void           probe_pictures_close (ProbePictures *pictures);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ProbePictures, probe_pictures_close)

/* ns; 0: it does not play for a time. */
GstClockTime   probe_pictures_get_duration (ProbePictures *pictures);
/* The key frame at @time, or the one before; NULL: there is none, or no time is left. @real: (out)
 * its own time. */
GstSample     *probe_pictures_take  (ProbePictures *pictures, GstClockTime time,
    GstClockTime *real);

/* Goes to the beginning, for probe_pictures_next(). FALSE: it cannot. */
gboolean       probe_pictures_rewind (ProbePictures *pictures);
/* The next picture, key frame or not; NULL: there is none, or no time is left. @end: (out) whether
 * it is the end. */
GstSample     *probe_pictures_next  (ProbePictures *pictures, GstClockTime *real, gboolean *end);

/* The picture of @sample in @format, in the middle of @width times @height pixels, with its
 * proportions; NULL: it cannot be converted. */
GstBuffer     *probe_picture_scale  (GstSample *sample, const char *format, guint width,
    guint height);
/* How large it is within @max_width times @max_height, even numbers. FALSE: it has no size. */
gboolean       probe_picture_fit    (GstSample *sample, guint max_width, guint max_height,
    guint *width, guint *height);
/* @buffer: I420 of that size, as JPEG. NULL: it cannot be. */
GBytes        *probe_picture_encode (GstBuffer *buffer, guint width, guint height, int quality,
    gint64 deadline);

G_END_DECLS
