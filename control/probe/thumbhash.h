/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The longest side of a picture that is hashed, in pixels. */
#define PROBE_THUMBHASH_SIDE 100
/* Bytes of the longest hash of an opaque picture. */
#define PROBE_THUMBHASH_MAX 28

/* A few bytes from which a page paints a blurred likeness of a picture while the picture loads:
 * ThumbHash, the algorithm of Evan Wallace (https://evanw.github.io/thumbhash/), for opaque
 * pictures. @rgb: 3 bytes a pixel, lines of 3 x @width bytes; both sides have 1 to 100 pixels.
 * Returns the bytes that it wrote. Pure. */
gsize probe_thumbhash (const guint8 *rgb, guint width, guint height,
    guint8 hash[PROBE_THUMBHASH_MAX]);

G_END_DECLS
