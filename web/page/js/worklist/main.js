// The worklist: what is to be read, in progress, read. It shows what the server says, and asks again when that changes.

import { Tag as Study, value } from '../dicom.js';
import { counted, element } from '../dom.js';
import { follow } from '../feed.js';
import { introduce } from '../session.js';
import { ItemTable, readerOf, startOf } from './items.js';
import { Tag, cancel, claim, complete, lockOf, pathOfReader, release, search, setPriority } from './ups.js';

const most = 200; // workitems that are shown
const part = id => document.getElementById(id);
const tabs = [...document.querySelectorAll('[role="tab"]')];
const form = part('search');
const fields = ['patient', 'modality', 'from', 'to', 'facility', 'priority', 'reader'];
const titles = { SCHEDULED: 'Waiting', 'IN PROGRESS': 'Reader', COMPLETED: 'Read by', CANCELED: 'Canceled' };

const table = new ItemTable(part('items'), act);
let state = 'SCHEDULED';
let request = new AbortController();

// The reader's name is written "Last, first" and sent as a PN value.
const reader = () => {
  const [family, ...given] = part('reader').value.split(/[,^]/).map(s => s.trim());
  return [family, ...given].filter(Boolean).join('^');
};

const anyPart = text => (text.trim() ? `*${text.trim().replace(/[,^]\s*/g, '*').replace(/\s+/g, '*')}*` : '');

// keys are the matching keys of the search form, but for the state.
function keys() {
  const field = name => form.elements[name].value;
  const plain = text => text.replaceAll('-', '');
  const patient = field('patient');
  const found = {
    [/\d/.test(patient) ? 'PatientID' : 'PatientName']: anyPart(patient),
    ModalitiesInStudy: field('modality').trim().toUpperCase().split(/[\s,]+/).filter(Boolean).join(','),
    StudyDate: field('from') || field('to') ? `${plain(field('from'))}-${plain(field('to'))}` : '',
    InstitutionName: anyPart(field('facility')),
    ScheduledProcedureStepPriority: field('priority'),
    [pathOfReader]: anyPart(field('reader')),
  };
  return Object.fromEntries(Object.entries(found).filter(([, v]) => v));
}

const includefield = [Tag.Performed, Study.StudyDescription].join(',');

// read returns the workitems of the state: what is to be read by priority and then the one that waits longest, all else the latest first.
async function read(filter, signal) {
  if (state !== 'SCHEDULED') {
    return search({ ...filter, ProcedureStepState: state, includefield, limit: most, orderby: '-ScheduledProcedureStepModificationDateTime' }, signal);
  }
  const priorities = filter.ScheduledProcedureStepPriority ? [filter.ScheduledProcedureStepPriority] : ['HIGH', 'MEDIUM', 'LOW'];
  const found = await Promise.all(priorities.map(p =>
    search({ ...filter, ProcedureStepState: state, ScheduledProcedureStepPriority: p, includefield, limit: most }, signal)));
  const total = found.some(f => f.total === null) ? null : found.reduce((n, f) => n + f.total, 0);
  return { items: found.flatMap(f => f.items).slice(0, most), total };
}

// list asks for what is shown, and for the counts. A request that is under way is given up.
async function list(arriving = false) {
  request.abort();
  request = new AbortController();
  const { signal } = request;
  const filter = keys();
  try {
    const [found, counts] = await Promise.all([
      read(filter, signal),
      Promise.all(tabs.map(tab => search({ ...filter, ProcedureStepState: tab.dataset.state, limit: 0 }, signal))),
    ]);
    show(found, counts.map(c => c.total), arriving);
  } catch (error) {
    if (!signal.aborted) complain('The worklist could not be read.', error);
  }
}

// facilities are those that were seen, to choose from: they are matched letter by letter.
const facilities = new Set();
function offerFacilities(items) {
  const before = facilities.size;
  for (const item of items) if (value(item, Tag.InstitutionName)) facilities.add(value(item, Tag.InstitutionName));
  if (facilities.size > before) part('facilities').replaceChildren(...[...facilities].sort().map(name => element('option', { value: name })));
}

function show({ items, total }, counts, arriving) {
  offerFacilities(items);
  const filtered = fields.some(f => form.elements[f].value);
  table.show(items, arriving);
  tabs.forEach((tab, i) => {
    tab.setAttribute('aria-selected', String(tab.dataset.state === state));
    tab.querySelector('.count').textContent = counts[i] === null ? '' : counts[i].toLocaleString();
  });
  part('when').textContent = titles[state];
  part('items').hidden = !items.length;
  part('nothing').hidden = items.length > 0;
  part('nothing').querySelector('h2').textContent = filtered ? 'No workitem matches' : { SCHEDULED: 'Everything is read' }[state] ?? 'Nothing here';
  part('nothing').querySelector('p').textContent = filtered ? '' : 'A study appears here as soon as its first image is stored.';
  part('clear').hidden = !filtered;
  const waiting = tabs.findIndex(tab => tab.dataset.state === 'SCHEDULED');
  document.title = `${counts[waiting] ? `(${counts[waiting]}) ` : ''}Worklist · Noctis`;
  const shown = total !== null && items.length < total ? `The first ${items.length} of ${total.toLocaleString()}` : counted(items.length, 'workitem', 'workitems');
  part('summary').textContent = items.length ? shown : '';
}

function complain(what, error) {
  part('problem').querySelector('p').textContent =
    `${what} ${error instanceof TypeError ? 'The server does not answer.' : error.message}`;
  part('problem').hidden = false;
}

// act does what a button says.
async function act(what, uid, item, choice) {
  part('problem').hidden = true;
  try {
    switch (what) {
      case 'claim': await claim(uid, reader()); break;
      case 'complete': await complete(uid, reader() || readerName(item), startOf(item)); break;
      case 'release': await release(uid); break;
      case 'cancel': await cancel(uid); break;
      case 'priority': await setPriority(uid, choice); break;
      case 'view':
        if (!part('claim-viewed').checked || value(item, Tag.State) !== 'SCHEDULED') return;
        await claim(uid, reader());
    }
  } catch (error) {
    const late = error.status === 400 || error.status === 409 || error.status === 410;
    complain(late && !lockOf(uid) && what === 'claim' ? 'Somebody else has claimed it.' : 'That did not work.', error);
  }
  list(true);
}

const readerName = item => readerOf(item).split(' · ')[0].replace(', ', '^');

for (const tab of tabs) {
  tab.addEventListener('click', () => {
    state = tab.dataset.state;
    remember();
    list();
  });
}

// The state and the search are in the address, for those who come back or follow a link.
function remember() {
  const kept = new URLSearchParams(fields.map(f => [f, form.elements[f].value]).filter(([, v]) => v));
  if (state !== 'SCHEDULED') kept.set('state', state);
  history.replaceState(null, '', kept.size ? `?${kept}` : location.pathname);
}

const given = new URLSearchParams(location.search);
for (const f of fields) form.elements[f].value = given.get(f) ?? '';
state = tabs.some(tab => tab.dataset.state === given.get('state')) ? given.get('state') : state;

let typing = 0;
form.addEventListener('input', () => {
  clearTimeout(typing);
  typing = setTimeout(() => { remember(); list(); }, 250);
});
form.addEventListener('submit', event => event.preventDefault());
form.addEventListener('reset', event => {
  event.preventDefault();
  for (const f of fields) form.elements[f].value = '';
  remember();
  list();
});
part('dismiss').addEventListener('click', () => { part('problem').hidden = true; });

for (const [id, property] of [['reader', 'value'], ['claim-viewed', 'checked']]) {
  const kept = localStorage.getItem(`noctis-${id}`);
  if (kept !== null) part(id)[property] = property === 'checked' ? kept === 'true' : kept;
  part(id).addEventListener('change', () => localStorage.setItem(`noctis-${id}`, part(id)[property]));
}

// "/" goes to the search; not while one types.
addEventListener('keydown', event => {
  if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey || event.target.closest('input, select, textarea')) return;
  event.preventDefault();
  form.elements.patient.focus();
});

const live = on => {
  part('live').classList.toggle('on', on);
  part('live').textContent = on ? 'Live' : 'Connecting';
};

const changed = follow(['stored', 'replaced', 'deleted', 'restored', 'workitem-created', 'workitem-state', 'workitem-updated', 'workitem-removed'],
  () => list(true), { live, refused: introduce }); // refused: perhaps nobody is logged in any more
addEventListener('storage', changed); // another tab of this browser has claimed something
setInterval(() => { if (!document.hidden) list(true); }, 60_000); // how long each waits
introduce();
list();
