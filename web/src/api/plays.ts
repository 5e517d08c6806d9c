// SPDX-License-Identifier: LGPL-2.1-or-later
// Playing: URLs of gateways, and where one left off.
import { encodeName } from '../app/router';
import { call, get } from './client';
import type { Play, Position } from './types';

export const startPlay = (medium: string): Promise<Play> => call<Play>('POST', '/plays', { body: { medium } });

export const listPositions = async (signal?: AbortSignal): Promise<Position[]> =>
  (await get<{ positions: Position[] }>('/me/positions?limit=100', signal)).positions;

/** @last: the page is being left, and does not wait for the answer. */
export const savePosition = (medium: string, seconds: number, last = false): Promise<void> =>
  call('PUT', `/me/positions/${encodeName(medium)}`, { body: { position_ns: Math.round(seconds * 1e9) }, keepalive: last });

export const forgetPosition = (medium: string, last = false): Promise<void> =>
  call('DELETE', `/me/positions/${encodeName(medium)}`, { keepalive: last });
