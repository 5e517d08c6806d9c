// SPDX-License-Identifier: LGPL-2.1-or-later
// In place of charts, where control has no history to show.
import type { Problem } from '../../../api/client';
import { t } from '../../../i18n';
import { w } from '../../../i18n/admin-monitoring';
import { Message, ProblemMessage } from '../../../parts/page';

export function HistoryProblem({ problem, retry }: { problem: Problem; retry: () => void }) {
  if (problem.status === 0) return <ProblemMessage problem={problem} retry={retry} />;
  return (
    <Message icon="alert" title={w.value.noHistory} actions={(
      <>
        <button type="button" class="button" onClick={retry}>{t.value.tryAgain}</button>
        <a class="button" href="/admin/events?topic=health">{w.value.noHistoryEvents}</a>
      </>
    )}>
      {problem.detail} {w.value.noHistoryText}
    </Message>
  );
}
