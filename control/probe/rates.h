/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/**
 * ProbeRates:
 *
 * Sums encoded bytes by stream time, in bins of a tenth of a second. Tells how many bits the
 * busiest second and the busiest ten seconds hold. Memory: 8 bytes a bin, at most two days of them;
 * later bytes count for no peak. Any thread may add.
 */
typedef struct _ProbeRates ProbeRates;

ProbeRates *probe_rates_new  (void);
void        probe_rates_free (ProbeRates *rates);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ProbeRates, probe_rates_free)

/* @bytes belong to stream time @time and are shown for @duration (ns, 0: unknown). */
void        probe_rates_add  (ProbeRates *rates, GstClockTime time, GstClockTime duration,
    guint64 bytes);

/* Stream time (ns) at which the last added bytes end; 0: none were added. */
GstClockTime probe_rates_get_end (ProbeRates *rates);

/* All bytes added. */
guint64     probe_rates_get_bytes (ProbeRates *rates);

/* Shares out @size, the bytes of the file, over slots of @slot ns (a multiple of 100 ms), from the
 * first bytes that were added to the last: an array of guint64. NULL: none were added, or some of
 * them lie so late that they have no bin. */
GArray     *probe_rates_get_slots (ProbeRates *rates, GstClockTime slot, guint64 size);

/* The highest rate in bit/s over any @window ns (a multiple of 100 ms); over all there is, where
 * that is shorter. 0: unknown. */
guint64     probe_rates_get_peak (ProbeRates *rates, GstClockTime window);

/* Reads the file at @path through a parser, without decoding, as fast as it comes, and adds up the
 * bytes of its streams. Gives up at @deadline (monotonic, us) or at an error. FALSE then, and
 * @rates holds a part of the file only. */
gboolean    probe_rates_scan (ProbeRates *rates, const char *path, gint64 deadline);

G_END_DECLS
