// SPDX-License-Identifier: LGPL-2.1-or-later
// A line to paste elsewhere, with the button that copies it.
import { useRef } from 'preact/hooks';
import { t } from '../i18n';
import { Icon } from './icon';
import { toast } from './toast';

export function CopyLine({ text, label }: { text: string; label: string }) {
  const line = useRef<HTMLPreElement>(null);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      toast(t.value.copied);
    } catch {
      // plain http has no clipboard: what is selected can be copied by hand
      const range = document.createRange();
      range.selectNodeContents(line.current!);
      getSelection()?.removeAllRanges();
      getSelection()?.addRange(range);
      if (document.execCommand('copy')) toast(t.value.copied);
    }
  };
  return (
    <div class="copy-line">
      <pre ref={line} tabIndex={0} aria-label={label}>{text}</pre>
      <button type="button" class="icon-button" aria-label={`${t.value.copy}: ${label}`} onClick={() => void copy()}><Icon name="copy" /></button>
    </div>
  );
}
