/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "fuzz.h"
#include "libpmss/pmss-types.h"
#include "libpmss/pmss-uri.h"

/* What is accepted obeys the rules, and survives being written and read. */
int
LLVMFuzzerTestOneInput (const uint8_t * data, size_t size)
{
  g_autofree char *text = g_strndup ((const char *) data, size);
  g_autoptr (PmssUri) uri = pmss_uri_parse (text, NULL);
  g_autoptr (PmssUri) again = NULL;
  g_autofree char *written = NULL;

  if (uri == NULL)
    return 0;
  g_assert_true (pmss_medium_name_check (uri->name, NULL));
  g_assert_true (pmss_host_check (uri->host));
  written = pmss_uri_to_string (uri);
  again = pmss_uri_parse (written, NULL);
  g_assert_nonnull (again);
  g_assert_cmpstr (again->name, ==, uri->name);
  g_assert_cmpstr (again->host, ==, uri->host);
  g_assert_cmpuint (again->port, ==, uri->port);
  g_assert_cmpint (again->tls, ==, uri->tls);
  return 0;
}
