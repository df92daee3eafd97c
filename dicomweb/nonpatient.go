package dicomweb

import (
	"net/http"
	"slices"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/internal/access"
)

// nonPatientRoutes are the resources of PS3.18 chapter 12. Store and Search are those of studies, in another place; so are deletion and the
// recycle bin, which are extensions there as well, and the bulk data that the metadata refers to.
func (s *Server) nonPatientRoutes() []route {
	var routes []route
	for _, name := range dicom.NonPatientResources() {
		of := func(h handler) handler {
			return func(w http.ResponseWriter, r *http.Request) error {
				vars := &exchangeOf(r).vars
				vars.add("resource", name)
				if uid := vars.of("uid"); uid != "" {
					vars.add("instance", uid)
				}
				return h(w, r)
			}
		}
		all, bin := BasePath+"/"+name, BasePath+"/recycle-bin/"+name
		one, binned := all+"/{uid}", bin+"/{uid}"
		routes = append(routes,
			route{name + "-search", "GET", all, "PS3.18 12.6", access.Read, of(s.searchInstances)},
			route{name + "-store", "POST", all, "PS3.18 12.5", access.Store, of(s.storeInstances)},
			route{name + "-retrieve", "GET", one, "PS3.18 12.4", access.Read, of(s.retrieveNonPatient)},
			route{name + "-store-instance", "POST", one, "PS3.18 12.5", access.Store, of(s.storeInstances)},
			route{name + "-bulkdata", "GET", one + "/bulkdata/{path:.+}", extension, access.Read, of(s.retrieveBulkdata)},
			route{"delete-" + name, "DELETE", one, extension, access.Delete, of(s.deleteInstances)},

			route{"recycle-bin-" + name, "GET", bin, extension, access.Admin, of(s.listVersions)},
			route{"restore-" + name, "POST", bin + "/restore", extension, access.Admin, of(s.restoreInstances)},
			route{"purge-" + name, "DELETE", bin, extension, access.Admin, of(s.purgeInstances)},
			route{"recycle-bin-" + name + "-instance", "GET", binned, extension, access.Admin, of(s.listVersions)},
			route{"restore-" + name + "-instance", "POST", binned + "/restore", extension, access.Admin, of(s.restoreInstances)},
			route{"purge-" + name + "-instance", "DELETE", binned, extension, access.Admin, of(s.purgeInstances)},
		)
	}
	return routes
}

// retrieveNonPatient is the Retrieve transaction of instances of no patient (PS3.18 12.4): the stored file byte for byte, or its data set
// as DICOM JSON, which is the default, or XML.
func (s *Server) retrieveNonPatient(w http.ResponseWriter, r *http.Request) error {
	// Request
	ref, err := refOf(r)
	if err != nil {
		return err
	}
	// Behavior
	entries, err := s.entries(r.Context(), ref)
	if err != nil {
		return err
	}
	files := fileOffers(entries[0])
	chosen, err := s.chooseEncodable(r.Context(), acceptOf(r), entries[0], slices.Concat(metadataOffers, files, multiparts(files)))
	if err != nil {
		return err
	}
	if chosen, err = s.settleCharset(r.Context(), entries[0], chosen); err != nil {
		return err
	}
	// Response
	switch {
	case chosen.mediaType != mediaDICOM:
		out := metadataWriter{ref: ref, base: s.baseURL(r)}
		return s.sendMetadata(w, r, newMetadataRequest(out, chosen, bestCodings(r.Header.Values("Accept-Encoding"))...))
	case chosen.multipart:
		return s.sendFiles(w, r, entries, []offer{chosen})
	}
	return s.sendFile(w, r, entries[0], chosen)
}
