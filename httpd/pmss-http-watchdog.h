/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>
#include <sys/socket.h>

G_BEGIN_DECLS

/**
 * PmssWatchdog:
 *
 * Cuts peers that are too slow. libmicrohttpd closes connections that do nothing; a peer that sends or takes a byte now and then escapes it. The watchdog
 * reads the kernel's own counters of each socket (TCP_INFO: bytes received, bytes acknowledged), so it sees what really moved, through TLS and sendfile too.
 * A peer that waits for us (bytes that we have not read, an answer whose next bytes we do not have yet) is not a slow one. One that has closed its half in the
 * middle of a request is closed after the next two looks.
 *
 * Owns one thread. The connections' worker threads only say which phase they are in; everything else of a peer belongs to the watchdog's thread.
 */
typedef struct _PmssWatchdog PmssWatchdog;
typedef struct _PmssPeer PmssPeer;

/*
 *            first byte of a head
 *   ┌──────────────── HEAD ◀──────────────┐
 *   │ head complete    │ head complete    │ answer handed to the kernel
 *   ▼                  ▼                  │
 *  BODY ── body ──▶  WORK ── answer ──▶ ANSWER
 */
typedef enum {
  PMSS_PEER_HEAD,               /* idle, or sending a head: head_timeout from its first byte (or from the connection's start) */
  PMSS_PEER_BODY,               /* sending a body that is not whole yet: min_rate */
  PMSS_PEER_WORK,               /* waits for us: no limit */
  PMSS_PEER_ANSWER,             /* takes an answer: min_rate */
} PmssPeerPhase;

/* @window: seconds over which @min_rate (bytes/s) is measured, one window after the other. */
PmssWatchdog *pmss_watchdog_new  (guint head_timeout, guint min_rate, guint window);
/* All peers have to be gone. */
void          pmss_watchdog_free (PmssWatchdog *watchdog);

/* @fd stays the caller's; it must not be closed before pmss_watchdog_remove(). */
PmssPeer     *pmss_watchdog_add    (PmssWatchdog *watchdog, int fd, const struct sockaddr *address);
void          pmss_watchdog_remove (PmssWatchdog *watchdog, PmssPeer *peer);
void          pmss_peer_enter      (PmssPeer *peer, PmssPeerPhase phase);
const char   *pmss_peer_get_address (PmssPeer *peer);

typedef struct {
  guint connections;
  guint64 cut;
  guint64 bytes_in;             /* payload of TCP, up to the last second */
  guint64 bytes_out;
} PmssWatchdogStats;
void          pmss_watchdog_get_stats (PmssWatchdog *watchdog, PmssWatchdogStats *stats);

G_END_DECLS
