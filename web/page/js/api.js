// The requests that the page makes: those of any other DICOMweb client.

import { Tag, value, values } from './dicom.js';
import { sopInstanceUID } from './part10.js';
import { reasonText } from './reasons.js';
import { toLogin } from './session.js';

// All addresses are relative to the page, so that it works below any path.
const root = 'dicom-web';

const enc = encodeURIComponent;

export const address = {
  studies: `${root}/studies`,
  studyThumbnail: study => `${root}/studies/${enc(study)}/thumbnail?viewport=128,128`,
  instances: `${root}/instances`,
  seriesThumbnail: (study, series) => `${root}/studies/${enc(study)}/series/${enc(series)}/thumbnail?viewport=192,192`,
  viewer: study => `viewer/viewer?StudyInstanceUIDs=${enc(study)}`,
  viewerSeries: (study, series) => `viewer/viewer?StudyInstanceUIDs=${enc(study)}&initialSeriesInstanceUID=${enc(series)}`,
};

// search is Search (PS3.18 10.6). 204 is an answer without results.
export async function search(resource, parameters, signal) {
  const query = new URLSearchParams(parameters);
  const answer = await fetch(`${resource}?${query}`, { headers: { Accept: 'application/dicom+json' }, signal });
  if (answer.status === 204) return [];
  if (!answer.ok) throw new Error(await complaint(answer.status, answer.headers.get('Content-Type'), await answer.text()));
  return answer.json();
}

// seriesOf are the series of a study, in the order of their numbers.
export async function seriesOf(study, signal) {
  const list = await search(`${address.studies}/${enc(study)}/series`, { includefield: Tag.SeriesDescription }, signal);
  return list.sort((a, b) => (+value(a, Tag.SeriesNumber) || 0) - (+value(b, Tag.SeriesNumber) || 0));
}

// remove deletes a study (an extension): it goes into the recycle bin.
export async function remove(study) {
  await ask('DELETE', `${address.studies}/${enc(study)}`);
}

// readinessOf says whether viewers can show a study, and why not (an extension).
export async function readinessOf(study) {
  return (await ask('GET', `${address.studies}/${enc(study)}/readiness`)).json();
}

// examination is the last report of noctis doctor; null if there is none.
export async function examination() {
  const answer = await ask('GET', 'doctor');
  return answer.status === 204 ? null : answer.json();
}

// recycled are the studies in the recycle bin, and the resources of instances of no patient, what was deleted last first.
export async function recycled() {
  return (await ask('GET', `${root}/recycle-bin`)).json();
}

// restore takes an entry of it out of the recycle bin, and tells what could not be restored.
export async function restore({ resource, studyInstanceUID }) {
  const path = resource ? enc(resource) : `studies/${enc(studyInstanceUID)}`;
  return (await ask('POST', `${root}/recycle-bin/${path}/restore`, { alsoFine: 409 })).json();
}

// ask makes a request whose answer is JSON, and throws what one that failed has to say.
export async function ask(method, target, { alsoFine, signal } = {}) {
  const answer = await fetch(target, { method, headers: { Accept: 'application/json' }, signal });
  if (!answer.ok && answer.status !== alsoFine) {
    throw new Error(await complaint(answer.status, answer.headers.get('Content-Type'), await answer.text()));
  }
  return answer;
}

// complaint is what a failed request has to say: the detail of a problem document (RFC 9457), or a short text. Who is not logged in, or no
// longer, goes to do that.
export function complaint(status, type, text) {
  if (status === 401) toLogin();
  try {
    if (/json/.test(type)) {
      const problem = JSON.parse(text);
      if (problem.detail || problem.title) return problem.detail || problem.title;
    }
  } catch {
    // No JSON after all: the status says enough.
  }
  if (/^text\/plain/.test(type) && text && text.length < 300) return text.trim();
  return `The server answered with status ${status}.`;
}

// store is Store (PS3.18 10.5) of one file. It resolves to an outcome { state, text }, and never rejects:
//   stored     it is there now; text has a warning, if any
//   known      the same, and it was there before
//   refused    the server will not have it, and text says why; no use in trying again
//   failed     it was not stored for now
//   cancelled  by signal
// progress is called with the bytes sent. The file is streamed from the disk.
export async function store(file, signal, progress) {
  const known = await isStored(file, signal);
  const outcome = await send(file, signal, progress);
  return known && outcome.state === 'stored' && !outcome.text ? { state: 'known', text: '' } : outcome;
}

// isStored reports whether the instance in the file is stored already. To store the very same again is success (PS3.18
// 10.5.2), and the answer does not tell.
async function isStored(file, signal) {
  const uid = await sopInstanceUID(file);
  if (!uid) return false;
  try {
    return (await search(address.instances, { SOPInstanceUID: uid, limit: 1 }, signal)).length > 0;
  } catch {
    return false; // what matters is the answer to sending it
  }
}

function send(file, signal, progress) {
  const boundary = `noctis-${crypto.getRandomValues(new Uint32Array(4)).join('-')}`;
  const body = new Blob([
    `--${boundary}\r\nContent-Type: application/dicom\r\n\r\n`, file, `\r\n--${boundary}--\r\n`,
  ]);
  return new Promise(resolve => {
    if (signal.aborted) return resolve({ state: 'cancelled', text: '' });
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    const done = outcome => {
      signal.removeEventListener('abort', abort);
      resolve(outcome);
    };
    signal.addEventListener('abort', abort);
    request.upload.onprogress = event => progress(Math.min(event.loaded, file.size));
    request.onload = () => done(outcomeOf(request));
    request.onabort = () => done({ state: 'cancelled', text: '' });
    request.onerror = () => done({ state: 'failed', text: 'No connection, or the file cannot be read.' });
    request.open('POST', address.studies);
    request.setRequestHeader('Accept', 'application/dicom+json');
    request.setRequestHeader('Content-Type', `multipart/related; type="application/dicom"; boundary=${boundary}`);
    request.send(body);
  });
}

// outcomeOf reads the Store Instances Response Module (PS3.18 I.2).
function outcomeOf(request) {
  const type = request.getResponseHeader('Content-Type') ?? '';
  let answer = {};
  if (/dicom\+json/.test(type)) {
    try {
      const parsed = JSON.parse(request.responseText);
      answer = Array.isArray(parsed) ? parsed[0] ?? {} : parsed;
    } catch {
      return { state: 'failed', text: 'The answer of the server is damaged.' };
    }
  }
  const failure = values(answer, Tag.FailedSOPSequence)[0] ?? values(answer, Tag.OtherFailuresSequence)[0];
  if (failure) return { state: 'refused', text: reasonText(+value(failure, Tag.FailureReason), warningOf(request)) };
  if (request.status >= 200 && request.status < 300) {
    const stored = values(answer, Tag.ReferencedSOPSequence)[0];
    const warning = value(stored, Tag.WarningReason);
    return { state: 'stored', text: warning ? reasonText(+warning, warningOf(request)) : '' };
  }
  const state = request.status >= 500 || request.status === 429 ? 'failed' : 'refused';
  return { state, text: complaint(request.status, type, request.responseText) };
}

// warningOf is the text of a Warning header (PS3.18 10.5.3.2), in which a server says more than the code of a reason does.
// Before it stand its code, the service, and with us the reason and the UID.
function warningOf(request) {
  const header = request.getResponseHeader('Warning') ?? '';
  const m = /^299 \S+: "?(?:[0-9A-F]{4} )?(?:[0-9.]+: )?(.*?)"?$/.exec(header);
  return m ? m[1] : '';
}
