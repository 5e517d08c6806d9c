/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>
#include <sys/socket.h>

#include "pmss-http-places.h"

G_BEGIN_DECLS

/**
 * PmssWatchdog:
 *
 * Cuts peers that are too slow. A timeout for idle connections is not enough: a peer that sends or
 * takes a byte now and then escapes it. The watchdog reads the kernel's own counters of each socket
 * (TCP_INFO: bytes received, bytes acknowledged). So it sees the bytes that really moved, through
 * TLS and sendfile too. A peer that waits for us is not slow: we have not read its bytes, or do not
 * have the answer's next bytes yet. A peer that has closed its half in the middle of a request is
 * closed after the next two looks.
 *
 * It also carries out the decisions of PmssPlaces: a newcomer may displace the longest idle
 * stranger.
 *
 * Owns one thread. The connections' worker threads only say which phase they are in; everything
 * else of a peer belongs to the watchdog's thread.
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
typedef enum
{
  /* idle, or sending a head: head_timeout from its first byte (or from the connection's start) */
  PMSS_PEER_HEAD,
  PMSS_PEER_BODY,               /* sending a body that is not whole yet: min_rate */
  PMSS_PEER_WORK,               /* waits for us: no limit */
  PMSS_PEER_ANSWER,             /* takes an answer: min_rate */
} PmssPeerPhase;

/* @idle_timeout: seconds that a connection of a user or a node may be idle; a stranger's may be
 * @head_timeout. @window: seconds over which @min_rate (bytes/s) is measured, one window after the
 * other. */
PmssWatchdog *pmss_watchdog_new  (guint head_timeout, guint idle_timeout, guint min_rate,
    guint window, const PmssPlacesLimits *limits, GError **error);
/* All peers that have started have to be gone. */
void          pmss_watchdog_free (PmssWatchdog *watchdog);

/* A newcomer, before its engine knows of it. FALSE: there is no place. @fd stays the caller's. */
gboolean      pmss_watchdog_admit  (PmssWatchdog *watchdog, int fd, const struct sockaddr *address);
/* The engine did not take it. */
void          pmss_watchdog_drop   (PmssWatchdog *watchdog, int fd);
/* The engine has begun with it. @fd must not be closed before pmss_watchdog_remove(). */
PmssPeer     *pmss_watchdog_start  (PmssWatchdog *watchdog, int fd);
void          pmss_watchdog_remove (PmssWatchdog *watchdog, PmssPeer *peer);
/* FALSE: so many that were displaced have not gone yet that newcomers should wait. */
gboolean      pmss_watchdog_has_room (PmssWatchdog *watchdog);
/* Descriptors have run out: closes the longest idle stranger. */
void          pmss_watchdog_give_up_one (PmssWatchdog *watchdog);
/* A request of @peer was authenticated. @owner: its user or node; NULL: its address. Where @class
 * or @owner has no room, it stays a stranger. On the thread that runs the request. */
void          pmss_watchdog_promote (PmssWatchdog *watchdog, PmssPeer *peer, PmssPlaceClass class,
    const char *owner);
void          pmss_peer_enter      (PmssPeer *peer, PmssPeerPhase phase);
const char   *pmss_peer_get_address (PmssPeer *peer);

typedef struct
{
  guint connections;
  guint of_class[PMSS_N_PLACE_CLASSES];
  guint64 cut;
  guint64 displaced;            /* to make room */
  guint64 turned_away;          /* newcomers without a place */
  guint64 bytes_in;             /* payload of TCP, up to the last second */
  guint64 bytes_out;
} PmssWatchdogStats;
void          pmss_watchdog_get_stats (PmssWatchdog *watchdog, PmssWatchdogStats *stats);

G_END_DECLS
