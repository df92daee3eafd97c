// The page: what a person does, and what follows.

import { address, search } from './api.js';
import { showExamination } from './doctor.js';
import { RecycleBin } from './recyclebin.js';
import { SearchForm } from './search.js';
import { introduce } from './session.js';
import { StudyTable } from './studies.js';
import { Uploads, dropped, picked } from './uploads.js';

const pageSize = 50;
const part = id => document.getElementById(id);

const table = new StudyTable(part('studies'), () => list());
const form = new SearchForm(part('search'), () => list({ offset: 0 }));
const uploads = new Uploads(part('uploads'), arrived);
const bin = new RecycleBin(() => list({ arriving: true }));

let offset = 0;
let request = new AbortController();

// list asks for a page of the studies and shows it. A request that is under way is given up: its answer is that of an older
// question. arriving: the list is read again because studies may have come.
async function list({ offset: from = offset, arriving = false } = {}) {
  request.abort();
  request = new AbortController();
  const { signal } = request;
  document.body.classList.toggle('searching', !arriving);
  try {
    // One study more than is shown says whether there are more.
    const found = await search(address.studies, { ...form.parameters(), limit: pageSize + 1, offset: from }, signal);
    if (!found.length && from > 0) return list({ offset: Math.max(0, from - pageSize), arriving });
    offset = from;
    show(found.slice(0, pageSize), found.length > pageSize, arriving);
  } catch (error) {
    if (signal.aborted) return;
    complain(error);
  }
  document.body.classList.remove('searching');
}

function show(studies, more, arriving) {
  table.show(studies, arriving);
  part('problem').hidden = true;
  part('studies').hidden = !studies.length;
  part('nothing').hidden = studies.length > 0 || form.empty;
  part('empty').hidden = studies.length > 0 || !form.empty;
  part('previous').disabled = offset === 0;
  part('next').disabled = !more;
  document.querySelector('.paging').hidden = offset === 0 && !more;
  part('summary').textContent = summary(studies.length, more);
}

function summary(count, more) {
  if (!count) return form.empty ? '' : 'No studies';
  if (offset === 0 && !more) return count === 1 ? '1 study' : `${count} studies`;
  return `Studies ${offset + 1} to ${offset + count}${more ? ', and more' : ''}`;
}

function complain(error) {
  const problem = part('problem');
  const text = error instanceof TypeError ? 'The server does not answer.' : error.message;
  problem.querySelector('p').textContent = `The studies could not be read. ${text}`;
  problem.hidden = false;
}

// arrived reads the list again soon after a file was stored, and not more often than every two seconds.
let refresh = 0;
function arrived() {
  refresh ||= setTimeout(() => {
    refresh = 0;
    list({ arriving: true });
  }, part('studies').hidden ? 300 : 2000);
}

function turn(pages) {
  list({ offset: Math.max(0, offset + pages * pageSize) });
  scrollTo({ top: 0 });
}

part('previous').addEventListener('click', () => turn(-1));
part('next').addEventListener('click', () => turn(1));
part('again').addEventListener('click', () => list());
part('open-bin').addEventListener('click', () => bin.open());
part('open-doctor').addEventListener('click', showExamination);
part('clear-nothing').addEventListener('click', () => form.clear());

for (const [button, input] of [['pick-files', 'files'], ['pick-folder', 'folder']]) {
  part(button).addEventListener('click', () => part(input).click());
  part(input).addEventListener('change', event => {
    uploads.add(picked(event.target));
    event.target.value = ''; // so that the same files can be picked again
  });
}

// "/" goes to the search, as in many places; not while one types.
addEventListener('keydown', event => {
  if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest('input, select, textarea')) return;
  event.preventDefault();
  form.focus();
});

// Enter and leave events come for each element below the pointer; the drag is over the page as long as more were entered
// than left.
let depth = 0;
const dragsFiles = event => event.dataTransfer?.types.includes('Files');
addEventListener('dragenter', event => {
  if (dragsFiles(event) && ++depth === 1) part('drop').hidden = false;
});
addEventListener('dragleave', event => {
  if (dragsFiles(event) && --depth <= 0) endDrag();
});
addEventListener('dragover', event => {
  if (!dragsFiles(event)) return;
  event.preventDefault();
  event.dataTransfer.dropEffect = 'copy';
});
addEventListener('drop', async event => {
  if (!dragsFiles(event)) return;
  event.preventDefault();
  endDrag();
  for await (const files of dropped(event.dataTransfer)) uploads.add(files);
});
function endDrag() {
  depth = 0;
  part('drop').hidden = true;
}

// Others store studies too: who comes back to the page sees them.
addEventListener('visibilitychange', () => {
  if (!document.hidden) list({ arriving: true });
});

const service = new URL('dicom-web', location.href.replace(/[?#].*/, '')).href;
part('service').textContent = service;
part('curl').textContent = `curl -H 'Content-Type: application/dicom' --data-binary @image.dcm ${service}/studies`;
introduce();
list();
