// SPDX-License-Identifier: LGPL-2.1-or-later
// The jobs: how far each is, how fast, how long it takes, and pause, resume, limit, cancel.
import { useState } from 'preact/hooks';
import { Problem } from '../../api/client';
import { JOB_STATES, limitJob, listJobs, steerJob, type Job, type JobState } from '../../api/cluster';
import { useLive } from '../../api/live';
import { asProblem } from '../../api/resource';
import { encodeName, place } from '../../app/router';
import { c } from '../../i18n/admin-common';
import { j } from '../../i18n/admin-jobs';
import { adminTexts } from '../../i18n/admin-names';
import { formatAgo, formatDuration, formatNumber, formatPercent, formatRate, formatSize } from '../../i18n/format';
import { AsOf } from '../../parts/as-of';
import { Ask } from '../../parts/dialog';
import { TextField } from '../../parts/fields';
import { Meter } from '../../parts/meter';
import { explainProblem, Loading, Message, PageTitle, ProblemMessage } from '../../parts/page';
import { toast } from '../../parts/toast';

const REFRESH_S = 5;
const PAGE = 50;
const BADGES: Record<JobState, string> = { queued: '', running: 'accent', paused: 'warn', waiting: 'warn', done: 'good', failed: 'bad', cancelled: '' };

const isOpen = (job: Job): boolean => ['queued', 'running', 'paused', 'waiting'].includes(job.state);

function Progress({ job }: { job: Job }) {
  if (job.total_bytes === null) return <>{formatSize(job.bytes)}</>;
  const share = job.total_bytes > 0 ? job.bytes / job.total_bytes : job.state === 'done' ? 1 : 0;
  const phase = j.value.phases[job.phase as keyof typeof j.value.phases];
  return (
    <div class="job-progress">
      {isOpen(job) && <Meter value={share} label={`${j.value.progress}: ${formatPercent(share)}`} />}
      <span>
        {isOpen(job) ? `${formatPercent(share)} · ${c.value.ofTotal(formatSize(job.bytes), formatSize(job.total_bytes))}` : formatSize(job.bytes)}
        {job.state === 'running' && phase && ` · ${phase}`}
      </span>
    </div>
  );
}

function sayLeft(job: Job): string {
  if (!isOpen(job)) return formatAgo(job.updated);
  return job.left_ns === null ? j.value.notYetKnown : j.value.leftText(formatDuration(job.left_ns / 1e9));
}

type Question = 'limit' | 'cancel';

function JobActions({ job, reload }: { job: Job; reload: () => void }) {
  const [question, setQuestion] = useState<Question | null>(null);
  const [limit, setLimit] = useState('');
  const id = String(job.id);
  const steer = async (verb: 'pause' | 'resume') => {
    try {
      await steerJob(job.id, verb);
      toast(verb === 'pause' ? j.value.linkPaused(id) : j.value.linkResumed(id));
    } catch (error) {
      toast(explainProblem(asProblem(error)));
    }
    reload();
  };
  const changeLimit = () => {
    const value = Number(limit.replace(',', '.'));
    if (!Number.isFinite(value) || value < 0 || limit.trim() === '') return Promise.reject(new Problem(400, j.value.limitBad));
    return limitJob(job.id, Math.round(value * 1e6));
  };
  if (!isOpen(job) && job.state !== 'failed') return null;
  const kind = job.type === 'ingest' || job.type === 'verify' ? job.type : 'other';
  return (
    <div class="row-actions">
      {isOpen(job) && job.state !== 'paused' && <button type="button" class="button" onClick={() => void steer('pause')}>{j.value.pause}</button>}
      {job.state !== 'running' && job.state !== 'queued' && <button type="button" class="button" onClick={() => void steer('resume')}>{j.value.resume}</button>}
      <button type="button" class="button" onClick={() => { setLimit(String(job.rate_limit / 1e6)); setQuestion('limit'); }}>{j.value.limit}</button>
      {job.type !== 'repair' && <button type="button" class="button danger" onClick={() => setQuestion('cancel')}>{j.value.cancel}</button>}
      {question === 'limit' && (
        <Ask title={j.value.limitTitle(id)} label={c.value.save} act={changeLimit} onClose={() => setQuestion(null)} onDone={reload}>
          <TextField label={j.value.limitLabel} value={limit} onInput={setLimit} hint={j.value.limitHint} autofocus />
        </Ask>
      )}
      {question === 'cancel' && (
        <Ask danger title={j.value.cancelTitle(id)} label={j.value.cancelDo} act={() => steerJob(job.id, 'cancel')} onClose={() => setQuestion(null)} onDone={reload}>
          <p>{j.value.cancelText[kind]}</p>
        </Ask>
      )}
    </div>
  );
}

function JobRow({ job, reload }: { job: Job; reload: () => void }) {
  const type = j.value.types[job.type as keyof typeof j.value.types] ?? job.type;
  return (
    <tr>
      <td class="lead">
        <strong>{type}</strong> <span class="note">#{job.id}{job.user && ` · ${j.value.by(job.user)}`}</span>
        <div class="job-medium">{job.medium ? <a href={`/admin/media/${encodeName(job.medium)}`}>{job.medium}</a> : j.value.cluster}</div>
        {job.error && <p class="reason bad-text">{job.error}</p>}
        {job.waiting_for && <p class="reason">{j.value.waitsFor(job.waiting_for)}</p>}
        {job.warning && <p class="reason warn-text">{job.warning}</p>}
      </td>
      <td data-label={c.value.state}><span class={`badge ${BADGES[job.state]}`}>{j.value.states[job.state]}</span></td>
      <td data-label={j.value.progress}><Progress job={job} /></td>
      <td data-label={j.value.rate} class={job.state === 'running' || job.rate_limit ? 'number' : 'number idle'}>
        {job.state === 'running' ? (job.rate === null ? j.value.notYetKnown : c.value.perSecond(formatSize(job.rate))) : '–'}
        {job.rate_limit > 0 && <div class="note">{j.value.limited(formatRate(job.rate_limit))}</div>}
      </td>
      <td data-label={isOpen(job) ? j.value.left : j.value.ended}>{sayLeft(job)}</td>
      <td class="acts"><JobActions job={job} reload={reload} /></td>
    </tr>
  );
}

function StateTabs({ state }: { state: string }) {
  return (
    <nav class="tabs toolbar" aria-label={c.value.selected}>
      <a href="/admin/jobs" aria-current={state === '' ? 'true' : undefined}>{c.value.all}</a>
      {JOB_STATES.map((one) => (
        <a key={one} href={`/admin/jobs?state=${one}`} aria-current={state === one ? 'true' : undefined}>{j.value.states[one]}</a>
      ))}
    </nav>
  );
}

export default function JobsPage() {
  const asked = place.value.query.state ?? '';
  const state = (JOB_STATES as readonly string[]).includes(asked) ? asked : '';
  const [count, setCount] = useState(PAGE);
  const { data, error, loading, reload, asOf } = useLive((signal) => listJobs({ state, limit: count }, signal), ['jobs'],
    { refresh: REFRESH_S, inputs: [state, count] });
  return (
    <>
      <PageTitle actions={data && <AsOf at={asOf} reload={reload} />}>{adminTexts.value.jobs}</PageTitle>
      <StateTabs state={state} />
      {!data && loading && <Loading />}
      {!data && error && <ProblemMessage problem={error} retry={reload} />}
      {data?.jobs.length === 0 && (
        <Message icon="jobs" title={j.value.emptyTitle}>{state ? j.value.emptyFilter : j.value.emptyText}</Message>
      )}
      {data && data.jobs.length > 0 && (
        <div class="card">
          <div class="table-box">
            <table class="stack">
              <thead><tr>
                <th scope="col">{j.value.job}</th><th scope="col">{c.value.state}</th><th scope="col">{j.value.progress}</th>
                <th scope="col" class="number">{j.value.rate}</th><th scope="col">{j.value.leftOrEnded}</th><th scope="col"><span class="visually-hidden">{c.value.actions}</span></th>
              </tr></thead>
              <tbody>{data.jobs.map((job) => <JobRow key={job.id} job={job} reload={reload} />)}</tbody>
            </table>
          </div>
          {data.next !== null && count < 1000 && (
            <div class="more"><button type="button" class="button" onClick={() => setCount(count + PAGE)}>{c.value.more}</button></div>
          )}
          <p class="visually-hidden" role="status">{formatNumber(data.jobs.length)}</p>
        </div>
      )}
    </>
  );
}
