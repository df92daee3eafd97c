// Just enough of PS3.10 to know which instance a file holds.

const decoder = new TextDecoder('latin1');

// sopInstanceUID reads Media Storage SOP Instance UID (0002,0003) from the File Meta Information (PS3.10 7.1), which is
// always in Explicit VR Little Endian. '' if the file has none: other files may be DICOM all the same, and the server knows.
export async function sopInstanceUID(file) {
  let view;
  try {
    view = new DataView(await file.slice(0, 2048).arrayBuffer());
  } catch {
    return ''; // the file cannot be read, which will show when it is sent
  }
  const text = (from, length) => decoder.decode(new Uint8Array(view.buffer, from, length));
  if (view.byteLength < 132 || text(128, 4) !== 'DICM') return '';
  for (let at = 132; at + 12 <= view.byteLength && view.getUint16(at, true) === 2;) {
    const long = ['OB', 'OW', 'UN', 'UT'].includes(text(at + 4, 2));
    const length = long ? view.getUint32(at + 8, true) : view.getUint16(at + 6, true);
    const from = at + (long ? 12 : 8);
    if (from + length > view.byteLength) return '';
    if (view.getUint16(at + 2, true) === 3) return text(from, length).replace(/[\0 ]+$/, '');
    at = from + length;
  }
  return '';
}
