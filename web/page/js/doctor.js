// The last report of noctis doctor: what was wrong with the data folder, and what was done about it.

import { examination } from './api.js';
import { counted, element } from './dom.js';

const part = id => document.getElementById(id);

// showExamination opens the dialog with the report.
export async function showExamination() {
  part('doctor-list').replaceChildren();
  part('doctor-summary').textContent = '';
  if (!part('doctor').open) part('doctor').showModal();
  try {
    const report = await examination();
    part('doctor-summary').textContent = report ? verdict(report) : 'This store has not been examined yet: noctis doctor does it, while the server runs too.';
    part('doctor-list').replaceChildren(...(report?.findings ?? []).map(row), ...(report?.viewers?.problems ?? []).map(unseen));
  } catch (error) {
    part('doctor-summary').textContent = `The report could not be read. ${error.message}`;
  }
}

function verdict(report) {
  const what = !report.healthy ? 'something is wrong' : report.findings?.length ? 'all that was wrong is mended' : 'nothing was wrong';
  return `${new Date(report.began).toLocaleString()}, ${counted(report.entries, 'instance', 'instances')} examined` +
    `${report.deep ? ' to the last byte' : ''}${report.live ? ', while the server ran' : ''}: ${what}.${viewing(report.viewers)}`;
}

// viewing is whether viewers can show what is stored.
const viewing = viewers => (viewers ? ` Viewers can show ${viewers.ready.toLocaleString()} of ${counted(viewers.studies, 'study', 'studies')}.` : '');

function unseen(problem) {
  const hidden = problem.severity === 'hidden';
  return element('li', {}, element('span', {},
    element('span', { className: 'first' }, `${hidden ? 'Not shown, or wrongly' : 'Shown with less'}: ${problem.kind}: ${problem.detail}`),
    element('span', { className: 'second' }, `${counted(problem.studies, 'study', 'studies')}, ${counted(problem.instances, 'instance', 'instances')}; the first is ${problem.studyInstanceUID}`)));
}

function row(finding) {
  return element('li', {}, element('span', {},
    element('span', { className: 'first' }, `${finding.kind}: ${finding.detail}`),
    element('span', { className: 'second' }, [finding.instance, finding.mended ? `mended: ${finding.mended}` : finding.help].filter(Boolean).join(' · '))));
}
