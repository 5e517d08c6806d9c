/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* The files of the pages, which web/ was built into as resources, each plain and compressed.
 * Nothing here keeps state. Threads: any. */

typedef struct
{
  GBytes *bytes;                /* as they are sent */
  const char *content_type;
  const char *encoding;         /* (nullable) of Content-Encoding */
} PmssPage;
void        pmss_page_clear (PmssPage *page);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (PmssPage, pmss_page_clear)

/* Finds the file of that name ("index.html", "assets/main-1.js") in the best form that @accept
 * (nullable: the request's Accept-Encoding) allows. FALSE: there is none. */
gboolean    pmss_page_find (const char *name, const char *accept, PmssPage *page);

/* For tests. Whether an Accept-Encoding (nullable) allows @coding. */
gboolean    pmss_page_accepts (const char *accept, const char *coding);
/* Whether one of the tags of an If-None-Match (nullable) is @etag. */
gboolean    pmss_page_etag_matches (const char *field, const char *etag);

G_END_DECLS
