// Uploads: a queue of files, of which four are under way at a time, each in a request of its own.

import { store } from './api.js';
import { counted, element } from './dom.js';

const parallel = 4;

// shownMost bounds the files on the list; those that were refused stay on it in any case.
const shownMost = 500;

// leftOut are files that systems leave in every folder.
const leftOut = /^(\.DS_Store|Thumbs\.db|desktop\.ini|\._.*)$/i;

const words = {
  sending: 'Sending', stored: 'Stored', known: 'Already there',
  refused: 'Refused', failed: 'Not stored', cancelled: 'Cancelled',
};

// Uploads is the list of uploads on the page. stored is called after each file that the server has taken.
export class Uploads {
  #parts;
  #stored;
  #queue = [];
  #underway = new Set();
  #failed = [];
  #counts = {};
  #bytes = { total: 0, done: 0 };
  #abort = new AbortController();
  #drawing = false;

  constructor(section, stored) {
    const part = name => section.querySelector(`#uploads-${name}`);
    this.#parts = { section };
    for (const name of ['title', 'cancel', 'retry', 'close', 'total', 'summary', 'list']) this.#parts[name] = part(name);
    this.#stored = stored;
    this.#parts.cancel.addEventListener('click', () => this.#cancel());
    this.#parts.retry.addEventListener('click', () => this.#retry());
    this.#parts.close.addEventListener('click', () => this.#close());
    addEventListener('beforeunload', event => {
      if (this.#busy) event.preventDefault();
    });
  }

  // add puts files, as { file, path }, at the end of the queue.
  add(files) {
    const wanted = files.filter(({ file }) => !leftOut.test(file.name));
    if (!wanted.length) return;
    if (!this.#busy && this.#parts.section.hidden) this.#clear();
    for (const { file, path } of wanted) {
      this.#queue.push({ file, path, sent: 0 });
      this.#bytes.total += file.size;
    }
    this.#parts.section.hidden = false;
    this.#start();
  }

  get #busy() {
    return this.#queue.length + this.#underway.size > 0;
  }

  #start() {
    while (this.#underway.size < parallel && this.#queue.length) this.#send(this.#queue.shift());
    this.#draw();
  }

  async #send(upload) {
    this.#underway.add(upload);
    upload.entry ??= this.#entry(upload);
    this.#say(upload, 'sending', '');
    const outcome = await store(upload.file, this.#abort.signal, sent => {
      upload.sent = sent;
      this.#draw();
    });
    this.#underway.delete(upload);
    this.#bytes.done += upload.file.size;
    this.#counts[outcome.state] = (this.#counts[outcome.state] ?? 0) + 1;
    if (outcome.state === 'failed') this.#failed.push(upload);
    this.#say(upload, outcome.state, outcome.text);
    if (outcome.state === 'stored') this.#stored();
    this.#start();
  }

  // entry makes the line of a file. The list has the latest first, and loses old lines that nobody has to act on.
  #entry(upload) {
    const list = this.#parts.list;
    const bar = element('progress', {
      max: Math.max(upload.file.size, 1), value: 0, 'aria-label': `Progress of ${upload.file.name}`,
    });
    const line = element('li', {},
      element('span', { className: 'file', title: upload.path }, upload.path),
      element('span', { className: 'state' }), bar, element('span', { className: 'why' }));
    list.prepend(line);
    if (list.childElementCount > shownMost) [...list.querySelectorAll('li.stored, li.known')].at(-1)?.remove();
    return line;
  }

  // say writes the state of a file on its line.
  #say(upload, state, text) {
    const line = upload.entry;
    line.className = text && state === 'stored' ? 'stored noted' : state;
    line.querySelector('.state').textContent = words[state];
    line.querySelector('.why').textContent = text;
    line.querySelector('progress').hidden = state !== 'sending';
  }

  #cancel() {
    this.#counts.cancelled = (this.#counts.cancelled ?? 0) + this.#queue.length;
    this.#bytes.done += this.#queue.reduce((sum, upload) => sum + upload.file.size, 0);
    this.#queue = [];
    this.#abort.abort();
    this.#abort = new AbortController();
    this.#draw();
  }

  // retry sends again what was not stored for reasons that pass.
  #retry() {
    this.#counts.failed = 0;
    for (const upload of this.#failed.splice(0)) {
      upload.sent = 0;
      this.#bytes.done -= upload.file.size;
      this.#queue.push(upload);
    }
    this.#start();
  }

  #close() {
    this.#parts.section.hidden = true;
    this.#clear();
  }

  #clear() {
    this.#parts.list.replaceChildren();
    this.#counts = {};
    this.#failed = [];
    this.#bytes = { total: 0, done: 0 };
  }

  // draw brings bars and sums up to date, once for each picture of the screen.
  #draw() {
    if (this.#drawing) return;
    this.#drawing = true;
    requestAnimationFrame(() => {
      this.#drawing = false;
      this.#paint();
    });
  }

  #paint() {
    const { title, cancel, retry, close, total, summary } = this.#parts;
    let sent = this.#bytes.done;
    for (const upload of this.#underway) {
      upload.entry.querySelector('progress').value = upload.sent;
      sent += upload.sent;
    }
    total.max = Math.max(this.#bytes.total, 1);
    total.value = this.#busy ? sent : total.max;
    total.classList.toggle('done', !this.#busy);
    const left = this.#queue.length + this.#underway.size;
    title.textContent = this.#busy ? `Uploading, ${counted(left, 'file', 'files')} to go` : 'Uploads';
    summary.textContent = ['stored', 'known', 'refused', 'failed', 'cancelled'].filter(state => this.#counts[state])
      .map(state => `${this.#counts[state].toLocaleString()} ${words[state].toLowerCase()}`).join(' · ');
    cancel.hidden = !this.#busy;
    retry.hidden = this.#busy || !this.#failed.length;
    close.hidden = this.#busy;
  }
}

// picked are the files of an input, with their paths below the folder that was picked.
export function picked(input) {
  return [...input.files].map(file => ({ file, path: file.webkitRelativePath || file.name }));
}

// dropped are the files of a drop, with those of all folders in it, in batches as they are found. What was dropped has to be
// asked for before the event ends, so the entries are taken at once.
export function dropped(transfer) {
  const files = [...transfer.items].filter(item => item.kind === 'file');
  return walk(files.map(item => item.webkitGetAsEntry()).filter(Boolean));
}

async function* walk(entries) {
  for (const entry of entries) {
    if (entry.isFile) {
      const file = await new Promise(resolve => entry.file(resolve, () => resolve(null)));
      if (file) yield [{ file, path: entry.fullPath.replace(/^\//, '') }];
    } else {
      const reader = entry.createReader();
      // A folder gives its entries in batches; an empty one is the end.
      for (;;) {
        const batch = await new Promise(resolve => reader.readEntries(resolve, () => resolve([])));
        if (!batch.length) break;
        yield* walk(batch);
      }
    }
  }
}
