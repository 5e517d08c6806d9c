// SPDX-License-Identifier: LGPL-2.1-or-later
// How the cluster and its storage servers did over ten minutes, a day, a month, two years.
import { useSignal } from '@preact/signals';
import { listNodes } from '../../api/cluster';
import { useHistory } from '../../api/history';
import { useLive } from '../../api/live';
import { mayAct } from '../../app/session';
import { adminTexts } from '../../i18n/admin-names';
import { n } from '../../i18n/admin-nodes';
import { AsOf } from '../../parts/as-of';
import { Loading, Message, PageTitle, ProblemMessage } from '../../parts/page';
import { ClusterCharts, CLUSTER_SERIES } from './monitoring/cluster-charts';
import { HistoryProblem } from './monitoring/history-problem';
import { chosenFigure, FEW_NODES, NodeCompare } from './monitoring/node-compare';
import { chosenSpan, Spans } from './monitoring/spans';

const POINTS = 600;
// the columns of a heat map
const FEW_POINTS = 100;
const MANY_EVERY_S = 5;

/** @count storage servers. */
function Charts({ count }: { count: number }) {
  const span = chosenSpan();
  const { name, limit } = chosenFigure();
  const moment = useSignal<number | null>(null);
  const many = count > FEW_NODES;
  const cluster = useHistory({ series: CLUSTER_SERIES, nodes: [0], span, points: POINTS });
  const series = [...new Set(['cpu', name, ...(limit && !many ? [limit] : [])])];
  const nodes = useHistory({ series, nodes: 'all', span, points: many ? FEW_POINTS : POINTS }, many && span === 'live' ? MANY_EVERY_S : undefined);
  const error = cluster.error ?? nodes.error;
  const shown = cluster.data?.span === span && nodes.data?.span === span;
  const reload = () => {
    cluster.reload();
    nodes.reload();
  };
  return (
    <>
      <div class="toolbar">
        <Spans />
        {cluster.data && <AsOf at={cluster.asOf} reload={reload} />}
      </div>
      {error && <HistoryProblem problem={error} retry={reload} shown={shown} />}
      {!cluster.data && !error && <Loading />}
      {cluster.data && (shown || !error) && <ClusterCharts history={cluster.data} nodes={nodes.data} moment={moment} />}
      {nodes.data && (shown || !error) && <NodeCompare history={nodes.data} moment={moment} />}
    </>
  );
}

export default function MonitoringPage() {
  const { data, error, loading, reload } = useLive(listNodes, ['nodes']);
  const add = mayAct('admin') && <a class="button primary" href="/admin/nodes?add=1">{n.value.add}</a>;
  return (
    <>
      <PageTitle>{adminTexts.value.monitoring}</PageTitle>
      {!data && loading && <Loading />}
      {!data && error && <ProblemMessage problem={error} retry={reload} />}
      {data?.length === 0 && <Message icon="nodes" title={n.value.emptyTitle} actions={add}>{n.value.emptyText}</Message>}
      {data && data.length > 0 && <Charts count={data.length} />}
    </>
  );
}
