/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <gio/gio.h>
#include <libsoup/soup.h>

#include "libpmss/pmss-error.h"

static void
test_details (void)
{
  g_autoptr (GError) error = g_error_new (PMSS_ERROR, PMSS_ERROR_CORRUPT, "x");
  g_autoptr (GError) copy = NULL;
  g_autoptr (GError) foreign = g_error_new (G_IO_ERROR, G_IO_ERROR_FAILED, "x");
  PmssErrorDetails *details = pmss_error_get_details (error);

  g_assert_cmpuint (details->node, ==, 0);
  g_assert_cmpint (details->extent, ==, -1);
  g_assert_cmpint (details->shard, ==, -1);
  g_assert_null (details->peer);

  details->node = 3;
  details->extent = 7;
  details->peer = g_strdup ("10.0.0.1:8471");
  details->medium = g_strdup ("films/a");
  copy = g_error_copy (error);
  g_clear_error (&error);

  details = pmss_error_get_details (copy);
  g_assert_cmpuint (details->node, ==, 3);
  g_assert_cmpint (details->extent, ==, 7);
  g_assert_cmpstr (details->peer, ==, "10.0.0.1:8471");
  g_assert_cmpstr (details->medium, ==, "films/a");

  g_assert_null (pmss_error_get_details (foreign));
  g_assert_null (pmss_error_get_details (NULL));
}

static void
test_status (void)
{
  static const struct
  {
    guint status;
    PmssError code;
  } all[] = {
    {400, PMSS_ERROR_INVALID}, {401, PMSS_ERROR_NOT_AUTHORIZED},
    {403, PMSS_ERROR_FORBIDDEN}, {404, PMSS_ERROR_NOT_FOUND},
    {408, PMSS_ERROR_TIMED_OUT}, {409, PMSS_ERROR_EXISTS}, {421,
        PMSS_ERROR_MISDIRECTED},
    {410, PMSS_ERROR_NOT_FOUND}, {416, PMSS_ERROR_RANGE},
    {429, PMSS_ERROR_BUSY}, {500, PMSS_ERROR_FAILED}, {503, PMSS_ERROR_BUSY},
    {504, PMSS_ERROR_TIMED_OUT}, {507, PMSS_ERROR_NO_SPACE},
    {418, PMSS_ERROR_FAILED},
  };

  for (guint i = 0; i < G_N_ELEMENTS (all); i++)
    g_assert_cmpint (pmss_error_from_status (all[i].status), ==, all[i].code);
}

static void
adopts (GQuark domain, int code, PmssError expected)
{
  GError *error = g_error_new (domain, code, "the cause");

  pmss_error_adopt (&error, "node:1");
  g_assert_error (error, PMSS_ERROR, (int) expected);
  g_assert_cmpstr (error->message, ==, "node:1: the cause");
  g_assert_cmpstr (pmss_error_get_details (error)->peer, ==, "node:1");
  g_error_free (error);
}

static void
test_adopt (void)
{
  adopts (G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED, PMSS_ERROR_UNREACHABLE);
  adopts (G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED, PMSS_ERROR_UNREACHABLE);
  adopts (G_IO_ERROR, G_IO_ERROR_HOST_UNREACHABLE, PMSS_ERROR_UNREACHABLE);
  adopts (G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT, PMSS_ERROR_UNREACHABLE);
  adopts (G_IO_ERROR, G_IO_ERROR_TIMED_OUT, PMSS_ERROR_TIMED_OUT);
  adopts (G_IO_ERROR, G_IO_ERROR_NO_SPACE, PMSS_ERROR_NO_SPACE);
  adopts (G_IO_ERROR, G_IO_ERROR_HOST_NOT_FOUND, PMSS_ERROR_UNREACHABLE);
  adopts (G_IO_ERROR, G_IO_ERROR_READ_ONLY, PMSS_ERROR_FAILED);
  adopts (G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND, PMSS_ERROR_UNREACHABLE);
  adopts (G_RESOLVER_ERROR, G_RESOLVER_ERROR_INTERNAL, PMSS_ERROR_UNREACHABLE);
  adopts (G_RESOLVER_ERROR, G_RESOLVER_ERROR_TEMPORARY_FAILURE,
      PMSS_ERROR_UNREACHABLE);
  adopts (G_TLS_ERROR, G_TLS_ERROR_BAD_CERTIFICATE, PMSS_ERROR_TLS);
  adopts (SOUP_SESSION_ERROR, SOUP_SESSION_ERROR_PARSING, PMSS_ERROR_PROTOCOL);
  adopts (G_FILE_ERROR, G_FILE_ERROR_IO, PMSS_ERROR_FAILED);
}

static void
test_without_peer (void)
{
  static const struct
  {
    const char *text, *rest;
  } all[] = {
    {"node:1: no answer", "no answer"},
    {"node 2 cannot store x: node:1: no answer", "no answer"},
    {"full (node:1: 507)", "full (507)"},
    {"node 2 cannot store x: full (node:1: 507)",
        "node 2 cannot store x: full (507)"},
    {"another-node:1: no answer", "another-node:1: no answer"},
    {"late", "late"},
    {"", ""},
  };

  for (guint i = 0; i < G_N_ELEMENTS (all); i++) {
    g_autoptr (GError) error = g_error_new_literal (PMSS_ERROR,
        PMSS_ERROR_FAILED, all[i].text);
    g_autofree char *whole = pmss_error_without_peer (error);
    g_autofree char *rest = NULL;

    g_assert_cmpstr (whole, ==, all[i].text);
    pmss_error_get_details (error)->peer = g_strdup ("node:1");
    rest = pmss_error_without_peer (error);
    g_assert_cmpstr (rest, ==, all[i].rest);
  }
}

static void
test_adopt_leaves_alone (void)
{
  GError *error = NULL;

  pmss_error_adopt (NULL, "peer");
  pmss_error_adopt (&error, "peer");
  g_assert_no_error (error);

  error = g_error_new (G_IO_ERROR, G_IO_ERROR_CANCELLED, "cancelled");
  pmss_error_adopt (&error, "peer");
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);

  error = g_error_new (PMSS_ERROR, PMSS_ERROR_BUSY, "busy");
  pmss_error_adopt (&error, "peer");
  g_assert_cmpstr (error->message, ==, "busy");
  g_assert_null (pmss_error_get_details (error)->peer);
  g_clear_error (&error);

  error = g_error_new (G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "late");
  pmss_error_adopt (&error, NULL);
  g_assert_error (error, PMSS_ERROR, PMSS_ERROR_TIMED_OUT);
  g_assert_cmpstr (error->message, ==, "late");
  g_clear_error (&error);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/error/details", test_details);
  g_test_add_func ("/error/status", test_status);
  g_test_add_func ("/error/adopt", test_adopt);
  g_test_add_func ("/error/without-peer", test_without_peer);
  g_test_add_func ("/error/adopt-leaves-alone", test_adopt_leaves_alone);
  return g_test_run ();
}
