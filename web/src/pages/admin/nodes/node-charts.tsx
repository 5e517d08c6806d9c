// SPDX-License-Identifier: LGPL-2.1-or-later
// How one storage server did.
import { useSignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import { useHistory, type History } from '../../../api/history';
import { language } from '../../../i18n';
import { w } from '../../../i18n/admin-monitoring';
import { AsOf } from '../../../parts/as-of';
import { Chart } from '../../../parts/chart/chart';
import type { Kind } from '../../../parts/chart/kinds';
import type { Line } from '../../../parts/chart/lines';
import { Loading } from '../../../parts/page';
import { HistoryProblem } from '../monitoring/history-problem';
import { linesOf, type LineName, type Title } from '../monitoring/series';
import { chosenSpan, Spans } from '../monitoring/spans';

const POINTS = 600;

interface Form {
  title: Title;
  kind: Kind;
  names: readonly LineName[];
  /** The last of names. */
  limited?: boolean;
}

const FORMS: readonly Form[] = [
  { title: 'cpu', kind: 'fraction', names: ['cpu', 'cpu_iowait', 'cpu_steal'] },
  { title: 'memory', kind: 'bytes', names: ['memory', 'memory_total'], limited: true },
  { title: 'network', kind: 'bitRate', names: ['net_out', 'net_in', 'network_limit'], limited: true },
  { title: 'disks', kind: 'bytesRate', names: ['disk_read', 'disk_write'] },
  { title: 'diskBusy', kind: 'fraction', names: ['disk_busy'] },
  { title: 'diskLatency', kind: 'seconds', names: ['disk_latency'] },
  { title: 'connections', kind: 'count', names: ['connections', 'viewers'] },
  { title: 'requests', kind: 'perSecond', names: ['requests', 'late'] },
  { title: 'cache', kind: 'perSecond', names: ['cache_hits', 'cache_misses'] },
  { title: 'sent', kind: 'bitRate', names: ['sent', 'viewer_rate'] },
  { title: 'viewerLate', kind: 'perSecond', names: ['viewer_late', 'viewer_rebuilt'] },
  { title: 'viewerTime', kind: 'seconds', names: ['viewer_time'] },
  { title: 'netErrors', kind: 'perSecond', names: ['net_errors'] },
  { title: 'scrub', kind: 'bytesRate', names: ['scrub'] },
];

const SERIES = [...new Set(FORMS.flatMap(({ names }) => names))];

function draw(history: History, node: number, { names, limited }: Form): readonly Line[] {
  const lines = linesOf(history, names, node);
  return limited ? [...lines.slice(0, -1), { ...lines.at(-1)!, limit: true }] : lines;
}

export function NodeCharts({ id }: { id: number }) {
  const span = chosenSpan();
  const moment = useSignal<number | null>(null);
  const { data, error, reload, asOf } = useHistory({ series: SERIES, nodes: [id], span, points: POINTS });
  const shown = data?.span === span;
  const charts = useMemo(() => (data ? FORMS.map((form) => ({ form, lines: draw(data, id, form) })) : []), [data, id, language.value]);
  return (
    <section class="charts-section">
      <h2>{w.value.history}</h2>
      <div class="toolbar">
        <Spans />
        {data && <AsOf at={asOf} reload={reload} />}
      </div>
      {error && <HistoryProblem problem={error} retry={reload} shown={shown} />}
      {!data && !error && <Loading />}
      {data && (shown || !error) && (
        <div class="charts">
          {charts.map(({ form: { title, kind }, lines }) => <Chart key={title} title={w.value.titles[title]} kind={kind} grid={data} lines={lines} moment={moment} />)}
        </div>
      )}
    </section>
  );
}
