/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

/* Limits that every part obeys; docs/protocol.md sections 1 and 2. */
#define PMSS_MAX_K 16
#define PMSS_MAX_M 4
#define PMSS_MAX_SHARDS (PMSS_MAX_K + PMSS_MAX_M)
#define PMSS_MIN_UNIT (4u * 1024)
#define PMSS_MAX_UNIT (4u * 1024 * 1024)
#define PMSS_DEFAULT_UNIT (256u * 1024)
#define PMSS_MAX_EXTENT (256u * 1024 * 1024)
#define PMSS_DEFAULT_EXTENT (16u * 1024 * 1024)
#define PMSS_MAX_NAME 1024
#define PMSS_MAX_NAME_COMPONENT 255
#define PMSS_MAX_TOKEN 4096
#define PMSS_MAX_NETWORK_LIMIT G_GINT64_CONSTANT (1000000000000000)        /* bit/s */

#define PMSS_CONTROL_PORT 8470
#define PMSS_STORAGE_PORT 8471

/**
 * pmss_unit_check:
 * @unit: bytes
 *
 * Returns: whether @unit is a stripe unit: a power of two from 4 KiB to 4 MiB
 */
gboolean pmss_unit_check (guint32 unit);

/**
 * PmssVersionId:
 * @bytes: 128 random bits
 *
 * Names one immutable version of a medium.
 */
typedef struct
{
  guint8 bytes[16];
} PmssVersionId;

/* "%32 hex digits" + NUL */
#define PMSS_VERSION_ID_STRLEN 33

/**
 * pmss_version_id_generate:
 * @id: (out caller-allocates): filled with random bits
 */
void     pmss_version_id_generate  (PmssVersionId *id);
/**
 * pmss_version_id_to_string: (skip)
 * @out: filled with 32 lower-case hex digits and NUL
 */
void     pmss_version_id_to_string (const PmssVersionId *id, char out[PMSS_VERSION_ID_STRLEN]);
/**
 * pmss_version_id_parse:
 * @text: has to be exactly 32 lower-case hex digits
 * @id: (out caller-allocates): left alone if @text is not a version id
 *
 * Returns: whether @text is a version id
 */
gboolean pmss_version_id_parse     (const char *text, PmssVersionId *id);
gboolean pmss_version_id_equal     (const PmssVersionId *a, const PmssVersionId *b);

/**
 * PmssRedundancy:
 * @k: data shards, 1..16
 * @m: parity shards, 0..4
 */
typedef struct
{
  guint8 k;
  guint8 m;
} PmssRedundancy;

/**
 * pmss_redundancy_check: (skip)
 *
 * Returns: whether k and m are within the limits
 */
gboolean pmss_redundancy_check     (PmssRedundancy redundancy);
/**
 * pmss_redundancy_parse:
 * @text: such as `4+2`
 * @redundancy: (out caller-allocates): left alone on error
 *
 * Returns: %FALSE and #PMSS_ERROR_INVALID if @text is not k+m within the limits
 */
gboolean pmss_redundancy_parse     (const char *text, PmssRedundancy *redundancy, GError **error);
/**
 * pmss_redundancy_to_string: (skip)
 * @out: filled with k+m and NUL, at most 6 bytes
 */
void     pmss_redundancy_to_string (PmssRedundancy redundancy, char out[8]);

/**
 * pmss_medium_name_check:
 * @name: any text
 *
 * Returns: whether @name obeys the rules of docs/protocol.md section 1; the #PMSS_ERROR_INVALID
 * says which it breaks
 */
gboolean pmss_medium_name_check (const char *name, GError **error);

/**
 * pmss_host_check:
 * @host: any text
 *
 * Returns: whether @host is a host name of ASCII letters, digits, '-' and '_', or an IPv4 or IPv6
 * address without brackets and scope
 */
gboolean pmss_host_check (const char *host);
/**
 * pmss_host_normalize:
 * @host: a host name or address without brackets, as a user typed it
 *
 * Names in other scripts become their ASCII form, and letters become small. The dot at the end of a
 * complete name is dropped.
 *
 * Returns: (transfer full) (nullable): a host that pmss_host_check() accepts, or %NULL if @host is
 * no host
 */
char *pmss_host_normalize (const char *host);

G_END_DECLS
