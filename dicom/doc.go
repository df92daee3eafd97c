// Package dicom is the vocabulary that the rest of Noctis is written in: tags, value representations, UIDs, data sets, and
// the DICOM JSON model of PS3.18 Annex F. It knows no HTTP, no SQL and no files; it is the bottom of the import law.
//
// All citations in Noctis refer to the 2024e edition of the DICOM standard, except those of PS3.18 chapters 14 and 15, which
// are those of Supplement 246. A citation is spelled "PS3.18 10.5.2" everywhere, so that it can be found and checked.
//
// Where things are: tag.go, vr.go and uid.go hold the small types; dictionary.go and tags_gen.go what PS3.6 says of a tag,
// transfersyntax.go and sopclass.go what it says of UIDs; dataset.go the data set and its values, equal.go when two are the same,
// personname.go the groups of a name, ref.go how a study, series or instance is named. json.go writes the DICOM JSON model,
// jsonread.go reads it with the syntax of jsonscan.go; xml.go and xmlread.go do so for the Native DICOM Model, and valuetext.go is
// what both readers share. charset.go chooses how text is decoded (PS3.3 C.12.1.1.2), codeextension.go obeys escape sequences
// (PS3.5 6.1.2.5), bytecoding.go reads GB18030 and its like.
package dicom
