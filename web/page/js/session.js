// Who has logged in, and what he may do. Where nobody has to prove anything all of this is silent.

import { element } from './dom.js';

const root = new URL('.', location.href.replace(/[?#].*/, ''));

// state asks who has logged in, and how one can.
export async function state() {
  const answer = await fetch('session', { headers: { Accept: 'application/json' } });
  if (!answer.ok) throw new Error('The server does not say who has logged in.');
  return answer.json();
}

// toLogin leaves for the login page, which comes back here.
export function toLogin() {
  const here = location.href.slice(root.href.length);
  location.assign(`login.html?next=${encodeURIComponent(here)}`);
}

// after is the address to go to after the login: one of ours below the root, or the root.
export function after() {
  const next = new URLSearchParams(location.search).get('next') ?? '';
  const target = new URL(next, root);
  return target.href.startsWith(root.href) && !/^[a-z]+:|^[/\\]/i.test(next) ? target.href : root.href;
}

// introduce shows who has logged in, and hides what he may not do: what asks for a role has it in data-needs.
export async function introduce() {
  const who = await state().catch(() => null);
  if (!who?.authentication) return;
  if (!who.kind) return toLogin();
  const may = role => who.roles.includes(role) || who.roles.includes('admin');
  for (const role of ['read', 'store', 'delete', 'worklist', 'admin']) document.body.classList.toggle(`no-${role}`, !may(role));
  if (who.session && !document.getElementById('who')) document.querySelector('.bar').append(badge(who.name));
}

function badge(name) {
  const out = element('button', { type: 'button', className: 'plain', id: 'log-out' }, 'Log out');
  out.addEventListener('click', async () => {
    await fetch('session', { method: 'DELETE' });
    location.assign('login.html');
  });
  return element('div', { className: 'who' }, element('span', { id: 'who' }, name), out);
}
