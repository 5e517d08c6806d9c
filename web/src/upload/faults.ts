// SPDX-License-Identifier: LGPL-2.1-or-later
// Why a file was not uploaded. The words for it are in i18n/admin-media.ts.
import type { NameFault } from './names';

export interface UploadFault {
  kind: NameFault | 'nothing' | 'exists' | 'room' | 'right' | 'job' | 'other';
  /** The server's words; may be empty. */
  detail: string;
}

const KINDS: Record<number, UploadFault['kind']> = { 401: 'right', 403: 'right', 409: 'exists', 507: 'room' };

export function explainUploadFault(status: number, body: string): UploadFault {
  let detail = '';
  try {
    detail = (JSON.parse(body) as { detail?: string }).detail ?? '';
  } catch {
    /* no problem+json */
  }
  return { kind: KINDS[status] ?? 'other', detail };
}
