// SPDX-License-Identifier: LGPL-2.1-or-later
// The names of the administrators' pages, which the navigation shows. The pages' own texts are
// loaded with them.
import { chooseTexts } from './index';

const english = {
  overview: 'Overview',
  monitoring: 'Monitoring',
  media: 'Media',
  nodes: 'Storage servers',
  jobs: 'Jobs',
  policies: 'Policies',
  sessions: 'Sessions',
  users: 'Users',
  clients: 'Clients',
  events: 'Events',
};

export type AdminName = keyof typeof english;

export const adminTexts = chooseTexts(english, {
  overview: '개요',
  monitoring: '모니터링',
  media: '미디어',
  nodes: '저장 서버',
  jobs: '작업',
  policies: '정책',
  sessions: '세션',
  users: '사용자',
  clients: '클라이언트',
  events: '이벤트',
});
