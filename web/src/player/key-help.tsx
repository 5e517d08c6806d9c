// SPDX-License-Identifier: LGPL-2.1-or-later
// All keys of the player, under "?".
import { t } from '../i18n';
import { Dialog } from '../parts/dialog';
import { KEYS } from './keys';

export function KeyHelp({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title={t.value.player.keys} onClose={onClose}>
      <dl class="key-help">
        {KEYS.map((line) => (
          <div key={line.action}>
            <dt>{line.shown.map((key) => (key === '…' ? '…' : <kbd key={key}>{key}</kbd>))}</dt>
            <dd>{t.value.keys[line.action]}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
