// SPDX-License-Identifier: LGPL-2.1-or-later
// The storage servers: how each is, how full, what it does, and what can be done about it.
import { useEffect, useRef, useState } from 'preact/hooks';
import { listNodes, type ClusterNode } from '../../api/cluster';
import { useLive } from '../../api/live';
import { place, replaceQuery } from '../../app/router';
import { mayAct } from '../../app/session';
import { adminTexts } from '../../i18n/admin-names';
import { n } from '../../i18n/admin-nodes';
import { AsOf } from '../../parts/as-of';
import { Loading, Message, PageTitle, ProblemMessage } from '../../parts/page';
import { toast } from '../../parts/toast';
import { AddNode } from './nodes/add-node';
import { NodeCard } from './nodes/node-card';
import { NodePage } from './nodes/node-page';
import type { AdminPageProps } from './table';

const REFRESH_S = 10;

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

function NodeList() {
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

export default function NodesPage({ rest }: AdminPageProps) {
  return rest ? <NodePage key={rest} id={rest} /> : <NodeList />;
}
