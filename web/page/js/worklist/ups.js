// The requests of the worklist: those of any other client of UPS-RS (PS3.18 11). Who claims a workitem makes its Transaction UID up, which
// is the lock from then on; this browser keeps those that it made.

import { complaint } from '../api.js';

const root = 'dicom-web/workitems';
const type = 'application/dicom+json';
const enc = encodeURIComponent;

export const Tag = {
  InstitutionName: '00080080',
  HumanPerformerName: '00404037',
  ActualHumanPerformers: '00404035',
  PerformedStart: '00404050',
  PerformedEnd: '00404051',
  PerformedStation: '00404028',
  PerformedWorkitem: '00404019',
  Output: '00404033',
  Start: '00404005',
  Modified: '00404010',
  State: '00741000',
  Priority: '00741200',
  Performed: '00741216',
  Late: '00751001',
};

// pathOfReader is the attribute by which the reader is found.
export const pathOfReader = [Tag.Performed, Tag.ActualHumanPerformers, Tag.HumanPerformerName].join('.');

async function request(method, path, dataSet) {
  const answer = await fetch(root + path, {
    method, headers: { Accept: type, ...(dataSet && { 'Content-Type': type }) }, body: dataSet && JSON.stringify(dataSet),
  });
  if (answer.ok) return answer;
  const error = new Error(complaint(answer.status, answer.headers.get('Content-Type'), await answer.text()));
  error.status = answer.status;
  throw error;
}

// search returns the workitems and how many there are, which is not known of very many.
export async function search(parameters, signal) {
  const answer = await fetch(`${root}?${new URLSearchParams(parameters)}`, { headers: { Accept: type }, signal });
  if (!answer.ok) throw new Error(complaint(answer.status, answer.headers.get('Content-Type'), await answer.text()));
  const total = answer.headers.get('X-Total-Count');
  return { items: answer.status === 204 ? [] : await answer.json(), total: total === null ? null : Number(total) };
}

// Locks are the Transaction UIDs, by workitem.
const kept = 'noctis-transactions';

function locks() {
  try {
    return JSON.parse(localStorage.getItem(kept)) ?? {};
  } catch {
    return {};
  }
}

export const lockOf = uid => locks()[uid] ?? '';

function keep(uid, lock) {
  const all = locks();
  if (lock) all[uid] = lock;
  else delete all[uid];
  localStorage.setItem(kept, JSON.stringify(all));
}

// newUID makes a UID of random bits (PS3.5 B.2).
function newUID() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = bytes[6] & 0x0f | 0x40;
  bytes[8] = bytes[8] & 0x3f | 0x80;
  return `2.25.${bytes.reduce((n, b) => n << 8n | BigInt(b), 0n)}`;
}

const text = (vr, ...Value) => ({ vr, ...(Value.length && { Value }) });
const items = (...Value) => text('SQ', ...Value);
const code = (value, scheme, meaning) => ({ '00080100': text('SH', value), '00080102': text('SH', scheme), '00080104': text('LO', meaning) });
const now = () => `${new Date().toISOString().replace(/[-:T]/g, '').slice(0, 14)}+0000`;

// performed is what was done (PS3.4 Table CC.2.5-3): by whom, and when it is complete until when.
function performed(reader, start, end) {
  const item = {
    [Tag.PerformedWorkitem]: items(code('110005', 'DCM', 'Interpretation')),
    [Tag.PerformedStation]: items(code('NOCTIS', '99NOCTIS', 'Noctis worklist page')),
    [Tag.Output]: items(),
    [Tag.PerformedStart]: text('DT', start),
  };
  if (reader) item[Tag.ActualHumanPerformers] = items({ [Tag.HumanPerformerName]: text('PN', { Alphabetic: reader }) });
  if (end) item[Tag.PerformedEnd] = text('DT', end);
  return { [Tag.Performed]: items(item) };
}

const changeState = (uid, state, lock) =>
  request('PUT', `/${enc(uid)}/state`, { '00081195': text('UI', lock), [Tag.State]: text('CS', state) });

const update = (uid, lock, dataSet) => request('POST', `/${enc(uid)}${lock && `?${lock}`}`, dataSet);

// claim takes a workitem for the reader.
export async function claim(uid, reader) {
  const lock = newUID();
  keep(uid, lock); // before it is sent: the answer may get lost
  try {
    await changeState(uid, 'IN PROGRESS', lock);
  } catch (error) {
    if (error.status) keep(uid, '');
    throw error;
  }
  await update(uid, lock, performed(reader, now()));
}

// complete says that it has been read.
export async function complete(uid, reader, start) {
  await update(uid, lockOf(uid), performed(reader, start || now(), now()));
  await changeState(uid, 'COMPLETED', lockOf(uid));
  keep(uid, '');
}

// release gives it back.
export async function release(uid) {
  await request('POST', `/${enc(uid)}/release?${lockOf(uid)}`);
  keep(uid, '');
}

// cancel cancels it, or asks whoever has claimed it to.
export async function cancel(uid) {
  const lock = lockOf(uid);
  if (!lock) return void await request('POST', `/${enc(uid)}/cancelrequest`);
  await changeState(uid, 'CANCELED', lock);
  keep(uid, '');
}

export const setPriority = (uid, priority) => update(uid, lockOf(uid), { [Tag.Priority]: text('CS', priority) });
