// What OHIF's own page has in line, so that our page needs no inline scripts. The viewer lies where the folder of this file lies.
(() => {
  const here = document.currentScript.src;
  window.PUBLIC_URL = new URL('..', here).pathname;
  window.browserImportFunction = module => import(module);

  // Browsers look up the icon again whenever OHIF changes the address of the page: its own address must not depend on that.
  const icon = document.createElement('link');
  icon.rel = 'icon';
  icon.href = new URL('assets/favicon-32x32.png', here).href;
  document.head.append(icon);
})();
