/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The files of the pages, from the resources. On handlers' threads. */
#include "control/web/pages.h"

#include <string.h>

#define PREFIX "/org/pmss/pages/"

void
pmss_page_clear (PmssPage * page)
{
  g_clear_pointer (&page->bytes, g_bytes_unref);
}

/* "gzip;q=0" refuses it. */
static gboolean
is_refused (const char *parameters)
{
  const char *q = parameters != NULL ? strstr (parameters, "q=") : NULL;

  return q != NULL && g_ascii_strtod (q + 2, NULL) <= 0;
}

gboolean
pmss_page_accepts (const char *accept, const char *coding)
{
  g_auto (GStrv) entries = g_strsplit (accept != NULL ? accept : "", ",", -1);

  for (char **entry = entries; *entry != NULL; entry++) {
    char *parameters = strchr (*entry, ';');

    if (parameters != NULL)
      *parameters++ = '\0';
    if (g_ascii_strcasecmp (g_strstrip (*entry), coding) == 0)
      return !is_refused (parameters);
  }
  return FALSE;
}

gboolean
pmss_page_etag_matches (const char *field, const char *etag)
{
  g_auto (GStrv) tags = g_strsplit (field != NULL ? field : "", ",", -1);

  for (char **tag = tags; *tag != NULL; tag++) {
    const char *one = g_strstrip (*tag);

    if (g_str_has_prefix (one, "W/"))
      one += 2;
    if (g_str_equal (one, etag) || g_str_equal (one, "*"))
      return TRUE;
  }
  return FALSE;
}

static const char *
content_type_of (const char *name)
{
  static const struct
  {
    const char *suffix, *type;
  } types[] = {
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".svg", "image/svg+xml"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    if (g_str_has_suffix (name, types[i].suffix))
      return types[i].type;
  return NULL;
}

static GBytes *
look_up (const char *name, const char *suffix)
{
  g_autofree char *path = g_strconcat (PREFIX, name, suffix, NULL);

  return g_resources_lookup_data (path, G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);
}

gboolean
pmss_page_find (const char *name, const char *accept, PmssPage * page)
{
  static const struct
  {
    const char *coding, *suffix;
  } forms[] = { {"br", ".br"}, {"gzip", ".gz"} };

  *page = (PmssPage) {
  .content_type = content_type_of (name)};
  /* the compressed forms have no names of their own */
  if (page->content_type == NULL)
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (forms) && page->bytes == NULL; i++) {
    if (!pmss_page_accepts (accept, forms[i].coding))
      continue;
    page->bytes = look_up (name, forms[i].suffix);
    page->encoding = page->bytes != NULL ? forms[i].coding : NULL;
  }
  if (page->bytes == NULL)
    page->bytes = look_up (name, "");
  return page->bytes != NULL;
}
