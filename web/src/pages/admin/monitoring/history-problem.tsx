// SPDX-License-Identifier: LGPL-2.1-or-later
// Where control has no history to show: in place of charts, or above those that are there already.
import type { Problem } from '../../../api/client';
import { t } from '../../../i18n';
import { w } from '../../../i18n/admin-monitoring';
import { Message, Notice, ProblemMessage } from '../../../parts/page';

interface Props {
  problem: Problem;
  retry: () => void;
  /** There are charts, which only do not go on. */
  shown: boolean;
}

export function HistoryProblem({ problem, retry, shown }: Props) {
  // that the server is away the shell says
  if (shown) return problem.status === 0 ? null : <Notice kind="error">{w.value.noHistory}: {problem.detail}</Notice>;
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
