/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

/**
 * PmssError:
 * @PMSS_ERROR_FAILED: anything without a code of its own
 * @PMSS_ERROR_INVALID: an argument, URI, document or setting is malformed
 * @PMSS_ERROR_NOT_FOUND: a server answered that there is no such medium, shard, session ...
 * @PMSS_ERROR_NOT_AUTHORIZED: the caller is not known: no or wrong login, expired or foreign token
 * @PMSS_ERROR_FORBIDDEN: the caller is known and may not do this
 * @PMSS_ERROR_BUSY: refused for now: admission, too many attempts
 * @PMSS_ERROR_EXISTS: the name or shard is taken
 * @PMSS_ERROR_NO_SPACE: a disk is full
 * @PMSS_ERROR_CORRUPT: a checksum does not match
 * @PMSS_ERROR_UNREACHABLE: the name does not resolve, refused, reset, no route
 * @PMSS_ERROR_TLS: the peer's certificate or the handshake failed
 * @PMSS_ERROR_TIMED_OUT: no answer in time
 * @PMSS_ERROR_TOO_FEW_SHARDS: more shards are missing than the redundancy can make up for
 * @PMSS_ERROR_PROTOCOL: the peer's answer makes no sense
 * @PMSS_ERROR_RANGE: an offset past the end
 * @PMSS_ERROR_CONFLICT: not possible in this state (a medium that is not ready, a job that has
 * ended)
 * @PMSS_ERROR_MISDIRECTED: the server is another one than the request is for
 *
 * Cancellation is always %G_IO_ERROR_CANCELLED, never one of these.
 */
typedef enum
{
  PMSS_ERROR_FAILED,
  PMSS_ERROR_INVALID,
  PMSS_ERROR_NOT_FOUND,
  PMSS_ERROR_NOT_AUTHORIZED,
  PMSS_ERROR_FORBIDDEN,
  PMSS_ERROR_BUSY,
  PMSS_ERROR_EXISTS,
  PMSS_ERROR_NO_SPACE,
  PMSS_ERROR_CORRUPT,
  PMSS_ERROR_UNREACHABLE,
  PMSS_ERROR_TLS,
  PMSS_ERROR_TIMED_OUT,
  PMSS_ERROR_TOO_FEW_SHARDS,
  PMSS_ERROR_PROTOCOL,
  PMSS_ERROR_RANGE,
  PMSS_ERROR_CONFLICT,
  PMSS_ERROR_MISDIRECTED,
} PmssError;

#define PMSS_ERROR (pmss_error_quark ())
GQuark pmss_error_quark (void);

/**
 * pmss_error_from_status:
 * @status: an HTTP status, 400 and above
 *
 * The code that goes with a status. 400 is INVALID, 401 NOT_AUTHORIZED, 403 FORBIDDEN, 404 and 410
 * NOT_FOUND, 409 EXISTS. 421 is MISDIRECTED, 416 RANGE, 429 and 503 BUSY, 507 NO_SPACE, 408 and 504
 * TIMED_OUT. Any other status is FAILED.
 */
PmssError pmss_error_from_status (guint status);

/**
 * PmssErrorDetails:
 * @node: id of the node that the error came from, 0: none
 * @extent: number of the extent, -1: none
 * @shard: index of the shard, -1: none
 * @http_status: the status of the server's answer, 0: no answer
 * @retry_after: seconds after which the server wants to be asked again, 0: it does not say
 * @start_in: ns after which a stream could start, -1: not known
 * @resource: (nullable): the resource of @node that does not suffice, as control calls it
 * @peer: (nullable): "host:port" of the server
 * @medium: (nullable): name of the medium
 *
 * The facts besides the text. Attached to any #GError of domain PMSS_ERROR, which owns them, and
 * used on the thread that has the error.
 */
typedef struct
{
  guint node;
  gint64 extent;
  int shard;
  guint http_status;
  guint retry_after;
  gint64 start_in;
  char *resource;
  char *peer;
  char *medium;
} PmssErrorDetails;

/**
 * pmss_error_get_details: (skip)
 * @error: (nullable): any error
 *
 * The caller may read the details and fill them in. The error owns their strings.
 *
 * Returns: (transfer none) (nullable): the details, %NULL if @error is not a PMSS_ERROR
 */
PmssErrorDetails *pmss_error_get_details (const GError *error);

/**
 * pmss_error_adopt: (skip)
 * @error: (nullable): where an error may be
 * @peer: (nullable): "host:port" that it came from. It is put in front of the text and into the
 * details
 *
 * Turns an error of GIO, libsoup or json-glib (resolver, connect, TLS, timeout, reset, nonsense) in
 * place into the PMSS_ERROR that names its cause. %G_IO_ERROR_CANCELLED and PMSS_ERRORs are left
 * alone.
 */
void pmss_error_adopt (GError **error, const char *peer);

/**
 * pmss_error_without_peer: (skip)
 * @error: any error
 *
 * The text of @error, for a sentence that has named the peer already. If the address stands in
 * front, it is the text behind it, else the whole text without the address.
 *
 * Returns: (transfer full): the text
 */
char *pmss_error_without_peer (const GError *error);

G_END_DECLS
