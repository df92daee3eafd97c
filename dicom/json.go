package dicom

import "errors"

// MarshalJSON writes the DICOM JSON model (PS3.18 F.2).
func (ds *DataSet) MarshalJSON() ([]byte, error) { return ds.AppendJSON(nil) }

// AppendJSON appends the DICOM JSON model of the data set to dst.
func (ds *DataSet) AppendJSON(dst []byte) ([]byte, error) { return dst, errors.New("not built yet") }

// UnmarshalJSON reads the DICOM JSON model (PS3.18 F.2).
func (ds *DataSet) UnmarshalJSON(data []byte) error { return errors.New("not built yet") }
