/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Routes for jobs. On handlers' threads. */
#include "control/api/router.h"
#include "control/jobs/job-pace.h"
#include "control/jobs/jobs.h"
#include "libpmss/pmss-error.h"
#include "libpmss/pmss-json.h"

#define MAX_JOBS 1000
#define DEFAULT_JOBS 100

static void
add_pace (PmssJsonWriter * json, const PmssJob * job)
{
  pmss_api_add_int (json, "bytes", (gint64) job->done);
  pmss_api_add_known (json, "total_bytes", job->total > 0 ? (gint64) job->total
      : -1);
  pmss_api_add_known (json, "rate", job->rate);
  pmss_api_add_known (json, "left_ns", pmss_job_pace_get_left (job->done,
          job->total, job->rate));
}

static void
add_job (PmssJsonWriter * json, const PmssJob * job)
{
  pmss_json_writer_begin_object (json);
  pmss_api_add_int (json, "id", job->id);
  pmss_api_add_string (json, "type", job->type);
  pmss_api_add_string (json, "state", pmss_job_state_to_string (job->state));
  pmss_api_add_string (json, "phase", job->phase);
  pmss_api_add_string (json, "medium", job->medium_name);
  pmss_api_add_int (json, "done", job->done);
  pmss_api_add_int (json, "total", job->total);
  add_pace (json, job);
  pmss_api_add_int (json, "rate_limit", job->rate_limit);
  pmss_api_add_string (json, "error", job->error);
  pmss_api_add_string (json, "waiting_for", job->waiting_for);
  pmss_api_add_string (json, "warning", job->warning);
  pmss_api_add_string (json, "user", job->user);
  pmss_api_add_time (json, "created", job->created);
  pmss_api_add_time (json, "updated", job->updated);
  pmss_json_writer_end_object (json);
}

static void
list_jobs (PmssApiCall * call)
{
  const char *text = pmss_http_request_get_query (call->request, "state");
  PmssJobState state;
  guint64 limit, before;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) jobs = NULL;
  g_autoptr (PmssJsonWriter) json = NULL;

  if (text != NULL && !pmss_job_state_parse (text, &state)) {
    pmss_http_request_respond_problem (call->request, 400,
        "state is none of queued, running, paused, waiting, done, failed, "
        "cancelled");
    return;
  }
  if (!pmss_api_get_query_uint (call, "limit", 1, MAX_JOBS, DEFAULT_JOBS,
          &limit)
      || !pmss_api_get_query_uint (call, "before", 1, G_MAXINT64, G_MAXINT64,
          &before))
    return;
  jobs =
      pmss_jobs_list (call->context->jobs, text != NULL ? &state : NULL, before,
      limit + 1, &error);
  if (jobs == NULL) {
    pmss_http_request_respond_error (call->request, error);
    return;
  }
  json = pmss_json_writer_new ();
  pmss_json_writer_begin_object (json);
  pmss_json_writer_set_member_name (json, "jobs");
  pmss_json_writer_begin_array (json);
  for (guint i = 0; i < MIN (jobs->len, limit); i++)
    add_job (json, g_ptr_array_index (jobs, i));
  pmss_json_writer_end_array (json);
  pmss_api_add_known (json, "next", jobs->len > limit ?
      ((PmssJob *) g_ptr_array_index (jobs, limit - 1))->id : -1);
  pmss_json_writer_end_object (json);
  pmss_api_respond (call, 200, json);
}

typedef PmssJob *(*JobFunc) (PmssJobs * jobs, gint64 id, GError ** error);

static void
respond_with (PmssApiCall * call, JobFunc func)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PmssJob) job = NULL;
  g_autoptr (PmssJsonWriter) json = NULL;
  gint64 id;

  if (!pmss_api_get_param_id (call, &id))
    return;
  job = func (call->context->jobs, id, &error);
  if (job == NULL) {
    pmss_http_request_respond_error (call->request, error);
    return;
  }
  json = pmss_json_writer_new ();
  add_job (json, job);
  pmss_api_respond (call, 200, json);
}

static void
get_job (PmssApiCall * call)
{
  respond_with (call, pmss_jobs_get);
}

static void
pause_job (PmssApiCall * call)
{
  respond_with (call, pmss_jobs_pause);
}

static void
resume_job (PmssApiCall * call)
{
  respond_with (call, pmss_jobs_resume);
}

static void
cancel_job (PmssApiCall * call)
{
  respond_with (call, pmss_jobs_cancel);
}

static PmssJob *
set_limit (PmssApiCall * call, gint64 id, GError ** error)
{
  static const char *const members[] = { "rate_limit", NULL };
  JsonObject *body = pmss_http_request_get_json (call->request);
  gint64 rate_limit;
  PmssJob *job;

  if (!pmss_json_check_members (body, members, error)
      || !pmss_json_get_int (body, "rate_limit", 0, G_MAXINT64, &rate_limit,
          error))
    return NULL;
  job = pmss_jobs_set_limit (call->context->jobs, id, (guint64) rate_limit,
      error);
  if (job != NULL) {
    g_autofree char *detail = g_strdup_printf ("%" G_GINT64_FORMAT " bit/s",
        rate_limit);

    pmss_api_note (call, NULL, rate_limit > 0 ? detail : "none");
  }
  return job;
}

static void
limit_job (PmssApiCall * call)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PmssJob) job = NULL;
  g_autoptr (PmssJsonWriter) json = NULL;
  gint64 id;

  if (!pmss_api_get_param_id (call, &id))
    return;
  job = set_limit (call, id, &error);
  if (job == NULL) {
    pmss_http_request_respond_error (call->request, error);
    return;
  }
  json = pmss_json_writer_new ();
  add_job (json, job);
  pmss_api_respond (call, 200, json);
}

const PmssRoute pmss_routes_jobs[] = {
  {"GET", "/api/v1/jobs", PMSS_ROLE_OPERATOR, PMSS_BODY_NONE, list_jobs},
  {"GET", "/api/v1/jobs/{id}", PMSS_ROLE_OPERATOR, PMSS_BODY_NONE, get_job},
  {"POST", "/api/v1/jobs/{id}/pause", PMSS_ROLE_OPERATOR, PMSS_BODY_NONE,
      pause_job,.audit = "job pause"},
  {"POST", "/api/v1/jobs/{id}/resume", PMSS_ROLE_OPERATOR, PMSS_BODY_NONE,
      resume_job,.audit = "job resume"},
  {"POST", "/api/v1/jobs/{id}/cancel", PMSS_ROLE_OPERATOR, PMSS_BODY_NONE,
      cancel_job,.audit = "job cancel"},
  {"POST", "/api/v1/jobs/{id}/limit", PMSS_ROLE_OPERATOR, PMSS_BODY_JSON,
      limit_job,.audit = "job limit"},
  {NULL}
};
