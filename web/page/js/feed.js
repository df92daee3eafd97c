// The change feed of the server, for pages that show what others do.

const pause = 400; // ms: a list is asked for again soon after something has changed, and not more often

// follow calls changed after changes of the kinds, and when the connection stands again. live is told whether it stands, refused that the
// server let nobody in. A browser goes on by itself where it was, unless the server has refused: then it begins anew.
export function follow(kinds, changed, { live = () => {}, refused = () => {} } = {}) {
  let soon = 0;
  const tell = () => {
    soon ||= setTimeout(() => {
      soon = 0;
      changed();
    }, pause);
  };
  const connect = () => {
    const feed = new EventSource('dicom-web/changes?after=latest');
    for (const kind of kinds) feed.addEventListener(kind, tell);
    feed.onopen = () => {
      live(true);
      tell();
    };
    feed.onerror = () => {
      live(false);
      if (feed.readyState !== EventSource.CLOSED) return;
      refused();
      setTimeout(connect, 2000);
    };
  };
  connect();
  return tell;
}
