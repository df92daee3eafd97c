// Package match is Attribute Matching (PS3.4 C.2.2.2): what a search asks for, and whether a data set is an answer.
//
// It is one concept for searches of studies, series, instances, workitems and scheduled procedure steps. Query.Match is the
// oracle: every index is tested against it on random data (matchtest), and an index that cannot answer a key itself asks it.
//
// ParseKey turns the text of a key into a Condition, Combine joins the keys that belong together, Match evaluates them,
// Project says what of a match is returned. parse.go and combine.go make conditions, condition.go lists them, evaluate.go
// applies them; normal.go, moment.go, name.go and wildcard.go hold the normal forms in which values are compared, which an
// index stores so that it cannot but agree; level.go says which attribute belongs to which level, project.go what an answer
// has.
//
// What the standard leaves to the implementation is decided thus:
//
// Unknown values. An attribute that is absent or empty satisfies Universal and Empty and nothing else (PS3.4 K.2.2.1.1.1, to
// which PS3.18 8.3.4.1 refers). Of several values one must match (PS3.4 C.2.2.3). Bulk data and binary values match nothing
// else, either.
//
// Text. Compared as it is written, with regard to case and accents; padding as PS3.5 6.2 has it for the VR is not
// significant. Wildcards stand for characters, not bytes. Where no wildcard is allowed, it is an ordinary character.
//
// Numbers (IS, DS and the binary VRs). Compared by value: 1, 01 and 1.0 are equal. FL is compared in single precision.
//
// Dates and times. A key of less than full precision takes in the whole period that it names, StudyDate=2006 the whole year;
// a stored value of less than full precision counts as the first moment of its period. A value that is no date lies in no
// range. DT values are compared in Universal Coordinated Time; one without an offset has that of Timezone Offset From UTC of
// its data set (or query), and without that is taken as it stands. With Timezone Offset From UTC in the query, its dates and
// times are on clocks of that zone: those of a data set that has this attribute, too, are moved there, others are taken as
// they stand. Dates without a time are never moved.
//
// Person names (VR PN). Case is ignored, always; Unicode is composed before comparison; spaces around components and
// trailing empty components are not significant. A key without "=" may match any component group, alphabetic, ideographic or
// phonetic; with "=" each group that it gives must match its counterpart. A key must equal the whole group: DOE does not
// match DOE^JOHN, DOE* and DOE^* do. A "*" reaches over component delimiters.
//
// Fuzzy matching (PS3.4 C.2.2.2.1.1, names only). A name matches if it does so without fuzzy, or if every word of the key
// finds a word in any component of any group, in any order, that it is a beginning of, or that sounds alike (Soundex; words
// of at least three Latin letters). Words are compared without case, diacritics, apostrophes and full stops; ß is ss, æ is
// ae, ø is o and so forth; katakana is hiragana, wide letters are narrow. Wildcards work in each word, and on the whole
// group as without fuzzy, but folded.
//
// Private attributes. A key (gggg,eeee) means the element ee in the block of the private creator that the query gives as
// another key, (gggg,00xx)=name with xx the upper half of eeee, wherever that block lies in the data set (PS3.5 7.8.1,
// PS3.18 8.3.4.1). Without a creator the tag is taken literally. A creator as a key matches every data set in which it
// reserved a block of the group. A VR that nobody knows is that of the element; an element of VR UN is compared as text if
// it is printable.
package match
