// Elements, made from texts that are never read as markup.

// element makes <name> with properties and children. A property whose name has a dash, and "role", is set as an attribute.
export function element(name, properties = {}, ...children) {
  const e = document.createElement(name);
  for (const [key, v] of Object.entries(properties)) {
    if (key === 'role' || key.includes('-')) e.setAttribute(key, v);
    else e[key] = v;
  }
  e.append(...children.filter(child => child !== null && child !== ''));
  return e;
}

// symbol is a drawing from the sheet at the top of the page.
export function symbol(id) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const use = document.createElementNS('http://www.w3.org/2000/svg', 'use');
  use.setAttribute('href', `#${id}`);
  svg.setAttribute('aria-hidden', 'true');
  svg.append(use);
  return svg;
}

// thumbnail is a picture that is fetched when it comes into view, and gives way to a label if there is none.
export function thumbnail(source, label, size) {
  const frame = element('span', { className: 'thumbnail', 'data-label': label });
  if (!source) return frame;
  const image = element('img', { alt: '', loading: 'lazy', decoding: 'async', width: size, height: size });
  image.onerror = () => image.remove();
  image.src = source;
  frame.append(image);
  return frame;
}

// counted writes a number and its noun.
export function counted(number, one, many) {
  return `${Number(number).toLocaleString()} ${Number(number) === 1 ? one : many}`;
}
