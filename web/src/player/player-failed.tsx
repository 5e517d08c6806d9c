// SPDX-License-Identifier: LGPL-2.1-or-later
// What the player says where it cannot play, and the ways on.
import type { Problem } from '../api/client';
import type { Medium } from '../api/types';
import { encodeName } from '../app/router';
import { t } from '../i18n';
import { Icon } from '../parts/icon';

interface Props {
  medium: Medium;
  problem: Problem | null;
  undecodable: boolean;
  onRetry: () => void;
  onLeave: () => void;
}

function explain(problem: Problem | null, undecodable: boolean): string {
  if (undecodable) return t.value.player.undecodable;
  if (problem === null || problem.status === 0) return t.value.player.noGateway;
  if (problem.status === 429) return t.value.player.tooMany;
  return problem.detail;
}

export function PlayerFailed({ medium, problem, undecodable, onRetry, onLeave }: Props) {
  return (
    <div class="player-failed" role="alert">
      <div class="message-icon"><Icon name="alert" /></div>
      <h2>{t.value.player.failed}</h2>
      <p>{explain(problem, undecodable)}</p>
      <div class="message-actions">
        {!undecodable && <button type="button" class="button primary" onClick={onRetry}>{t.value.tryAgain}</button>}
        <a class="button" href={`/about/${encodeName(medium.name)}`}>{t.value.player.otherPlayers}</a>
        <button type="button" class="button" onClick={onLeave}>{t.value.back}</button>
      </div>
    </div>
  );
}
