/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/**
 * Takes from the process all that looking at one file does not need. To be called in the only
 * thread, after gst_init(), before the first byte of the file is parsed.
 *
 * What is left: reading the file at @path, loading GStreamer's plugins and the libraries that they
 * need, computing in threads of the same process, and writing to the descriptors that are open. No
 * other file is opened, nothing is created, no socket, no other process. Landlock (Linux 5.13 or
 * newer) and seccomp do that; both outlive whatever takes the process over.
 *
 * @seconds: what the process may take in all; it may use twice that of the processors' time.
 *
 * FALSE where the kernel cannot do it, with what to do in @error: the file must then not be looked
 * at. A build with a sanitizer has the limits only: its reports are files.
 */
gboolean probe_confine (const char *path, guint seconds, GError **error);

G_END_DECLS
