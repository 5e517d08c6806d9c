// SPDX-License-Identifier: LGPL-2.1-or-later
// How the cluster is: a sentence, what needs attention with the action beside it, and the numbers.
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { call } from '../../api/client';
import { getOverview, type HealthItem, type Overview } from '../../api/cluster';
import { useLive } from '../../api/live';
import { navigate } from '../../app/router';
import { mayAct } from '../../app/session';
import { language } from '../../i18n';
import { c } from '../../i18n/admin-common';
import { adminTexts } from '../../i18n/admin-names';
import { o } from '../../i18n/admin-overview';
import { formatAgo, formatNumber, formatRate, formatSize } from '../../i18n/format';
import { AsOf } from '../../parts/as-of';
import { Ask } from '../../parts/dialog';
import { Icon, type IconName } from '../../parts/icon';
import { Meter } from '../../parts/meter';
import { Loading, PageTitle, ProblemMessage } from '../../parts/page';
import { toast } from '../../parts/toast';
import { OverviewCharts } from './monitoring/overview-charts';

const REFRESH_S = 15;
const SCARCE = 0.9;

type Kind = keyof typeof o.value.items;

function sayHealth({ nodes, streams, jobs }: Overview): string {
  const running = jobs.running ?? 0;
  const servers = nodes.total === 0 ? o.value.nodesNone : nodes.down ? o.value.nodesDown(nodes.down, nodes.total) : o.value.nodesAll(nodes.total);
  const text = `${servers}, ${o.value.running(formatNumber(streams), formatNumber(running), streams === 1, running === 1)}.`;
  return text[0]!.toLocaleUpperCase(language.value) + text.slice(1);
}

/** In the reader's language where the kind is known, else as the server says it. */
function sayItem(item: HealthItem): string {
  const text = o.value.items[item.kind as Kind] as string | ((a: string, b: string) => string) | undefined;
  if (text === undefined) return item.text;
  if (typeof text === 'string') return text;
  const count = item.count ?? 0;
  const node = c.value.node(item.subject);
  if (item.kind === 'node-full' || item.kind === 'node-disk-low') return text(node, formatSize(item.bytes ?? 0));
  if (item.kind === 'node-slow') return text(node, formatNumber(count));
  if (['node-bad-shards', 'node-held-shards', 'node-checksums'].includes(item.kind)) return text(node, c.value.shard(count, formatNumber(count)));
  return text(item.subject ? node : formatNumber(count), '');
}

function sayAdvice(item: HealthItem): string {
  if (item.kind === 'node-down' && !item.action) return o.value.rebuilding;
  return o.value.advice[item.kind as Kind] ?? item.advice;
}

/** Where one looks at an item, when nothing can be done about it from here. */
function pageOf(item: HealthItem): string | null {
  if (item.kind === 'jobs-waiting' || item.kind === 'jobs-failed') return `/admin/jobs?state=${item.kind.slice(5)}`;
  if (item.kind === 'media-failed') return '/admin/media?state=failed';
  if (item.kind === 'no-nodes') return '/admin/nodes?add=1';
  if (item.kind === 'few-nodes') return '/admin/nodes';
  if (item.kind.startsWith('node-') && item.subject) return `/admin/nodes/${item.subject}`;
  return null;
}

function ItemAction({ item, reload }: { item: HealthItem; reload: () => void }) {
  const [asking, setAsking] = useState(false);
  const page = pageOf(item);
  const { action } = item;
  const label = o.value.doIt[item.kind as keyof typeof o.value.doIt] ?? action?.label ?? o.value.doIt.look;
  const acts = action && action.method !== 'GET' && item.kind !== 'no-nodes' && (action.method === 'POST' || mayAct('admin'));
  if (!acts) {
    if (!page) return null;
    return <a class="button" href={page}>{item.kind.startsWith('node-') ? o.value.doIt.look : label}</a>;
  }
  return (
    <>
      <button type="button" class="button" onClick={() => setAsking(true)}>{label}</button>
      {asking && (
        <Ask title={label} label={label} danger={action.method === 'PATCH'} onClose={() => setAsking(false)}
          act={() => call(action.method, action.path, action.body === undefined || action.body === null ? {} : { body: action.body })}
          onDone={() => { toast(o.value.started(label)); reload(); }}>
          <p>{sayItem(item)} {sayAdvice(item)}</p>
        </Ask>
      )}
    </>
  );
}

function Item({ item, reload }: { item: HealthItem; reload: () => void }) {
  const node = item.kind.startsWith('node-') ? pageOf(item) : null;
  return (
    <li class={`attention-item ${item.severity}`}>
      <Icon name={item.severity === 'info' ? 'info' : 'alert'} />
      <div class="attention-text">
        <strong>{node ? <a href={node}>{sayItem(item)}</a> : sayItem(item)}</strong>
        <p>
          {sayAdvice(item)}
          {item.since && <> · {o.value.since(formatAgo(item.since))}</>}
        </p>
        {item.reason && <p class="reason">{item.reason}</p>}
      </div>
      <ItemAction item={item} reload={reload} />
    </li>
  );
}

function Figure({ label, icon, href, value, children }: { label: string; icon: IconName; href: string; value: string; children?: ComponentChildren }) {
  return (
    <a class="figure card" href={href}>
      <span class="figure-label"><Icon name={icon} />{label}</span>
      <span class="figure-value">{value}</span>
      {children && <span class="figure-note">{children}</span>}
    </a>
  );
}

/** "3 ready · 1 failed": what there is of each state. */
function sayCounts(counts: Record<string, number>, names: Record<string, string>): string {
  const parts = Object.entries(names).filter(([state]) => counts[state]).map(([state, name]) => `${formatNumber(counts[state]!)} ${name}`);
  return parts.length > 0 ? parts.join(' · ') : c.value.none;
}

function Figures({ overview }: { overview: Overview }) {
  const { nodes, space, media, jobs, uploads } = overview;
  const used = space.total > 0 ? 1 - space.free / space.total : 0;
  const states = { up: o.value.nodesUp, suspect: o.value.nodesSuspect, down: o.value.nodesDownShort };
  const total = Object.values(media).reduce((sum, n) => sum + n, 0);
  return (
    <div class="figures">
      <Figure label={o.value.streams} icon="sessions" href="/admin/sessions" value={formatNumber(overview.streams)} />
      <Figure label={o.value.throughput} icon="upload" href="/admin/nodes" value={formatRate(overview.rate)}>{o.value.throughputNote}</Figure>
      <Figure label={o.value.space} icon="nodes" href="/admin/nodes" value={o.value.spaceFree(formatSize(space.free))}>
        <Meter value={used} scarce={used > SCARCE} label={o.value.space} />
        {o.value.spaceOf(formatSize(space.total))}<br />
        {o.value.originals(formatSize(space.original_free))}
      </Figure>
      <Figure label={o.value.nodes} icon="nodes" href="/admin/nodes" value={formatNumber(nodes.total)}>{sayCounts({ ...nodes }, states)}</Figure>
      <Figure label={o.value.jobs} icon="jobs" href="/admin/jobs" value={formatNumber((jobs.running ?? 0) + (jobs.queued ?? 0))}>{sayCounts(jobs, o.value.jobStates)}</Figure>
      <Figure label={o.value.media} icon="media" href="/admin/media" value={formatNumber(total)}>
        {sayCounts(media, o.value.mediaStates)}{uploads > 0 && <><br />{o.value.uploads(uploads, formatNumber(uploads))}</>}
      </Figure>
    </div>
  );
}

export default function OverviewPage() {
  const { data, error, loading, reload, asOf } = useLive(getOverview, ['nodes', 'jobs', 'sessions', 'media', 'health', 'uploads'], { refresh: REFRESH_S });
  const health = data?.health;
  return (
    <>
      <PageTitle actions={data && <AsOf at={asOf} reload={reload} />}>{adminTexts.value.overview}</PageTitle>
      {!data && loading && <Loading />}
      {!data && error && <ProblemMessage problem={error} retry={() => navigate(location.pathname, { replace: true })} />}
      {data && health && (
        <>
          <section class={`health ${health.state}`} aria-live="polite">
            <Icon name={health.state === 'ok' ? 'check' : 'alert'} />
            <div>
              <h2>{o.value.headline[health.state]}</h2>
              <p>{sayHealth(data)}</p>
            </div>
          </section>
          {health.items.length > 0 && (
            <section class="attention card">
              <h2>{o.value.attention}</h2>
              <ul>{health.items.map((item) => <Item key={`${item.kind}-${item.subject}`} item={item} reload={reload} />)}</ul>
            </section>
          )}
          <Figures overview={data} />
          {data.nodes.total > 0 && <OverviewCharts />}
        </>
      )}
    </>
  );
}
