// The configuration of OHIF in Noctis: the defaults of OHIF, and this server as the source of data. All addresses follow
// from where this file lies, so that it fits below any path.
(() => {
  const viewer = new URL('.', document.currentScript.src);
  const service = path => new URL(path, viewer).href;

  window.config = {
    routerBasename: viewer.pathname.replace(/\/$/, ''),
    extensions: [],
    modes: [],
    customizationService: {},
    showStudyList: true,
    maxNumberOfWebWorkers: 3,
    showWarningMessageForCrossOrigin: true,
    showCPUFallbackMessage: true,
    showLoadingIndicator: true,
    experimentalStudyBrowserSort: false,
    strictZSpacingForVolumeViewport: true,
    groupEnabledModesFirst: true,
    allowMultiSelectExport: false,
    maxNumRequests: { interaction: 100, thumbnail: 5, prefetch: 25 },
    showErrorDetails: 'always',
    defaultDataSourceName: 'dicomweb',
    dataSources: [
      {
        namespace: '@ohif/extension-default.dataSourcesModule.dicomweb',
        sourceName: 'dicomweb',
        configuration: {
          friendlyName: 'Noctis',
          name: 'noctis',
          qidoRoot: service('../dicom-web'),
          wadoRoot: service('../dicom-web'),
          wadoUriRoot: service('../wado'),
          qidoSupportsIncludeField: true,
          imageRendering: 'wadors',
          thumbnailRendering: 'thumbnail',
          thumbnailRequestStrategy: 'fetch',
          enableStudyLazyLoad: true,
          supportsFuzzyMatching: true,
          supportsWildcard: true,
          staticWado: false,
          singlepart: 'bulkdata,video',
          bulkDataURI: { enabled: true, relativeResolution: 'studies' },
          // Without quotation marks in Accept a browser asks for frames of another origin without a preflight.
          omitQuotationForMultipartRequest: true,
          dicomUploadEnabled: true,
          supportsReject: false,
        },
      },
    ],
  };
})();
