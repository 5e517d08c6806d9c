// SPDX-License-Identifier: LGPL-2.1-or-later
// One storage server: how it is, its figures now, and its charts.
import { listNodes } from '../../../api/cluster';
import { useLive } from '../../../api/live';
import { c } from '../../../i18n/admin-common';
import { w } from '../../../i18n/admin-monitoring';
import { AsOf } from '../../../parts/as-of';
import { Icon } from '../../../parts/icon';
import { Loading, Message, PageTitle, ProblemMessage } from '../../../parts/page';
import { NodeActions, NodeAddress, NodeSpace, NodeState, NodeTroubles } from './node-card';
import { NodeCharts } from './node-charts';
import { Disks, Interfaces, NodeFacts } from './node-figures';

const REFRESH_S = 3;

export function NodePage({ id }: { id: string }) {
  const { data, error, loading, reload, asOf } = useLive(listNodes, ['nodes', 'health'], { refresh: REFRESH_S });
  const node = data?.find((one) => String(one.id) === id);
  const stats = node && node.state !== 'down' ? node.stats : null;
  return (
    <>
      <p class="crumb"><a href="/admin/nodes"><Icon name="back" />{w.value.back}</a></p>
      <PageTitle actions={node && <AsOf at={asOf} reload={reload} />}>{c.value.node(id)}</PageTitle>
      {!data && loading && <Loading />}
      {!data && error && <ProblemMessage problem={error} retry={reload} />}
      {data && !node && <Message icon="nodes" title={w.value.noNode} actions={<a class="button" href="/admin/nodes">{w.value.back}</a>}>{w.value.noNodeText}</Message>}
      {node && (
        <>
          <section class="card node">
            <div class="node-head">
              <div>
                <h2>{w.value.figures}</h2>
                <NodeAddress node={node} />
              </div>
              <NodeState node={node} />
            </div>
            <NodeTroubles node={node} />
            <NodeSpace node={node} />
            <NodeFacts node={node} />
            <NodeActions node={node} reload={reload} />
          </section>
          <Disks disks={stats?.disks ?? []} />
          <Interfaces interfaces={stats?.interfaces ?? []} />
          <NodeCharts id={node.id} />
        </>
      )}
    </>
  );
}
