/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/**
 * Takes from the process all that looking at one file does not need. To be called in the only
 * thread, after gst_init(), before the first byte of the file is parsed.
 *
 * The process may still read the file at @path, and load GStreamer's plugins and the libraries that
 * they need. It may compute in its threads, and write to open descriptors. It can open no other
 * file, create nothing, and have no socket and no other process. Landlock (Linux 5.13 or newer) and
 * seccomp do that. Both hold even if a file takes the process over.
 *
 * @seconds: the time for the process in all; it may use twice that of the processors' time.
 *
 * FALSE where the kernel cannot do it, with the remedy in @error: the file must then not be looked
 * at. A build with a sanitizer has the limits only: its reports are files.
 */
gboolean probe_confine (const char *path, guint seconds, GError **error);

G_END_DECLS
