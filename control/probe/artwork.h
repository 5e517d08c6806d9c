/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What a page shows of the file at @path: a JSON object; a member is null where it has none.
 * - poster: JPEG in base64, up to 480 pixels wide: of the key frames at 10, 20, 35 and 50 % the one
 *   with the most variance, else the cover of the tags; thumbhash: in base64.
 * - sprite: JPEG in base64, up to 100 tiles of 160 x 90 pixels, 10 in a line; tiles: the real time
 *   of each, in ns. Of key frames alone, unless they are too few and all can be decoded in time.
 * - peaks: of sound without a picture: 1,000 numbers from 0 to 1.
 * What is not there at @deadline (monotonic, us) is left out, and a thread that is stuck in a
 * decoder is left alone: the process is to end. Once in a process. To be freed. */
char *probe_artwork (const char *path, gint64 deadline);

G_END_DECLS
