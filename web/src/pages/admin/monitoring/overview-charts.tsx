// SPDX-License-Identifier: LGPL-2.1-or-later
// The last ten minutes of the cluster in two small charts. Without history there are none.
import { useSignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import { useHistory } from '../../../api/history';
import { language } from '../../../i18n';
import { w } from '../../../i18n/admin-monitoring';
import { Chart } from '../../../parts/chart/chart';
import { lineOf } from './series';

const QUERY = { series: ['streams', 'sent'], nodes: [0], span: 'live', points: 600 } as const;

export function OverviewCharts() {
  const moment = useSignal<number | null>(null);
  const { data } = useHistory(QUERY);
  const lines = useMemo(() => data && { streams: [lineOf(data, 'streams')], sent: [lineOf(data, 'sent')] }, [data, language.value]);
  if (!data || !lines) return null;
  return (
    <div class="charts overview-charts">
      <Chart small title={w.value.titles.streams} href="/admin/monitoring" kind="count" grid={data} lines={lines.streams} moment={moment} />
      <Chart small title={w.value.titles.sent} href="/admin/monitoring" kind="bitRate" grid={data} lines={lines.sent} moment={moment} />
    </div>
  );
}
