package dicomweb

import (
	"encoding/base64"
	"strings"

	"github.com/noctis-dicom/noctis/dicom"
	"github.com/noctis-dicom/noctis/dicom/match"
)

// maxOrder bounds the attributes of orderby.
const maxOrder = 8

// addOrder reads one orderby, an extension: a list of attributes, the most important first, each with a hyphen before it where the
// order is to be descending.
func (p *searchParameters) addOrder(list string) error {
	for name := range strings.SplitSeq(list, ",") {
		name, descending := strings.CutPrefix(strings.TrimSpace(name), "-")
		if name == "" && !descending {
			continue
		}
		path, err := match.ParsePath(name)
		switch {
		case err != nil:
			return badRequest("orderby: %v", err)
		case len(path) > 1 || path[0].IsPrivate() || path[0].VR() == dicom.SQ:
			return badRequest("orderby: %s cannot order results: it is private, a sequence, or lies in one", nameOf(path))
		case len(p.order) == maxOrder:
			return badRequest("orderby names more than %d attributes", maxOrder)
		}
		p.order = append(p.order, match.Order{Tag: path[0], Descending: descending})
	}
	return nil
}

// cutRepositoryKeys reads the attributes of a Repository Query (PS3.18 10.6.1.2.4) and returns the other parameters. Record Key
// (0008,041B), as a key or in includefield, asks for the key of each result; Prior Record Key (0008,041C) is that of the last result
// that the client has, as the InlineBinary of the result has it, and empty to begin with; Maximum Number of Records (0008,0429) is
// a limit.
func (p *searchParameters) cutRepositoryKeys(pairs []parameter) (others []parameter, err error) {
	var records []parameter
	for _, pair := range pairs {
		path, err := match.ParsePath(pair.name)
		if err != nil || len(path) > 1 {
			others = append(others, pair)
			continue
		}
		switch path[0] {
		case dicom.RecordKey, dicom.PriorRecordKey, dicom.MaximumNumberOfRecords:
			records = append(records, parameter{path[0].Keyword(), pair.value})
		default:
			others = append(others, pair)
		}
	}
	for i, path := range p.include {
		if path[0] == dicom.RecordKey && len(path) == 1 {
			p.recordKeys = true
			p.include = append(p.include[:i:i], p.include[i+1:]...)
			break
		}
	}
	for _, r := range records {
		p.recordKeys = p.recordKeys || r.name != "MaximumNumberOfRecords"
		if r.name == "RecordKey" && r.value != "" {
			return nil, badRequest("RecordKey is returned, not matched; the key of the last result goes into PriorRecordKey")
		}
	}
	prior, err := single(records, "PriorRecordKey")
	if err != nil {
		return nil, err
	}
	if p.prior, err = decodeBase64(prior); err != nil {
		return nil, badRequest("PriorRecordKey is not base64 (PS3.18 F.2.7)")
	}
	most := -1
	if err := parseCount(records, "MaximumNumberOfRecords", &most); err != nil {
		return nil, err
	}
	if most >= 0 && (p.limit < 0 || most < p.limit) {
		p.limit = most
	}
	return others, nil
}

// decodeBase64 reads both alphabets of RFC 4648, with padding or without. A plus sign may have become a blank on the way.
func decodeBase64(s string) ([]byte, error) {
	s = strings.NewReplacer("-", "+", "_", "/", " ", "+").Replace(strings.TrimRight(s, "="))
	return base64.RawStdEncoding.DecodeString(s)
}
