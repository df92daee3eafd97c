// What OHIF's own page has as inline scripts, so that the page needs none. The viewer lies where the folder of this file lies.
window.PUBLIC_URL = new URL('..', document.currentScript.src).pathname;
window.browserImportFunction = module => import(module);
