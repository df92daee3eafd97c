package conformance

// resource is something that WADO-RS retrieves (PS3.18 Table 10.4.1-1).
type resource struct {
	id, clause, accept string
	path               func(*instance) string
	optional           func(*T) bool // whether the server has it; nil: it has to
}

// retrievable are the resources of PS3.18 10.4.1.
func retrievable() []resource {
	has := func(suffix, accept string) func(*T) bool {
		return func(t *T) bool {
			in := t.image()
			r := t.attempt(func(t *T) { t.get(in.path()+suffix, accept).status(200, 206, 302, 303) })
			return r.Status == Pass
		}
	}
	const jpeg = "Accept: image/jpeg"
	const jpegs = `Accept: multipart/related; type="image/jpeg"`
	thumbnail, pixels, bulk := has("/thumbnail", jpeg), has("/pixeldata", acceptBytesAny), has("/bulkdata", acceptBytesAny)
	return []resource{
		{"study", "PS3.18 10.4.1.1.1", acceptFiles, (*instance).studyPath, nil},
		{"series", "PS3.18 10.4.1.1.1", acceptFiles, (*instance).seriesPath, nil},
		{"instance", "PS3.18 10.4.1.1.1", acceptFiles, (*instance).path, nil},
		{"metadata-study", "PS3.18 10.4.1.1.2", acceptJSON, below((*instance).studyPath, "/metadata"), nil},
		{"metadata-series", "PS3.18 10.4.1.1.2", acceptJSON, below((*instance).seriesPath, "/metadata"), nil},
		{"metadata-instance", "PS3.18 10.4.1.1.2", acceptJSON, below((*instance).path, "/metadata"), nil},
		{"rendered-study", "PS3.18 10.4.1.1.3", jpegs, below((*instance).studyPath, "/rendered"), nil},
		{"rendered-series", "PS3.18 10.4.1.1.3", jpegs, below((*instance).seriesPath, "/rendered"), nil},
		{"rendered-instance", "PS3.18 10.4.1.1.3", jpeg, below((*instance).path, "/rendered"), nil},
		{"rendered-frame", "PS3.18 10.4.1.1.3", jpeg, below((*instance).path, "/frames/1/rendered"), nil},
		{"frame", "PS3.18 10.4.1.1.6", acceptBytesAny, below((*instance).path, "/frames/1"), nil},
		{"thumbnail-study", "PS3.18 10.4.1.1.4", jpeg, below((*instance).studyPath, "/thumbnail"), thumbnail},
		{"thumbnail-series", "PS3.18 10.4.1.1.4", jpeg, below((*instance).seriesPath, "/thumbnail"), thumbnail},
		{"thumbnail-instance", "PS3.18 10.4.1.1.4", jpeg, below((*instance).path, "/thumbnail"), thumbnail},
		{"thumbnail-frame", "PS3.18 10.4.1.1.4", jpeg, below((*instance).path, "/frames/1/thumbnail"), thumbnail},
		{"bulkdata-study", "PS3.18 10.4.1.1.5", acceptBytesAny, below((*instance).studyPath, "/bulkdata"), bulk},
		{"bulkdata-series", "PS3.18 10.4.1.1.5", acceptBytesAny, below((*instance).seriesPath, "/bulkdata"), bulk},
		{"bulkdata-instance", "PS3.18 10.4.1.1.5", acceptBytesAny, below((*instance).path, "/bulkdata"), bulk},
		{"pixeldata-study", "PS3.18 10.4.1.1.6", acceptBytesAny, below((*instance).studyPath, "/pixeldata"), pixels},
		{"pixeldata-series", "PS3.18 10.4.1.1.6", acceptBytesAny, below((*instance).seriesPath, "/pixeldata"), pixels},
		{"pixeldata-instance", "PS3.18 10.4.1.1.6", acceptBytesAny, below((*instance).path, "/pixeldata"), pixels},
	}
}

func below(path func(*instance) string, suffix string) func(*instance) string {
	return func(in *instance) string { return path(in) + suffix }
}
