/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "control/sessions/revocations.h"

#include "control/database/database.h"

/* About 75 bytes each; a storage server reads answers of up to 64 KiB. */
#define MAX_IN_ANSWER 500

gboolean
pmss_revocations_has (PmssDatabase * database, const char *session,
    gboolean * has, GError ** error)
{
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT EXISTS (SELECT 1 FROM revocation WHERE session = ?1)",
      PMSS_TEXT (session));

  if (!pmss_rows_next (rows, error))
    return FALSE;
  *has = pmss_rows_int (rows, 0) != 0;
  return TRUE;
}

typedef struct
{
  gint64 after;
  JsonBuilder *json;
} Addition;

static gboolean
add_revocations (PmssDatabase * database, gpointer data, GError ** error)
{
  Addition *addition = data;
  JsonBuilder *json = addition->json;
  gint64 last = addition->after;
  g_autoptr (GError) local = NULL;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT id, session, until FROM revocation"
      " WHERE id > ?1 AND until > unixepoch () ORDER BY id LIMIT ?2",
      PMSS_INT (addition->after), PMSS_INT (MAX_IN_ANSWER));

  json_builder_set_member_name (json, "revoked");
  json_builder_begin_array (json);
  while (pmss_rows_next (rows, &local)) {
    last = pmss_rows_int (rows, 0);
    json_builder_begin_object (json);
    json_builder_set_member_name (json, "session");
    json_builder_add_string_value (json, pmss_rows_text (rows, 1));
    json_builder_set_member_name (json, "until");
    json_builder_add_int_value (json, pmss_rows_int (rows, 2));
    json_builder_end_object (json);
  }
  json_builder_end_array (json);
  json_builder_set_member_name (json, "revocations");
  json_builder_add_int_value (json, last);
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

gboolean
pmss_revocations_add (PmssDatabase * database, gint64 after,
    JsonBuilder * json, GError ** error)
{
  Addition addition = { after, json };

  return pmss_database_transact (database, add_revocations, &addition, error);
}
