package match

import "github.com/noctis-dicom/noctis/dicom"

// Condition is one of the matching types of PS3.4 C.2.2.2. The texts in it are those of the query: what is compared are the
// normal forms (Normal, FoldName, NormalDate, NormalTime, NormalDateTime) of them and of the values.
type Condition interface{ isCondition() }

// Universal matches every data set, also one without the attribute (PS3.4 C.2.2.2.3).
type Universal struct{}

// Single matches an attribute one of whose values equals Value (PS3.4 C.2.2.2.1). A date or time of less than full precision
// matches every moment in it.
type Single struct{ Value string }

// UIDList matches an attribute one of whose values is one of the UIDs (PS3.4 C.2.2.2.2).
type UIDList struct{ UIDs []dicom.UID }

// Wildcard matches an attribute one of whose values the pattern covers: "*" stands for any characters or none, "?" for
// exactly one (PS3.4 C.2.2.2.4). There is no escape. ParseKey makes it for AE CS LO LT PN SH ST UC UR UT and private
// attributes only.
type Wildcard struct{ Pattern string }

// Range matches a DA, TM or DT attribute one of whose values lies in the range, both ends included; an empty end is open
// (PS3.4 C.2.2.2.5). An end of less than full precision takes all of it in: a High of "18" ends with 18:59:59.999999. A
// range of times whose ends are in the wrong order matches nothing, because it does not cross midnight.
type Range struct{ Low, High string }

// DateTimeRange matches a date attribute (that of the key) together with its time attribute beside it, as if they were one
// DT value (PS3.4 C.2.2.2.5.4): 1000-1800 on 20060705-20060707 is from 10:00 on the 5th to 18:00 on the 7th. Low and High
// are as in Range, of the form of DT without an offset. A value without a time is at midnight.
type DateTimeRange struct {
	Time      dicom.Tag
	Low, High string
}

// Sequence matches a sequence one of whose items satisfies all keys (PS3.4 C.2.2.2.6); their paths start in the item. A
// sequence that is absent or has no items is taken to have one empty item, so that Universal and Empty hold in it and
// nothing else does.
type Sequence struct{ Keys []Key }

// Empty matches an attribute that is absent or has no value (PS3.4 C.2.2.2.7).
type Empty struct{}

// Multiple matches an attribute that has all of the values, each by Single, in any order and among others (PS3.4 C.2.2.2.8).
type Multiple struct{ Values []string }

// AnyOf matches an attribute for which at least one of the conditions holds. It is how clients mean a list of modalities:
// ModalitiesInStudy=CT,MR is CT or MR, which PS3.18 8.3.4.1 does not provide for.
type AnyOf struct{ Conditions []Condition }

func (Universal) isCondition()     {}
func (Single) isCondition()        {}
func (UIDList) isCondition()       {}
func (Wildcard) isCondition()      {}
func (Range) isCondition()         {}
func (DateTimeRange) isCondition() {}
func (Sequence) isCondition()      {}
func (Empty) isCondition()         {}
func (Multiple) isCondition()      {}
func (AnyOf) isCondition()         {}

// universal reports whether the condition holds for every data set; a pattern of nothing but stars does (PS3.4 C.2.2.2.4
// Note 1).
func universal(c Condition) bool {
	switch c := c.(type) {
	case Universal:
		return true
	case Wildcard:
		return c.Pattern != "" && onlyStars(c.Pattern)
	case AnyOf:
		for _, one := range c.Conditions {
			if universal(one) {
				return true
			}
		}
	}
	return false
}
