package dicom

import (
	"fmt"
	"strconv"
)

// Tag is a data element tag: the group number in the upper and the element number in the lower 16 bits, so that the order of
// tags is the order of elements in a data set (PS3.5 7.1).
type Tag uint32

// NewTag joins a group and an element number.
func NewTag(group, element uint16) Tag { return Tag(group)<<16 | Tag(element) }

// Group returns the group number.
func (t Tag) Group() uint16 { return uint16(t >> 16) }

// Element returns the element number.
func (t Tag) Element() uint16 { return uint16(t) }

// IsPrivate reports whether the group number is odd (PS3.5 7.8).
func (t Tag) IsPrivate() bool { return t.Group()&1 == 1 }

// IsPrivateCreator reports whether the tag reserves a block of private elements: (gggg,0010-00FF), gggg odd (PS3.5 7.8.1).
func (t Tag) IsPrivateCreator() bool {
	return t.IsPrivate() && t.Element() >= 0x10 && t.Element() <= 0xFF
}

// PrivateCreator returns the tag of the private creator that reserves the block this private element lies in.
func (t Tag) PrivateCreator() Tag { return NewTag(t.Group(), t.Element()>>8) }

// IsGroupLength reports whether the tag is a group length (gggg,0000).
func (t Tag) IsGroupLength() bool { return t.Element() == 0 }

// String returns eight upper-case hexadecimal digits, as DICOM JSON and URLs spell a tag (PS3.18 F.2.2).
func (t Tag) String() string { return fmt.Sprintf("%08X", uint32(t)) }

// ParseTag reads eight hexadecimal digits of any case.
func ParseTag(s string) (Tag, error) {
	if len(s) != 8 {
		return 0, fmt.Errorf("tag %.20q: want 8 hexadecimal digits", s)
	}
	n, err := strconv.ParseUint(s, 16, 32)
	if err != nil {
		return 0, fmt.Errorf("tag %q: want 8 hexadecimal digits", s)
	}
	return Tag(n), nil
}
