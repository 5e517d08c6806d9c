// SPDX-License-Identifier: LGPL-2.1-or-later
// A line to be copied. On plain http a browser gives no clipboard: the line is then selected.
import { useEffect, useRef, useState } from 'preact/hooks';
import { t } from '../i18n';
import { Icon } from './icon';

const SHOWN_MS = 2000;

export function CopyLine({ name, line }: { name: string; line: string }) {
  const field = useRef<HTMLInputElement>(null);
  const [done, setDone] = useState(false);
  useEffect(() => {
    if (!done) return undefined;
    const due = setTimeout(() => setDone(false), SHOWN_MS);
    return () => clearTimeout(due);
  }, [done]);
  const copy = async () => {
    field.current?.select();
    try {
      if (navigator.clipboard) await navigator.clipboard.writeText(line);
      else if (!document.execCommand('copy')) return;
      setDone(true);
    } catch {
      /* it is selected: the reader's own copying has to do */
    }
  };
  return (
    <div class="copy-line">
      <span class="copy-name">{name}</span>
      <input ref={field} type="text" readOnly value={line} aria-label={name} onFocus={(event) => event.currentTarget.select()} />
      <button type="button" class="button" aria-label={`${t.value.copy}: ${name}`} onClick={() => void copy()}>
        <Icon name={done ? 'check' : 'copy'} /><span class="copy-word" role="status">{done ? t.value.copied : t.value.copy}</span>
      </button>
    </div>
  );
}
