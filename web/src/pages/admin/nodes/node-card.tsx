// SPDX-License-Identifier: LGPL-2.1-or-later
// What is shown of a storage server in the list of them, and what can be done about it.
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { confirmCleanup, removeNode, repairNode, type ClusterNode } from '../../../api/cluster';
import { mayAct } from '../../../app/session';
import { c } from '../../../i18n/admin-common';
import { w } from '../../../i18n/admin-monitoring';
import { adminTexts } from '../../../i18n/admin-names';
import { n } from '../../../i18n/admin-nodes';
import { formatAgo, formatDuration, formatNumber, formatPercent, formatRate, formatSize } from '../../../i18n/format';
import { Ask } from '../../../parts/dialog';
import { Meter } from '../../../parts/meter';
import { toast } from '../../../parts/toast';

const SCARCE = 0.95;
const BADGES = { up: 'good', suspect: 'warn', down: 'bad' } as const;

function sayState(node: ClusterNode): string {
  if (!node.since) return n.value.states[node.state];
  return n.value.stateFor[node.state](formatDuration((Date.now() - new Date(node.since).getTime()) / 1000));
}

export function Shards({ node }: { node: ClusterNode }) {
  const say = (count: number) => c.value.shard(count, formatNumber(count));
  return (
    <>
      {say(node.shards)}
      {node.bad_shards > 0 && <div class="warn-text">{n.value.bad(say(node.bad_shards))}</div>}
      {node.held_shards > 0 && <div class="warn-text">{n.value.held(say(node.held_shards))}</div>}
    </>
  );
}

function Load({ node }: { node: ClusterNode }) {
  const { stats } = node;
  if (node.state === 'down' || !stats) return <>–</>;
  const parts = [];
  if (stats.cpu !== null && stats.cpu !== undefined) parts.push(n.value.processors(formatPercent(stats.cpu)));
  if (stats.memory && stats.memory_total) parts.push(n.value.memory(formatPercent(stats.memory / stats.memory_total)));
  return <>{parts.join(', ') || '–'}</>;
}

export function sends(node: ClusterNode): string {
  if (node.state === 'down') return '–';
  const rate = node.rate ?? (node.stats?.net_out ?? 0) * 8;
  return node.streams === undefined || node.streams === null ? formatRate(rate)
    : `${formatRate(rate)} ${n.value.streamsText(node.streams, formatNumber(node.streams))}`;
}

type Question = 'repair' | 'remove' | 'cleanup';

export function NodeActions({ node, reload, more }: { node: ClusterNode; reload: () => void; more?: ComponentChildren }) {
  const [question, setQuestion] = useState<Question | null>(null);
  const id = String(node.id);
  const shared = { onClose: () => setQuestion(null) };
  return (
    <div class="row-actions">
      {more}
      {node.state === 'down' && node.shards > 0 && !node.repair && (
        <button type="button" class="button" onClick={() => setQuestion('repair')}>{n.value.repair}</button>
      )}
      {node.held_shards > 0 && mayAct('admin') && (
        <button type="button" class="button" onClick={() => setQuestion('cleanup')}>{n.value.cleanup}</button>
      )}
      {mayAct('admin') && <button type="button" class="button quiet" onClick={() => setQuestion('remove')}>{c.value.remove}</button>}
      {question === 'repair' && (
        <Ask {...shared} title={n.value.repair} label={n.value.repair} act={() => repairNode(node.id)} onDone={() => { toast(n.value.repairStarted); reload(); }}>
          <p>{n.value.repairText}</p>
          <ul class="consequences">{n.value.repairConsequences.map((text) => <li key={text}>{text}</li>)}</ul>
        </Ask>
      )}
      {question === 'remove' && (
        <Ask {...shared} danger title={n.value.removeTitle(id)} label={c.value.remove} act={() => removeNode(node.id)} onDone={() => { toast(n.value.removed(id)); reload(); }}>
          <p>{n.value.removeText}</p>
        </Ask>
      )}
      {question === 'cleanup' && (
        <Ask {...shared} danger title={n.value.cleanup} label={n.value.cleanup} act={() => confirmCleanup(node.id, node.held_shards)} onDone={reload}>
          <p>{n.value.cleanupText(c.value.shard(node.held_shards, formatNumber(node.held_shards)))}</p>
        </Ask>
      )}
    </div>
  );
}

/** How it is, and why. */
export function NodeTroubles({ node }: { node: ClusterNode }) {
  return (
    <>
      {node.state !== 'up' && (
        <p class="reason">{node.reason}{node.last_seen && ` · ${n.value.lastSeen(formatAgo(node.last_seen))}`}</p>
      )}
      {node.warning && <p class="warn-text">{node.warning}</p>}
      {node.repair ? <p class="note">{n.value.rebuilding} <a href="/admin/jobs?state=running">{adminTexts.value.jobs}</a></p> : null}
    </>
  );
}

export function NodeState({ node }: { node: ClusterNode }) {
  return <span class={`badge ${BADGES[node.state]}`}>{sayState(node)}</span>;
}

export function NodeAddress({ node }: { node: ClusterNode }) {
  return <p class="note">{node.address}:{node.port}{node.tls && ' · TLS'}{node.zone && ` · ${n.value.zone} ${node.zone}`}</p>;
}

export function NodeSpace({ node }: { node: ClusterNode }) {
  const total = node.used + node.free;
  const used = total > 0 ? node.used / total : 0;
  return <Meter value={used} scarce={used > SCARCE} label={`${n.value.space}: ${n.value.spaceText(formatSize(node.free), formatSize(total))}`} />;
}

export function NodeCard({ node, marked, reload }: { node: ClusterNode; marked: boolean; reload: () => void }) {
  return (
    <li id={`node-${node.id}`} class={marked ? 'card node marked' : 'card node'}>
      <div class="node-head">
        <div>
          <h2><a href={`/admin/nodes/${node.id}`}>{c.value.node(String(node.id))}</a></h2>
          <NodeAddress node={node} />
        </div>
        <NodeState node={node} />
      </div>
      <NodeTroubles node={node} />
      <NodeSpace node={node} />
      <dl class="facts">
        <dt>{n.value.space}</dt><dd>{n.value.spaceText(formatSize(node.free), formatSize(node.used + node.free))}</dd>
        <dt>{n.value.holds}</dt><dd><Shards node={node} /></dd>
        <dt>{n.value.sends}</dt><dd>{sends(node)}</dd>
        <dt>{n.value.load}</dt><dd><Load node={node} /></dd>
      </dl>
      <NodeActions node={node} reload={reload} more={<a class="button" href={`/admin/nodes/${node.id}`}>{w.value.details}</a>} />
    </li>
  );
}
