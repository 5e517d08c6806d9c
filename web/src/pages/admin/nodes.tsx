// SPDX-License-Identifier: LGPL-2.1-or-later
// The storage servers: how each is, how full, what it does, and what can be done about it.
import { useEffect, useRef, useState } from 'preact/hooks';
import { confirmCleanup, listNodes, removeNode, repairNode, type ClusterNode } from '../../api/cluster';
import { useLive } from '../../api/live';
import { place, replaceQuery } from '../../app/router';
import { mayAct } from '../../app/session';
import { c } from '../../i18n/admin-common';
import { adminTexts } from '../../i18n/admin-names';
import { n } from '../../i18n/admin-nodes';
import { formatAgo, formatDuration, formatNumber, formatPercent, formatRate, formatSize } from '../../i18n/format';
import { AsOf } from '../../parts/as-of';
import { Ask } from '../../parts/dialog';
import { Meter } from '../../parts/meter';
import { Loading, Message, PageTitle, ProblemMessage } from '../../parts/page';
import { toast } from '../../parts/toast';
import { AddNode } from './nodes/add-node';

const REFRESH_S = 10;
const SCARCE = 0.95;
const BADGES = { up: 'good', suspect: 'warn', down: 'bad' } as const;

function sayState(node: ClusterNode): string {
  if (!node.since) return n.value.states[node.state];
  return n.value.stateFor[node.state](formatDuration((Date.now() - new Date(node.since).getTime()) / 1000));
}

function Shards({ node }: { node: ClusterNode }) {
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

function sends(node: ClusterNode): string {
  if (node.state === 'down') return '–';
  const rate = node.rate ?? (node.stats?.net_out ?? 0) * 8;
  return node.streams === undefined || node.streams === null ? formatRate(rate)
    : `${formatRate(rate)} ${n.value.streamsText(node.streams, formatNumber(node.streams))}`;
}

type Question = 'repair' | 'remove' | 'cleanup';

function NodeActions({ node, reload }: { node: ClusterNode; reload: () => void }) {
  const [question, setQuestion] = useState<Question | null>(null);
  const id = String(node.id);
  const shared = { onClose: () => setQuestion(null) };
  return (
    <div class="row-actions">
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

function NodeCard({ node, marked, reload }: { node: ClusterNode; marked: boolean; reload: () => void }) {
  const total = node.used + node.free;
  const used = total > 0 ? node.used / total : 0;
  return (
    <li id={`node-${node.id}`} class={marked ? 'card node marked' : 'card node'}>
      <div class="node-head">
        <div>
          <h2>{c.value.node(String(node.id))}</h2>
          <p class="note">{node.address}:{node.port}{node.tls && ' · TLS'}{node.zone && ` · ${n.value.zone} ${node.zone}`}</p>
        </div>
        <span class={`badge ${BADGES[node.state]}`}>{sayState(node)}</span>
      </div>
      {node.state !== 'up' && (
        <p class="reason">{node.reason}{node.last_seen && ` · ${n.value.lastSeen(formatAgo(node.last_seen))}`}</p>
      )}
      {node.warning && <p class="warn-text">{node.warning}</p>}
      {node.repair ? <p class="note">{n.value.rebuilding} <a href="/admin/jobs?state=running">{adminTexts.value.jobs}</a></p> : null}
      <Meter value={used} scarce={used > SCARCE} label={`${n.value.space}: ${n.value.spaceText(formatSize(node.free), formatSize(total))}`} />
      <dl class="facts">
        <dt>{n.value.space}</dt><dd>{n.value.spaceText(formatSize(node.free), formatSize(total))}</dd>
        <dt>{n.value.holds}</dt><dd><Shards node={node} /></dd>
        <dt>{n.value.sends}</dt><dd>{sends(node)}</dd>
        <dt>{n.value.load}</dt><dd><Load node={node} /></dd>
      </dl>
      <NodeActions node={node} reload={reload} />
    </li>
  );
}

/** The ids that were not there when the page was opened. */
function useFresh(nodes: ClusterNode[] | null): Set<number> {
  const known = useRef<Set<number> | null>(null);
  const [fresh, setFresh] = useState<Set<number>>(new Set());
  useEffect(() => {
    if (!nodes) return;
    const added = known.current ? nodes.filter((node) => !known.current!.has(node.id)) : [];
    known.current = new Set([...(known.current ?? []), ...nodes.map((node) => node.id)]);
    if (added.length === 0) return;
    for (const node of added) toast(n.value.joined(String(node.id)));
    setFresh((old) => new Set([...old, ...added.map((node) => node.id)]));
  }, [nodes]);
  return fresh;
}

/** The server that the address points to ("#node-3") is scrolled to, and marked. */
function usePointedTo(nodes: ClusterNode[] | null): string {
  const id = location.hash.slice(1);
  const there = nodes !== null && id !== '';
  useEffect(() => {
    if (there) document.getElementById(id)?.scrollIntoView({ block: 'center' });
  }, [id, there]);
  return id;
}

export default function NodesPage() {
  const { data, error, loading, reload, asOf } = useLive(listNodes, ['nodes', 'health'], { refresh: REFRESH_S });
  const fresh = useFresh(data);
  const pointedTo = usePointedTo(data);
  const adding = place.value.query.add !== undefined && mayAct('admin');
  const add = mayAct('admin') && <button type="button" class="button primary" onClick={() => replaceQuery({ add: '1' })}>{n.value.add}</button>;
  return (
    <>
      <PageTitle actions={<>{data && <AsOf at={asOf} reload={reload} />}{add}</>}>{adminTexts.value.nodes}</PageTitle>
      {!data && loading && <Loading />}
      {!data && error && <ProblemMessage problem={error} retry={reload} />}
      {data?.length === 0 && <Message icon="nodes" title={n.value.emptyTitle} actions={add}>{n.value.emptyText}</Message>}
      {data && <ul class="nodes">{data.map((node) => <NodeCard key={node.id} node={node} marked={fresh.has(node.id) || pointedTo === `node-${node.id}`} reload={reload} />)}</ul>}
      {adding && <AddNode joined={[...fresh].at(-1) ?? null} onClose={() => replaceQuery({})} />}
    </>
  );
}
