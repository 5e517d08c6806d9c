/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Version ids, redundancies and medium names: the words of docs/protocol.md
 * section 1. */

#include "pmss-types.h"

#include <string.h>

#include <gio/gio.h>
#include <sodium.h>

#include "pmss-error.h"

gboolean
pmss_unit_check (guint32 unit)
{
  return unit >= PMSS_MIN_UNIT && unit <= PMSS_MAX_UNIT
      && (unit & (unit - 1)) == 0;
}

void
pmss_version_id_generate (PmssVersionId * id)
{
  if (sodium_init () < 0)
    g_error ("libsodium does not start");
  randombytes_buf (id->bytes, sizeof (id->bytes));
}

void
pmss_version_id_to_string (const PmssVersionId * id,
    char out[PMSS_VERSION_ID_STRLEN])
{
  static const char digits[] = "0123456789abcdef";

  for (gsize i = 0; i < sizeof (id->bytes); i++) {
    out[2 * i] = digits[id->bytes[i] >> 4];
    out[2 * i + 1] = digits[id->bytes[i] & 15];
  }
  out[PMSS_VERSION_ID_STRLEN - 1] = '\0';
}

static int
hex_digit (char c)
{
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  return -1;
}

gboolean
pmss_version_id_parse (const char *text, PmssVersionId * id)
{
  PmssVersionId parsed;

  for (gsize i = 0; i < sizeof (parsed.bytes); i++) {
    int high = hex_digit (text[2 * i]);
    int low = high < 0 ? -1 : hex_digit (text[2 * i + 1]);

    if (low < 0)
      return FALSE;
    parsed.bytes[i] = high << 4 | low;
  }
  if (text[PMSS_VERSION_ID_STRLEN - 1] != '\0')
    return FALSE;
  *id = parsed;
  return TRUE;
}

gboolean
pmss_version_id_equal (const PmssVersionId * a, const PmssVersionId * b)
{
  return memcmp (a->bytes, b->bytes, sizeof (a->bytes)) == 0;
}

gboolean
pmss_redundancy_check (PmssRedundancy redundancy)
{
  return redundancy.k >= 1 && redundancy.k <= PMSS_MAX_K
      && redundancy.m <= PMSS_MAX_M;
}

/* One or two digits without a leading zero; NULL if there are none. */
static const char *
parse_small (const char *text, guint8 * value)
{
  if (!g_ascii_isdigit (*text))
    return NULL;
  *value = *text++ - '0';
  if (*value != 0 && g_ascii_isdigit (*text))
    *value = *value * 10 + (*text++ - '0');
  return text;
}

gboolean
pmss_redundancy_parse (const char *text, PmssRedundancy * redundancy,
    GError ** error)
{
  PmssRedundancy parsed;
  const char *rest = parse_small (text, &parsed.k);

  if (rest != NULL)
    rest = *rest == '+' ? parse_small (rest + 1, &parsed.m) : NULL;
  if (rest == NULL || *rest != '\0' || !pmss_redundancy_check (parsed)) {
    g_autofree char *shown = g_strndup (text, 16);
    g_autofree char *valid = g_utf8_make_valid (shown, -1);

    g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
        "“%s” is not a redundancy: it has to be k+m with k from 1 to %d and "
        "m from 0 to %d, such as 4+2", valid, PMSS_MAX_K, PMSS_MAX_M);
    return FALSE;
  }
  *redundancy = parsed;
  return TRUE;
}

void
pmss_redundancy_to_string (PmssRedundancy redundancy, char out[8])
{
  g_snprintf (out, 8, "%u+%u", redundancy.k, redundancy.m);
}

static gboolean
name_error (GError ** error, const char *what)
{
  g_set_error (error, PMSS_ERROR, PMSS_ERROR_INVALID,
      "Not a medium's name: %s", what);
  return FALSE;
}

static gboolean
check_component (const char *component, gsize length, GError ** error)
{
  if (length == 0)
    return name_error (error, "a component of it is empty");
  if (length > PMSS_MAX_NAME_COMPONENT)
    return name_error (error, "a component of it is longer than 255 bytes");
  if ((length == 1 && component[0] == '.')
      || (length == 2 && component[0] == '.' && component[1] == '.'))
    return name_error (error, "a component of it is “.” or “..”");
  return TRUE;
}

gboolean
pmss_medium_name_check (const char *name, GError ** error)
{
  gsize length = strnlen (name, PMSS_MAX_NAME + 1);

  if (length == 0)
    return name_error (error, "it is empty");
  if (length > PMSS_MAX_NAME)
    return name_error (error, "it is longer than 1024 bytes");
  if (!g_utf8_validate (name, length, NULL))
    return name_error (error, "it is not UTF-8");

  for (const char *p = name; *p != '\0'; p = g_utf8_next_char (p)) {
    gunichar c = g_utf8_get_char (p);

    if (c < 0x20 || (c >= 0x7f && c < 0xa0))
      return name_error (error, "it has a control character");
    if (c == '\\')
      return name_error (error, "it has a backslash");
  }

  for (const char *start = name;;) {
    const char *slash = strchr (start, '/');
    gsize n = slash != NULL ? (gsize) (slash - start) : strlen (start);

    if (!check_component (start, n, error))
      return FALSE;
    if (slash == NULL)
      return TRUE;
    start = slash + 1;
  }
}

static gboolean
is_host_label (const char *label)
{
  gsize length = strlen (label);

  if (length < 1 || length > 63 || label[0] == '-' || label[length - 1] == '-')
    return FALSE;
  for (gsize i = 0; i < length; i++) {
    if (!g_ascii_isalnum (label[i]) && label[i] != '-' && label[i] != '_')
      return FALSE;
  }
  return TRUE;
}

gboolean
pmss_host_check (const char *host)
{
  g_auto (GStrv) labels = NULL;
  guint n;

  if (strnlen (host, 254) > 253)
    return FALSE;
  if (strchr (host, '%') == NULL && g_hostname_is_ip_address (host))
    return TRUE;

  labels = g_strsplit (host, ".", -1);
  n = g_strv_length (labels);
  for (guint i = 0; i < n; i++) {
    if (!is_host_label (labels[i]))
      return FALSE;
  }
  /* what ends in a number was meant as an address */
  return n > 0 && !g_ascii_isdigit (labels[n - 1][0]);
}

char *
pmss_host_normalize (const char *host)
{
  g_autofree char *ascii = NULL;
  gsize length;

  if (strchr (host, '%') != NULL)
    return NULL;
  if (g_hostname_is_ip_address (host))
    return g_ascii_strdown (host, -1);
  ascii = g_hostname_to_ascii (host);
  length = ascii != NULL ? strlen (ascii) : 0;
  if (length > 1 && ascii[length - 1] == '.')
    ascii[length - 1] = '\0';
  if (ascii == NULL || !pmss_host_check (ascii))
    return NULL;
  return g_ascii_strdown (ascii, -1);
}
