/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/accounts/accounts.h"
#include "control/context.h"
#include "httpd/pmss-httpd.h"
#include "libpmss/pmss-json-writer.h"

G_BEGIN_DECLS

/**
 * PmssRoute:
 *
 * One line of the API: method and path, role, body, function. The files api-*.c have one table
 * each, ended by an empty line; router.c lists the tables. Before any function of a route runs, the
 * router matches the request, authenticates its caller and compares the role. It does so once more
 * before `run` where the body took its time.
 */
typedef struct _PmssApiCall PmssApiCall;

typedef enum
{
  PMSS_BODY_NONE,               /* a body is refused */
  /* a JSON object of at most 64 KiB; pmss_http_request_get_json() in `run` */
  PMSS_BODY_JSON,
  PMSS_BODY_OPTIONAL,           /* the same, or none: pmss_http_request_get_json() is NULL then */
  PMSS_BODY_STREAM,             /* `begin` accepts it, `data` gets it */
} PmssBodyKind;

typedef struct
{
  const char *method;
  /* "/api/v1/jobs/{id}/pause"; at most one place: {x} is one component, {x+} at the end one or
   * more, and with POST before the end. */
  const char *path;
  PmssRole role;                /* the least; PMSS_ROLE_NONE: everybody, no token is looked at */
  PmssBodyKind body;
  /* All run on a handler's thread and may block. */
  void     (*run)   (PmssApiCall *call);        /* the body, if any, is complete: has to answer */
  /* only PMSS_BODY_STREAM: calls pmss_http_request_accept_body(), or answers */
  void     (*begin) (PmssApiCall *call);
  /* only PMSS_BODY_STREAM; FALSE after having answered */
  gboolean (*data)  (PmssApiCall *call, const void *data, gsize length);
  /* nullable; once, last, even if no other function ran */
  void     (*end)   (PmssApiCall *call, gboolean answered);
  /* (nullable) its action, for the log of events; refusals are noted without, too */
  const char *audit;
  /* frequent: a bounded number of its events is noted */
  gboolean frequent;
  gboolean unaudited;           /* not even refusals: its clients ask each second */
  gboolean one_time;            /* may also be used by a login with a one-time password */
  /* {id} is a session's: the gateway that opened it may use it as its user does */
  gboolean gateway;
  /* {name} is a medium's: "?link=" of it is good in place of a login, for seeing it */
  gboolean link;
  /* people may open it in a browser: refusals are shown as pages, the first of them that for
   * signing in */
  gboolean people;
} PmssRoute;

struct _PmssApiCall
{
  PmssControlContext *context;
  PmssHttpRequest *request;
  const PmssRoute *route;
  PmssUser *user;               /* the caller; NULL with PMSS_ROLE_NONE */
  /* the caller's token, as a bearer's, a cookie's or a link's; NULL with PMSS_ROLE_NONE */
  char *login;
  gboolean by_cookie, by_link;
  guint node;                   /* a gateway calls for @user; 0: nobody does */
  /* the path's variable part, decoded; NULL if it has none */
  char *param;
  /* (nullable) the action of this request, instead of the route's `audit` */
  const char *action;
  /* the name that a caller gives before it is known; for its event as the next two */
  char *claimed_user;
  char *object, *detail;        /* its object, where that is not `param` */
  gpointer data;                /* the route's own, freed by its `end` */
  gboolean begun;               /* the router's: `end` is due */
  gboolean audited;             /* pmss_api_audit() has looked at it */
  /* the router's: when the rights of @user were looked at; monotonic, µs */
  gint64 checked;
};

/* Each resource's table, in its api-*.c. */
extern const PmssRoute pmss_routes_artwork[];
extern const PmssRoute pmss_routes_capacity[];
extern const PmssRoute pmss_routes_clients[];
extern const PmssRoute pmss_routes_cluster[];
extern const PmssRoute pmss_routes_events[];
extern const PmssRoute pmss_routes_gateway[];
extern const PmssRoute pmss_routes_history[];
extern const PmssRoute pmss_routes_ingest[];
extern const PmssRoute pmss_routes_jobs[];
extern const PmssRoute pmss_routes_layouts[];
extern const PmssRoute pmss_routes_links[];
extern const PmssRoute pmss_routes_login[];
extern const PmssRoute pmss_routes_media[];
extern const PmssRoute pmss_routes_media_change[];
extern const PmssRoute pmss_routes_my_logins[];
extern const PmssRoute pmss_routes_nodes[];
extern const PmssRoute pmss_routes_overview[];
extern const PmssRoute pmss_routes_policies[];
extern const PmssRoute pmss_routes_positions[];
extern const PmssRoute pmss_routes_reports[];
extern const PmssRoute pmss_routes_sessions[];
extern const PmssRoute pmss_routes_uploads[];
extern const PmssRoute pmss_routes_users[];
extern const PmssRoute pmss_routes_verify[];

/* All of the above that are served, NULL at the end. */
extern const PmssRoute *const pmss_route_tables[];

/* The handler for pmss_httpd_start(); its user data is the #PmssControlContext. */
extern const PmssHttpdHandler pmss_router;

/* request-audit.c */

/* For its event; NULL: as it was. No secrets. */
void      pmss_api_note  (PmssApiCall *call, const char *object, const char *detail);
/* Notes what the request did as an event, once, if it is one. */
void      pmss_api_audit (PmssApiCall *call);
/* The same before the answer goes out: it goes out after the event of a change is durable. */
void      pmss_api_audit_done (PmssApiCall *call);

/* Functions for more than one resource. */

/* The call's connection has a place of storage server @node's from now on. */
void      pmss_api_set_node_class (PmssApiCall *call, guint node);

/* "?limit=": @fallback if absent; FALSE: answered with 400. */
gboolean  pmss_api_get_query_uint (PmssApiCall *call, const char *name, guint64 minimum,
    guint64 maximum, guint64 fallback, guint64 *value);
/* "?keep_original=true": @fallback if absent; FALSE: answered with 400. */
gboolean  pmss_api_get_query_bool (PmssApiCall *call, const char *name, gboolean fallback,
    gboolean *value);
/* "1,2,7": an array of guint, 1 to @max of them; NULL: it is something else. */
GArray   *pmss_api_parse_nodes (const char *text, guint max);
/* Numbers in paths ("/jobs/12"); FALSE: answered with 404, since nothing is called so. */
gboolean  pmss_api_get_param_id (PmssApiCall *call, gint64 *id);
/* Checks call->param with pmss_medium_name_check(); FALSE: answered with 400. */
gboolean  pmss_api_check_medium_name (PmssApiCall *call);
/* Adds the member @name to @json; null where @value is NULL or negative. */
void      pmss_api_add_string (PmssJsonWriter *json, const char *name, const char *value);
void      pmss_api_add_int    (PmssJsonWriter *json, const char *name, gint64 value);
void      pmss_api_add_known  (PmssJsonWriter *json, const char *name, gint64 value);
void      pmss_api_add_bool   (PmssJsonWriter *json, const char *name, gboolean value);
void      pmss_api_add_time   (PmssJsonWriter *json, const char *name, gint64 seconds);

/* Answers with the document in @json, which is empty then. */
void      pmss_api_respond (PmssApiCall *call, guint status, PmssJsonWriter *json);
/* 204, or @error where it is not @done. */
void      pmss_api_respond_done (PmssApiCall *call, gboolean done, const GError *error);
/* 202 {job}, or @error where @job is 0. */
void      pmss_api_respond_job  (PmssApiCall *call, gint64 job, const GError *error);
/* 200 {@name: [...]}, each of @list added by @add; or @error where @list is NULL. @next: (nullable)
 * the member of that name is added, null where it points to NULL. */
typedef void (*PmssApiAddFunc) (PmssJsonWriter *json, gconstpointer element);
void      pmss_api_respond_list (PmssApiCall *call, const char *name, GPtrArray *list,
    PmssApiAddFunc add, char *const *next, const GError *error);

G_END_DECLS
