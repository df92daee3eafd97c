// Deleting a study, and the recycle bin: a dialog with what was deleted, each with a button that brings it back.

import { recycled, remove, restore } from './api.js';
import { Tag, dayText, personName, value } from './dicom.js';
import { counted, element } from './dom.js';

const part = id => document.getElementById(id);

// confirmDeletion asks, deletes, and resolves to whether it did.
export async function confirmDeletion(study, name, instances) {
  const dialog = part('confirm');
  part('confirm-text').textContent = `${name}, ${counted(instances, 'instance', 'instances')}. ` +
    'It can be restored from the recycle bin for a while.';
  dialog.returnValue = 'cancel';
  dialog.showModal();
  await new Promise(resolve => dialog.addEventListener('close', resolve, { once: true }));
  if (dialog.returnValue !== 'delete') return false;
  await remove(study);
  return true;
}

// RecycleBin is the dialog. changed is called when a study has come back.
export class RecycleBin {
  #changed;

  constructor(changed) {
    this.#changed = changed;
  }

  async open() {
    if (!part('bin').open) part('bin').showModal();
    await this.#list('');
  }

  // list shows what is in the bin, behind what there is to say.
  async #list(said) {
    try {
      const studies = await recycled();
      part('bin-list').replaceChildren(...studies.map(study => this.#row(study)));
      part('bin-summary').textContent = said || (studies.length ? counted(studies.length, 'study', 'studies') : 'The recycle bin is empty.');
    } catch (error) {
      part('bin-summary').textContent = `The recycle bin could not be read. ${error.message}`;
    }
  }

  #row(study) {
    const name = personName(study.dataset, Tag.PatientName) || 'No name';
    const removed = new Date(study.lastRemoved).toLocaleString();
    const button = element('button', { type: 'button', 'aria-label': `Restore the study of ${name}` }, 'Restore');
    button.addEventListener('click', () => this.#restore(button, study.studyInstanceUID, name));
    return element('li', {},
      element('span', {},
        element('span', { className: 'first' }, `${name} ${value(study.dataset, Tag.PatientID)}`),
        element('span', { className: 'second' }, [dayText(value(study.dataset, Tag.StudyDate)), value(study.dataset, Tag.StudyDescription),
          counted(study.versions, 'instance', 'instances'), `removed ${removed}`].filter(Boolean).join(' · '))),
      button);
  }

  async #restore(button, study, name) {
    button.disabled = true;
    try {
      const { restored, conflicts, damaged } = await restore(study);
      const left = [conflicts.length && `${counted(conflicts.length, 'instance was', 'instances were')} stored anew meanwhile, and stay as they are`,
        damaged.length && `${counted(damaged.length, 'file is', 'files are')} damaged`].filter(Boolean).map(text => ` ${text}.`).join('');
      this.#changed();
      await this.#list(`${name}: ${counted(restored, 'instance', 'instances')} restored.${left}`);
    } catch (error) {
      button.disabled = false;
      part('bin-summary').textContent = `It could not be restored. ${error.message}`;
    }
  }
}
