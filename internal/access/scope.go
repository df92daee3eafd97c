package access

import "github.com/noctis-dicom/noctis/dicom/match"

// Scope is the part of an archive that a principal may see; the zero value is everything. With puts it into the context, and what keeps
// instances, workitems and procedure steps keeps to it there.
type Scope = match.Limits
