/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

#define PROBE_N_PEAKS 1000

/* The loudest sample of each thousandth of the sound of the file at @path, from 0 to 1; NULL: it
 * has none that can be decoded to its end before @deadline (monotonic, us). @cover: (out)
 * (nullable) a picture of its tags, as it is encoded there. */
JsonArray *probe_peaks (const char *path, gint64 deadline, GstSample **cover);

G_END_DECLS
