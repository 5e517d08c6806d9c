// SPDX-License-Identifier: LGPL-2.1-or-later
// The users: their roles, passwords, sign-ins and links.
import { useState } from 'preact/hooks';
import { listLinks, removeLink } from '../../api/account';
import { addUser, endUserLogin, listUserLogins, listUsers, removeUser, setPassword, setRole, type User } from '../../api/cluster';
import { useLive } from '../../api/live';
import { asProblem, useResource } from '../../api/resource';
import type { Role } from '../../api/types';
import { encodeName } from '../../app/router';
import { me } from '../../app/session';
import { c } from '../../i18n/admin-common';
import { adminTexts } from '../../i18n/admin-names';
import { p } from '../../i18n/admin-people';
import { formatAgo, formatDate, formatTime } from '../../i18n/format';
import { Ask, Dialog } from '../../parts/dialog';
import { PasswordField, Select, TextField } from '../../parts/fields';
import { explainProblem, Loading, Notice, PageTitle, ProblemMessage } from '../../parts/page';
import { toast } from '../../parts/toast';

const ROLES: readonly Role[] = ['viewer', 'operator', 'admin'];
const roleOptions = () => ROLES.map((role) => [role, p.value.roles[role]] as const);

function AddUser({ onClose, onDone }: { onClose: () => void; onDone: () => void }) {
  const [name, setName] = useState('');
  const [password, setWord] = useState('');
  const [role, setChosen] = useState<Role>('viewer');
  return (
    <Ask title={p.value.add} label={p.value.add} act={() => addUser(name.trim(), password, role)} onClose={onClose} onDone={() => { toast(p.value.added(name.trim())); onDone(); }}>
      <TextField label={c.value.name} name="new-user" value={name} onInput={setName} autocomplete="off" required autofocus />
      <Select label={p.value.role} value={role} options={roleOptions()} onChange={setChosen} />
      <p class="note">{p.value.roleTexts[role]}</p>
      <PasswordField label={p.value.password} value={password} onInput={setWord} autocomplete="new-password" required minLength={8} hint={p.value.passwordHint} />
    </Ask>
  );
}

function Logins({ user, onClose }: { user: string; onClose: () => void }) {
  const logins = useResource((signal) => listUserLogins(user, signal), [user]);
  const end = async (id: string) => {
    try {
      await endUserLogin(user, id);
    } catch (error) {
      toast(explainProblem(asProblem(error)));
    }
    logins.reload();
  };
  return (
    <Dialog title={p.value.loginsOf(user)} onClose={onClose}>
      {!logins.data && logins.loading && <Loading />}
      {!logins.data && logins.error && <Notice kind="error">{explainProblem(logins.error)}</Notice>}
      {logins.data?.length === 0 && <p class="note">{p.value.noLogins}</p>}
      <ul class="logins">
        {logins.data?.map((login) => (
          <li key={login.id}>
            <div>
              <strong class="client-name">{login.client ?? c.value.unknown}</strong>
              <p class="note">{login.address} · {p.value.lastUsed(formatAgo(login.last_used ?? login.created))}</p>
            </div>
            <button type="button" class="button" onClick={() => void end(login.id)}>{p.value.endLogin}</button>
          </li>
        ))}
      </ul>
    </Dialog>
  );
}

/** The links that this user has made and that are still good. */
function Links({ user, onClose }: { user: string; onClose: () => void }) {
  const links = useResource(listLinks, [user]);
  const own = links.data?.filter((link) => link.user === user);
  const end = async (id: number) => {
    try {
      await removeLink(id);
    } catch (error) {
      toast(explainProblem(asProblem(error)));
    }
    links.reload();
  };
  return (
    <Dialog title={p.value.linksOf(user)} onClose={onClose}>
      <p class="note">{p.value.linksText}</p>
      {!own && links.loading && <Loading />}
      {!own && links.error && <Notice kind="error">{explainProblem(links.error)}</Notice>}
      {own?.length === 0 && <p>{p.value.noLinks}</p>}
      <ul class="logins">
        {own?.map((link) => (
          <li key={link.id}>
            <div>
              <a href={`/admin/media/${encodeName(link.medium)}`}>{link.medium}</a>
              <p class="note">{p.value.goodUntil(formatTime(link.expires))}</p>
            </div>
            <button type="button" class="button" aria-label={`${p.value.endLink}: ${link.medium}`} onClick={() => void end(link.id)}>{p.value.endLink}</button>
          </li>
        ))}
      </ul>
    </Dialog>
  );
}

type Question = 'password' | 'remove' | 'logins' | 'links';

function Row({ user, reload }: { user: User; reload: () => void }) {
  const [question, setQuestion] = useState<Question | null>(null);
  const [password, setWord] = useState('');
  const own = user.name === me.value?.user;
  const close = () => setQuestion(null);
  const changeRole = async (role: Role) => {
    try {
      await setRole(user.name, role);
      toast(p.value.roleSet(user.name, p.value.roles[role]));
    } catch (error) {
      toast(explainProblem(asProblem(error)));
    }
    reload();
  };
  return (
    <tr>
      <td class="lead"><strong>{user.name}</strong>{own && <span class="badge accent own">{p.value.you}</span>}{user.one_time_password && <div class="note">{p.value.oneTime}</div>}</td>
      <td data-label={p.value.role}><Select compact label={p.value.roleOf(user.name)} value={user.role} options={roleOptions()} onChange={(role) => void changeRole(role)} /></td>
      <td data-label={c.value.created}>{formatDate(user.created)}</td>
      <td class="acts">
        <div class="row-actions">
          <button type="button" class="button" onClick={() => setQuestion('logins')}>{p.value.logins}</button>
          <button type="button" class="button" onClick={() => setQuestion('links')}>{p.value.links}</button>
          {!own && <button type="button" class="button" onClick={() => { setWord(''); setQuestion('password'); }}>{p.value.newPassword}</button>}
          {own ? <a class="button" href="/account">{p.value.newPassword}</a> : <button type="button" class="button danger" onClick={() => setQuestion('remove')}>{c.value.remove}</button>}
        </div>
        {question === 'logins' && <Logins user={user.name} onClose={close} />}
        {question === 'links' && <Links user={user.name} onClose={close} />}
        {question === 'password' && (
          <Ask title={`${p.value.newPassword}: ${user.name}`} label={p.value.newPassword} act={() => setPassword(user.name, password)} onClose={close}
            onDone={() => { toast(p.value.passwordSet(user.name)); reload(); }}>
            <p>{p.value.newPasswordText(user.name)}</p>
            <PasswordField label={p.value.password} value={password} onInput={setWord} autocomplete="new-password" required minLength={8} autofocus />
          </Ask>
        )}
        {question === 'remove' && (
          <Ask danger title={p.value.removeTitle(user.name)} label={c.value.remove} act={() => removeUser(user.name)} onClose={close} onDone={() => { toast(p.value.removed(user.name)); reload(); }}>
            <ul class="consequences">{p.value.removeConsequences.map((text) => <li key={text}>{text}</li>)}</ul>
          </Ask>
        )}
      </td>
    </tr>
  );
}

export default function UsersPage() {
  const { data, error, loading, reload } = useLive(listUsers, ['accounts']);
  const [adding, setAdding] = useState(false);
  return (
    <>
      <PageTitle actions={<button type="button" class="button primary" onClick={() => setAdding(true)}>{p.value.add}</button>}>{adminTexts.value.users}</PageTitle>
      {!data && loading && <Loading />}
      {!data && error && <ProblemMessage problem={error} retry={reload} />}
      {data && (
        <div class="card table-box">
          <table class="stack users-table">
            <thead><tr><th scope="col">{c.value.name}</th><th scope="col">{p.value.role}</th><th scope="col">{c.value.created}</th><th scope="col"><span class="visually-hidden">{c.value.actions}</span></th></tr></thead>
            <tbody>{data.map((user) => <Row key={user.name} user={user} reload={reload} />)}</tbody>
          </table>
        </div>
      )}
      {adding && <AddUser onClose={() => setAdding(false)} onDone={reload} />}
    </>
  );
}
