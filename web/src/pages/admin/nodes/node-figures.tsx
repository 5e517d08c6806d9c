// SPDX-License-Identifier: LGPL-2.1-or-later
// What a storage server's last heartbeat said of its machine. What it could not tell is not known.
import type { ComponentChildren } from 'preact';
import type { ClusterNode, Disk, Interface, NodeStats } from '../../../api/cluster';
import { c } from '../../../i18n/admin-common';
import { w } from '../../../i18n/admin-monitoring';
import { n } from '../../../i18n/admin-nodes';
import { formatDate, formatLatency, formatMean, formatNumber, formatPercent, formatProcessors, formatRate, formatSize } from '../../../i18n/format';
import { sends, Shards } from './node-card';

type Maybe = number | null | undefined;

/** @said of @value; "not known" without one. */
function known(value: Maybe, said: (value: number) => string): string {
  return value === null || value === undefined ? c.value.unknown : said(value);
}

const bytesRate = (value: number): string => c.value.perSecond(formatSize(value));
const perSecond = (value: number): string => c.value.perSecond(formatMean(value));
/** Bytes a second as links are sold. */
const lineRate = (value: number): string => formatRate(value * 8);

function sayProcessors({ cpu, processors }: NodeStats): string {
  return known(cpu, (busy) => (processors ? w.value.processorsText(formatPercent(busy), formatNumber(processors)) : formatPercent(busy)));
}

function sayStates({ cpu_states: states }: NodeStats): string | null {
  const names = Object.keys(w.value.states) as (keyof typeof w.value.states)[];
  const parts = names.filter((name) => typeof states?.[name] === 'number').map((name) => `${w.value.states[name]} ${formatPercent(states![name]!)}`);
  return parts.length > 0 ? parts.join(', ') : null;
}

function sayMemory({ memory, memory_total: total }: NodeStats): string {
  return known(memory, (used) => (total ? `${c.value.ofTotal(formatSize(used), formatSize(total))} (${formatPercent(used / total)})` : formatSize(used)));
}

function sayHits({ cache_hits: hits, cache_misses: misses }: NodeStats): string {
  if (typeof hits !== 'number' || typeof misses !== 'number') return c.value.unknown;
  return hits + misses > 0 ? formatPercent(hits / (hits + misses)) : '–';
}

function sayScrub({ scrub }: NodeStats): string {
  return known(scrub?.progress, (progress) => w.value.scrubText(formatPercent(progress), known(scrub?.rate, bytesRate)));
}

function Facts({ children }: { children: ComponentChildren }) {
  return <dl class="facts">{children}</dl>;
}

export function NodeFacts({ node }: { node: ClusterNode }) {
  const stats = node.state === 'down' ? {} : node.stats ?? {};
  const states = sayStates(stats);
  return (
    <div class="node-facts">
      <Facts>
        <dt>{n.value.space}</dt><dd>{n.value.spaceText(formatSize(node.free), formatSize(node.used + node.free))}</dd>
        <dt>{n.value.holds}</dt><dd><Shards node={node} /></dd>
        <dt>{n.value.sends}</dt><dd>{sends(node)}</dd>
        <dt>{w.value.linkLimit}</dt><dd>{known(stats.network_limit, formatRate)}</dd>
        <dt>{w.value.connections}</dt><dd>{known(stats.connections, formatNumber)}</dd>
        <dt>{w.value.requests}</dt><dd>{known(stats.requests, perSecond)}</dd>
        <dt>{w.value.late}</dt><dd>{known(stats.late, perSecond)}</dd>
      </Facts>
      <Facts>
        <dt>{w.value.processors}</dt><dd>{sayProcessors(stats)}{states && <div class="note">{states}</div>}</dd>
        <dt>{w.value.memory}</dt><dd>{sayMemory(stats)}</dd>
        <dt>{w.value.pageCache}</dt><dd>{known(stats.memory_cached, formatSize)}</dd>
        <dt>{w.value.ownProcess}</dt>
        <dd>{known(stats.process_memory, (memory) => w.value.ownProcessText(formatSize(memory), known(stats.process_cpu, formatProcessors)))}</dd>
        <dt>{w.value.cacheHits}</dt><dd>{sayHits(stats)}</dd>
        <dt>{w.value.scrub}</dt><dd>{sayScrub(stats)}</dd>
        {node.tls && <><dt>{w.value.certificate}</dt><dd>{known(stats.certificate, (end) => formatDate(new Date(end * 1000).toISOString()))}</dd></>}
      </Facts>
    </div>
  );
}

function Figures({ title, heads, empty, children }: { title: string; heads: readonly string[]; empty: string | null; children: ComponentChildren }) {
  return (
    <section class="card">
      <h2>{title}</h2>
      {empty ? <p class="note">{empty}</p> : (
        <div class="table-box" tabIndex={0} role="region" aria-label={title}>
          <table class="stack">
            <thead><tr>{heads.map((head, i) => <th key={head} scope="col" class={i > 0 ? 'number' : ''}>{head}</th>)}</tr></thead>
            <tbody>{children}</tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function Cell({ label, children }: { label: string; children: string }) {
  return <td data-label={label} class={children === c.value.unknown ? 'number muted' : 'number'}>{children}</td>;
}

function sayRequests(bytes: Maybe, requests: Maybe): string {
  return known(bytes, (rate) => (typeof requests === 'number' ? w.value.requestsRate(bytesRate(rate), perSecond(requests)) : bytesRate(rate)));
}

function DiskRow({ disk }: { disk: Disk }) {
  return (
    <tr>
      <td class="lead">{disk.folder}<div class="note">{disk.device ?? c.value.unknown}</div></td>
      <Cell label={w.value.free}>{known(disk.free, (free) => known(disk.total, (total) => c.value.ofTotal(formatSize(free), formatSize(total))))}</Cell>
      <Cell label={w.value.read}>{sayRequests(disk.read, disk.reads)}</Cell>
      <Cell label={w.value.write}>{sayRequests(disk.write, disk.writes)}</Cell>
      <Cell label={w.value.latency}>{known(disk.latency, formatLatency)}</Cell>
      <Cell label={w.value.busy}>{known(disk.busy, formatPercent)}</Cell>
    </tr>
  );
}

export function Disks({ disks }: { disks: readonly Disk[] }) {
  const heads = [w.value.folder, w.value.free, w.value.read, w.value.write, w.value.latency, w.value.busy];
  return (
    <Figures title={w.value.disks} heads={heads} empty={disks.length === 0 ? w.value.noDisks : null}>
      {disks.map((disk) => <DiskRow key={disk.folder} disk={disk} />)}
    </Figures>
  );
}

export function Interfaces({ interfaces }: { interfaces: readonly Interface[] }) {
  const heads = [w.value.interface, w.value.speed, w.value.in, w.value.out, w.value.errors];
  return (
    <Figures title={w.value.interfaces} heads={heads} empty={interfaces.length === 0 ? w.value.noInterfaces : null}>
      {interfaces.map((one) => (
        <tr key={one.name}>
          <td class="lead">{one.name}</td>
          <Cell label={w.value.speed}>{known(one.speed, formatRate)}</Cell>
          <Cell label={w.value.in}>{known(one.in, lineRate)}</Cell>
          <Cell label={w.value.out}>{known(one.out, lineRate)}</Cell>
          <Cell label={w.value.errors}>{known(one.errors, perSecond)}</Cell>
        </tr>
      ))}
    </Figures>
  );
}
