// SPDX-License-Identifier: LGPL-2.1-or-later
// Short news at the foot of the window, read out by screen readers, gone after a while.
import { signal } from '@preact/signals';

interface Toast {
  id: number;
  text: string;
}

const SHOWN_MS = 6000;
const toasts = signal<readonly Toast[]>([]);
let lastId = 0;

export function toast(text: string): void {
  const id = ++lastId;
  toasts.value = [...toasts.value.slice(-2), { id, text }];
  setTimeout(() => {
    toasts.value = toasts.value.filter((one) => one.id !== id);
  }, SHOWN_MS);
}

export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map((one) => <p key={one.id} class="toast">{one.text}</p>)}
    </div>
  );
}
