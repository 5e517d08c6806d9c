/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* What a page shows of the file at @path: as members of @object, null where it has none.
 * - poster: JPEG in base64, up to 480 pixels wide: of the key frames at 10, 20, 35 and 50 % the one
 *   with the most variance, else the cover of the tags; thumbhash: in base64.
 * - sprite: JPEG in base64, up to 100 tiles of 160 x 90 pixels, 10 in a line; tiles: the real time
 *   of each, in ns. Of key frames alone.
 * - peaks: of sound without a picture: 1,000 numbers from 0 to 1.
 * Gives up what is not done at @deadline (monotonic, us). */
void probe_artwork (JsonObject *object, const char *path, gint64 deadline);

G_END_DECLS
