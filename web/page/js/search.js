// The search form: what is in it, as a query of Search (PS3.18 10.6) and as the address of the page.

import { Tag } from './dicom.js';

const fields = ['name', 'id', 'accession', 'from', 'to', 'modality'];

// patientName is what a person types as a key with wildcards: "doe jo" has both parts in this order, "*doe*jo*"; a comma
// says where the given name begins, "*doe*^jo*".
function patientName(text) {
  const [family, ...given] = text.split(/[,^]/).map(part => part.trim().split(/\s+/).filter(Boolean).join('*'));
  const parts = [family, ...given.filter(Boolean).map(part => `^${part}`)].filter(Boolean);
  return parts.length ? `*${parts.join('*')}*` : '';
}

// anyPart matches a text in any place.
const anyPart = text => (text.trim() ? `*${text.trim()}*` : '');

// dates is the range of two inputs of type date, either of which may be empty (PS3.4 C.2.2.2.5).
function dates(from, to) {
  const plain = text => text.replaceAll('-', '');
  return from || to ? `${plain(from)}-${plain(to)}` : '';
}

// SearchForm calls changed some time after the last keystroke, so that not each of them becomes a request.
export class SearchForm {
  #form;
  #timer = 0;

  constructor(form, changed) {
    this.#form = form;
    this.#restore();
    form.addEventListener('input', () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#announce(changed), 250);
    });
    form.addEventListener('submit', event => {
      event.preventDefault();
      clearTimeout(this.#timer);
      this.#announce(changed);
    });
    form.addEventListener('reset', event => {
      event.preventDefault();
      for (const field of fields) this.#form.elements[field].value = '';
      clearTimeout(this.#timer);
      this.#announce(changed);
      this.focus();
    });
    this.#mark();
  }

  // empty reports whether nothing is searched for.
  get empty() {
    return fields.every(field => !this.#text(field));
  }

  // parameters are the keys of the query.
  parameters() {
    const keys = {
      PatientName: patientName(this.#text('name')),
      PatientID: anyPart(this.#text('id')),
      AccessionNumber: anyPart(this.#text('accession')),
      StudyDate: dates(this.#text('from'), this.#text('to')),
      ModalitiesInStudy: this.#text('modality'),
      includefield: Tag.StudyDescription,
    };
    return Object.fromEntries(Object.entries(keys).filter(([, v]) => v));
  }

  clear() {
    this.#form.reset();
  }

  focus() {
    this.#form.elements.name.focus();
  }

  #text(field) {
    return this.#form.elements[field].value;
  }

  #announce(changed) {
    this.#mark();
    const kept = new URLSearchParams(fields.map(field => [field, this.#text(field)]).filter(([, v]) => v));
    history.replaceState(null, '', kept.size ? `?${kept}` : location.pathname);
    changed();
  }

  // mark shows the button that clears the search while there is something to clear.
  #mark() {
    for (const e of this.#form.elements) if (e.type === 'reset') e.hidden = this.empty;
  }

  // restore takes the search from the address, for those who come back or follow a link.
  #restore() {
    const kept = new URLSearchParams(location.search);
    for (const field of fields) this.#form.elements[field].value = kept.get(field) ?? '';
  }
}
