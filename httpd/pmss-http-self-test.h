/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  const char *what;             /* it is about */
  const char *bytes;
  gsize size;
  const char *requests;         /* that are in them: "GET /a;PUT /b 30;", a body's size behind */
} PmssHttpTestCase;

/* pmss_httpd_self_test() with other cases. */
gboolean pmss_http_self_test_run (const PmssHttpTestCase *cases, guint n, GError **error);

G_END_DECLS
