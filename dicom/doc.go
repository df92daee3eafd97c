// Package dicom is the vocabulary that the rest of Noctis is written in: tags, value representations, UIDs, data sets, and
// the DICOM JSON model of PS3.18 Annex F. It knows no HTTP, no SQL and no files; it is the bottom of the import law.
//
// All citations in Noctis refer to the 2024e edition of the DICOM standard, except those of PS3.18 chapters 14 and 15, which
// are those of Supplement 246. A citation is spelled "PS3.18 10.5.2" everywhere, so that it can be found and checked.
//
// Where things are: tag.go, vr.go and uid.go hold the small types; dictionary.go what PS3.6 says of a tag; dataset.go the data
// set and its values; json.go the DICOM JSON model; charset.go the character sets of PS3.3 C.12.1.1.2; ref.go names a study,
// series or instance.
package dicom
