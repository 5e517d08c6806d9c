/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the cluster can still carry. On handlers' threads. */
#include "control/api/router.h"

#include "control/admission/calendar.h"
#include "control/admission/room.h"
#include "control/config.h"
#include "libpmss/pmss-error.h"
#include "libpmss/pmss-json.h"

/* bit/s */
static gint64
in_bits (guint64 bytes_of_slot)
{
  return (gint64) (bytes_of_slot * 8 / PMSS_SLOT);
}

static void
add_node (PmssJsonWriter * json, const PmssNodeRoom * room)
{
  gboolean known = room->capacity != PMSS_CALENDAR_NO_LIMIT;

  pmss_json_writer_begin_object (json);
  pmss_api_add_int (json, "id", room->node);
  pmss_api_add_known (json, "capacity", known ? in_bits (room->capacity) : -1);
  pmss_api_add_string (json, "resource", pmss_resource_to_string
      (room->resource));
  pmss_json_writer_set_member_name (json, "correction");
  pmss_json_writer_add_double_value (json, room->correction);
  pmss_api_add_int (json, "promised", in_bits (room->promised));
  pmss_api_add_bool (json, "fell", room->fell);
  pmss_json_writer_end_object (json);
}

static void
add_nodes (PmssApiCall * call, PmssJsonWriter * json)
{
  guint streams, waiting;
  g_autoptr (GArray) rooms = pmss_admission_list_nodes
      (call->context->admission, &streams, &waiting);

  pmss_api_add_int (json, "streams", streams);
  pmss_api_add_int (json, "waiting", waiting);
  pmss_json_writer_set_member_name (json, "nodes");
  pmss_json_writer_begin_array (json);
  for (guint i = 0; i < rooms->len; i++)
    add_node (json, &g_array_index (rooms, PmssNodeRoom, i));
  pmss_json_writer_end_array (json);
}

static void
add_settings (PmssApiCall * call, PmssJsonWriter * json)
{
  const PmssControlConfig *config = call->context->config;

  pmss_api_add_string (json, "policy", pmss_admission_policy_to_string
      (config->admission));
  pmss_json_writer_set_member_name (json, "reserve");
  pmss_json_writer_add_double_value (json, config->admission_reserve);
  pmss_api_add_bool (json, "failures", config->admission_failures);
}

static void
add_room (PmssJsonWriter * json, const char *medium, const PmssRoom * room)
{
  pmss_json_writer_set_member_name (json, "medium");
  pmss_json_writer_begin_object (json);
  pmss_api_add_string (json, "name", medium);
  pmss_api_add_known (json, "more", room->bulk ? -1 : (gint64) room->more);
  pmss_api_add_known (json, "after_node", room->bulk ? -1
      : (gint64) room->after_node);
  pmss_api_add_known (json, "after_zone", room->bulk ? -1
      : (gint64) room->after_zone);
  pmss_api_add_int (json, "most", PMSS_ROOM_MOST);
  pmss_json_writer_end_object (json);
}

static void
get_capacity (PmssApiCall * call)
{
  const char *name = pmss_http_request_get_query (call->request, "medium");
  g_autoptr (PmssJsonWriter) json = pmss_json_writer_new ();
  g_autoptr (GError) error = NULL;
  PmssRoom room;

  if (name != NULL && (!pmss_medium_name_check (name, &error)
          || !pmss_room_count (call->context, name, &room, &error))) {
    pmss_http_request_respond_error (call->request, error);
    return;
  }
  pmss_json_writer_begin_object (json);
  add_settings (call, json);
  add_nodes (call, json);
  if (name != NULL)
    add_room (json, name, &room);
  pmss_json_writer_end_object (json);
  pmss_http_request_add_header (call->request, "Cache-Control", "no-store");
  pmss_api_respond (call, 200, json);
}

const PmssRoute pmss_routes_capacity[] = {
  {"GET", "/api/v1/capacity", PMSS_ROLE_OPERATOR, PMSS_BODY_NONE, get_capacity},
  {NULL}
};
