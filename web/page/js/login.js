// The login page.

import { complaint } from './api.js';
import { after, state } from './session.js';

const part = id => document.getElementById(id);

function complain(text) {
  part('problem').querySelector('p').textContent = text;
  part('problem').hidden = false;
}

// begin shows the ways in that there are.
async function begin() {
  const who = await state();
  if (!who.authentication || who.kind) return location.replace(after());
  part('login').hidden = !who.password;
  part('provider').hidden = !who.provider;
  part('provider').textContent = `Log in with ${who.provider}`;
  part('provider').href = `session/provider?next=${encodeURIComponent(new URLSearchParams(location.search).get('next') ?? '')}`;
  part('none').hidden = who.password || Boolean(who.provider);
  if (who.password) part('name').focus();
}

part('login').addEventListener('submit', async event => {
  event.preventDefault();
  part('problem').hidden = true;
  part('enter').disabled = true;
  try {
    const answer = await fetch('session', {
      method: 'POST', headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ name: part('name').value, password: part('password').value }),
    });
    if (answer.ok) return location.replace(after());
    const wait = Number(answer.headers.get('Retry-After'));
    complain(wait ? `Too many attempts. Wait ${wait} seconds.`
      : complaint(answer.status === 401 ? 0 : answer.status, answer.headers.get('Content-Type'), await answer.text()));
    part('password').select();
  } catch {
    complain('The server does not answer.');
  } finally {
    part('enter').disabled = false;
  }
});

if (new URLSearchParams(location.search).has('problem')) complain('The login did not succeed. Try again.');
begin().catch(error => complain(error.message));
